//! The shape of every answer, on an application without a database behind it.

mod document;

use actix_web::{
    App,
    body::MessageBody,
    dev::ServiceResponse,
    http::{Method, StatusCode},
    middleware::from_fn,
    test::{TestRequest, call_service, init_service},
    web,
};
use serde_json::Value;
use tracing_actix_web::TracingLogger;

use super::{api, configure, input, middleware};
use crate::metrics::Metrics;

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The error's code, once its shape is the one that all errors have.
    fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).expect(&self.body);
        assert_eq!(body["error"], true);
        assert_eq!(body["status"], self.status);
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        body["code"].as_str().expect("a code").to_owned()
    }
}

async fn read(response: ServiceResponse<impl MessageBody>) -> Answer {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), text(value.as_bytes())));
    Answer {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: text(&actix_web::test::read_body(response).await),
    }
}

async fn answer_counted(request: TestRequest) -> (Answer, String) {
    let metrics = Metrics::new().unwrap();
    let app = App::new()
        .app_data(web::Data::new(metrics.clone()))
        .configure(configure)
        .wrap(middleware::cross_origin(
            &["https://app.example.org".into()],
        ))
        .wrap(from_fn(middleware::finish_answer))
        .wrap(from_fn(middleware::count_request))
        .wrap(TracingLogger::<middleware::RequestSpan>::new());
    let response = call_service(&init_service(app).await, request.to_request()).await;
    let numbers = String::from_utf8(metrics.render().unwrap()).unwrap();
    (read(response).await, numbers)
}

async fn answer(request: TestRequest) -> Answer {
    answer_counted(request).await.0
}

#[actix_web::test]
async fn every_refusal_has_the_one_shape() {
    let login = || TestRequest::post().uri("/api/auth/login");
    let json = ("content-type", "application/json");
    let table = [
        (TestRequest::get().uri("/nowhere"), 404, "not_found"),
        (TestRequest::get().uri("/api/users"), 401, "unauthenticated"),
        (
            TestRequest::delete().uri("/api/users"),
            405,
            "method_not_allowed",
        ),
        (TestRequest::get().uri("/api/chat/ws"), 426, "bad_request"),
        (login(), 415, "unsupported_media_type"),
        (login().set_payload("x=1"), 415, "unsupported_media_type"),
        (login().insert_header(json), 400, "bad_request"),
        (
            login().insert_header(json).set_payload("{"),
            400,
            "bad_request",
        ),
        (
            login().insert_header(json).set_payload(r#""\ud800""#),
            400,
            "bad_request",
        ),
        (
            login().insert_header(json).set_payload(&b"\"\xff\""[..]),
            400,
            "bad_request",
        ),
        (
            login().insert_header(json).set_payload("[".repeat(60_000)),
            400,
            "bad_request",
        ),
        (
            login()
                .insert_header(json)
                .set_payload(" ".repeat(input::MAX_BODY + 1)),
            413,
            "payload_too_large",
        ),
        (
            TestRequest::post()
                .uri("/api/auth/refresh")
                .insert_header(json)
                .set_payload(" ".repeat(input::MAX_BODY + 1)),
            413,
            "payload_too_large",
        ),
    ];
    for (request, status, code) in table {
        let answer = answer(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
    }
}

#[actix_web::test]
async fn a_refusal_says_what_would_do() {
    let wrong_method = answer(TestRequest::delete().uri("/api/users")).await;
    assert_eq!(wrong_method.header("allow"), Some("GET, HEAD, POST"));
    let stranger = answer(TestRequest::get().uri("/api/users/me")).await;
    assert_eq!(stranger.header("www-authenticate"), Some("Bearer"));
    let page = answer(TestRequest::get().uri("/ws/general")).await;
    assert_eq!(page.header("upgrade"), Some("websocket"));
}

#[actix_web::test]
async fn a_body_is_not_repeated_to_whoever_reads_the_log() {
    let request = TestRequest::post()
        .uri("/api/auth/login")
        .insert_header(("content-type", "application/json"))
        .set_payload(r#"{"password": "Secret123" oops"#);
    let answer = answer(request).await;
    assert_eq!(answer.code(), "bad_request");
    assert!(!answer.body.contains("Secret123"));
}

#[actix_web::test]
async fn a_clients_request_id_is_not_taken_over() {
    let request = TestRequest::get()
        .uri("/health/live")
        .insert_header(("x-request-id", "mine"));
    let answer = answer(request).await;
    let id = answer.header("x-request-id").expect("an id");
    let id: uuid::Uuid = id.parse().expect("a UUID");
    assert_eq!((answer.status, id.get_version_num()), (200, 7));
}

#[actix_web::test]
async fn head_is_get_without_the_body() {
    let answer = answer(TestRequest::with_uri("/health/live").method(Method::HEAD)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[actix_web::test]
async fn numbers_name_routes_and_never_what_a_client_wrote() {
    let table = [
        ("/api/users/me", "GET", "/api/users/me", 401),
        (
            "/api/users/role/admin",
            "GET",
            "/api/users/role/{role}",
            401,
        ),
        ("/api/users/7?token=secret", "GET", "/api/users/{id}", 401),
        (
            "/api/chat/rooms/general/messages",
            "GET",
            "/api/chat/rooms/{room_id}/messages",
            401,
        ),
        ("/made/up", "GET", "unmatched", 404),
        ("/made/up", "other", "unmatched", 404),
    ];
    for (address, method, path, status) in table {
        let name = if method == "other" { "BREW" } else { method };
        let method_name = Method::from_bytes(name.as_bytes()).unwrap();
        let request = TestRequest::with_uri(address).method(method_name);
        let (_, numbers) = answer_counted(request).await;
        let line = format!(
            r#"api_http_requests_total{{method="{method}",path="{path}",status="{status}"}} 1"#
        );
        assert!(numbers.contains(&line), "{line} is not in\n{numbers}");
        assert!(!numbers.contains("secret") && !numbers.contains("BREW"));
    }
}

#[actix_web::test]
async fn a_page_of_another_origin_gets_what_the_operator_allows() {
    let preflight = |origin: &'static str| {
        TestRequest::with_uri("/api/auth/login")
            .method(Method::OPTIONS)
            .insert_header(("origin", origin))
            .insert_header(("access-control-request-method", "POST"))
            .insert_header(("access-control-request-headers", "content-type,x-parlor"))
    };
    let allowed = answer(preflight("https://app.example.org")).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        Some("https://app.example.org")
    );
    assert_eq!(
        allowed.header("access-control-allow-credentials"),
        Some("true")
    );
    let refused = answer(preflight("https://evil.example.org")).await;
    assert_eq!(refused.header("access-control-allow-origin"), None);
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (400, "bad_request")
    );
}
