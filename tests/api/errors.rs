//! Whoever makes an error, it has one shape; that each has it is checked by [`Answer`] itself.
//!
//! [`Answer`]: crate::harness::Answer

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Client, PASSWORD, TestApp};

const JSON: &str = "application/json";

async fn raw(api: &Client, path: &str, kind: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    let mut request = api.request(Method::POST, path).body(body.into());
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    api.answer(request).await
}

#[tokio::test]
async fn unknown_routes_are_not_found() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    for api in [app.api(), app.as_user(&alice)] {
        for path in [
            "/api",
            "/api/",
            "/api/nothing",
            "/api/users/",
            "/index.php",
            "/api//users",
        ] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                api.call(method, path).await.refused(404, "not_found");
            }
        }
    }
}

#[tokio::test]
async fn known_routes_name_their_methods() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let user = format!("/api/users/{}", alice.id);
    for api in [app.api(), app.as_user(&alice)] {
        for (method, path) in [
            (Method::DELETE, "/api/users"),
            (Method::PATCH, "/api/users/me"),
            (Method::POST, &user),
            (Method::GET, "/api/auth/login"),
            (Method::PUT, "/api/auth/refresh"),
            (Method::DELETE, "/api/chat/rooms"),
            (Method::DELETE, "/api/chat/rooms/general/messages"),
            (Method::POST, "/health"),
            (Method::POST, "/metrics"),
            (Method::POST, "/health/live"),
            (Method::from_bytes(b"BREW").unwrap(), "/api/users"),
        ] {
            let answer = api.call(method, path).await;
            answer.refused(405, "method_not_allowed");
        }
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_bad_requests() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let deep = "[".repeat(10_000);
    let deep_field = format!("{{\"username\":{}", "[".repeat(5_000));
    for path in [
        "/api/users",
        "/api/auth/register",
        "/api/auth/login",
        "/api/auth/refresh",
        "/api/auth/validate",
        "/api/chat/rooms",
        "/api/chat/rooms/general/messages",
    ] {
        let api = app.as_user(&alice);
        for body in [
            &b""[..],
            b"{",
            b"nonsense",
            b"[]",
            b"null",
            b"7",
            b"\"text\"",
            b"{\"content\": \"\\ud800\", \"username\": \"\\ud800\", \"token\": \"\\ud800\"}",
            b"{\"content\": \"\xff\", \"token\": \"\xff\"}",
            deep.as_bytes(),
            deep_field.as_bytes(),
        ] {
            let answer = raw(&api, path, Some(JSON), body).await;
            let refused = if path == "/api/auth/refresh" {
                400..=401
            } else {
                400..=400
            };
            assert!(refused.contains(&answer.status()), "{body:?}: {answer}");
        }
        for kind in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
        ] {
            let answer = raw(&api, path, kind, "{}").await;
            assert_eq!(answer.status(), 415, "{kind:?}: {answer}");
        }
        let huge = json!({"content": "x".repeat(3_000_000), "token": "x"}).to_string();
        let answer = raw(&api, path, Some(JSON), huge).await;
        assert_eq!(answer.status(), 413, "{answer}");
    }
    let login = json!({"username": "alice", "password": PASSWORD}).to_string();
    let kind = Some("application/json; charset=utf-8");
    raw(&app.api(), "/api/auth/login", kind, login)
        .await
        .ok(200);
}

#[tokio::test]
async fn updates_that_cannot_be_read_are_bad_requests() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let path = format!("/api/users/{}", alice.id);
    for body in [
        json!([]),
        json!("x"),
        json!({"username": 7}),
        json!({"active": "yes"}),
        json!({"role": "boss"}),
    ] {
        for method in [Method::PUT, Method::PATCH] {
            let answer = api.send(method, &path, &body).await;
            assert!(matches!(answer.status(), 400 | 403), "{body}: {answer}");
        }
    }
}

#[tokio::test]
async fn paths_and_queries_that_cannot_be_read_are_refused() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    for path in [
        "/api/users/7",
        "/api/users/not-a-uuid",
        "/api/users/%00",
        "/api/users/%ff%fe",
    ] {
        for method in [Method::GET, Method::DELETE] {
            let answer = api.call(method, path).await;
            assert!(matches!(answer.status(), 400 | 404), "{answer}");
        }
        let answer = api.send(Method::PATCH, path, &json!({})).await;
        assert!(matches!(answer.status(), 400 | 404), "{answer}");
    }
    for query in ["page=1&page=2", "q=%ff", "%ff=1", "=&=&&", "page", "page=%"] {
        let answer = api.list_users(query).await;
        assert!(matches!(answer.status(), 200 | 400), "{answer}");
    }
    let answer = api
        .call(Method::POST, "/api/auth/logout?everywhere=perhaps")
        .await;
    assert_eq!(answer.status(), 400, "{answer}");
    api.me().await.ok(200);
}

/// Headers are input like any other.
#[tokio::test]
async fn odd_headers_are_no_fault_of_ours() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let login = json!({"username": "alice", "password": PASSWORD});
    let api = app.api();
    let long = "x".repeat(4_000);
    for agent in [&b"\xff\xfe"[..], b"", b"caf\xc3\xa9", long.as_bytes()] {
        let agent = reqwest::header::HeaderValue::from_bytes(agent).unwrap();
        let request = api.request(Method::POST, "/api/auth/login").json(&login);
        api.answer(request.header("user-agent", agent))
            .await
            .ok(200);
    }
    let api = app.as_user(&alice);
    for key in [&b"\xff"[..], b"", b"\xc3\xa9", long.as_bytes()] {
        let key = reqwest::header::HeaderValue::from_bytes(key).unwrap();
        let request = api.request(Method::POST, "/api/chat/rooms/general/messages");
        let request = request
            .header("idempotency-key", key)
            .json(&json!({"content": "x"}));
        let answer = api.answer(request).await;
        assert!(matches!(answer.status(), 201 | 400), "{answer}");
    }
    for (name, value) in [
        ("origin", "nonsense"),
        ("content-length", "0"),
        ("cookie", ";;=;"),
        ("x-forwarded-for", "???"),
    ] {
        let request = api
            .request(Method::GET, "/api/users/me")
            .header(name, value);
        let answer = api.answer(request).await;
        assert!(matches!(answer.status(), 200 | 400), "{name}: {answer}");
    }
}

/// A client's own id could collide with another request's, or carry what spoils a log.
#[tokio::test]
async fn request_ids_are_ours_and_differ() {
    let app = TestApp::spawn().await;
    let api = app.api();
    let theirs = "0190a0a0-0000-7000-8000-000000000000";
    let request = api
        .request(Method::GET, "/health/live")
        .header("x-request-id", theirs);
    let first = api.answer(request).await;
    let second = api.get("/health/live").await;
    assert_ne!(first.request_id(), theirs);
    assert_ne!(first.request_id(), second.request_id());
}
