//! Coming back with `after`: exactly what was missed, or an honest no.

use std::time::Duration;

use parlor::protocol::code::ErrorCode;
use serde_json::{Value, json};

use crate::harness::{Heard, Person, Socket, TestApp};

/// Says so much in a room that it stands at `count`.
pub async fn fill(app: &TestApp, person: &Person, room: &str, count: i64) {
    let mut socket = app.ws(person).ready().await;
    let from = socket.join(room).await["head"].as_i64().unwrap();
    let numbers: Vec<i64> = (from + 1..=count).collect();
    for some in numbers.chunks(100) {
        for number in some {
            socket.publish(room, &number.to_string()).await;
        }
        for _ in some {
            socket.wait_for("ack").await;
        }
    }
}

/// The next `count` messages must be those from `first` on.
async fn hears(socket: &mut Socket, first: i64, count: i64) {
    for rev in first..first + count {
        let Heard { rev: at, seq, .. } = socket.next_message().await;
        assert_eq!((at, seq), (rev, rev));
    }
}

/// A resume is over: what is said now comes next.
async fn is_live(app: &TestApp, socket: &mut Socket, person: &Person) {
    let said = app.as_user(person).say("general", "live").await;
    assert_eq!(
        socket.next_message().await.seq,
        said["seq"].as_i64().unwrap()
    );
}

#[tokio::test]
async fn a_resume_replays_all_that_was_missed_or_says_that_it_does_not() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    fill(&app, &alice, "general", 1_000).await;
    let epoch = app.store.epoch().await.unwrap();
    let mut head = 1_000;
    for (after, epoch, resumed) in [
        (Some(0), None, true),
        (Some(0), Some(epoch.as_str()), true),
        (Some(0), Some("another"), false),
        (Some(head), Some("another"), false),
        (None, None, false),
        (None, Some(epoch.as_str()), false),
        (Some(500), None, true),
        (Some(i64::MAX), None, false),
        (Some(5_000), Some(epoch.as_str()), false),
    ] {
        let after = if after == Some(0) {
            Some(head - 1_000)
        } else {
            after
        };
        let mut socket = app.ws(&bob).ready().await;
        let mut frame = json!({"type": "connect", "room_id": "general"});
        if let Some(after) = after {
            frame["after"] = json!(after);
        }
        if let Some(epoch) = epoch {
            frame["epoch"] = json!(epoch);
        }
        let connected = socket.connect(&frame).await;
        assert_eq!(connected["resumed"], resumed, "{frame}");
        assert_eq!(
            (&connected["head"], &connected["rev"]),
            (&json!(head), &json!(head))
        );
        if resumed {
            let after = after.unwrap();
            hears(&mut socket, after + 1, head - after).await;
        }
        is_live(&app, &mut socket, &alice).await;
        head += 1;
    }
    // One more than may be replayed.
    let mut socket = app.ws(&bob).ready().await;
    assert_eq!(
        socket.resume("general", head - 1_001).await["resumed"],
        false
    );
    is_live(&app, &mut socket, &alice).await;
}

#[tokio::test]
async fn a_resume_works_from_the_very_beginning_and_from_the_head() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut empty = app.ws(&alice).ready().await;
    assert_eq!(empty.resume("general", 0).await["resumed"], true);
    is_live(&app, &mut empty, &alice).await;
    fill(&app, &alice, "general", 10).await;
    let mut all = app.ws(&alice).ready().await;
    assert_eq!(all.resume("general", 0).await["resumed"], true);
    hears(&mut all, 1, 10).await;
    let mut none = app.ws(&alice).ready().await;
    assert_eq!(none.resume("general", 10).await["resumed"], true);
    let mut beyond = app.ws(&alice).ready().await;
    assert_eq!(beyond.resume("general", 11).await["resumed"], false);
    let said = app.as_user(&alice).say("general", "live").await;
    for socket in [&mut all, &mut none, &mut beyond] {
        assert_eq!(
            socket.next_message().await.seq,
            said["seq"].as_i64().unwrap()
        );
    }
    let frame = json!({"type": "connect", "room_id": "general", "after": -1});
    all.refused(&frame, ErrorCode::InvalidFrame).await;
}

/// A database that was restored has another past.
#[tokio::test]
async fn another_epoch_is_another_history() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    fill(&app, &alice, "general", 3).await;
    let before = app.ws(&alice).joined("general").await.join("general").await;
    app.store
        .renew_epoch(parlor::domain::audit::By::server())
        .await
        .unwrap();
    let app = app.restart().await;
    let mut socket = app.ws(&alice).ready().await;
    let frame = json!({
        "type": "connect", "room_id": "general", "after": 1, "epoch": before["epoch"],
    });
    let connected = socket.connect(&frame).await;
    assert_eq!(connected["resumed"], false);
    assert_ne!(connected["epoch"], before["epoch"]);
    let frame = json!({
        "type": "connect", "room_id": "general", "after": 1, "epoch": connected["epoch"],
    });
    assert_eq!(socket.connect(&frame).await["resumed"], true);
    hears(&mut socket, 2, 2).await;
}

/// A client that lost count may ask again on the socket that it has.
#[tokio::test]
async fn joining_again_replays_again_and_is_no_news() {
    let app = TestApp::with(|config| config.chat.lost_grace = Duration::from_secs(60)).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut alices = app.ws(&alice).joined("general").await;
    alices.wait_for("user_joined").await;
    let mut bobs = app.ws(&bob).joined("general").await;
    alices.wait_for("user_joined").await;
    fill(&app, &alice, "general", 20).await;
    hears(&mut bobs, 1, 20).await;
    alices.until_pong().await;
    for after in [0, 5, 20] {
        assert_eq!(bobs.resume("general", after).await["resumed"], true);
        hears(&mut bobs, after + 1, 20 - after).await;
        assert_eq!(bobs.join("general").await["resumed"], false);
    }
    is_live(&app, &mut bobs, &alice).await;
    let frames = alices.until_pong().await;
    let news: Vec<&Value> = frames.iter().filter(|f| f["type"] != "message").collect();
    assert!(news.is_empty(), "{news:?}");
}
