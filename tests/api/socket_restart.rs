//! Rooms that end and come back while people are in them.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use parlor::{
    domain::{ids::RoomId, message::Content},
    protocol::code::CloseCode,
};
use sqlx::{Connection, Executor, SqliteConnection};

use crate::{
    harness::{Event, TestApp, TestDatabase, until},
    socket_resume::fill,
};

fn general() -> RoomId {
    RoomId::parse("general").unwrap()
}

/// An actor that died must not be a hole in anybody's history.
#[tokio::test]
async fn members_of_a_room_that_died_come_back_and_have_lost_nothing() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    fill(&app, &alice, "general", 5).await;
    let mut alices = app.ws(&alice).joined("general").await;
    let mut bobs = app.ws(&bob).joined("general").await;
    let mut elsewhere = app.ws(&bob).joined("random").await;
    app.chat.kill_room(&general()).await;
    alices.closed_as(CloseCode::RoomRestarted).await;
    bobs.closed_as(CloseCode::RoomRestarted).await;
    elsewhere.until_pong().await;

    let said = app.as_user(&alice).say("general", "in between").await;
    assert_eq!(said["seq"], 6);
    let mut back = app.ws(&bob).ready().await;
    let connected = back.resume("general", 3).await;
    assert_eq!(connected["resumed"], true);
    assert_eq!(connected["head"], 6);
    for seq in 4..=6 {
        assert_eq!(back.next_message().await.seq, seq);
    }
    app.as_user(&alice).say("general", "live").await;
    assert_eq!(back.next_message().await.seq, 7);
}

/// What was on its way when the room died is committed or refused, and if committed, heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_may_die_again_and_again_while_people_talk() {
    const ROUNDS: i64 = 10;

    let app = TestApp::spawn().await;
    let crowd = app.crowd(6).await;
    let (talkers, listeners) = crowd.split_at(3);
    let talk = join_all(talkers.iter().map(|person| {
        let app = &app;
        async move {
            let mut acked = Vec::new();
            for number in 0..40 {
                let id = format!("{}-{number}", person.username);
                acked.push(insist(app, person, &id).await);
            }
            acked
        }
    }));
    let kill = async {
        let rest = app.as_user(&talkers[0]);
        for round in 1..=ROUNDS {
            until(async || rest.room("general").await.ok(200)["head"].as_i64() >= Some(round * 10))
                .await;
            app.chat.kill_room(&general()).await;
        }
    };
    let listen = join_all(listeners.iter().map(|person| {
        let app = &app;
        async move {
            let mut heard = 0;
            while heard < 120 {
                let mut socket = app.ws(person).ready().await;
                assert_eq!(socket.resume("general", heard).await["resumed"], true);
                loop {
                    match socket.next().await {
                        Event::Frame(frame) if frame["type"] == "message" => {
                            heard += 1;
                            assert_eq!(frame["rev"], heard, "{frame}");
                            if heard == 120 {
                                break;
                            }
                        }
                        Event::Frame(_) => {}
                        Event::Closed(code, _) => {
                            assert_eq!(code, CloseCode::RoomRestarted.number());
                            break;
                        }
                        Event::Lost(why) => panic!("{why}"),
                    }
                }
            }
        }
    }));
    let (acked, (), _) = tokio::join!(talk, kill, listen);
    let seqs: BTreeSet<i64> = acked.into_iter().flatten().collect();
    assert_eq!(seqs, (1..=120).collect());
}

/// Says something until it is acknowledged, over as many sockets as it takes; gives its `seq`.
async fn insist(app: &TestApp, person: &crate::harness::Person, id: &str) -> i64 {
    loop {
        let mut socket = app.ws(person).ready().await;
        let frame = serde_json::json!({"type": "connect", "room_id": "general"});
        socket.send(&frame).await;
        socket.publish_as("general", id, id).await;
        loop {
            match socket.next().await {
                Event::Frame(frame) if frame["client_message_id"] == id => {
                    match frame["type"].as_str() {
                        Some("ack") => return frame["seq"].as_i64().unwrap(),
                        Some("error") => break,
                        _ => {}
                    }
                }
                Event::Frame(_) => {}
                Event::Closed(code, _) => {
                    assert_eq!(code, CloseCode::RoomRestarted.number());
                    break;
                }
                Event::Lost(why) => panic!("{why}"),
            }
        }
    }
}

/// A room that died and the one that took its place may have messages in one commit. Each must hear
/// of its own, or waits for that for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_took_the_place_of_another_ends_when_nobody_is_there() {
    let app = TestApp::with(|config| config.chat.idle_retire = Duration::from_millis(50)).await;
    let TestDatabase::Sqlite(url) = &app.home.database else {
        return;
    };
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let sender = app.store.find_user(alice.id).await.unwrap().unwrap();
    let (chat, room) = (&app.chat, &general());
    let say = async |text: &str| {
        let content = Content::parse(text).unwrap();
        chat.publish(sender.profile.clone(), room, content, None)
            .await
    };
    let live = async |rooms| until(async || api.metric("chat_rooms_live").await == rooms).await;

    // Commits wait for the lock, and what is said meanwhile for the commit before it.
    let mut other = SqliteConnection::connect(url).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let first = say("committed first");
    let second = async {
        until(async || api.metric("chat_commit_batch_size_count").await == 1.0).await;
        let dies = async {
            chat.members(room).await;
            chat.kill_room(room).await;
            live(0.0).await;
        };
        let third = async {
            live(0.0).await;
            let released = async {
                live(1.0).await;
                chat.members(room).await;
                other.execute("ROLLBACK").await.unwrap();
            };
            tokio::join!(say("to the new room"), released).0
        };
        tokio::join!(say("to the old room"), dies, third)
    };
    let (first, (second, (), third)) = tokio::join!(first, second);
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    live(0.0).await;
}

/// The moment in which a room retires is the moment in which somebody joins it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_being_retired_can_be_joined() {
    let app = TestApp::with(|config| {
        config.chat.idle_retire = Duration::from_millis(2);
        config.chat.lost_grace = Duration::from_millis(1);
    })
    .await;
    let crowd = app.crowd(2).await;
    let rest = app.as_user(&crowd[0]);
    let mut sockets = Vec::new();
    for person in &crowd {
        sockets.push(app.ws(person).ready().await);
    }
    let mut revs = [0; 2];
    for round in 1..=60 {
        let socket = &mut sockets[round % 2];
        let rev = &mut revs[round % 2];
        let connected = socket.resume("general", *rev).await;
        assert_eq!(connected["resumed"], true, "round {round}");
        assert_eq!(connected["online"], 1, "round {round}");
        let missed = connected["rev"].as_i64().unwrap();
        while *rev < missed {
            *rev += 1;
            assert_eq!(socket.next_message().await.rev, *rev);
        }
        let id = socket.publish("general", "live").await;
        *rev += 1;
        assert_eq!(socket.next_message().await.rev, *rev);
        socket.until_pong().await;
        socket.leave("general").await;
        if round % 3 == 0 {
            // REST opens the room, too.
            rest.say("general", &id).await;
        }
        if round % 5 == 0 {
            until(async || app.chat.online().await.is_empty()).await;
        }
    }
    assert_eq!(rest.room("general").await.ok(200)["head"], 80);
}
