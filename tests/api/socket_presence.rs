//! Who is here: notices, numbers and typing.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Event, Socket, TestApp, until};

fn kinds(frames: &[Value]) -> Vec<&str> {
    frames.iter().filter_map(|f| f["type"].as_str()).collect()
}

async fn online(app: &TestApp, socket: &mut Socket) -> Vec<Value> {
    let rooms = app.chat.online().await;
    assert!(!rooms.is_empty());
    socket.until_pong().await
}

#[tokio::test]
async fn a_notice_says_who_came_and_who_went() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut alices = app.ws(&alice).joined("general").await;
    alices.wait_for("user_joined").await;
    let mut bobs = app.ws(&bob).joined("general").await;
    let nil = uuid::Uuid::nil().to_string();
    for (kind, what) in [
        ("user_joined", "has joined the chat"),
        ("user_left", "has left the chat"),
    ] {
        if kind == "user_left" {
            bobs.leave("general").await;
        }
        let notice = alices.wait_for(kind).await;
        assert_eq!(notice["content"], format!("{} {what}", bob.full_name));
        assert_eq!(notice["sender_id"], nil.as_str());
        assert_eq!(notice["sender_name"], "System");
        assert_eq!(notice["room_id"], "general");
        assert_eq!(notice["user"]["id"], bob.id.to_string());
        assert_eq!(notice["user"]["username"], "bob");
        assert!(notice["id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
        assert!(notice["created_at"].is_string());
        assert_eq!((notice.get("seq"), notice.get("rev")), (None, None));
    }
    // Notices are not stored.
    assert_eq!(alices.join("general").await["head"], 0);
}

/// Somebody with a phone and a laptop is one person.
#[tokio::test]
async fn notices_and_numbers_count_users_not_sockets() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut alices = app.ws(&alice).joined("general").await;
    alices.wait_for("user_joined").await;
    let first = app.ws(&bob).joined("general").await;
    alices.wait_for("user_joined").await;
    let mut second = app.ws(&bob).ready().await;
    assert_eq!(second.join("general").await["online"], 2);
    assert_eq!(first.close().await, 1000);
    assert_eq!(second.join("general").await["online"], 2);
    assert!(alices.until_pong().await.is_empty(), "nobody came or went");
    let members = app.as_user(&alice).members("general").await.ok(200);
    let names = members.to_string();
    assert!(names.contains("alice") && names.contains("bob"), "{names}");
    assert_eq!(second.close().await, 1000);
    alices.wait_for("user_left").await;
    assert_eq!(alices.join("general").await["online"], 1);
}

/// A train that goes through a tunnel is no news.
#[tokio::test]
async fn a_lost_socket_is_told_after_a_while_and_not_if_it_is_back() {
    let app = TestApp::with(|config| config.chat.lost_grace = Duration::from_secs(1)).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut alices = app.ws(&alice).joined("general").await;
    alices.wait_for("user_joined").await;
    let bobs = app.ws(&bob).joined("general").await;
    alices.wait_for("user_joined").await;
    drop(bobs);
    until(async || app.chat.sessions_online() == 1).await;
    let back = app.ws(&bob).joined("general").await;
    assert!(alices.until_pong().await.is_empty(), "he was back in time");

    drop(back);
    until(async || app.chat.sessions_online() == 1).await;
    let lost = Instant::now();
    assert_eq!(app.chat.online().await.len(), 1);
    assert!(alices.until_pong().await.is_empty(), "he may come back");
    alices.wait_for("user_left").await;
    assert!(lost.elapsed() > Duration::from_millis(500));
    assert!(online(&app, &mut alices).await.is_empty());
}

#[tokio::test]
async fn whoever_means_to_leave_has_left_at_once() {
    let app = TestApp::with(|config| config.chat.lost_grace = Duration::from_secs(3_600)).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let admin = app.admin().await;
    let mut alices = app.ws(&alice).joined("general").await;
    let mut bobs = app.ws(&bob).joined("general").await;
    bobs.leave("general").await;
    alices.wait_for("user_left").await;
    bobs.join("general").await;
    assert_eq!(bobs.close().await, 1000);
    alices.wait_for("user_left").await;
    let mut banned = app.ws(&bob).joined("general").await;
    app.as_user(&admin).deactivate(bob.id).await.ok(200);
    alices.wait_for("user_left").await;
    banned.closed().await;
}

/// A thousand joins must not be a million frames.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_joins_make_few_frames() {
    const MEMBERS: usize = 1_000;

    let app = TestApp::with(|config| {
        config.server.https = false;
        config.chat.presence_interval = Duration::from_secs(1);
    })
    .await;
    let crowd = app.crowd(MEMBERS).await;
    let began = Instant::now();
    let mut sockets = Vec::new();
    for people in crowd.chunks(50) {
        sockets.extend(join_all(people.iter().map(|p| app.ws(p).joined("general"))).await);
    }
    let last = sockets.last_mut().unwrap();
    let told = last
        .wait_until("the number", |f| {
            f["type"] == "presence" && f["online"] == MEMBERS
        })
        .await;
    assert_eq!(
        told,
        json!({"type": "presence", "room_id": "general", "online": MEMBERS})
    );
    let seconds = began.elapsed().as_secs() as usize + 1;
    let counted = join_all(sockets.iter_mut().map(|socket| async {
        let (mut joins, mut numbers) = (0, 0);
        for frame in socket.until_pong().await {
            match frame["type"].as_str() {
                Some("user_joined") => joins += 1,
                Some("presence") => numbers += 1,
                _ => panic!("{frame}"),
            }
        }
        (joins, numbers)
    }))
    .await;
    let mut all = 0;
    for (joins, numbers) in counted {
        assert!(joins <= 100, "{joins} names");
        assert!(numbers <= seconds + 1, "{numbers} numbers in {seconds} s");
        all += joins + numbers;
    }
    assert!(all < MEMBERS * 30, "{all} frames");
    let answer = app.as_user(&crowd[0]).room("general").await.ok(200);
    assert_eq!(answer["online"], MEMBERS);
}

#[tokio::test]
async fn typing_is_heard_by_the_others_and_now_and_then_only() {
    let app = TestApp::with(|config| config.limits.typing = Duration::from_secs(3_600)).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut alices = app.ws(&alice).joined("general").await;
    let mut phone = app.ws(&alice).joined("general").await;
    let mut bobs = app.ws(&bob).joined("general").await;
    alices.wait_for("user_joined").await;
    alices.wait_for("user_joined").await;
    let typing = json!({"type": "typing", "room_id": "general"});
    for _ in 0..5 {
        alices.send(&typing).await;
    }
    // Joining anew must not be a way around.
    alices.join("general").await;
    alices.send(&typing).await;
    let heard = bobs.wait_for("typing").await;
    assert_eq!(heard["room_id"], "general");
    assert_eq!(heard["user"]["username"], "alice");
    alices.publish("general", "done").await;
    let mut others = Vec::new();
    loop {
        match bobs.next().await {
            Event::Frame(frame) if frame["type"] == "message" => break,
            Event::Frame(frame) => others.push(frame),
            end => panic!("{end:?}"),
        }
    }
    assert!(others.is_empty(), "{others:?}");
    for own in [&mut alices, &mut phone] {
        let mut before = Vec::new();
        loop {
            let frame = own.next_frame().await;
            if frame["type"] == "message" {
                break;
            }
            before.push(frame);
        }
        assert!(!kinds(&before).contains(&"typing"), "{before:?}");
    }
}

#[tokio::test]
async fn typing_is_heard_again_after_a_while() {
    let app = TestApp::with(|config| config.limits.typing = Duration::from_millis(20)).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut alices = app.ws(&alice).joined("general").await;
    let mut bobs = app.ws(&bob).joined("general").await;
    let typing = json!({"type": "typing", "room_id": "general"});
    let mut heard = 0;
    let began = Instant::now();
    while heard < 3 {
        alices.send(&typing).await;
        alices.until_pong().await;
        let frames = bobs.until_pong().await;
        heard += kinds(&frames)
            .iter()
            .filter(|kind| **kind == "typing")
            .count();
        assert!(began.elapsed() < crate::harness::LIMIT);
    }
    assert!(began.elapsed() >= Duration::from_millis(40));
}
