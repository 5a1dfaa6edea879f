//! A client's WebSocket whose every byte can be chosen.

use std::io;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    Frame, Place, Stream,
    frame::{self, BINARY, CLOSE, LAST, MORE, PING, PONG, TEXT, TEXT_BEGINS},
    http::{Head, Reply, ask, read_body},
};

/// The longest frame that a server may send.
const MAX_FRAME: usize = 4 * 1024 * 1024;

/// What comes over a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Text(String),
    Ping,
    Pong(Vec<u8>),
    /// The number, if there was one, and the reason.
    Closed(Option<u16>, String),
    /// The end without a close frame, and why.
    Lost(String),
}

/// An open socket. It answers pings, unless told not to.
pub struct Socket {
    stream: Stream,
    received: BytesMut,
    /// What is being written: a write that is given up goes on with the next one.
    out: BytesMut,
    message: Option<Vec<u8>>,
    /// Whether a ping is answered by itself.
    pub answers_pings: bool,
}

impl Socket {
    /// Asks for a socket, with headers of one's own. The inner error is the answer if it was
    /// another one than 101.
    ///
    /// # Errors
    /// Nobody is there, or what answers does not speak HTTP.
    pub async fn open(
        place: &Place,
        path: &str,
        headers: &[(&str, &str)],
        window: Option<u32>,
    ) -> io::Result<Result<(Self, Head), Box<Reply>>> {
        let mut stream = place.connect(window).await?;
        let key = STANDARD.encode(rand::random::<[u8; 16]>());
        let mut request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n",
            place.authority()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut received = BytesMut::new();
        let head = ask(&mut stream, request.as_bytes(), &mut received).await?;
        if head.status != 101 {
            let reply = read_body(&mut stream, head, received).await?;
            return Ok(Err(Box::new(reply)));
        }
        let accept = actix_http::ws::hash_key(key.as_bytes());
        if head.header("sec-websocket-accept").map(str::as_bytes) != Some(&accept[..]) {
            let why = "the server answers another key than was sent";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let socket = Self {
            stream,
            received,
            out: BytesMut::new(),
            message: None,
            answers_pings: true,
        };
        Ok(Ok((socket, head)))
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        self.send_bytes(&frame::masked(TEXT, text.as_bytes())).await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.extend_from_slice(bytes);
        self.stream.write_all_buf(&mut self.out).await?;
        self.stream.flush().await
    }

    /// Ends the connection as a network does that is gone.
    pub fn cut(self) {
        self.stream.reset_on_drop();
    }

    /// What comes next. To give up waiting loses nothing.
    pub async fn next(&mut self) -> Event {
        loop {
            let frame = match Frame::take(&mut self.received, MAX_FRAME) {
                Ok(Some(frame)) => frame,
                Ok(None) => match self.stream.read_buf(&mut self.received).await {
                    Ok(0) => return Event::Lost("the connection ended".to_owned()),
                    Ok(_) => continue,
                    Err(error) => return Event::Lost(error.to_string()),
                },
                Err(frame::TooLong) => return Event::Lost("a frame over 4 MiB".to_owned()),
            };
            if let Some(event) = self.read(&frame) {
                if event == Event::Ping && self.answers_pings {
                    let pong = frame::masked(PONG, &frame.payload());
                    // A connection that is gone says so when it is read.
                    let _gone = self.send_bytes(&pong).await;
                }
                return event;
            }
        }
    }

    /// `None` if a message goes on.
    fn read(&mut self, frame: &Frame) -> Option<Event> {
        let payload = frame.payload();
        Some(match (frame.first, self.message.take()) {
            (TEXT, None) => text(payload),
            (TEXT_BEGINS, None) => {
                self.message = Some(payload);
                return None;
            }
            (MORE, Some(mut message)) if message.len() < MAX_FRAME => {
                message.extend_from_slice(&payload);
                self.message = Some(message);
                return None;
            }
            (LAST, Some(mut message)) => {
                message.extend_from_slice(&payload);
                text(message)
            }
            (CLOSE, _) => closed(&payload),
            (PING, message) => {
                self.message = message;
                Event::Ping
            }
            (PONG, message) => {
                self.message = message;
                Event::Pong(payload)
            }
            (BINARY, _) => Event::Lost("a binary frame came".to_owned()),
            (first, _) => Event::Lost(format!("a frame that begins with {first:#04x} came")),
        })
    }
}

fn text(payload: Vec<u8>) -> Event {
    match String::from_utf8(payload) {
        Ok(text) => Event::Text(text),
        Err(_) => Event::Lost("text that is not UTF-8 came".to_owned()),
    }
}

fn closed(payload: &[u8]) -> Event {
    match payload.split_first_chunk() {
        None => Event::Closed(None, String::new()),
        Some((code, reason)) => {
            let reason = String::from_utf8_lossy(reason).into_owned();
            Event::Closed(Some(u16::from_be_bytes(*code)), reason)
        }
    }
}
