//! Browsers choose HTTP/2 where it is offered.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::harness::{LIMIT, TestApp};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;

const END_STREAM: u8 = 0x01;
const END_HEADERS: u8 = 0x04;

/// Entries of HPACK's own table (RFC 7541, appendix A), as fields of a request and of an answer.
const GET: u8 = 0x82;
const POST: u8 = 0x83;
const OK: u8 = 0x88;
const NOT_FOUND: u8 = 0x8d;

struct Frame {
    kind: u8,
    stream: u8,
    payload: Vec<u8>,
}

/// A connection that speaks HTTP/2 by hand, in frames of 255 bytes at most.
struct Speaker {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Speaker {
    fn open(port: u16, mut tls: ClientConfig) -> Self {
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
        tcp.set_read_timeout(Some(LIMIT)).unwrap();
        let name = "localhost".try_into().unwrap();
        let session = ClientConnection::new(Arc::new(tls), name).unwrap();
        let mut stream = StreamOwned::new(session, tcp);
        stream.write_all(PREFACE).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
        let mut speaker = Self { stream };
        speaker.send(SETTINGS, 0, 0, &[]);
        speaker
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).unwrap();
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame).unwrap();
    }

    /// Sends a request's head in HPACK: indexed fields, and two literals that are not indexed.
    fn ask(&mut self, stream: u8, method: u8, path: &str, flags: u8) {
        let mut block = vec![method, 0x87];
        for (index, value) in [(0x04, path), (0x01, "localhost")] {
            block.push(index);
            block.push(u8::try_from(value.len()).unwrap());
            block.extend_from_slice(value.as_bytes());
        }
        self.send(HEADERS, flags | END_HEADERS, stream, &block);
    }

    fn read(&mut self) -> Frame {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).unwrap();
        Frame {
            kind: head[3],
            stream: head[8],
            payload,
        }
    }

    /// Reads up to a frame of that kind; says which kinds came before it.
    fn read_upto(&mut self, kind: u8) -> (Vec<u8>, Frame) {
        let mut before = Vec::new();
        loop {
            let frame = self.read();
            if frame.kind == kind {
                return (before, frame);
            }
            before.push(frame.kind);
        }
    }

    /// The first field of the next answer, and whose it is.
    fn read_answer(&mut self) -> (u8, u8) {
        let frame = self.read_upto(HEADERS).1;
        (frame.payload[0], frame.stream)
    }

    /// What the server sent before it answered a ping.
    fn ping(&mut self) -> Vec<u8> {
        self.send(PING, 0, 0, b"are you?");
        self.read_upto(PING).0
    }
}

/// Runs a conversation with a fresh server, off the threads that serve it.
async fn speak<R: Send + 'static>(conversation: fn(Speaker) -> R) -> R {
    let app = TestApp::spawn().await;
    let (port, tls) = (app.port, ClientConfig::clone(app.tls.as_deref().unwrap()));
    tokio::task::spawn_blocking(move || conversation(Speaker::open(port, tls)))
        .await
        .unwrap()
}

#[tokio::test]
async fn http_2_is_offered_and_spoken() {
    let answer = speak(|mut speaker| {
        speaker.ask(1, GET, "/health/live", END_STREAM);
        speaker.read_answer()
    });
    assert_eq!(answer.await, (OK, 1));
}

/// Old curls report a reset stream, and not the answer before it.
#[tokio::test]
async fn no_reset_follows_a_refusal_if_the_body_comes_soon() {
    let (answer, after) = speak(|mut speaker| {
        speaker.ask(1, POST, "/nowhere", 0);
        assert!(!speaker.ping().contains(&HEADERS), "refused too early");
        speaker.send(DATA, END_STREAM, 1, b"{}");
        (speaker.read_answer(), speaker.ping())
    })
    .await;
    assert_eq!(answer, (NOT_FOUND, 1));
    assert!(!after.contains(&RST_STREAM), "{after:?}");
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_a_body_that_never_comes() {
    let answer = speak(|mut speaker| {
        speaker.ask(1, POST, "/nowhere", 0);
        speaker.read_answer()
    });
    assert_eq!(answer.await, (NOT_FOUND, 1));
}

#[tokio::test]
async fn refusals_do_not_wait_for_more_than_some_bodies() {
    let answer = speak(|mut speaker| {
        for stream in (1..255).step_by(2) {
            speaker.ask(stream, POST, "/nowhere", 0);
        }
        speaker.read_answer()
    });
    let (status, stream) = answer.await;
    // 64 wait, so the first to be answered is the next: they are 1, 3, 5 and so on.
    assert_eq!(status, NOT_FOUND);
    assert!(stream > 128, "{stream}");
}
