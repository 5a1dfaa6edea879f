//! A fault of ours is no answer to any input: [`Answer`] fails on a 500.
//!
//! [`Answer`]: crate::harness::Answer

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{TestApp, registration};

/// Values that programs trip over.
fn values() -> Vec<Value> {
    let mut values = vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1e308),
        json!(u64::MAX),
        json!([]),
        json!([null, [1]]),
        json!({}),
        json!({"$ne": null}),
    ];
    for text in [
        "",
        " ",
        "\0",
        "a\0b",
        "\u{7f}",
        "\u{feff}",
        "\u{202e}abc",
        "\u{ffff}",
        "\u{10ffff}",
        "e\u{301}\u{301}\u{301}",
        "İ",
        "ß",
        "'; DROP TABLE users; --",
        "%",
        "\\",
        "../../etc/passwd",
        "null",
        "deleted",
        "-1",
        "9999999999999999999999",
        "00000000-0000-0000-0000-000000000000",
        "admin",
    ] {
        values.push(text.into());
    }
    for letter in ["x", "ß", "日", "🍺", "\u{1}"] {
        values.push(letter.repeat(64).into());
        values.push(letter.repeat(2000).into());
    }
    values
}

#[tokio::test]
async fn no_value_of_any_field_is_a_fault_of_ours() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    let alice = app.client("alice").await;
    let own = format!("/api/users/{}", alice.id);
    let room = json!({"id": "room", "name": "Room", "topic": "Topic"});
    let message = json!({"content": "x", "client_message_id": "m"});
    let account = registration("other");
    let profile = json!({
        "username": "alice", "email": "a@parlor.example", "full_name": "A", "phone_number": "123",
        "bio": "b", "avatar_url": "https://parlor.example/", "password": "New-Horse-1",
        "current_password": "x", "role": "client", "active": true,
    });
    let login =
        json!({"username": "a", "email": "a@parlor.example", "password": "x", "cookie": true});
    for (method, path, body) in [
        (Method::POST, "/api/users", &account),
        (Method::POST, "/api/auth/register", &account),
        (Method::POST, "/api/auth/login", &login),
        (
            Method::POST,
            "/api/auth/refresh",
            &json!({"refresh_token": "x"}),
        ),
        (Method::POST, "/api/auth/validate", &json!({"token": "x"})),
        (Method::POST, "/api/chat/rooms", &room),
        (Method::POST, "/api/chat/rooms/general/messages", &message),
        (Method::PATCH, own.as_str(), &profile),
    ] {
        for field in body.as_object().unwrap().keys() {
            for value in values() {
                let mut body = body.clone();
                body[field] = value;
                let api = if path == own {
                    app.as_user(&admin)
                } else {
                    app.as_user(&alice)
                };
                let answer = api.send(method.clone(), path, &body).await;
                assert!(answer.status() < 500, "{field}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn no_value_of_any_query_is_a_fault_of_ours() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    for (path, names) in [
        (
            "/api/users",
            &["page", "limit", "q", "sort", "order", "role", "active"][..],
        ),
        ("/api/users/role/client", &["page", "limit", "q", "sort"]),
        ("/api/chat/rooms", &["limit"]),
        (
            "/api/chat/rooms/general/messages",
            &["before", "after", "limit"],
        ),
    ] {
        for name in names {
            for value in values().iter().filter_map(Value::as_str) {
                let request = api.request(Method::GET, path).query(&[(name, value)]);
                let answer = api.answer(request).await;
                assert!(matches!(answer.status(), 200 | 400 | 403), "{answer}");
            }
        }
    }
}
