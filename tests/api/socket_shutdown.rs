//! The server stops: everybody is told, nobody waits for ever, and nothing is lost.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use parlor::protocol::code::CloseCode;

use crate::harness::{Event, Home, Server, TestApp};

#[tokio::test]
async fn sockets_are_asked_to_come_back_and_closed_in_time() {
    const SOCKETS: usize = 20;

    let home = Home::new().await;
    let server = Server::with(&home, &[("SHUTDOWN_SECONDS", "4")]).await;
    let alice = server.client("alice").await;
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(server.ws(&alice).joined("general").await);
    }
    let mut stranger = server.anonymous_ws().open().await;
    stranger.until_pong().await;
    let began = Instant::now();
    server.signal("TERM").await;
    let mut hints = Vec::new();
    for socket in &mut sockets {
        let hint = socket.wait_for("reconnect").await;
        hints.push(hint["in_ms"].as_u64().expect("a time"));
    }
    assert!(began.elapsed() < Duration::from_secs(2), "told at once");
    assert!(hints.iter().all(|hint| *hint <= 2_000), "{hints:?}");
    let different: BTreeSet<_> = hints.iter().collect();
    assert!(different.len() > SOCKETS / 2, "{hints:?}");
    let spread = hints.iter().max().unwrap() - hints.iter().min().unwrap();
    assert!(spread > 500, "{hints:?}");

    // No new socket, but what is open works until the end.
    sockets[0].publish("general", "last words").await;
    let acked = sockets[0].wait_for("ack").await;
    assert_eq!(acked["seq"], 1);
    let closing = sockets
        .iter_mut()
        .map(|socket| socket.closed_as(CloseCode::Shutdown));
    join_all(closing).await;
    stranger.closed_as(CloseCode::Shutdown).await;
    let (status, output) = server.ended().await;
    assert!(status.success(), "{output}");
    assert!(
        began.elapsed() < Duration::from_millis(4_500),
        "{:?}",
        began.elapsed()
    );
    assert!(!output.contains("panicked"), "{output}");

    let server = Server::start(&home).await;
    let mut socket = server.ws(&alice).ready().await;
    assert_eq!(socket.resume("general", 0).await["resumed"], true);
    assert_eq!(socket.next_message().await.content, "last words");
}

/// Whoever takes the hint shortens the wait.
#[tokio::test]
async fn a_server_without_sockets_stops_at_once() {
    let home = Home::new().await;
    let server = Server::start(&home).await;
    let alice = server.client("alice").await;
    server.kill().await;
    // Nobody has a connection but the socket.
    let server = Server::with(&home, &[("SHUTDOWN_SECONDS", "20")]).await;
    let mut socket = server.ws(&alice).joined("general").await;
    let began = Instant::now();
    server.signal("TERM").await;
    socket.wait_for("reconnect").await;
    socket.close().await;
    let (status, output) = server.ended().await;
    assert!(status.success(), "{output}");
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
}

/// A peer that reads nothing must not hold the server up.
#[tokio::test]
async fn a_peer_that_does_not_read_is_not_waited_for() {
    let app = TestApp::with(|config| {
        config.server.shutdown = Duration::from_secs(2);
        config.chat.slow_close = Duration::from_secs(3_600);
    })
    .await;
    let alice = app.client("alice").await;
    let stalled = app.ws(&alice).joined("general").await;
    let began = Instant::now();
    let app = app.restart().await;
    assert!(began.elapsed() < Duration::from_secs(10));
    drop(stalled);
    app.ws(&alice).joined("general").await;
}

/// What was acknowledged while the server went down is there when it is up again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_sent_until_the_end_are_kept_or_refused() {
    let app = TestApp::spawn().await;
    let crowd = app.crowd(5).await;
    let mut sockets = Vec::new();
    for person in &crowd {
        sockets.push(app.ws(person).joined("general").await);
    }
    let (begun, mut beginning) = tokio::sync::mpsc::channel(1);
    let talk = sockets.into_iter().map(|mut socket| {
        let begun = begun.clone();
        tokio::spawn(async move {
            let mut acked = Vec::new();
            loop {
                let id = crate::harness::unique("m");
                let frame = serde_json::json!({
                    "type": "message", "room_id": "general", "content": id, "client_message_id": id,
                });
                if !socket.offer(&frame).await {
                    return acked;
                }
                loop {
                    match socket.next().await {
                        Event::Frame(frame) if frame["client_message_id"] == id.as_str() => {
                            if frame["type"] == "ack" {
                                acked.push(frame["id"].as_str().unwrap().to_owned());
                                let _ = begun.try_send(());
                                break;
                            }
                            if frame["type"] == "error" {
                                break;
                            }
                        }
                        Event::Frame(_) => {}
                        Event::Closed(code, _) => {
                            assert_eq!(code, CloseCode::Shutdown.number());
                            return acked;
                        }
                        Event::Lost(_) => return acked,
                    }
                }
            }
        })
    });
    let talk: Vec<_> = talk.collect();
    beginning.recv().await.expect("they talk");
    let app = app.restart().await;
    let acked: Vec<_> = join_all(talk)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    let (mut stored, mut after) = (BTreeSet::new(), 0);
    loop {
        let query = format!("after={after}&limit=200");
        let page = app
            .as_user(&crowd[0])
            .messages("general", &query)
            .await
            .ok(200);
        for message in page["data"].as_array().unwrap() {
            after += 1;
            assert_eq!(message["seq"], after);
            stored.insert(message["id"].as_str().unwrap().to_owned());
        }
        if page["has_more"] == false {
            break;
        }
    }
    assert!(!acked.is_empty());
    assert!(acked.iter().all(|id| stored.contains(id)));
}
