//! What the server sends: one type a frame, each serialized with its `type`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{client::Ref, code::ErrorCode};
use crate::domain::{
    ids::{ClientMessageId, MessageId, Rev, RoomId, Seq, SessionId, UserId},
    message::{Message, Receipt},
    user::Profile,
};

/// One frame from the server to a client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    Authenticated {
        user_id: UserId,
        session_id: SessionId,
        protocol: u32,
        heartbeat_seconds: u64,
        limits: Limits,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    Connected {
        room_id: &'a RoomId,
        head: Seq,
        rev: Rev,
        epoch: &'a str,
        online: u32,
        resumed: bool,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    Disconnected {
        room_id: &'a RoomId,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    Message(MessageBody<'a>),
    Ack {
        #[serde(skip_serializing_if = "Option::is_none")]
        client_message_id: Option<&'a ClientMessageId>,
        id: MessageId,
        room_id: &'a RoomId,
        seq: Seq,
        rev: Rev,
        created_at: DateTime<Utc>,
        duplicate: bool,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    UserJoined(Notice<'a>),
    UserLeft(Notice<'a>),
    Presence {
        room_id: &'a RoomId,
        online: u32,
    },
    Typing {
        room_id: &'a RoomId,
        user: &'a Profile,
    },
    Pong {
        server_time: DateTime<Utc>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    Error {
        error: &'a str,
        code: ErrorCode,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_message_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    Reconnect {
        in_ms: u64,
    },
}

/// What a client may send, told when it is authenticated.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Limits {
    /// Bytes of one frame, reassembled.
    pub frame_bytes: usize,
    /// Characters of one message.
    pub content_chars: usize,
    /// Messages a second; 0 is without limit.
    pub messages_per_second: u32,
    /// Messages in flight before the socket is read no further.
    pub in_flight: u16,
    /// Rooms that one socket may join.
    pub rooms: usize,
    /// Rows that a resume replays at most.
    pub resume_rows: i64,
}

/// A message, as REST and the socket show it.
#[derive(Debug, Serialize)]
pub struct MessageBody<'a> {
    pub id: MessageId,
    pub room_id: &'a RoomId,
    pub seq: Seq,
    pub rev: Rev,
    pub sender_id: UserId,
    pub sender_name: &'a str,
    pub user: &'a Profile,
    pub content: &'a str,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<&'a ClientMessageId>,
}

impl<'a> From<&'a Message> for MessageBody<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: message.id,
            room_id: &message.room_id,
            seq: message.seq,
            rev: message.rev,
            sender_id: message.sender.id,
            sender_name: &message.sender.full_name,
            user: &message.sender,
            content: &message.content,
            created_at: message.created_at,
            client_message_id: message.client_message_id.as_ref(),
        }
    }
}

/// The system says that somebody came or went; it is not stored.
#[derive(Debug, Serialize)]
pub struct Notice<'a> {
    pub id: Uuid,
    pub sender_id: Uuid,
    pub sender_name: &'static str,
    pub content: String,
    pub room_id: &'a RoomId,
    pub created_at: DateTime<Utc>,
    pub user: &'a Profile,
}

impl<'a> Notice<'a> {
    /// "John Smith has joined the chat".
    #[must_use]
    pub fn joined(room_id: &'a RoomId, user: &'a Profile, created_at: DateTime<Utc>) -> Self {
        Self::new(room_id, user, created_at, "has joined the chat")
    }

    /// "John Smith has left the chat".
    #[must_use]
    pub fn left(room_id: &'a RoomId, user: &'a Profile, created_at: DateTime<Utc>) -> Self {
        Self::new(room_id, user, created_at, "has left the chat")
    }

    fn new(room_id: &'a RoomId, user: &'a Profile, created_at: DateTime<Utc>, what: &str) -> Self {
        Self {
            id: Uuid::now_v7(),
            sender_id: Uuid::nil(),
            sender_name: "System",
            content: format!("{} {what}", user.full_name),
            room_id,
            created_at,
            user,
        }
    }
}

impl<'a> ServerFrame<'a> {
    /// The answer to a message that was committed.
    #[must_use]
    pub fn ack(
        room_id: &'a RoomId,
        client_message_id: Option<&'a ClientMessageId>,
        receipt: &Receipt,
        reference: Option<&'a Ref>,
    ) -> Self {
        Self::Ack {
            client_message_id,
            id: receipt.id,
            room_id,
            seq: receipt.seq,
            rev: receipt.rev,
            created_at: receipt.created_at,
            duplicate: receipt.duplicate,
            reference,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_tagged_and_flat() {
        let profile = Profile {
            id: UserId::new(),
            username: "ann".into(),
            full_name: "Ann Lee".into(),
        };
        let room = RoomId::parse("general").unwrap();
        let notice = Notice::joined(&room, &profile, DateTime::UNIX_EPOCH);
        let json = serde_json::to_value(ServerFrame::UserJoined(notice)).unwrap();
        assert_eq!(json["type"], "user_joined");
        assert_eq!(json["content"], "Ann Lee has joined the chat");
        assert_eq!(json["sender_id"], "00000000-0000-0000-0000-000000000000");
        assert_eq!(json["created_at"], "1970-01-01T00:00:00Z");
    }
}
