//! A reader that does not read harms itself, and nobody else.

use std::time::{Duration, Instant};

use parlor::protocol::code::CloseCode;
use serde_json::Value;

use crate::harness::{
    Person, Socket, TestApp, until,
    wire::{CLOSE, Wire, upgrade},
};

async fn plain(slow_close: Duration) -> TestApp {
    TestApp::with(|config| {
        config.server.https = false;
        config.chat.slow_close = slow_close;
    })
    .await
}

/// A member who reads nothing, over a small window.
async fn stalled(app: &TestApp, person: &Person) -> Wire {
    let mut wire = Wire::connect(app.port, Some(4_096)).await;
    let path = format!("/ws/general?token={}", person.token);
    wire.send(upgrade(&path, "").as_bytes()).await;
    assert!(wire.head().await.starts_with("HTTP/1.1 101 "));
    wire.wait_for("connected").await;
    wire
}

/// Talks until a slow reader is found, and says how long the slowest answer took.
async fn talk(app: &TestApp, talker: &mut Socket, listener: &mut Socket) -> (i64, Duration) {
    let long = "\u{1f600}".repeat(4_000);
    let (mut said, mut slowest) = (0, Duration::ZERO);
    while app.api().metric("chat_slow_consumers_total").await == 0.0 {
        assert!(said < 2_000, "nobody is slow");
        for _ in 0..20 {
            let began = Instant::now();
            talker.publish("general", &long).await;
            said += 1;
            assert_eq!(listener.next_message().await.seq, said);
            assert_eq!(talker.next_message().await.seq, said);
            slowest = slowest.max(began.elapsed());
        }
    }
    (said, slowest)
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_the_others_go_on() {
    let app = plain(Duration::from_secs(3_600)).await;
    let crowd = app.crowd(3).await;
    let mut talker = app.ws(&crowd[0]).joined("general").await;
    let mut listener = app.ws(&crowd[1]).joined("general").await;
    let mut slow = stalled(&app, &crowd[2]).await;
    let (said, slowest) = talk(&app, &mut talker, &mut listener).await;
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    // The queue was freed at once: what is left is the rest of a frame, and the close.
    let queued = app.api().metric("chat_outbox_bytes").await;
    assert!(queued < 64.0 * 1024.0, "{queued}");

    // What it did get is whole and in order, and the last is the reason.
    let mut heard = 0;
    loop {
        let (first, payload) = slow.next().await.expect("a close frame");
        if first == CLOSE {
            let (code, reason) = payload.split_at(2);
            assert_eq!(code, CloseCode::SlowConsumer.number().to_be_bytes());
            assert_eq!(reason, CloseCode::SlowConsumer.reason().as_bytes());
            break;
        }
        let json: Value = serde_json::from_slice(&payload).expect("a whole frame");
        if json["type"] == "message" {
            heard += 1;
            assert_eq!(json["seq"], heard);
        }
    }
    assert!(heard < said, "{heard} of {said}");
    assert_eq!(slow.next().await, None);

    // It comes back and misses nothing.
    let mut back = app.ws(&crowd[2]).ready().await;
    assert_eq!(back.resume("general", heard).await["resumed"], true);
    while heard < said {
        heard += 1;
        assert_eq!(back.next_message().await.seq, heard);
    }
}

/// Not even the close frame is read: the socket is reset after a while.
#[tokio::test]
async fn a_dead_reader_is_reset_after_a_while() {
    let app = plain(Duration::from_millis(300)).await;
    let crowd = app.crowd(3).await;
    let mut talker = app.ws(&crowd[0]).joined("general").await;
    let mut listener = app.ws(&crowd[1]).joined("general").await;
    let mut slow = stalled(&app, &crowd[2]).await;
    talk(&app, &mut talker, &mut listener).await;
    until(async || app.chat.sessions_online() == 2).await;
    until(async || app.api().metric("chat_outbox_bytes").await == 0.0).await;
    until(async || slow.try_send(&[0x8a, 0x80, 0, 0, 0, 0]).await.is_err()).await;
    talker.wait_for("user_left").await;
}

/// Over TLS the records are in the way; the promise is the same.
#[tokio::test]
async fn a_slow_reader_over_tls_is_closed_too() {
    let app = TestApp::with(|config| config.chat.slow_close = Duration::from_secs(3_600)).await;
    let crowd = app.crowd(3).await;
    let mut talker = app.ws(&crowd[0]).joined("general").await;
    let mut listener = app.ws(&crowd[1]).joined("general").await;
    let mut slow = app.ws(&crowd[2]).joined("general").await;
    let (said, _) = talk(&app, &mut talker, &mut listener).await;
    let mut heard = 0;
    let closed = loop {
        match slow.next().await {
            crate::harness::Event::Frame(frame) if frame["type"] == "message" => {
                heard += 1;
                assert_eq!(frame["seq"], heard);
            }
            crate::harness::Event::Frame(_) => {}
            crate::harness::Event::Closed(code, reason) => break (code, reason),
            crate::harness::Event::Lost(why) => panic!("{why}"),
        }
    };
    let code = CloseCode::SlowConsumer;
    assert_eq!(closed, (code.number(), code.reason()));
    assert!(heard < said);
}
