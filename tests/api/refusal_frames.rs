//! Every door of the socket that refuses: the upgrade, and each frame.

use std::time::Duration;

use parlor::protocol::code::{CloseCode, ErrorCode};
use reqwest::header::{AUTHORIZATION, ORIGIN};
use serde_json::{Value, json};

use crate::{
    api_tokens::token,
    harness::{Opening, Proof, TestApp, until},
    refusal_doors::{Log, SOON},
};

#[tokio::test]
async fn a_refused_upgrade_is_told() {
    let app = TestApp::with(|config| {
        config.audit.sum_refusals = SOON;
        config.limits.sockets_per_minute = 2;
    })
    .await;
    let alice = app.client("alice").await;
    let expired = app.token_for(&alice, Duration::ZERO).await;
    let mut log = Log::of(&app).await;
    let place = "GET /api/chat/ws";
    let evil = app.ws(&alice).header(ORIGIN, "https://evil.example");
    let basic = app.anonymous_ws().header(AUTHORIZATION, "Basic x");
    let room = app.anonymous_ws().path("/ws/general").token("x.y.z");
    let doors: [(Opening, u16, &str, &str); 5] = [
        (app.anonymous_ws().token("x.y.z"), 401, "bad_token", place),
        (
            app.anonymous_ws().token(&expired),
            401,
            "expired_token",
            place,
        ),
        (evil, 403, "forbidden", place),
        (basic, 401, "bad_token", place),
        (room, 401, "bad_token", "GET /ws/{room_id}"),
    ];
    for (opening, status, kind, place) in doors {
        let answer = opening.answer().await;
        assert_eq!(answer.status(), status, "{kind}: {answer}");
        log.tells(kind, place, None).await;
    }
    let mut answer = app.anonymous_ws().answer().await;
    while answer.status() == 101 {
        answer = app.anonymous_ws().answer().await;
    }
    answer.refused(429, "rate_limited");
    log.tells("rate_limited", place, None).await;
}

#[tokio::test]
async fn what_a_socket_refuses_is_told_frame_by_frame() {
    let app = TestApp::with(|config| {
        config.audit.sum_refusals = SOON;
        config.limits.messages_per_second = 1;
        config.limits.max_connections_per_user = 3;
    })
    .await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let expired = app.token_for(&alice, Duration::ZERO).await;
    let api = app.as_user(&bob);
    let (reader, _) = token(&api, &["messages.read"]).await;
    let (writer, _) = token(&api, &["messages.send"]).await;
    let mut log = Log::of(&app).await;

    for (text, code, kind) in [
        ("x.y.z", CloseCode::BadToken, "bad_token"),
        (&*expired, CloseCode::TokenExpired, "expired_token"),
    ] {
        let shown = app.anonymous_ws().token(text).by(Proof::Frame);
        shown.open().await.closed_as(code).await;
        log.tells(kind, "socket authorization", None).await;
    }
    let mut stranger = app.anonymous_ws().open().await;
    let message = json!({"type": "message", "room_id": "general", "content": "x"});
    let typing = json!({"type": "typing", "room_id": "general"});
    let connect = json!({"type": "connect", "room_id": "general"});
    stranger.refused(&message, ErrorCode::Unauthenticated).await;
    log.tells("no_token", "socket", None).await;

    // Tokens of bob's that may only read, and only write.
    let mut reading = app.anonymous_ws().token(&reader).joined("general").await;
    let mut writing = app.anonymous_ws().token(&writer).ready().await;
    let mut own = app.ws(&bob).joined("general").await;
    reading.refused(&message, ErrorCode::Forbidden).await;
    log.tells("forbidden", "socket message", Some(&bob)).await;
    reading.refused(&typing, ErrorCode::Forbidden).await;
    log.tells("forbidden", "socket typing", Some(&bob)).await;
    writing.refused(&connect, ErrorCode::Forbidden).await;
    log.tells("forbidden", "socket connect", Some(&bob)).await;
    for kind in ["connect", "disconnect"] {
        let frame = json!({"type": kind, "room_id": "general", "user_id": alice.id});
        own.refused(&frame, ErrorCode::Forbidden).await;
        let place = format!("socket {kind}");
        log.tells("forbidden", &place, Some(&bob)).await;
    }
    app.ws(&bob)
        .open()
        .await
        .closed_as(CloseCode::TooManyConnections)
        .await;
    log.tells("too_many_sockets", "socket authorization", Some(&bob))
        .await;

    let refused = async || {
        own.send(&message).await;
        let answered = |frame: &Value| matches!(frame["type"].as_str(), Some("ack" | "error"));
        let answer = own.wait_until("an answer", answered).await;
        answer["code"] == "rate_limited"
    };
    until(refused).await;
    log.tells("rate_limited", "socket message", Some(&bob))
        .await;
    // More frames than anybody can mean.
    let mut flood = app.ws(&alice).ready().await;
    while flood.offer(&json!({"type": "ping"})).await {}
    log.tells("flooding", "socket", Some(&alice)).await;
}

/// What is dropped without a word is a refusal, too.
#[tokio::test]
async fn too_many_joins_and_too_much_typing_are_told() {
    let app = TestApp::with(|config| {
        config.audit.sum_refusals = SOON;
        config.limits.joins_per_minute = 2;
        config.limits.typing_per_second = 1;
        config.limits.typing = Duration::ZERO;
        config.chat.authorize = Duration::from_secs(1);
    })
    .await;
    let alice = app.client("alice").await;
    let mut log = Log::of(&app).await;
    let mut socket = app.ws(&alice).joined("general").await;
    socket.join("help").await;
    let third = json!({"type": "connect", "room_id": "random"});
    socket.refused(&third, ErrorCode::RateLimited).await;
    log.tells("rate_limited", "socket connect", Some(&alice))
        .await;
    for _ in 0..20 {
        let typing = json!({"type": "typing", "room_id": "general"});
        socket.send(&typing).await;
    }
    log.tells("rate_limited", "socket typing", Some(&alice))
        .await;
    socket.until_pong().await;
    drop(socket);

    let mut silent = app.anonymous_ws().open().await;
    silent.closed_as(CloseCode::AuthorizationTimeout).await;
    until(async || {
        let api = &log.admin;
        let found = api.get("/api/audit?act=refusal.no_token").await.ok(200);
        found["data"][0]["details"]["places"] == json!(["socket authorization"])
    })
    .await;
}
