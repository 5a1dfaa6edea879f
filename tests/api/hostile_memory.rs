//! What strangers and bullies leave behind: nothing.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::harness::{Home, LIMIT, Person, Server, wire::upgrade};

/// Sockets that never say who they are.
const STRANGERS: usize = 10_000;
/// Rooms that one user makes, enters and leaves.
const ROOMS: usize = 1_000;
/// How often the server's memory is looked at while it is to become less.
const LOOK: Duration = Duration::from_millis(250);
/// Longer than strangers are borne, and rooms live on without members.
const CALM: Duration = Duration::from_secs(150);

/// Opens many sockets at once and waits until the server has thrown everybody out.
async fn strangers(port: u16, count: usize) {
    let opening = stream::iter(0..count).map(|_| async move {
        let mut stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("a connection");
        let request = upgrade("/api/chat/ws", "");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it is read");
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 101", "{}", String::from_utf8_lossy(&head));
        stream
    });
    let sockets: Vec<TcpStream> = opening.buffer_unordered(256).collect().await;
    for mut stream in sockets {
        let mut rest = Vec::new();
        let ended = timeout(LIMIT, stream.read_to_end(&mut rest)).await;
        ended.expect("nobody stays").expect("a clean end");
        let close = &rest[rest.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4..];
        // Pings may come before it; 4502 is 0x1196.
        assert!(
            close.windows(2).any(|code| code == [0x11, 0x96]),
            "{close:?}"
        );
    }
}

/// Enters and leaves rooms, so many at a time as a socket may.
async fn wander(server: &Server, person: &Person, rooms: std::ops::Range<usize>) {
    let mut socket = server.ws(person).ready().await;
    let rooms: Vec<_> = rooms.map(|number| format!("room-{number}")).collect();
    for some in rooms.chunks(50) {
        for room in some {
            socket.join(room).await;
            socket.publish(room, "hello").await;
        }
        for room in some {
            socket.leave(room).await;
        }
    }
    socket.close().await;
}

/// The allocator gives back what is free when it likes to: waits until it is at most `enough`.
async fn memory_within(server: &Server, enough: u64) -> u64 {
    let waiting = async {
        while server.status("VmRSS") > enough {
            sleep(LOOK).await;
        }
    };
    // What it is in the end is for the caller to judge.
    let _ = timeout(LIMIT, waiting).await;
    server.status("VmRSS")
}

#[tokio::test]
async fn ten_thousand_strangers_and_a_thousand_rooms_leave_nothing_behind() {
    // What cannot be raised shows as a failure to connect.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let home = Home::new().await;
    let settings = [("RUST_LOG", "error"), ("ENABLE_HTTPS", "false")];
    let server = Server::with(&home, &settings).await;
    let alice = server.client("alice").await;
    home.database
        .execute(
            "WITH RECURSIVE numbers (n) AS
                 (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1999)
             INSERT INTO chat_rooms (id, name, created_at)
             SELECT 'room-' || n, 'Room ' || n, created_at
             FROM numbers CROSS JOIN chat_rooms WHERE id = 'general'",
        )
        .await;
    // Caches fill and buffers are made that stay.
    tokio::join!(
        strangers(server.port, STRANGERS / 2),
        wander(&server, &alice, ROOMS..2 * ROOMS)
    );
    server.calm(CALM).await;
    let before = server.status("VmRSS");
    let descriptors = server.descriptors();
    tokio::join!(
        strangers(server.port, STRANGERS),
        wander(&server, &alice, 0..ROOMS)
    );
    server.calm(CALM).await;
    let enough = before + before / 10;
    let after = memory_within(&server, enough).await;
    assert!(after <= enough, "{before} KiB before, {after} after");
    assert!(
        server.descriptors() <= descriptors + 4,
        "{descriptors} descriptors before"
    );
    assert!(!server.output().contains("panicked"), "{}", server.output());
}

/// There is no need for more, and each is a row for ever.
#[tokio::test]
async fn nobody_makes_a_thousand_rooms() {
    let app = crate::harness::TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let mut made = 0;
    for number in 0..1_000 {
        let answer = api
            .create_room(&json!({"name": format!("Room {number}")}))
            .await;
        if answer.status() != 201 {
            answer.refused(429, "rate_limited");
            break;
        }
        made += 1;
    }
    assert_eq!(made, 10);
}
