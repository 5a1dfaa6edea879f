//! What each server wants to hear: the upgrade, the way into a room, and a message.

use clap::ValueEnum;
use memchr::memmem;
use uuid::Uuid;

use crate::{frame, plan::Plan, stamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// A text frame goes to everybody whose path was the same.
    Raw,
    SocketIo,
    Nats,
    /// Parlor's `typing`: stored nowhere.
    Live,
    /// Parlor's `message`: sent on when it is on the disk.
    Durable,
}

/// What a socket does next in its handshake.
pub enum Step {
    Wait,
    Send(u8, Vec<u8>),
    Joined,
}

impl Protocol {
    pub fn is_parlor(self) -> bool {
        matches!(self, Self::Live | Self::Durable)
    }

    /// The request that asks for the upgrade. `after` is how far a Parlor room is known.
    pub fn request(self, room: usize, token: Option<&str>, after: Option<u64>) -> String {
        let path = match self {
            Self::Raw => format!("/{room}"),
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket".to_owned(),
            Self::Nats => "/".to_owned(),
            Self::Live | Self::Durable => {
                let after = after.map(|rev| format!("?after={rev}"));
                format!("/ws/{}{}", room_name(room), after.unwrap_or_default())
            }
        };
        let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{}\r\n",
            authorization.unwrap_or_default()
        )
    }

    /// What follows on `payload` in the handshake, of which `step` frames were sent.
    pub fn step(self, step: u8, room: usize, payload: &[u8]) -> Step {
        let has = |what: &str| memmem::find(payload, what.as_bytes()).is_some();
        match (self, step) {
            (Self::SocketIo, 0) if payload.first() == Some(&b'0') => text("40".to_owned()),
            (Self::SocketIo, 1) if payload.starts_with(b"40") => {
                text(format!("42[\"join\",\"{room}\"]"))
            }
            (Self::SocketIo, 2) if has("joined") => Step::Joined,
            (Self::Nats, 0) if has("INFO") => {
                let options = r#"{"verbose":false,"pedantic":false,"echo":true,"protocol":1}"#;
                let hello = format!("CONNECT {options}\r\nSUB r{room} 1\r\nPING\r\n");
                Step::Send(frame::BINARY, hello.into_bytes())
            }
            (Self::Nats, 1) if has("PONG") => Step::Joined,
            (Self::Live | Self::Durable, _) if payload.starts_with(br#"{"type":"connected""#) => {
                Step::Joined
            }
            _ => Step::Wait,
        }
    }

    /// Appends the frame of one message that was due at `time`.
    pub fn message(self, output: &mut Vec<u8>, room: usize, time: u64, plan: &Plan) {
        let payload = stamp::payload(time, plan.content);
        match self {
            Self::Raw => frame::write(output, frame::TEXT, &payload),
            Self::SocketIo => {
                let event = [b"42[\"m\",\"", &payload[..], b"\"]"].concat();
                frame::write(output, frame::TEXT, &event);
            }
            Self::Nats => {
                let head = format!("PUB r{room} {}\r\n", payload.len());
                let message = [head.as_bytes(), &payload, b"\r\n"].concat();
                frame::write(output, frame::BINARY, &message);
            }
            Self::Live => {
                let name = room_name(room);
                let typing = format!(r#"{{"type":"typing","room_id":"{name}"}}"#);
                frame::write(output, frame::TEXT, typing.as_bytes());
            }
            Self::Durable => {
                let id = if plan.random_ids {
                    Uuid::new_v4()
                } else {
                    Uuid::now_v7()
                };
                let name = room_name(room);
                let content = String::from_utf8_lossy(&payload);
                let message = format!(
                    r#"{{"type":"message","room_id":"{name}","content":"{content}","client_message_id":"{id}","ref":{time}}}"#
                );
                frame::write(output, frame::TEXT, message.as_bytes());
            }
        }
    }

    /// The answer to a ping of the protocol itself, beside WebSocket's.
    pub fn pong(self, payload: &[u8]) -> Option<(u8, &'static [u8])> {
        match self {
            Self::SocketIo if payload == b"2" => Some((frame::TEXT, b"3")),
            Self::Nats if payload.starts_with(b"PING") => Some((frame::BINARY, b"PONG\r\n")),
            _ => None,
        }
    }
}

fn text(text: String) -> Step {
    Step::Send(frame::TEXT, text.into_bytes())
}

/// What the runner called the room with this number.
pub fn room_name(room: usize) -> String {
    format!("r{room:04}")
}
