//! The test client's end of a WebSocket: another implementation than the server's.

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt, StreamExt};
use parlor::protocol::code::{CloseCode, ErrorCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode as Code},
    },
};

use super::{Client, LIMIT, contract::Watch, unique};

/// How many frames a failure prints.
const REMEMBERED: usize = 12;

/// What came out of a socket.
#[derive(Debug)]
pub enum Event {
    /// A frame.
    Frame(Value),
    /// A close frame: its code and reason.
    Closed(u16, String),
    /// The connection ended without one.
    Lost(String),
}

/// A message as a room's members hear it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Heard {
    pub id: String,
    pub room_id: String,
    pub seq: i64,
    pub rev: i64,
    pub sender_id: String,
    pub sender_name: String,
    pub content: String,
    pub client_message_id: Option<String>,
}

/// An open socket. It answers pings only while somebody reads from it.
pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    seen: VecDeque<String>,
    watch: Watch,
}

impl Socket {
    /// Takes a stream whose handshake is done.
    pub fn new(stream: WebSocketStream<MaybeTlsStream<TcpStream>>, seen: VecDeque<String>) -> Self {
        Self {
            stream,
            seen,
            watch: Watch::default(),
        }
    }

    /// Sends a JSON frame.
    pub async fn send(&mut self, frame: &Value) {
        self.send_raw(Message::text(frame.to_string())).await;
    }

    /// Sends anything.
    pub async fn send_raw(&mut self, message: Message) {
        match &message {
            Message::Text(text) => self.watch.sent(text),
            Message::Close(_) => self.watch.said_goodbye(),
            _ => {}
        }
        let sent = timeout(LIMIT, self.stream.send(message)).await;
        if !matches!(sent, Ok(Ok(()))) {
            self.fail(&format!("cannot send: {sent:?}"));
        }
    }

    /// Sends a JSON frame, and says whether the connection took it.
    pub async fn offer(&mut self, frame: &Value) -> bool {
        let text = frame.to_string();
        self.watch.sent(&text);
        let sending = self.stream.send(Message::text(text));
        matches!(timeout(LIMIT, sending).await, Ok(Ok(())))
    }

    /// Joins a room and gives the `connected` frame.
    pub async fn join(&mut self, room: &str) -> Value {
        self.connect(&json!({"type": "connect", "room_id": room}))
            .await
    }

    /// Joins a room to go on after `rev`, and gives the `connected` frame.
    pub async fn resume(&mut self, room: &str, after: i64) -> Value {
        self.connect(&json!({"type": "connect", "room_id": room, "after": after}))
            .await
    }

    /// Sends a `connect` frame and gives the `connected` frame that answers it.
    pub async fn connect(&mut self, frame: &Value) -> Value {
        self.send(frame).await;
        self.wait_for("connected").await
    }

    /// Leaves a room.
    pub async fn leave(&mut self, room: &str) {
        let frame = json!({"type": "disconnect", "room_id": room});
        self.send(&frame).await;
        self.wait_for("disconnected").await;
    }

    /// Says something and gives its `client_message_id`.
    pub async fn publish(&mut self, room: &str, content: &str) -> String {
        let id = unique("m");
        self.publish_as(room, content, &id).await;
        id
    }

    /// Says something under a `client_message_id`.
    pub async fn publish_as(&mut self, room: &str, content: &str, id: &str) {
        let frame = json!({
            "type": "message", "room_id": room, "content": content, "client_message_id": id,
        });
        self.send(&frame).await;
    }

    /// The answer to a message: its `ack`; an `error` for it fails.
    pub async fn acked(&mut self, id: &str) -> Value {
        let about = |f: &Value| {
            f["client_message_id"] == id && (f["type"] == "ack" || f["type"] == "error")
        };
        let frame = self.wait_until("the answer to a message", about).await;
        if frame["type"] == "error" {
            self.fail(&format!("no ack but {frame}"));
        }
        frame
    }

    /// The next message that somebody said; other frames are passed over.
    pub async fn next_message(&mut self) -> Heard {
        let frame = self.wait_for("message").await;
        serde_json::from_value(frame).expect("a message is complete")
    }

    /// The next frame of a type; others are passed over.
    pub async fn wait_for(&mut self, kind: &str) -> Value {
        self.wait_until(kind, |frame| frame["type"] == kind).await
    }

    /// The next frame that is meant; others are passed over.
    pub async fn wait_until(&mut self, what: &str, meant: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                match self.read().await {
                    Event::Frame(frame) if meant(&frame) => return Ok(frame),
                    Event::Frame(_) => {}
                    end => return Err(end),
                }
            }
        };
        match timeout(LIMIT, waiting).await {
            Ok(Ok(frame)) => frame,
            Ok(Err(end)) => self.fail(&format!("waiting for {what}: {end:?}")),
            Err(_) => self.fail(&format!("waited too long for {what}")),
        }
    }

    /// Everything that comes before the answer to a ping sent now: what is missing here was not
    /// sent before the server read the ping.
    pub async fn until_pong(&mut self) -> Vec<Value> {
        let mark = unique("p");
        self.send(&json!({"type": "ping", "ref": mark})).await;
        let mut frames = Vec::new();
        loop {
            let frame = self.next_frame().await;
            if frame["type"] == "pong" && frame["ref"] == mark.as_str() {
                return frames;
            }
            frames.push(frame);
        }
    }

    /// The next frame, whatever it is.
    pub async fn next_frame(&mut self) -> Value {
        match self.next().await {
            Event::Frame(frame) => frame,
            end => self.fail(&format!("no more frames: {end:?}")),
        }
    }

    /// What comes next.
    pub async fn next(&mut self) -> Event {
        match timeout(LIMIT, self.read()).await {
            Ok(event) => event,
            Err(_) => self.fail("nothing came"),
        }
    }

    /// The code of the close frame that must come; frames before it are passed over.
    pub async fn close_code(&mut self) -> CloseCode {
        let (number, _) = self.closed().await;
        let known = CloseCode::ALL.iter().find(|code| code.number() == number);
        match known {
            Some(code) => *code,
            None => self.fail(&format!("an unknown close code {number}")),
        }
    }

    /// Checks that the server closes with this code, and says why.
    pub async fn closed_as(&mut self, code: CloseCode) {
        let closed = self.closed().await;
        if closed != (code.number(), code.reason()) {
            self.fail(&format!("closed by {closed:?}, not by {code:?}"));
        }
    }

    /// Checks that the server closes with this code within a second from now, by the machine's own
    /// time: 40 times 25 ms, after each of which the server answered something else. So a second of
    /// a machine with too much to do is longer, and that of a server which only waits is not.
    pub async fn closed_within_a_second(&mut self, code: CloseCode, api: &Client) {
        let second = async {
            for _ in 0..40 {
                tokio::time::sleep(Duration::from_millis(25)).await;
                api.get("/health/live").await.ok(200);
            }
        };
        let closed = tokio::select! {
            biased;
            closed = self.closed() => Some(closed),
            () = second => None,
        };
        match closed {
            Some(closed) if closed == (code.number(), code.reason()) => {}
            Some(closed) => self.fail(&format!("closed by {closed:?}, not by {code:?}")),
            None => self.fail(&format!("not closed by {code:?} within a second")),
        }
    }

    /// Sends a frame and gives the `error` that answers it, which must have this code.
    pub async fn refused(&mut self, frame: &Value, code: ErrorCode) -> Value {
        self.send(frame).await;
        let error = self.wait_for("error").await;
        if error["code"] != code.as_str() {
            self.fail(&format!("{frame} is not refused as {code:?}"));
        }
        error
    }

    /// The number and reason of the close frame that must come.
    pub async fn closed(&mut self) -> (u16, String) {
        let closing = async {
            loop {
                match self.read().await {
                    Event::Frame(_) => {}
                    Event::Closed(code, reason) => return Ok((code, reason)),
                    Event::Lost(why) => return Err(why),
                }
            }
        };
        match timeout(LIMIT, closing).await {
            Ok(Ok(close)) => close,
            Ok(Err(why)) => self.fail(&format!("lost without a close frame: {why}")),
            Err(_) => self.fail("not closed in time"),
        }
    }

    /// Says goodbye and waits for the server's.
    pub async fn close(mut self) -> u16 {
        let frame = CloseFrame {
            code: Code::Normal,
            reason: "".into(),
        };
        self.send_raw(Message::Close(Some(frame))).await;
        self.closed().await.0
    }

    async fn read(&mut self) -> Event {
        loop {
            let event = match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    self.remember(text.to_string());
                    self.watch.heard(&text);
                    match serde_json::from_str(&text) {
                        Ok(frame) => Event::Frame(frame),
                        Err(error) => self.fail(&format!("a frame is no JSON: {error}")),
                    }
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    self.watch.closed(frame.code.into(), &frame.reason);
                    Event::Closed(frame.code.into(), frame.reason.to_string())
                }
                Some(Ok(Message::Close(None))) => {
                    self.watch.closed(1005, "");
                    Event::Closed(1005, String::new())
                }
                Some(Ok(Message::Binary(_))) => self.fail("a binary frame came"),
                Some(Ok(_)) => continue,
                Some(Err(error)) => Event::Lost(error.to_string()),
                None => Event::Lost("end of stream".to_owned()),
            };
            if matches!(event, Event::Lost(_)) {
                self.watch.lost();
            }
            return event;
        }
    }

    fn remember(&mut self, frame: String) {
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back(frame);
    }

    fn fail(&self, why: &str) -> ! {
        let seen: Vec<&str> = self.seen.iter().map(String::as_str).collect();
        panic!("{why}; the last frames were:\n{}", seen.join("\n"));
    }
}
