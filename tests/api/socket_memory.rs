//! What a client sends, or does not read, must not become the server's memory.

use std::collections::VecDeque;

use serde_json::json;

use crate::harness::{
    Home, Server, until,
    wire::{LAST, MORE, PING, PONG, TEXT_BEGINS, Wire, frame},
};

/// A megabyte, in the unit of the kernel's report.
const MIB: u64 = 1024;

/// Forgets the peak, so that a later one shows.
fn forget_peak(server: &Server) {
    let path = format!("/proc/{}/clear_refs", server.id());
    std::fs::write(path, "5").expect("the kernel forgets the peak");
}

async fn flooder(server: &Server) -> Wire {
    let alice = server.client(&crate::harness::unique("alice")).await;
    let mut wire = Wire::of(server, &alice.token).await;
    wire.say(&json!({"type": "connect", "room_id": "general"}))
        .await;
    wire.wait_for("connected").await;
    wire
}

/// Sends 4 MiB of a frame and reads the answer to a last ping.
async fn flood(wire: &mut Wire, bytes: &[u8]) {
    let burst = bytes.repeat((64 * 1024 / bytes.len()).max(1));
    for _ in 0..(4 * 1024 * 1024 / burst.len()) {
        wire.send(&burst).await;
    }
    wire.say(&json!({"type": "ping", "ref": "over"})).await;
    while wire.wait_for("pong").await["ref"] != "over" {}
}

#[tokio::test]
async fn a_flood_of_small_frames_adds_no_memory() {
    let home = Home::new().await;
    let server = Server::with(&home, &[("RUST_LOG", "error")]).await;
    let in_pieces = [frame(TEXT_BEGINS, b"{"), frame(MORE, b" ").repeat(60_000)].concat();
    let pieces = [
        &in_pieces[..],
        &frame(LAST, br#""type":"ping","ref":"pieces"}"#),
    ]
    .concat();
    let floods = [frame(PONG, b""), frame(PONG, &[0; 125]), pieces];
    // The first time buffers are made that stay.
    for warm in [true, false] {
        for bytes in &floods {
            let mut wire = flooder(&server).await;
            wire.say(&json!({"type": "ping"})).await;
            wire.wait_for("pong").await;
            let before = server.status("VmRSS");
            forget_peak(&server);
            flood(&mut wire, bytes).await;
            let added = server.status("VmHWM").saturating_sub(before);
            assert!(warm || added < MIB, "{added} KiB for {:?}", &bytes[..4]);
        }
    }
}

/// Pings whose answers are not read stop being read.
#[tokio::test]
async fn pings_whose_answers_are_not_read_add_no_memory() {
    let home = Home::new().await;
    let server = Server::with(&home, &[("RUST_LOG", "error")]).await;
    let burst = frame(PING, &[7; 125]).repeat(500);
    for warm in [true, false] {
        let mut wire = flooder(&server).await;
        let before = server.status("VmRSS");
        forget_peak(&server);
        let mut sent = 0;
        let stuck = async {
            while wire.try_send(&burst).await.is_ok() {
                sent += burst.len();
            }
        };
        let patience = std::time::Duration::from_secs(2);
        let stood_still = tokio::time::timeout(patience, stuck).await;
        assert!(stood_still.is_err(), "the server closed, or read on");
        let added = server.status("VmHWM").saturating_sub(before);
        // Half of an outbox, in the allocator's steps.
        assert!(warm || added < 2 * MIB, "{added} KiB after {sent} bytes");
    }
}

/// A room that talks to people who do not listen gives back what it held for them.
#[tokio::test]
async fn slow_readers_leave_no_memory_behind() {
    const SLOW: usize = 20;

    let home = Home::new().await;
    let settings = [("RUST_LOG", "error"), ("ENABLE_HTTPS", "false")];
    let server = Server::with(&home, &settings).await;
    let alice = server.client("alice").await;
    let mut talker = server.ws(&alice).joined("general").await;
    let long = "\u{1f600}".repeat(4_000);
    let mut peaks = VecDeque::new();
    for round in 1..=8 {
        let mut slow = Vec::new();
        for _ in 0..SLOW {
            let mut wire = Wire::connect(server.port, Some(4_096)).await;
            let path = format!("/ws/general?token={}", alice.token);
            let head = crate::harness::wire::upgrade(&path, "");
            wire.send(head.as_bytes()).await;
            wire.head().await;
            wire.wait_for("connected").await;
            slow.push(wire);
        }
        let closed = (SLOW * round) as f64;
        while server.api().metric("chat_slow_consumers_total").await < closed {
            for _ in 0..20 {
                talker.publish("general", &long).await;
                talker.wait_for("ack").await;
            }
        }
        drop(slow);
        until(async || server.api().metric("chat_sessions").await == 1.0).await;
        peaks.push_back(server.status("VmRSS"));
    }
    // Caches of the database fill in the first rounds.
    let (first, last) = (peaks[4], peaks[7]);
    // Together they were given 20 MiB a round.
    assert!(last < first + 4 * MIB, "{peaks:?}");
}
