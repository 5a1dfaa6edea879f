//! The door: which requests become sockets, and what the others are told.

use reqwest::header::{HeaderMap, HeaderName, ORIGIN};
use serde_json::json;

use crate::harness::{
    Answer, TestApp, contract,
    wire::{TEXT, Wire, frame, upgrade},
};

async fn plain() -> TestApp {
    TestApp::with(|config| config.server.https = false).await
}

/// Sends a request and reads to the end of the connection.
async fn refused(app: &TestApp, request: &str) -> Answer {
    let mut wire = Wire::connect(app.port, None).await;
    wire.send(request.as_bytes()).await;
    let text = wire.rest().await;
    let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
    let mut lines = head.lines();
    let first = lines.next().and_then(|line| line.split(' ').nth(1));
    let status: u16 = first.and_then(|text| text.parse().ok()).expect("a status");
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a header");
        let name: HeaderName = name.parse().expect("its name");
        headers.append(name, value.parse().expect("its value"));
    }
    assert_eq!(headers["connection"], "close", "{text}");
    assert_eq!(headers["content-length"], body.len().to_string(), "{text}");
    let what = request.lines().next().unwrap_or_default().to_owned();
    let answer = Answer::new(what, status, headers, body.to_owned().into());
    contract::refused(&answer);
    answer
}

#[tokio::test]
async fn what_is_no_handshake_is_refused_and_ends_its_connection() {
    let app = plain().await;
    let good = upgrade("/api/chat/ws", "");
    let without = |line: &str| {
        let kept = good
            .split_inclusive("\r\n")
            .filter(|l| !l.starts_with(line));
        kept.collect::<String>()
    };
    for (request, status, code) in [
        (good.replacen("GET", "POST", 1), 405, "method_not_allowed"),
        (good.replacen("GET", "DELETE", 1), 405, "method_not_allowed"),
        (good.replacen("GET", "BREW", 1), 405, "method_not_allowed"),
        (
            "CONNECT /api/chat/ws HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            405,
            "method_not_allowed",
        ),
        (
            "CONNECT example.org:443 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            404,
            "not_found",
        ),
        (without("Sec-WebSocket-Key"), 400, "bad_request"),
        (without("Sec-WebSocket-Version"), 400, "bad_request"),
        (
            good.replace("Version: 13", "Version: 8"),
            400,
            "bad_request",
        ),
        (
            good.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="),
            400,
            "bad_request",
        ),
        (
            good.replace("dGhlIHNhbXBsZSBub25jZQ==", "no base64 at all, is it?"),
            400,
            "bad_request",
        ),
        (upgrade("/nowhere", ""), 404, "not_found"),
        (upgrade("/api/users", ""), 404, "not_found"),
        (upgrade("/ws/general/x", ""), 404, "not_found"),
        (
            upgrade("/api/chat/ws", "Authorization: Bearer nonsense\r\n"),
            401,
            "unauthenticated",
        ),
        (
            upgrade("/api/chat/ws", "Authorization: Basic YTpi\r\n"),
            401,
            "unauthenticated",
        ),
        (
            upgrade("/api/chat/ws?token=nonsense", ""),
            401,
            "unauthenticated",
        ),
        (
            upgrade("/api/chat/ws", "Sec-WebSocket-Protocol: bearer.x\r\n"),
            400,
            "bad_request",
        ),
    ] {
        let answer = refused(&app, &request).await;
        if status == 405 {
            assert_eq!(answer.header("allow"), Some("GET"));
        }
        answer.refused(status, code);
    }
    app.api().get("/health/live").await.ok(200);
}

/// It is not a socket's handshake, so the routes answer it as if nothing had been asked.
#[tokio::test]
async fn an_upgrade_to_something_else_is_not_taken() {
    let app = plain().await;
    let mut wire = Wire::connect(app.port, None).await;
    let request = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                   Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    wire.send(request.as_bytes()).await;
    let head = wire.head().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");

    let mut wire = Wire::connect(app.port, None).await;
    let request = request.replace("/health/live", "/api/chat/ws");
    wire.send(request.as_bytes()).await;
    let head = wire.head().await;
    assert!(head.starts_with("HTTP/1.1 4"), "{head}");
}

#[tokio::test]
async fn frames_right_behind_the_request_are_not_lost() {
    let app = plain().await;
    let alice = app.client("alice").await;
    let mut wire = Wire::connect(app.port, None).await;
    let mut bytes = upgrade("/api/chat/ws", "").into_bytes();
    for json in [
        json!({"type": "authorization", "token": alice.token}),
        json!({"type": "connect", "room_id": "general"}),
        json!({"type": "message", "room_id": "general", "content": "x".repeat(4000)}),
        json!({"type": "ping", "ref": "last"}),
    ] {
        bytes.extend(frame(TEXT, json.to_string().as_bytes()));
    }
    wire.send(&bytes).await;
    let head = wire.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        "{head}"
    );
    assert!(head.contains("x-request-id: "), "{head}");
    wire.wait_for("authenticated").await;
    // The pong is the session's, the rest comes by way of the room: it may overtake them.
    let mut kinds = Vec::new();
    while kinds.len() < 4 {
        let (_, payload) = wire.next().await.unwrap();
        let json: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let kind = json["type"].as_str().unwrap_or_default().to_owned();
        if kind != "user_joined" {
            kinds.push(kind);
        }
    }
    let place = |kind: &str| kinds.iter().position(|k| k == kind);
    assert!(place("connected") < place("message"), "{kinds:?}");
    kinds.sort();
    assert_eq!(kinds, ["ack", "connected", "message", "pong"]);
}

/// Requests before the upgrade on the same connection are answered first.
#[tokio::test]
async fn an_upgrade_may_follow_other_requests() {
    let app = plain().await;
    let mut wire = Wire::connect(app.port, None).await;
    let request = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let ping = frame(TEXT, br#"{"type":"ping"}"#);
    let bytes = [
        request.as_bytes(),
        upgrade("/api/chat/ws", "").as_bytes(),
        &ping,
    ]
    .concat();
    wire.send(&bytes).await;
    assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
    let head = wire.head().await;
    assert!(head.contains("HTTP/1.1 101 "), "{head}");
    wire.wait_for("pong").await;
}

/// What the server does not speak is not selected, and does no harm.
#[tokio::test]
async fn an_unknown_subprotocol_is_not_selected() {
    let app = plain().await;
    let mut wire = Wire::connect(app.port, None).await;
    let lines = "Sec-WebSocket-Protocol: chat, superchat\r\n\
                 Sec-WebSocket-Extensions: permessage-deflate\r\n";
    wire.send(upgrade("/api/chat/ws", lines).as_bytes()).await;
    let head = wire.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(
        !head.contains("protocol:") && !head.contains("extensions:"),
        "{head}"
    );
}

/// A page of another origin must not speak for the user whose browser shows it.
#[tokio::test]
async fn a_page_of_another_origin_is_refused_unless_allowed() {
    let friend = "https://friend.example";
    let app = TestApp::with(|config| config.server.cors_origins = vec![friend.to_owned()]).await;
    let alice = app.client("alice").await;
    let own = app.url.clone();
    for (origin, status) in [
        (own.as_str(), 101),
        (friend, 101),
        ("https://evil.example", 403),
        ("https://friend.example.evil.example", 403),
        ("http://friend.example", 403),
        ("null", 403),
        ("", 403),
    ] {
        let answer = app.ws(&alice).header(ORIGIN, origin).answer().await;
        if status == 101 {
            assert_eq!(answer.status(), 101, "{answer}");
        } else {
            answer.refused(403, "forbidden");
        }
    }
    let other = TestApp::spawn().await;
    let bob = other.client("bob").await;
    let answer = other.ws(&bob).header(ORIGIN, friend).answer().await;
    answer.refused(403, "forbidden");
}

#[tokio::test]
async fn upgrades_are_counted_like_other_requests() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let socket = app.ws(&alice).path("/ws/general").ready().await;
    app.with_token("nonsense")
        .try_ws()
        .await
        .refused(401, "unauthenticated");
    let api = app.api();
    let count = |path: &str, status: u16| {
        format!(r#"api_http_requests_total{{method="GET",path="{path}",status="{status}"}}"#)
    };
    assert!(api.metric(&count("/ws/{room_id}", 101)).await >= 1.0);
    assert!(api.metric(&count("/api/chat/ws", 401)).await >= 1.0);
    assert!(api.metric("chat_sessions").await >= 1.0);
    drop(socket);
    crate::harness::until(async || app.chat.sessions_online() == 0).await;
}
