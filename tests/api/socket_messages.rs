//! Saying something: who hears it, in which order, and how often.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use parlor::protocol::code::ErrorCode;
use serde_json::{Value, json};

use crate::harness::{
    Event, TestApp,
    wire::{TEXT, Wire, frame},
};

#[tokio::test]
async fn everybody_hears_a_message_and_its_sender_too() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut alices = app.ws(&alice).joined("general").await;
    let mut bobs = app.ws(&bob).joined("general").await;
    let frame = json!({
        "type": "message", "room_id": "general", "content": "hello\n\"<b>\" ä😀",
        "client_message_id": "m-1", "ref": 7,
    });
    alices.send(&frame).await;
    let mut answers = BTreeMap::new();
    while answers.len() < 2 {
        let frame = alices
            .wait_until("ack and message", |f| {
                f["type"] == "ack" || f["type"] == "message"
            })
            .await;
        answers.insert(frame["type"].as_str().unwrap().to_owned(), frame);
    }
    let (ack, own) = (&answers["ack"], &answers["message"]);
    let heard = bobs.wait_for("message").await;
    assert_eq!(own, &heard, "one frame for all");
    assert_eq!(heard["content"], frame["content"]);
    assert_eq!(heard["sender_id"], alice.id.to_string());
    assert_eq!(heard["sender_name"], alice.full_name.as_str());
    let user = json!({"id": alice.id, "username": "alice", "full_name": alice.full_name});
    assert_eq!(heard["user"], user);
    assert_eq!(heard.get("ref"), None);
    for (field, value) in [
        ("client_message_id", json!("m-1")),
        ("room_id", json!("general")),
        ("seq", json!(1)),
        ("rev", json!(1)),
        ("id", heard["id"].clone()),
        ("created_at", heard["created_at"].clone()),
    ] {
        assert_eq!(ack[field], value, "ack: {field}");
        assert_eq!(heard[field], value, "message: {field}");
    }
    assert_eq!((&ack["duplicate"], &ack["ref"]), (&json!(false), &json!(7)));

    // What REST tells is the same message.
    let page = app
        .as_user(&bob)
        .messages("general", "after=0")
        .await
        .ok(200);
    let mut stored = page["data"][0].clone();
    assert_eq!(stored["user_id"], stored["sender_id"]);
    stored.as_object_mut().unwrap().remove("user_id");
    stored["type"] = json!("message");
    assert_eq!(stored, heard);
}

/// Ten sockets talk at once; whoever listens hears the same, numbered without a hole.
#[tokio::test]
async fn everybody_hears_the_same_order() {
    const EACH: usize = 25;

    let app = TestApp::spawn().await;
    let crowd = app.crowd(10).await;
    let mut sockets = Vec::new();
    for person in &crowd {
        sockets.push(app.ws(person).joined("general").await);
    }
    let all = crowd.len() * EACH;
    let talk = sockets
        .into_iter()
        .enumerate()
        .map(|(number, mut socket)| async move {
            for count in 0..EACH {
                socket
                    .publish("general", &format!("{number}-{count}"))
                    .await;
            }
            let (mut log, mut acks) = (Vec::new(), Vec::new());
            while log.len() < all || acks.len() < EACH {
                let frame = socket.next_frame().await;
                match frame["type"].as_str() {
                    Some("message") => log.push((
                        frame["rev"].as_i64().unwrap(),
                        frame["seq"].as_i64().unwrap(),
                        frame["content"].as_str().unwrap().to_owned(),
                    )),
                    Some("ack") => acks.push(frame["seq"].as_i64().unwrap()),
                    Some("error") => panic!("{frame}"),
                    _ => {}
                }
            }
            (number, log, acks)
        });
    let logs = join_all(talk).await;
    let (_, first, _) = &logs[0];
    for (number, log, acks) in &logs {
        assert_eq!(log, first, "all hear the same");
        let own: Vec<_> = log
            .iter()
            .filter(|(_, _, content)| content.starts_with(&format!("{number}-")))
            .collect();
        for (count, (_, seq, content)) in own.iter().enumerate() {
            assert_eq!(
                content,
                &format!("{number}-{count}"),
                "in the order of its sender"
            );
            assert_eq!(acks[count], *seq);
        }
    }
    let numbers: Vec<_> = first.iter().map(|(rev, seq, _)| (*rev, *seq)).collect();
    let expected: Vec<_> = (1..=all as i64).map(|n| (n, n)).collect();
    assert_eq!(numbers, expected);
}

/// A retry on another path must find the first one, or a lost answer makes a double.
#[tokio::test]
async fn a_repeat_is_the_same_message_over_every_path() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut socket = app.ws(&alice).joined("general").await;
    socket.publish_as("general", "hello", "m-1").await;
    let first = socket.acked("m-1").await;
    assert_eq!(first["duplicate"], false);
    for _ in 0..2 {
        socket.publish_as("general", "hello", "m-1").await;
        let again = socket.acked("m-1").await;
        assert_eq!(again["duplicate"], true);
        for field in ["id", "seq", "rev", "created_at"] {
            assert_eq!(again[field], first[field], "{field}");
        }
    }
    let rest = app.as_user(&alice);
    let body = json!({"content": "hello", "client_message_id": "m-1"});
    let again = rest.post_message("general", &body).await.ok(200);
    assert_eq!((&again["id"], &again["seq"]), (&first["id"], &first["seq"]));

    // The same id of another sender is another message.
    let other = app
        .as_user(&bob)
        .post_message("general", &body)
        .await
        .ok(201);
    assert_eq!(other["seq"], 2);
    // Other content, or another room, is a conflict.
    let conflict = |room: &str, content: &str| json!({"type": "message", "room_id": room, "content": content, "client_message_id": "m-1"});
    socket.join("random").await;
    for frame in [conflict("general", "other"), conflict("random", "hello")] {
        let error = socket
            .refused(&frame, ErrorCode::ClientMessageIdConflict)
            .await;
        assert_eq!(error["client_message_id"], "m-1");
    }
    let body = json!({"content": "other", "client_message_id": "m-1"});
    let refused = rest.post_message("general", &body).await;
    refused.refused(409, "client_message_id_conflict");
    let room = rest.room("general").await.ok(200);
    assert_eq!(room["head"], 2);
}

/// All in one batch of the journal, or at least in one write of the client.
#[tokio::test]
async fn repeats_and_conflicts_in_one_burst_make_one_message() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut wire = Wire::of(&app, &alice.token).await;
    wire.say(&json!({"type": "connect", "room_id": "general"}))
        .await;
    wire.wait_for("connected").await;
    let mut burst = Vec::new();
    for number in 0..20 {
        let content = if number % 4 == 3 { "other" } else { "hello" };
        let json = json!({
            "type": "message", "room_id": "general", "content": content,
            "client_message_id": "m-1", "ref": number,
        });
        burst.extend(frame(TEXT, json.to_string().as_bytes()));
    }
    wire.send(&burst).await;
    let (mut messages, mut fresh, mut answered) = (Vec::new(), 0, BTreeSet::new());
    while answered.len() < 20 || messages.is_empty() {
        let (_, payload) = wire.next().await.unwrap();
        let json: Value = serde_json::from_slice(&payload).unwrap();
        match json["type"].as_str() {
            Some("message") => messages.push(json),
            Some("ack") => {
                let number = json["ref"].as_i64().unwrap();
                assert_ne!(number % 4, 3, "{json}");
                assert_eq!(json["seq"], 1);
                fresh += i32::from(json["duplicate"] == false);
                assert!(answered.insert(number));
            }
            Some("error") => {
                let number = json["ref"].as_i64().unwrap();
                assert_eq!(number % 4, 3, "{json}");
                assert_eq!(json["code"], "client_message_id_conflict");
                assert!(answered.insert(number));
            }
            _ => {}
        }
    }
    assert_eq!(fresh, 1, "one is the first");
    wire.say(&json!({"type": "message", "room_id": "general", "content": "after"}))
        .await;
    let next = wire.wait_for("message").await;
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (&next["seq"], &next["content"]),
        (&json!(2), &json!("after"))
    );
}

/// Whichever comes first wins, and the other is told about it, not stored.
#[tokio::test]
async fn the_same_id_over_socket_and_rest_at_once_is_one_message() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let rest = app.as_user(&alice);
    let mut first = app.ws(&alice).joined("general").await;
    let mut second = app.ws(&alice).joined("general").await;
    for round in 0..20 {
        let id = format!("m-{round}");
        let same = round % 2 == 0;
        let content = |path: &str| {
            if same {
                "same".to_owned()
            } else {
                path.to_owned()
            }
        };
        let body = json!({"content": content("rest"), "client_message_id": id});
        let (one, two) = (content("one"), content("two"));
        let ((), (), answer) = tokio::join!(
            first.publish_as("general", &one, &id),
            second.publish_as("general", &two, &id),
            rest.post_message("general", &body),
        );
        let about = |f: &Value| {
            f["client_message_id"] == id.as_str() && (f["type"] == "ack" || f["type"] == "error")
        };
        let one = first.wait_until("an answer", about).await;
        let two = second.wait_until("an answer", about).await;
        let (status, mut three) = (answer.status(), answer.json());
        three["type"] = json!(if status < 300 { "ack" } else { "error" });
        three["duplicate"] = json!(status == 200);
        let answers = [one, two, three];
        let fresh: Vec<_> = answers
            .iter()
            .filter(|a| a["type"] == "ack" && a["duplicate"] == false)
            .collect();
        assert_eq!(fresh.len(), 1, "{answers:?}");
        for answer in &answers {
            if answer["type"] == "ack" {
                assert_eq!(answer["id"], fresh[0]["id"]);
                assert_eq!(answer["seq"], round + 1);
                assert!(same || answer["duplicate"] == false, "{answers:?}");
            } else {
                assert!(!same, "{answers:?}");
                assert_eq!(answer["code"], "client_message_id_conflict");
            }
        }
    }
    let room = rest.room("general").await.ok(200);
    assert_eq!(room["head"], 20);
    let page = rest.messages("general", "after=0").await.ok(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 20);
}

/// An author who goes away leaves what he said, and harms nobody.
#[tokio::test]
async fn messages_of_a_socket_that_is_cut_are_heard_or_never_were() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut bobs = app.ws(&bob).joined("general").await;
    for round in 0..5 {
        let mut socket = app.ws(&alice).joined("general").await;
        for count in 0..10 {
            socket.publish("general", &format!("{round}-{count}")).await;
        }
        drop(socket);
    }
    app.as_user(&bob).say("general", "the end").await;
    let mut expected = 1;
    loop {
        match bobs.next().await {
            Event::Frame(frame) if frame["type"] == "message" => {
                assert_eq!(frame["seq"], expected, "{frame}");
                expected += 1;
                if frame["content"] == "the end" {
                    break;
                }
            }
            Event::Frame(_) => {}
            end => panic!("{end:?}"),
        }
    }
}
