//! Whose socket it is: the four ways to say so, and what becomes of those who cannot.

use std::time::Duration;

use parlor::protocol::code::{CloseCode, ErrorCode};
use reqwest::header::SEC_WEBSOCKET_PROTOCOL;
use serde_json::json;

use crate::harness::{Proof, TestApp};

#[tokio::test]
async fn a_token_may_come_in_four_ways() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    for path in ["/api/chat/ws", "/api/ws/chat"] {
        for proof in [
            Proof::Header,
            Proof::Query,
            Proof::Subprotocol,
            Proof::Frame,
        ] {
            let mut socket = app.ws(&alice).path(path).by(proof).open().await;
            let frame = socket.wait_for("authenticated").await;
            assert_eq!(frame["user_id"], alice.id.to_string(), "{proof:?}");
            assert_eq!(frame["protocol"], 1);
            assert_eq!(frame["heartbeat_seconds"], 30);
            let id = frame["session_id"].as_str().unwrap();
            assert!(id.parse::<uuid::Uuid>().is_ok());
            let limits = &frame["limits"];
            assert_eq!(limits["frame_bytes"], 64 * 1024);
            assert_eq!(limits["content_chars"], 4000);
            assert_eq!(frame.get("ref"), None);
        }
    }
}

/// A token in an answer would stand in logs of proxies.
#[tokio::test]
async fn the_server_selects_its_protocol_and_never_a_token() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let answer = app.ws(&alice).by(Proof::Subprotocol).answer().await;
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.header("sec-websocket-protocol"), Some("parlor.v1"));
    assert!(!format!("{answer:?}").contains(&alice.token), "{answer}");

    let bearer = format!("bearer.{}", alice.token);
    let alone = app
        .anonymous_ws()
        .header(SEC_WEBSOCKET_PROTOCOL, &bearer)
        .answer()
        .await;
    alone.refused(400, "bad_request");
}

#[tokio::test]
async fn a_bad_token_is_refused_before_the_socket_is_open() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let expired = app.token_for(&alice, Duration::ZERO).await;
    let mut forged = alice.token.clone();
    forged.truncate(forged.len() - 4);
    for token in ["", "nonsense", &forged, &expired] {
        for proof in [Proof::Header, Proof::Query, Proof::Subprotocol] {
            let answer = app.anonymous_ws().token(token).by(proof).answer().await;
            answer.refused(401, "unauthenticated");
        }
    }
    assert_eq!(app.chat.sessions_online(), 0);
}

#[tokio::test]
async fn a_bad_token_in_a_frame_closes_the_socket() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let expired = app.token_for(&alice, Duration::ZERO).await;
    for (token, code) in [
        ("nonsense", CloseCode::BadToken),
        (&expired, CloseCode::TokenExpired),
    ] {
        let opening = app.anonymous_ws().token(token).by(Proof::Frame);
        opening.open().await.closed_as(code).await;
    }
}

/// Who has not said who he is may ask for the time, and nothing else.
#[tokio::test]
async fn nothing_is_done_for_nobody() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut socket = app.anonymous_ws().open().await;
    for frame in [
        json!({"type": "connect", "room_id": "general", "ref": 1}),
        json!({"type": "message", "room_id": "general", "content": "hello", "ref": 2}),
        json!({"type": "typing", "room_id": "general", "ref": 3}),
        json!({"type": "disconnect", "room_id": "general", "ref": 4}),
    ] {
        let error = socket.refused(&frame, ErrorCode::Unauthenticated).await;
        assert_eq!(error["ref"], frame["ref"]);
    }
    assert!(socket.until_pong().await.is_empty());
    let frame = json!({"type": "authorization", "token": alice.token, "ref": "in"});
    socket.send(&frame).await;
    assert_eq!(socket.wait_for("authenticated").await["ref"], "in");
    socket.join("general").await;
}

#[tokio::test]
async fn a_socket_without_a_token_is_closed_in_time() {
    let app = TestApp::with(|config| config.chat.authorize = Duration::from_millis(200)).await;
    let alice = app.client("alice").await;
    let mut known = app.ws(&alice).ready().await;
    let mut socket = app.anonymous_ws().open().await;
    socket.until_pong().await;
    socket.closed_as(CloseCode::AuthorizationTimeout).await;
    known.until_pong().await;
}

#[tokio::test]
async fn a_token_that_ends_is_announced_and_closes_the_socket() {
    let app = TestApp::with(|config| config.chat.expiry_warning = Duration::from_secs(1)).await;
    let alice = app.client("alice").await;
    let short = app.token_for(&alice, Duration::from_secs(2)).await;
    let mut socket = app.anonymous_ws().token(&short).joined("general").await;
    let warning = socket.wait_for("error").await;
    assert_eq!(warning["code"], "token_expiring");
    socket.closed_as(CloseCode::TokenExpired).await;
}

#[tokio::test]
async fn a_fresh_token_keeps_the_socket_open() {
    let app = TestApp::with(|config| config.chat.expiry_warning = Duration::from_millis(500)).await;
    let alice = app.client("alice").await;
    let short = app.token_for(&alice, Duration::from_secs(2)).await;
    let mut refreshed = app.anonymous_ws().token(&short).joined("general").await;
    let mut stale = app.anonymous_ws().token(&short).joined("general").await;
    refreshed.wait_for("error").await;
    let fresh = app.token_for(&alice, Duration::from_secs(60)).await;
    let frame = json!({"type": "authorization", "token": fresh, "ref": 9});
    refreshed.send(&frame).await;
    let answer = refreshed.wait_for("authenticated").await;
    assert_eq!(answer["ref"], 9);
    stale.closed_as(CloseCode::TokenExpired).await;

    // The room is still joined.
    refreshed.publish("general", "still here").await;
    assert_eq!(refreshed.next_message().await.content, "still here");
}

/// A socket stays whose it is, whatever is tried on it later.
#[tokio::test]
async fn a_later_token_must_be_valid_and_of_the_same_user() {
    let app = TestApp::spawn().await;
    let (alice, mallory) = (app.client("alice").await, app.client("mallory").await);
    let mut socket = app.ws(&alice).joined("general").await;
    let expired = app.token_for(&alice, Duration::ZERO).await;
    for token in [mallory.token.as_str(), "nonsense", &expired] {
        let frame = json!({"type": "authorization", "token": token, "ref": "again"});
        let error = socket.refused(&frame, ErrorCode::Unauthenticated).await;
        assert_eq!(error["ref"], "again");
    }
    socket.publish("general", "mine").await;
    assert_eq!(socket.next_message().await.sender_id, alice.id.to_string());

    // Another login of the same user is welcome.
    let again = app.sign_in(&alice.email, &alice.password).await;
    let frame = json!({"type": "authorization", "token": again.token});
    socket.send(&frame).await;
    socket.wait_for("authenticated").await;
}
