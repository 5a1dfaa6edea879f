//! How much one may do, and what whoever does more is told.

use std::time::Duration;

use futures_util::future::join_all;
use parlor::protocol::code::CloseCode;
use serde_json::json;

use crate::harness::{
    Event, Proof, TestApp, until,
    wire::{PING, PONG, Wire, frame},
};

#[tokio::test]
async fn a_full_server_says_so_and_when_to_come_back() {
    let app = TestApp::with(|config| config.limits.max_connections = 3).await;
    let alice = app.client("alice").await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(app.ws(&alice).ready().await);
    }
    app.ws(&alice).answer().await.refused(503, "overloaded");
    app.anonymous_ws().answer().await.refused(503, "overloaded");
    app.as_user(&alice).me().await.ok(200);
    sockets.pop().unwrap().close().await;
    until(async || app.chat.seats_taken() == 2).await;
    app.ws(&alice).ready().await;
}

/// A storm must not slip through between the look at the number and the count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_does_not_break_the_limit() {
    let app = TestApp::with(|config| {
        config.server.https = false;
        config.limits.max_connections = 5;
    })
    .await;
    let crowd = app.crowd(60).await;
    let answers = join_all(crowd.iter().map(|person| async {
        let mut wire = Wire::connect(app.port, None).await;
        let path = format!("/api/chat/ws?token={}", person.token);
        wire.send(crate::harness::wire::upgrade(&path, "").as_bytes())
            .await;
        let open = wire.head().await.starts_with("HTTP/1.1 101 ");
        (open, wire)
    }))
    .await;
    let open = answers.iter().filter(|(open, _)| *open).count();
    assert_eq!(open, 5);
}

#[tokio::test]
async fn a_user_may_have_so_many_sockets_and_no_more() {
    let app = TestApp::with(|config| config.limits.max_connections_per_user = 2).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let first = app.ws(&alice).ready().await;
    let mut second = app.ws(&alice).ready().await;
    app.ws(&alice)
        .open()
        .await
        .closed_as(CloseCode::TooManyConnections)
        .await;
    app.ws(&bob).ready().await;
    // A new token on the same socket is not one more.
    let frame = json!({"type": "authorization", "token": alice.token});
    second.send(&frame).await;
    second.wait_for("authenticated").await;
    first.close().await;
    until(async || app.chat.sessions_online() <= 2).await;
    until(async || {
        let mut socket = app.ws(&alice).open().await;
        matches!(socket.next().await, Event::Frame(_))
    })
    .await;
}

/// Opening costs the server more than a frame does.
#[tokio::test]
async fn sockets_are_not_opened_without_end() {
    let app = TestApp::with(|config| config.limits.sockets_per_minute = 2).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    for _ in 0..2 {
        app.ws(&alice).ready().await.close().await;
    }
    // A fresh token on an open socket opens none.
    let mut third = app.ws(&bob).ready().await;
    for _ in 0..3 {
        let token = json!({"type": "authorization", "token": bob.token});
        third.send(&token).await;
        third.wait_for("authenticated").await;
    }
    for proof in [Proof::Header, Proof::Frame] {
        let mut more = app.ws(&alice).by(proof).open().await;
        more.closed_as(CloseCode::Flooding).await;
    }
    third.until_pong().await;
    // Of one address four times as many without a token, and twenty times as many with one.
    let mut strangers = 0;
    let refusal = loop {
        let answer = app.anonymous_ws().answer().await;
        if answer.status() != 101 {
            break answer;
        }
        strangers += 1;
    };
    assert!((7..=9).contains(&strangers), "{strangers}");
    assert!(refusal.header("retry-after").is_some(), "{refusal}");
    let told = refusal.header("ratelimit").unwrap_or_default();
    assert!(told.starts_with("\"sockets-of-address\";r=0;t="), "{told}");
    refusal.refused(429, "rate_limited");
    app.ws(&bob).ready().await;
}

/// Whoever comes and goes, in whatever way, must not be counted for ever.
#[tokio::test]
async fn sockets_that_are_gone_are_not_counted() {
    let app = TestApp::with(|config| {
        config.limits.max_connections_per_user = 3;
        config.limits.max_connections = 20;
    })
    .await;
    let alice = app.client("alice").await;
    for round in 0..30 {
        let mut wire = Wire::open(&app).await;
        let json = json!({"type": "authorization", "token": alice.token});
        wire.say(&json).await;
        match round % 3 {
            // Gone before it was let in.
            0 => {}
            1 => drop(wire.try_send(&frame(PING, b"")).await),
            _ => drop(wire.wait_for("authenticated").await),
        }
        drop(wire);
        until(async || app.chat.sessions_online() == 0).await;
    }
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(app.ws(&alice).ready().await);
    }
    assert_eq!(app.api().metric("chat_sessions").await, 3.0);
}

/// One person's share is one share, over however many paths.
#[tokio::test]
async fn messages_are_limited_over_socket_and_rest_together() {
    let app = TestApp::with(|config| config.limits.messages_per_second = 2).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut socket = app.ws(&alice).joined("general").await;
    let mut refused = None;
    for number in 0..40 {
        let frame = json!({
            "type": "message", "room_id": "general", "content": "hello",
            "client_message_id": format!("m-{number}"), "ref": number,
        });
        socket.send(&frame).await;
        let answer = socket
            .wait_until("an answer", |f| f["type"] == "ack" || f["type"] == "error")
            .await;
        assert_eq!(answer["ref"], number);
        if answer["type"] == "error" {
            refused = Some((number, answer));
            break;
        }
    }
    let (number, error) = refused.expect("a limit");
    assert!(number >= 10, "a burst is allowed: {number}");
    assert_eq!(error["code"], "rate_limited");
    assert_eq!(error["client_message_id"], format!("m-{number}"));
    let wait = error["retry_after_ms"].as_u64().unwrap();
    assert!((1..=500).contains(&wait), "{wait}");
    let body = json!({"content": "hello"});
    let answer = app.as_user(&alice).post_message("general", &body).await;
    answer.refused(429, "rate_limited");
    let mut other = app.ws(&alice).joined("random").await;
    let frame = json!({"type": "message", "room_id": "random", "content": "hello"});
    other.send(&frame).await;
    let answer = other
        .wait_until("an answer", |f| f["type"] == "ack" || f["type"] == "error")
        .await;
    assert_eq!(answer["code"], "rate_limited");
    // It is nobody else's.
    app.as_user(&bob).say("general", "hello").await;
    // And it ends.
    until(async || {
        let answer = app.as_user(&alice).post_message("general", &body).await;
        answer.status() == 201
    })
    .await;
}

/// No person types five thousand frames.
#[tokio::test]
async fn a_flood_of_any_frames_closes_the_socket() {
    let app = TestApp::with(|config| config.limits.messages_per_second = 1).await;
    let alice = app.client("alice").await;
    for bytes in [
        frame(PONG, b""),
        frame(PING, b""),
        frame(0x81, b"{\"type\":\"ping\"}"),
    ] {
        let mut wire = Wire::of(&app, &alice.token).await;
        let burst = bytes.repeat(200);
        wire.send(&burst).await;
        wire.say(&json!({"type": "ping", "ref": "burst"})).await;
        while wire.wait_for("pong").await["ref"] != "burst" {}
        let _ = wire.try_send(&bytes.repeat(600)).await;
        wire.closed_as(CloseCode::Flooding).await;
    }
}

#[tokio::test]
async fn whoever_answers_no_ping_is_closed() {
    let app = TestApp::with(|config| config.chat.heartbeat = Duration::from_millis(200)).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut dead = Wire::of(&app, &alice.token).await;
    let mut alive = Wire::of(&app, &bob.token).await;
    let live = async {
        for _ in 0..8 {
            while alive.next().await.unwrap().0 != PING {}
            alive.send(&frame(PONG, b"")).await;
        }
    };
    let ((), ()) = tokio::join!(live, dead.closed_as(CloseCode::NoPong));
    alive.say(&json!({"type": "ping"})).await;
    alive.wait_for("pong").await;
}
