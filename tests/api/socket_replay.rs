//! Replays that something happens to while they run.

use futures_util::future::join_all;
use parlor::protocol::code::CloseCode;
use serde_json::{Value, json};

use crate::{
    harness::{
        Event, TestApp,
        wire::{TEXT, Wire, frame, upgrade},
    },
    socket_resume::fill,
};

fn connect(after: Option<i64>) -> Value {
    let mut frame = json!({"type": "connect", "room_id": "general"});
    if let Some(after) = after {
        frame["after"] = json!(after);
    }
    frame
}

async fn send_at_once(wire: &mut Wire, frames: &[Value]) {
    let frames = frames
        .iter()
        .map(|json| frame(TEXT, json.to_string().as_bytes()));
    wire.send(&frames.collect::<Vec<_>>().concat()).await;
}

/// Reads up to the answer to a ping, and keeps the messages' numbers and the other frames' types.
async fn story(wire: &mut Wire, ends: impl Fn(&Value) -> bool) -> Vec<String> {
    let mut story = Vec::new();
    loop {
        let (_, payload) = wire.next().await.unwrap();
        let json: Value = serde_json::from_slice(&payload).unwrap();
        match json["type"].as_str().unwrap() {
            "message" => story.push(json["rev"].to_string()),
            "user_joined" | "user_left" | "ack" | "pong" => {}
            other => story.push(other.to_owned()),
        }
        if ends(&json) {
            return story;
        }
    }
}

fn numbers(from: i64, to: i64) -> Vec<String> {
    (from..=to).map(|n| n.to_string()).collect()
}

/// Whatever a replay was about to say, the next `connected` begins anew.
#[tokio::test]
async fn a_later_join_ends_the_replay_of_an_earlier_one() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    fill(&app, &alice, "general", 600).await;
    let mut wire = Wire::of(&app, &alice.token).await;
    let joins = [Some(0), Some(100), None, Some(0), Some(300)].map(connect);
    send_at_once(&mut wire, &joins).await;
    let joined = std::cell::Cell::new(0);
    let story = story(&mut wire, |json| {
        joined.set(joined.get() + usize::from(json["type"] == "connected"));
        joined.get() == joins.len() && json["type"] == "message" && json["rev"] == 600
    });
    let story = story.await;
    let parts: Vec<_> = story.split(|what| what == "connected").collect();
    assert!(parts[0].is_empty());
    for (part, first) in parts[1..].iter().zip([1, 101, 601, 1, 301]) {
        assert!(
            numbers(first, 600).starts_with(part),
            "from {first}: {part:?}"
        );
    }
    assert_eq!(*parts[5], numbers(301, 600)[..]);
}

#[tokio::test]
async fn whoever_leaves_in_the_middle_of_a_replay_hears_no_more_of_it() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    fill(&app, &alice, "general", 600).await;
    let mut wire = Wire::of(&app, &alice.token).await;
    let leave = json!({"type": "disconnect", "room_id": "general"});
    send_at_once(&mut wire, &[connect(Some(0)), leave]).await;
    let before = story(&mut wire, |json| json["type"] == "disconnected").await;
    assert_eq!(before[0], "connected");
    let heard = &before[1..before.len() - 1];
    assert!(numbers(1, 600).starts_with(heard), "{heard:?}");
    wire.say(&connect(Some(590))).await;
    let after = story(&mut wire, |json| {
        json["rev"] == 600 && json["type"] == "message"
    })
    .await;
    assert_eq!(after[0], "connected");
    assert_eq!(after[1..], numbers(591, 600));
}

/// Several rooms are replayed one after the other, each whole.
#[tokio::test]
async fn many_rooms_are_resumed_at_once() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let rooms = ["general", "random", "help"];
    for room in rooms {
        fill(&app, &alice, room, 250).await;
    }
    let mut socket = app.ws(&alice).ready().await;
    for room in rooms {
        socket
            .send(&json!({"type": "connect", "room_id": room, "after": 0}))
            .await;
    }
    let mut next = std::collections::BTreeMap::from(rooms.map(|room| (room.to_owned(), 1)));
    while next.values().any(|rev| *rev <= 250) {
        let message = socket.next_message().await;
        let expected = next.get_mut(&message.room_id).unwrap();
        assert_eq!(message.rev, *expected, "{}", message.room_id);
        *expected += 1;
    }
}

/// A replay stands still while its session waits for a room, and the room needs the database.
#[tokio::test]
async fn a_replay_keeps_no_connection_from_a_join() {
    let app = TestApp::with(|config| config.store.max_connections = 1).await;
    let alice = app.client("alice").await;
    fill(&app, &alice, "general", 600).await;
    let mut rooms = Vec::new();
    for number in 0..10 {
        let room = format!("quiet-{number}");
        let body = json!({"id": room, "name": room});
        app.as_user(&alice).create_room(&body).await.ok(201);
        rooms.push(room);
    }
    let mut socket = app.ws(&alice).ready().await;
    socket.resume("general", 0).await;
    let (mut heard, mut joined) = (0, 0);
    while heard < 600 || joined < rooms.len() {
        let frame = socket.next_frame().await;
        match frame["type"].as_str() {
            Some("message") => heard += 1,
            Some("connected") => joined += 1,
            Some("error") => panic!("after {heard} messages: {frame}"),
            _ => {}
        }
        if frame["type"] == "message"
            && heard % 50 == 0
            && let Some(room) = rooms.get(heard / 50 - 1)
        {
            socket
                .send(&json!({"type": "connect", "room_id": room}))
                .await;
        }
    }
}

/// The hole between what is stored and what is live must never open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resume_while_others_talk_has_no_hole_and_no_double() {
    const TALKERS: usize = 20;
    const EACH: usize = 40;

    let app = TestApp::spawn().await;
    let crowd = app.crowd(TALKERS + 5).await;
    let (talkers, listeners) = crowd.split_at(TALKERS);
    let all = (TALKERS * EACH) as i64;
    let talk = join_all(talkers.iter().map(|person| async {
        let mut socket = app.ws(person).joined("general").await;
        for number in 0..EACH {
            let id = socket.publish("general", &number.to_string()).await;
            socket.acked(&id).await;
        }
    }));
    let listen = join_all(listeners.iter().enumerate().map(|(number, person)| {
        let app = &app;
        async move {
            let (mut heard, mut rounds) = (0, 0);
            while heard < all {
                rounds += 1;
                let mut socket = app.ws(person).ready().await;
                assert_eq!(socket.resume("general", heard).await["resumed"], true);
                // A few messages, or what the next to last round left, and away again.
                for _ in 0..(30 + 17 * number) {
                    if heard == all {
                        break;
                    }
                    heard += 1;
                    assert_eq!(socket.next_message().await.rev, heard, "round {rounds}");
                }
                if rounds % 2 == 0 {
                    socket.close().await;
                }
            }
            rounds
        }
    }));
    let (_, rounds) = tokio::join!(talk, listen);
    assert!(rounds.iter().sum::<i32>() > 20, "{rounds:?}");
}

/// Better a client that comes back than one that believes it has heard everything.
#[tokio::test]
async fn a_replay_that_cannot_be_read_closes_the_socket() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    fill(&app, &alice, "general", 50).await;
    let mut socket = app.ws(&alice).ready().await;
    let hide = "ALTER TABLE chat_messages RENAME TO hidden_messages";
    app.home.database.execute(hide).await;
    assert_eq!(socket.resume("general", 0).await["resumed"], true);
    socket.closed_as(CloseCode::ReplayFailed).await;
    let show = "ALTER TABLE hidden_messages RENAME TO chat_messages";
    app.home.database.execute(show).await;
    let mut socket = app.ws(&alice).ready().await;
    assert_eq!(socket.resume("general", 0).await["resumed"], true);
    for rev in 1..=50 {
        assert_eq!(socket.next_message().await.rev, rev);
    }
}

/// A client that reads slowly is given its replay slowly, and is not closed for it.
#[tokio::test]
async fn a_replay_is_paced_by_its_reader() {
    let app = TestApp::with(|config| config.server.https = false).await;
    let alice = app.client("alice").await;
    let mut talker = app.ws(&alice).joined("general").await;
    let long = "\u{1f600}".repeat(4_000);
    for _ in 0..300 {
        talker.publish("general", &long).await;
        talker.wait_for("ack").await;
    }
    let mut wire = Wire::connect(app.port, Some(8_192)).await;
    let path = format!("/ws/general?after=0&token={}", alice.token);
    wire.send(upgrade(&path, "").as_bytes()).await;
    assert!(wire.head().await.starts_with("HTTP/1.1 101 "));
    // Nothing is read while others go on; the replay holds still.
    for number in 0..50 {
        talker.publish("general", &number.to_string()).await;
        talker.wait_for("ack").await;
    }
    assert!(app.api().metric("chat_outbox_bytes").await <= 600_000.0);
    for rev in 1..=350 {
        assert_eq!(wire.wait_for("message").await["rev"], rev);
    }
    assert_eq!(app.api().metric("chat_slow_consumers_total").await, 0.0);
}

/// What is held for a replay is bounded too: it is read again from the store.
#[tokio::test]
async fn a_replay_that_is_outrun_goes_on_from_the_store() {
    let app = TestApp::with(|config| config.server.https = false).await;
    let alice = app.client("alice").await;
    let mut talker = app.ws(&alice).joined("general").await;
    let long = "\u{1f600}".repeat(4_000);
    let mut say = async |count: usize| {
        for _ in 0..count {
            talker.publish("general", &long).await;
            talker.wait_for("ack").await;
        }
    };
    say(500).await;
    let mut wire = Wire::connect(app.port, Some(8_192)).await;
    let path = format!("/ws/general?after=0&token={}", alice.token);
    wire.send(upgrade(&path, "").as_bytes()).await;
    assert!(wire.head().await.starts_with("HTTP/1.1 101 "));
    // More than a budget while nothing is read.
    say(120).await;
    for rev in 1..=620 {
        assert_eq!(wire.wait_for("message").await["rev"], rev);
    }
    say(1).await;
    assert_eq!(wire.wait_for("message").await["rev"], 621);
    assert_eq!(app.api().metric("chat_slow_consumers_total").await, 0.0);
    let mut socket = app.ws(&alice).ready().await;
    socket.resume("general", 600).await;
    assert!(matches!(socket.next().await, Event::Frame(_)));
}
