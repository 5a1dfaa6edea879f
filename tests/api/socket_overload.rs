//! More work than the server will queue, and a database that does not answer.

use std::collections::BTreeSet;

use parlor::protocol::code::ErrorCode;
use serde_json::{Value, json};

use crate::harness::{
    TestApp,
    wire::{TEXT, Wire, frame},
};

/// Many sockets of one room at once: whatever is refused is told, and can be tried again.
#[tokio::test]
async fn an_overloaded_room_says_so_and_when_to_come_back() {
    const TALKERS: usize = 60;
    const EACH: usize = 60;

    let app = TestApp::with(|config| config.server.https = false).await;
    let crowd = app.crowd(TALKERS).await;
    let mut wires = Vec::new();
    for person in &crowd {
        let mut wire = Wire::of(&app, &person.token).await;
        wire.say(&json!({"type": "connect", "room_id": "general"}))
            .await;
        wire.wait_for("connected").await;
        wires.push(wire);
    }
    for wire in &mut wires {
        let mut burst = Vec::new();
        for number in 0..EACH {
            let id = format!("m-{number}");
            let json = json!({
                "type": "message", "room_id": "general", "content": "hello",
                "client_message_id": id, "ref": number,
            });
            burst.extend(frame(TEXT, json.to_string().as_bytes()));
        }
        wire.send(&burst).await;
    }
    let (mut stored, mut refused) = (BTreeSet::new(), 0);
    for wire in &mut wires {
        let mut answered = BTreeSet::new();
        while answered.len() < EACH {
            let (_, payload) = wire.next().await.expect("answers");
            let json: Value = serde_json::from_slice(&payload).unwrap();
            match json["type"].as_str() {
                Some("ack") => {
                    assert!(stored.insert(json["seq"].as_i64().unwrap()));
                    assert!(answered.insert(json["ref"].as_i64().unwrap()));
                }
                Some("error") => {
                    assert_eq!(json["code"], "overloaded");
                    assert!(json["retry_after_ms"].as_u64().unwrap() >= 250);
                    assert!(json["client_message_id"].is_string());
                    assert!(answered.insert(json["ref"].as_i64().unwrap()));
                    refused += 1;
                }
                _ => {}
            }
        }
    }
    assert!(
        refused > 0,
        "60 times 32 in flight are more than a room takes"
    );
    let numbers: BTreeSet<i64> = (1..=stored.len() as i64).collect();
    assert_eq!(stored, numbers, "refused ones burn no number");
    let room = app.as_user(&crowd[0]).room("general").await.ok(200);
    assert_eq!(room["head"], stored.len());
}

/// What cannot be stored is not heard; the same again works when the database does.
#[tokio::test]
async fn a_message_that_cannot_be_stored_is_unavailable() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut alices = app.ws(&alice).joined("general").await;
    let mut bobs = app.ws(&bob).joined("general").await;
    let hide = "ALTER TABLE chat_messages RENAME TO hidden_messages";
    app.home.database.execute(hide).await;
    let message = json!({
        "type": "message", "room_id": "general", "content": "hello", "client_message_id": "m-1",
    });
    let error = alices.refused(&message, ErrorCode::Unavailable).await;
    assert_eq!(error["client_message_id"], "m-1");
    assert!(error["retry_after_ms"].as_u64().unwrap() >= 250);
    let body = json!({"content": "hello", "client_message_id": "m-1"});
    let answer = app.as_user(&alice).post_message("general", &body).await;
    answer.refused(503, "unavailable");
    let show = "ALTER TABLE hidden_messages RENAME TO chat_messages";
    app.home.database.execute(show).await;
    alices.publish_as("general", "hello", "m-1").await;
    let ack = alices.acked("m-1").await;
    assert_eq!((&ack["seq"], &ack["duplicate"]), (&json!(1), &json!(false)));
    assert_eq!(bobs.next_message().await.seq, 1);
}

/// Not knowing who it is says nothing about the token: the client is to come again with it.
#[tokio::test]
async fn a_token_that_cannot_be_checked_is_not_a_bad_one() {
    let app = TestApp::spawn().await;
    // Nobody has looked these up yet, so nothing of them is remembered.
    let crowd = app.crowd(2).await;
    let mut socket = app.anonymous_ws().open().await;
    app.store.close().await;
    let answer = app.ws(&crowd[0]).answer().await;
    assert!(answer.header("retry-after").is_some(), "{answer}");
    answer.refused(503, "unavailable");
    let frame = json!({"type": "authorization", "token": crowd[1].token, "ref": "in"});
    let error = socket.refused(&frame, ErrorCode::Unavailable).await;
    assert_eq!(error["ref"], "in");
    assert!(socket.until_pong().await.is_empty(), "it stays open");
}
