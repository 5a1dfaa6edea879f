//! The WebSocket itself (RFC 6455), byte by byte.

use parlor::protocol::code::CloseCode;
use serde_json::json;

use crate::harness::{
    TestApp,
    wire::{BINARY, CLOSE, LAST, MORE, PING, PONG, TEXT, TEXT_BEGINS, Wire, frame, header},
};

/// A message as text, and where it may be cut.
fn said(content: &str) -> Vec<u8> {
    let frame = json!({"type": "message", "room_id": "general", "content": content});
    frame.to_string().into_bytes()
}

async fn joined(app: &TestApp) -> Wire {
    let alice = app.client(&crate::harness::unique("alice")).await;
    let mut wire = Wire::of(app, &alice.token).await;
    wire.say(&json!({"type": "connect", "room_id": "general"}))
        .await;
    wire.wait_for("connected").await;
    wire
}

/// The server masks nothing and expects a mask; whatever breaks the framing ends the socket.
#[tokio::test]
async fn bytes_that_are_no_frames_are_a_protocol_error() {
    let app = TestApp::spawn().await;
    let fragment = frame(TEXT_BEGINS, b"{");
    for (what, bytes) in [
        ("no mask", vec![TEXT, 2, b'{', b'}']),
        (
            "no mask on a long one",
            [&[TEXT, 126, 1, 0][..], &[b' '; 256]].concat(),
        ),
        ("reserved bit", frame(TEXT | 0x40, b"{}")),
        ("unknown kind", frame(0x83, b"{}")),
        ("unknown control", frame(0x8b, b"")),
        ("nothing to go on with", frame(LAST, b"{}")),
        ("nothing to go on with yet", frame(MORE, b"{}")),
        (
            "a message inside another",
            [fragment.clone(), frame(TEXT, b"{}")].concat(),
        ),
        (
            "two beginnings",
            [fragment.clone(), fragment.clone()].concat(),
        ),
        ("a ping in pieces", frame(PING & 0x0f, b"")),
        ("a long ping", frame(PING, &[0; 126])),
        ("half a close code", frame(CLOSE, &[3])),
    ] {
        let mut wire = joined(&app).await;
        wire.send(&bytes).await;
        let closed = wire.closed().await;
        let code = CloseCode::ProtocolError;
        assert_eq!(closed, (Some(code.number()), code.reason()), "{what}");
    }
}

#[tokio::test]
async fn binary_is_not_understood() {
    let app = TestApp::spawn().await;
    for bytes in [
        frame(BINARY, b"{}"),
        frame(BINARY, b""),
        frame(BINARY & 0x0f, b"{"),
    ] {
        let mut wire = joined(&app).await;
        wire.send(&bytes).await;
        wire.closed_as(CloseCode::Unsupported).await;
    }
}

#[tokio::test]
async fn text_must_be_utf8_whole_or_in_pieces() {
    let app = TestApp::spawn().await;
    for bytes in [
        frame(TEXT, b"{\"type\":\"\xff\"}"),
        frame(TEXT, b"\xed\xa0\x80"),
        [frame(TEXT_BEGINS, b"{\"a\":\"\xc3"), frame(LAST, b"\"}")].concat(),
        [
            frame(TEXT_BEGINS, b"\xff"),
            frame(MORE, b"x"),
            frame(LAST, b""),
        ]
        .concat(),
    ] {
        let mut wire = joined(&app).await;
        wire.send(&bytes).await;
        wire.closed_as(CloseCode::InvalidText).await;
    }
}

#[tokio::test]
async fn a_message_over_64_kib_is_refused() {
    let app = TestApp::spawn().await;
    let half = vec![b' '; 40 * 1024];
    for bytes in [
        frame(TEXT, &vec![b' '; 64 * 1024 + 1]),
        [frame(TEXT_BEGINS, &half), frame(LAST, &half)].concat(),
        [frame(TEXT_BEGINS, &half), frame(MORE, &half)].concat(),
        // Refused by the header: the rest would never come.
        header(TEXT, 64 * 1024 + 1),
        header(TEXT, 1 << 40),
        header(TEXT, u64::MAX),
        header(BINARY, 1 << 62),
        header(PING, 1 << 33),
    ] {
        let mut wire = joined(&app).await;
        wire.send(&bytes).await;
        wire.closed_as(CloseCode::TooLarge).await;
    }
}

/// The longest message that is allowed must pass, or the limit is another.
#[tokio::test]
async fn a_message_of_64_kib_is_read() {
    let app = TestApp::spawn().await;
    let mut wire = joined(&app).await;
    let mut ping = json!({"type": "ping", "ref": "whole"})
        .to_string()
        .into_bytes();
    ping.resize(64 * 1024, b' ');
    wire.send(&frame(TEXT, &ping)).await;
    assert_eq!(wire.wait_for("pong").await["ref"], "whole");
    let (first, rest) = ping.split_at(50_000);
    let bytes = [frame(TEXT_BEGINS, first), frame(LAST, rest)].concat();
    wire.send(&bytes).await;
    assert_eq!(wire.wait_for("pong").await["ref"], "whole");
}

#[tokio::test]
async fn a_message_may_come_in_pieces_with_pings_between() {
    let app = TestApp::spawn().await;
    let mut wire = joined(&app).await;
    let text = said("in pieces: äöü");
    let mut bytes = frame(TEXT_BEGINS, &[]);
    for byte in &text {
        bytes.extend(frame(MORE, &[*byte]));
        bytes.extend(frame(PING, &[*byte]));
        bytes.extend(frame(PONG, b"unasked"));
    }
    bytes.extend(frame(LAST, &[]));
    wire.send(&bytes).await;
    let mut pongs = Vec::new();
    while pongs.len() < text.len() {
        let (first, payload) = wire.next().await.unwrap();
        if first == PONG {
            pongs.extend(payload);
        }
    }
    assert_eq!(pongs, text, "every ping is answered by its own payload");
    let message = wire.wait_for("message").await;
    assert_eq!(message["content"], "in pieces: äöü");
}

/// A slow network cuts frames where it likes.
#[tokio::test]
async fn a_frame_may_come_byte_by_byte() {
    let app = TestApp::spawn().await;
    let mut wire = joined(&app).await;
    for byte in frame(TEXT, &said(&"x".repeat(200))) {
        wire.send(&[byte]).await;
    }
    assert_eq!(wire.wait_for("message").await["seq"], 1);
    for byte in frame(CLOSE, &1000_u16.to_be_bytes()) {
        wire.send(&[byte]).await;
    }
    assert_eq!(wire.closed().await, (Some(1000), String::new()));
}

#[tokio::test]
async fn pings_of_both_kinds_are_answered() {
    let app = TestApp::spawn().await;
    let mut wire = joined(&app).await;
    let longest = [7; 125];
    for payload in [&b""[..], b"hello", &longest] {
        wire.send(&frame(PING, payload)).await;
        while let Some((first, answer)) = wire.next().await {
            if first == PONG {
                assert_eq!(answer, payload);
                break;
            }
        }
    }
    wire.say(&json!({"type": "ping", "ref": 1})).await;
    let pong = wire.wait_for("pong").await;
    let time = pong["server_time"].as_str().unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
}

#[tokio::test]
async fn a_close_is_answered_with_its_own_code() {
    let app = TestApp::spawn().await;
    for code in [1000_u16, 1001, 1011, 3000, 4000, 4999] {
        let mut wire = joined(&app).await;
        let payload = [&code.to_be_bytes()[..], b"bye"].concat();
        wire.send(&frame(CLOSE, &payload)).await;
        assert_eq!(wire.closed().await, (Some(code), String::new()));
    }
    let mut wire = joined(&app).await;
    wire.send(&frame(CLOSE, b"")).await;
    assert_eq!(wire.closed().await, (None, String::new()));

    // Nothing behind a close is read.
    let mut wire = joined(&app).await;
    let bytes = [frame(CLOSE, b""), frame(TEXT, &said("too late"))].concat();
    wire.send(&bytes).await;
    assert_eq!(wire.closed().await, (None, String::new()));
    let admin = app.admin().await;
    let room = app.as_user(&admin).room("general").await.ok(200);
    assert_eq!(room["head"], 0);
}

/// One slip is told; who goes on and on does not speak this protocol.
#[tokio::test]
async fn ten_frames_that_are_no_json_end_the_socket() {
    let app = TestApp::spawn().await;
    let mut wire = joined(&app).await;
    for text in [
        "hello", "", "{", "[1]", "5", "null", "\"x\"", "{}{}", "{'a':1}",
    ] {
        wire.send(&frame(TEXT, text.as_bytes())).await;
        assert_eq!(
            wire.wait_for("error").await["code"],
            "invalid_frame",
            "{text}"
        );
    }
    // JSON that makes no sense is not counted.
    wire.say(&json!({"type": "dance"})).await;
    assert_eq!(wire.wait_for("error").await["code"], "unknown_type");
    wire.send(&frame(TEXT, b"the tenth")).await;
    wire.closed_as(CloseCode::BadFrames).await;
}
