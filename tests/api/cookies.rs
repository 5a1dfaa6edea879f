//! A browser's login: the refresh token in a cookie that no script can read.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::harness::{Answer, PASSWORD, Person, TestApp, registration};

const NAME: &str = "__Secure-parlor_refresh";
const ORIGIN: &str = "https://chat.parlor.example";

async fn app() -> TestApp {
    TestApp::with(|config| config.server.public_url = Some(ORIGIN.parse().unwrap())).await
}

/// The cookie's value and its attributes in lower case.
fn cookie(answer: &Answer) -> (String, Vec<String>) {
    let header = answer
        .header("set-cookie")
        .unwrap_or_else(|| panic!("no cookie: {answer}"));
    let mut parts = header.split(';').map(str::trim);
    let value = parts
        .next()
        .unwrap()
        .strip_prefix(NAME)
        .unwrap()
        .strip_prefix('=')
        .unwrap();
    (value.to_owned(), parts.map(str::to_lowercase).collect())
}

async fn send(app: &TestApp, path: &str, cookie: Option<&str>, headers: &[(&str, &str)]) -> Answer {
    let api = app.api();
    let mut request = api.request(Method::POST, path);
    if let Some(value) = cookie {
        request = request.header(header::COOKIE, format!("other=1; {NAME}={value}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.answer(request).await
}

const OWN: [(&str, &str); 2] = [("x-parlor", "1"), ("origin", ORIGIN)];

#[tokio::test]
async fn a_browser_gets_its_refresh_token_in_a_cookie_alone() {
    let app = app().await;
    let mut body = registration("alice");
    body["cookie"] = true.into();
    let registered = app.api().register(&body).await;
    assert_eq!(registered.status(), 201, "{registered}");
    let login = json!({"username": "alice", "password": PASSWORD, "cookie": true});
    let signed_in = app.api().login(&login).await;
    assert_eq!(signed_in.status(), 200, "{signed_in}");
    for answer in [registered, signed_in] {
        let (value, attributes) = cookie(&answer);
        assert!(value.len() > 20);
        for expected in ["httponly", "secure", "samesite=strict", "path=/api/auth"] {
            assert!(
                attributes.iter().any(|a| a == expected),
                "{expected}: {answer}"
            );
        }
        let body = answer.json();
        assert_eq!(
            body.get("refresh_token").unwrap_or(&Value::Null),
            &Value::Null
        );
        assert!(!answer.text().contains(&value), "the body does not hold it");
        let person = Person::from_login(&body, PASSWORD);
        app.as_user(&person).me().await.ok(200);
    }
}

#[tokio::test]
async fn a_program_gets_no_cookie() {
    let app = app().await;
    let answer = app.api().register(&registration("alice")).await;
    assert_eq!(answer.header("set-cookie"), None);
    assert!(answer.json()["refresh_token"].is_string());
}

/// A page of another origin can make a browser send the cookie, but not set a header.
#[tokio::test]
async fn the_cookie_counts_with_our_header_and_origin_alone() {
    let app = app().await;
    let mut body = registration("alice");
    body["cookie"] = true.into();
    let (value, _) = cookie(&app.api().register(&body).await);

    for headers in [
        &[][..],
        &[("origin", ORIGIN)],
        &[("x-parlor", "1")],
        &[("x-parlor", "0"), ("origin", ORIGIN)],
        &[("x-parlor", "1"), ("origin", "https://evil.example")],
        &[("x-parlor", "1"), ("origin", "http://chat.parlor.example")],
        &[
            ("x-parlor", "1"),
            ("origin", "https://chat.parlor.example:8443"),
        ],
        &[("x-parlor", "1"), ("origin", "null")],
    ] {
        for path in ["/api/auth/refresh", "/api/auth/logout"] {
            let answer = send(&app, path, Some(&value), headers).await;
            assert!(
                matches!(answer.status(), 401 | 403),
                "{headers:?}: {answer}"
            );
            assert_eq!(answer.header("set-cookie"), None, "{headers:?}");
        }
    }
    let refreshed = send(&app, "/api/auth/refresh", Some(&value), &OWN).await;
    let (next, _) = cookie(&refreshed);
    assert_ne!(next, value, "it rotates");
    let body = refreshed.ok(200);
    assert_eq!(
        body.get("refresh_token").unwrap_or(&Value::Null),
        &Value::Null
    );
    let alice = Person::from_login(&body, PASSWORD);
    app.as_user(&alice).me().await.ok(200);

    let logout = send(&app, "/api/auth/logout", Some(&next), &OWN).await;
    assert_eq!(logout.status(), 204, "{logout}");
    let (emptied, attributes) = cookie(&logout);
    assert_eq!(emptied, "");
    assert!(attributes.iter().any(|a| a == "max-age=0"), "{logout}");
    app.as_user(&alice)
        .me()
        .await
        .refused(401, "unauthenticated");
    let again = send(&app, "/api/auth/refresh", Some(&next), &OWN).await;
    again.refused(401, "unauthenticated");
    let none = send(&app, "/api/auth/refresh", None, &OWN).await;
    assert!(matches!(none.status(), 400 | 401), "{none}");
}

async fn preflight(app: &TestApp, origin: &str) -> Answer {
    let api = app.api();
    let request = api
        .request(Method::OPTIONS, "/api/users/me")
        .header("origin", origin)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization,x-parlor");
    api.answer(request).await
}

#[tokio::test]
async fn pages_of_other_origins_may_call_if_they_are_allowed() {
    let app = TestApp::with(|config| {
        config.server.cors_origins = vec!["https://friend.example".to_owned()];
    })
    .await;
    let alice = app.client("alice").await;
    let allowed = preflight(&app, "https://friend.example").await;
    assert!(matches!(allowed.status(), 200 | 204), "{allowed}");
    let origin = allowed.header("access-control-allow-origin");
    assert_eq!(origin, Some("https://friend.example"));
    let headers = allowed
        .header("access-control-allow-headers")
        .unwrap_or_default();
    assert!(
        headers.to_lowercase().contains("authorization"),
        "{allowed}"
    );

    let refused = preflight(&app, "https://evil.example").await;
    assert_eq!(
        refused.header("access-control-allow-origin"),
        None,
        "{refused}"
    );
    for (origin, expected) in [
        ("https://friend.example", Some("https://friend.example")),
        ("https://evil.example", None),
    ] {
        let api = app.as_user(&alice);
        let request = api
            .request(Method::GET, "/api/users/me")
            .header("origin", origin);
        let answer = api.answer(request).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            expected,
            "{answer}"
        );
    }
}

/// `*` with credentials would let any page act as whoever is signed in.
#[tokio::test]
async fn everybody_is_never_allowed_credentials() {
    let app = TestApp::with(|config| config.server.cors_origins = vec!["*".to_owned()]).await;
    let allowed = preflight(&app, "https://anybody.example").await;
    assert!(
        allowed.header("access-control-allow-origin").is_some(),
        "{allowed}"
    );
    assert_eq!(
        allowed.header("access-control-allow-credentials"),
        None,
        "{allowed}"
    );
}

#[tokio::test]
async fn nobody_elses_page_may_call_unless_set() {
    let app = TestApp::spawn().await;
    let refused = preflight(&app, "https://evil.example").await;
    assert_eq!(
        refused.header("access-control-allow-origin"),
        None,
        "{refused}"
    );
}
