//! From WebSocket messages to what a socket is to do about them (RFC 6455, sections 5 to 7).

use std::io;

use actix_http::ws::{CloseReason, Item, Message, ProtocolError};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::reader::{MAX_MESSAGE, ReadEnd};
use crate::protocol::code::CloseCode;

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing that is to be answered.
    Nothing,
    /// A whole message.
    Text(ByteString),
    /// To be answered by the same payload.
    Ping(Bytes),
    /// To be answered by the same code.
    Goodbye(Option<u16>),
    /// Bytes that end the socket.
    Fault(CloseCode),
    /// The peer is gone.
    Gone,
}

/// A socket's incoming half: puts together what comes in fragments.
#[derive(Default)]
pub struct Incoming {
    /// Boxed, since most messages come whole.
    fragments: Option<Box<BytesMut>>,
}

impl Incoming {
    /// Takes what the decoder found; `end` says why it finds nothing more.
    pub fn take(&mut self, item: Result<Message, ProtocolError>, end: Option<ReadEnd>) -> Heard {
        match item {
            Ok(Message::Text(text)) => Heard::Text(text),
            Ok(Message::Continuation(item)) => self.take_fragment(item),
            Ok(Message::Ping(payload)) => Heard::Ping(payload),
            Ok(Message::Pong(_) | Message::Nop) => Heard::Nothing,
            Ok(Message::Binary(_)) => Heard::Fault(CloseCode::Unsupported),
            Ok(Message::Close(reason)) => {
                Heard::Goodbye(reason.map(|CloseReason { code, .. }| code.into()))
            }
            Err(fault) => fault_of(&fault, end),
        }
    }

    fn take_fragment(&mut self, item: Item) -> Heard {
        let (piece, last) = match item {
            Item::FirstBinary(_) => return Heard::Fault(CloseCode::Unsupported),
            Item::FirstText(piece) | Item::Continue(piece) => (piece, false),
            Item::Last(piece) => (piece, true),
        };
        let mut message = self.fragments.take().unwrap_or_default();
        if message.len() + piece.len() > MAX_MESSAGE {
            return Heard::Fault(CloseCode::TooLarge);
        }
        message.extend_from_slice(&piece);
        if !last {
            self.fragments = Some(message);
            return Heard::Nothing;
        }
        ByteString::try_from((*message).freeze())
            .map_or(Heard::Fault(CloseCode::InvalidText), Heard::Text)
    }
}

fn fault_of(fault: &ProtocolError, end: Option<ReadEnd>) -> Heard {
    Heard::Fault(match (end, fault) {
        (Some(ReadEnd::TooLarge), _) | (_, ProtocolError::Overflow) => CloseCode::TooLarge,
        (Some(ReadEnd::Lost), _) => return Heard::Gone,
        // The context tells text that is not UTF-8 this way, and nothing else.
        (None, ProtocolError::Io(io)) if io.kind() == io::ErrorKind::Other => {
            CloseCode::InvalidText
        }
        _ => CloseCode::ProtocolError,
    })
}
