//! A client that writes its own bytes, for what no WebSocket library would send.

use parlor::protocol::code::CloseCode;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpSocket,
    time::timeout,
};

use super::{LIMIT, Opening, Site, contract::Watch, spoken::Spoken};

/// The first byte of a whole text message.
pub const TEXT: u8 = 0x81;
/// The first byte of a text message of which more comes.
pub const TEXT_BEGINS: u8 = 0x01;
/// The first byte of a fragment in the middle.
pub const MORE: u8 = 0x00;
/// The first byte of the last fragment.
pub const LAST: u8 = 0x80;
/// The first byte of a whole binary message.
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;

/// What a wire runs over.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection whose bytes the test chooses.
pub struct Wire {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
    spoken: Spoken,
    watch: Watch,
}

/// A frame with a mask of zeros: its payload stands there as it is.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend_from_slice(payload);
    bytes
}

/// A frame's beginning that claims a payload of this length.
pub fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(0x80 | length as u8),
        126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

/// The head of an upgrade request, with more lines of one's own.
pub fn upgrade(path: &str, lines: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n"
    )
}

impl Wire {
    /// Opens a socket of nobody, over TLS if the server speaks it.
    pub async fn open(site: &Site) -> Self {
        let socket = Opening::new(site.clone()).open().await;
        Self {
            // Nothing is lost: the server says nothing before it knows who this is.
            stream: Box::new(socket.stream.into_inner()),
            received: Vec::new(),
            spoken: Spoken::of_frames(),
            watch: Watch::default(),
        }
    }

    /// Opens a socket and waits until the server knows whose it is.
    pub async fn of(site: &Site, token: &str) -> Self {
        let mut wire = Self::open(site).await;
        wire.say(&serde_json::json!({"type": "authorization", "token": token}))
            .await;
        wire.wait_for("authenticated").await;
        wire
    }

    /// Connects to a server without TLS, with a small window if the test will not read.
    pub async fn connect(port: u16, window: Option<u32>) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = window {
            socket.set_recv_buffer_size(bytes).expect("a small window");
        }
        let address = ([127, 0, 0, 1], port).into();
        let stream = socket.connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self {
            stream: Box::new(stream),
            received: Vec::new(),
            spoken: Spoken::of_request(),
            watch: Watch::default(),
        }
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) {
        let written = timeout(LIMIT, self.try_send(bytes)).await;
        written.expect("the server reads").expect("it is there");
    }

    /// Writes bytes as long as the server takes them.
    pub async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.spoken.take(bytes, &mut self.watch);
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Writes a JSON frame.
    pub async fn say(&mut self, json: &Value) {
        self.send(&frame(TEXT, json.to_string().as_bytes())).await;
    }

    /// Reads a response's head.
    pub async fn head(&mut self) -> String {
        loop {
            let end = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let head: Vec<u8> = self.received.drain(..end + 4).collect();
                return String::from_utf8(head).expect("a head of text");
            }
            assert!(self.fill().await > 0, "no whole head: {:?}", self.text());
        }
    }

    /// Reads a frame: its first byte and its payload; `None` at the end.
    pub async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((start, length)) = self.lengths()
                && self.received.len() >= start + length
            {
                let first = self.received[0];
                let frame: Vec<u8> = self.received.drain(..start + length).collect();
                let payload = frame[start..].to_vec();
                self.judge(first, &payload);
                return Some((first, payload));
            }
            if self.fill().await == 0 {
                self.watch.lost();
                assert!(self.received.is_empty(), "half a frame: {:?}", self.text());
                return None;
            }
        }
    }

    /// Holds a frame of the server against the document.
    fn judge(&mut self, first: u8, payload: &[u8]) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        match (first, payload) {
            (TEXT, payload) => self.watch.heard(&text(payload)),
            (CLOSE, []) => self.watch.closed(1005, ""),
            (CLOSE, [high, low, reason @ ..]) => {
                let code = u16::from_be_bytes([*high, *low]);
                self.watch.closed(code, &text(reason));
            }
            (PING | PONG, _) => {}
            _ => panic!("the server sends a frame that begins with {first:#x}"),
        }
    }

    /// The next text frame of a type; other frames are passed over.
    pub async fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let (first, payload) = self.next().await.expect("more frames");
            assert_ne!(first, CLOSE, "{:?}", String::from_utf8_lossy(&payload));
            if first == TEXT {
                let json: Value = serde_json::from_slice(&payload).expect("JSON");
                if json["type"] == kind {
                    return json;
                }
            }
        }
    }

    /// The close frame that must come, and the end behind it; frames before it are passed over.
    pub async fn closed(&mut self) -> (Option<u16>, String) {
        loop {
            let (first, payload) = self.next().await.expect("a close frame");
            if first != CLOSE {
                continue;
            }
            assert_eq!(self.next().await, None, "nothing behind a close frame");
            let Some((code, reason)) = payload.split_at_checked(2) else {
                return (None, String::new());
            };
            let reason = String::from_utf8(reason.to_vec()).expect("a reason of text");
            return (Some(u16::from_be_bytes([code[0], code[1]])), reason);
        }
    }

    /// Checks that the server closes with this code, and says why.
    pub async fn closed_as(&mut self, code: CloseCode) {
        let expected = (Some(code.number()), code.reason());
        assert_eq!(self.closed().await, expected);
    }

    /// Everything until the server ends the connection.
    pub async fn rest(&mut self) -> String {
        while self.fill().await > 0 {}
        self.text()
    }

    async fn fill(&mut self) -> usize {
        let mut buffer = [0; 16 * 1024];
        let read = timeout(LIMIT, self.stream.read(&mut buffer)).await;
        // An end without TLS's goodbye is an end.
        let count = read.expect("something comes").unwrap_or(0);
        self.received.extend_from_slice(&buffer[..count]);
        count
    }

    /// Where the payload of the frame at the front starts, and how long it is.
    fn lengths(&self) -> Option<(usize, usize)> {
        let bytes = &self.received;
        let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
        Some(match bytes.get(1)? {
            126 => (4, number(bytes.get(2..4)?)),
            127 => (10, number(bytes.get(2..10)?)),
            short => (2, usize::from(*short)),
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }
}
