//! Joining and leaving, the `ref` of every answer, and frames that are refused.

use parlor::protocol::code::ErrorCode;
use serde_json::{Value, json};

use crate::harness::{TestApp, unique};

#[tokio::test]
async fn a_room_is_joined_left_and_joined_again() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut socket = app.ws(&alice).ready().await;
    let epoch = app.store.epoch().await.unwrap();
    for round in 1..=3 {
        let frame = json!({
            "type": "connect", "room_id": "general", "user_id": alice.id.to_string(), "ref": round,
        });
        let connected = socket.connect(&frame).await;
        assert_eq!(connected["room_id"], "general");
        assert_eq!(connected["head"], round - 1);
        assert_eq!(connected["rev"], round - 1);
        assert_eq!(connected["epoch"], epoch.as_str());
        assert_eq!(connected["online"], 1);
        assert_eq!(connected["resumed"], false);
        assert_eq!(connected["ref"], round);
        let id = socket.publish("general", "hello").await;
        socket.acked(&id).await;
        let frame = json!({"type": "disconnect", "room_id": "general", "ref": "out"});
        socket.send(&frame).await;
        let left = socket.wait_for("disconnected").await;
        assert_eq!(
            (&left["room_id"], &left["ref"]),
            (&json!("general"), &json!("out"))
        );
        let again = socket.refused(&frame, ErrorCode::NotConnected).await;
        assert_eq!(again["ref"], "out");
    }
}

/// What left the room must not be heard, and what is in another room must.
#[tokio::test]
async fn a_socket_hears_the_rooms_that_it_is_in() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut socket = app.ws(&alice).joined("general").await;
    socket.join("random").await;
    app.as_user(&alice).say("random", "one").await;
    assert_eq!(socket.next_message().await.content, "one");
    app.as_user(&alice).say("general", "two").await;
    assert_eq!(socket.next_message().await.content, "two");
    socket.leave("general").await;
    app.as_user(&alice).say("general", "unheard").await;
    app.as_user(&alice).say("random", "three").await;
    assert_eq!(socket.next_message().await.content, "three");
}

#[tokio::test]
async fn what_is_not_the_callers_is_refused() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut socket = app.ws(&alice).joined("general").await;
    let bobs = |kind: &str| json!({"type": kind, "room_id": "general", "user_id": bob.id});
    for kind in ["connect", "disconnect"] {
        socket.refused(&bobs(kind), ErrorCode::Forbidden).await;
    }
    let unknown = json!({"type": "connect", "room_id": "nowhere", "ref": "x"});
    let error = socket.refused(&unknown, ErrorCode::NotFound).await;
    assert_eq!(error["ref"], "x");
    for kind in ["message", "typing", "disconnect"] {
        let frame = json!({
            "type": kind, "room_id": "random", "content": "hello",
            "client_message_id": "m1", "ref": 5,
        });
        let error = socket.refused(&frame, ErrorCode::NotConnected).await;
        assert_eq!(error["ref"], 5);
        let id = (kind == "message").then(|| json!("m1"));
        assert_eq!(error.get("client_message_id"), id.as_ref(), "{kind}");
    }
    // Still in the room that it was in.
    socket.publish("general", "here").await;
    socket.next_message().await;
}

#[tokio::test]
async fn every_direct_answer_carries_the_ref() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let longest = "ä".repeat(64);
    for mark in [
        json!("r"),
        json!(""),
        json!(longest),
        json!(0),
        json!(-7),
        json!(i64::MAX),
    ] {
        let mut socket = app.ws(&alice).ready().await;
        for (frame, answer) in [
            (
                json!({"type": "authorization", "token": alice.token}),
                "authenticated",
            ),
            (json!({"type": "ping"}), "pong"),
            (
                json!({"type": "connect", "room_id": "general"}),
                "connected",
            ),
            (
                json!({"type": "message", "room_id": "general", "content": "hello"}),
                "ack",
            ),
            (
                json!({"type": "message", "room_id": "general", "content": ""}),
                "error",
            ),
            (json!({"type": "message", "room_id": 5}), "error"),
            (json!({"type": "dance"}), "error"),
            (json!({"no": "type"}), "error"),
            (
                json!({"type": "disconnect", "room_id": "general"}),
                "disconnected",
            ),
        ] {
            let mut frame = frame;
            frame["ref"] = mark.clone();
            socket.send(&frame).await;
            let answer = socket.wait_for(answer).await;
            assert_eq!(answer["ref"], mark, "{frame}");
        }
    }
}

/// A `ref` is for the client to know an answer by; it must not make the server repeat a novel.
#[tokio::test]
async fn a_ref_that_is_none_is_not_echoed() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut socket = app.ws(&alice).joined("general").await;
    let long = "x".repeat(65);
    for frame in [
        json!({"type": "ping", "ref": long}),
        json!({"type": "ping", "ref": null}),
        json!({"type": "dance", "ref": long}),
        json!({"type": "typing", "room_id": 5, "ref": long}),
        json!({"type": "ping", "ref": {"a": 1}}),
        json!({"type": "ping", "ref": 1.5}),
        json!({"type": "ping", "ref": u64::MAX}),
        json!({"type": "ping", "ref": true}),
    ] {
        socket.send(&frame).await;
        let answer = socket
            .wait_until("an answer", |f| f["type"] == "pong" || f["type"] == "error")
            .await;
        assert_eq!(answer.get("ref"), None, "{frame}");
    }
}

#[tokio::test]
async fn frames_that_make_no_sense_are_refused_one_by_one() {
    use ErrorCode::{InvalidContent, InvalidFrame, UnknownType};

    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut socket = app.ws(&alice).joined("general").await;
    let message =
        |content: Value| json!({"type": "message", "room_id": "general", "content": content});
    let with_id = |id: Value| json!({"type": "message", "room_id": "general", "content": "x", "client_message_id": id});
    for (frame, code) in [
        (json!({}), InvalidFrame),
        (json!({"type": 5}), InvalidFrame),
        (json!({"type": "dance"}), UnknownType),
        (json!({"type": "Message"}), UnknownType),
        (json!({"type": "authorization"}), InvalidFrame),
        (json!({"type": "connect"}), InvalidFrame),
        (
            json!({"type": "connect", "room_id": "No Room"}),
            InvalidFrame,
        ),
        (
            json!({"type": "connect", "room_id": "general", "user_id": "me"}),
            InvalidFrame,
        ),
        (
            json!({"type": "connect", "room_id": "general", "after": -1}),
            InvalidFrame,
        ),
        (
            json!({"type": "connect", "room_id": "general", "after": "1"}),
            InvalidFrame,
        ),
        (
            json!({"type": "connect", "room_id": "general", "after": 1.5}),
            InvalidFrame,
        ),
        (
            json!({"type": "message", "room_id": "general"}),
            InvalidFrame,
        ),
        (message(json!(5)), InvalidFrame),
        (message(json!("")), InvalidContent),
        (message(json!(" \n\t ")), InvalidContent),
        (message(json!("a\u{0}b")), InvalidContent),
        (message(json!("a\u{7f}b")), InvalidContent),
        (message(json!("ä".repeat(4001))), InvalidContent),
        (with_id(json!("")), InvalidFrame),
        (with_id(json!("x".repeat(65))), InvalidFrame),
        (with_id(json!("a\nb")), InvalidFrame),
    ] {
        socket.refused(&frame, code).await;
    }
    socket.send(&message(json!("ä\n\t".repeat(1333)))).await;
    socket.wait_for("ack").await;
    let id = unique("m");
    socket.send(&with_id(json!(id))).await;
    socket.acked(&id).await;
}

#[tokio::test]
async fn an_address_with_a_room_joins_it_at_once() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    for content in ["one", "two", "three"] {
        app.as_user(&alice).say("help", content).await;
    }
    let epoch = app.store.epoch().await.unwrap();
    let path = format!("/ws/help?after=1&epoch={epoch}&token={}", alice.token);
    let mut socket = app.anonymous_ws().path(&path).ready().await;
    assert_eq!(socket.wait_for("connected").await["resumed"], true);
    assert_eq!(socket.next_message().await.content, "two");
    assert_eq!(socket.next_message().await.content, "three");

    // Without a token the room waits for the first frame.
    let mut socket = app.anonymous_ws().path("/ws/help").open().await;
    assert!(socket.until_pong().await.is_empty());
    let frame = json!({"type": "authorization", "token": alice.token});
    socket.send(&frame).await;
    assert_eq!(socket.wait_for("connected").await["resumed"], false);

    let mut socket = app.ws(&alice).path("/ws/nowhere").ready().await;
    assert_eq!(socket.wait_for("error").await["code"], "not_found");
    socket.join("help").await;
    for (path, status) in [
        ("/ws/Not_A_Room", 404),
        ("/ws/", 404),
        ("/ws/help/more", 404),
        ("/ws/help?after=-1", 400),
        ("/ws/help?after=x", 400),
    ] {
        let answer = app.ws(&alice).path(path).answer().await;
        assert_eq!(answer.status(), status, "{answer}");
    }
}
