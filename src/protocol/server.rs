//! What the server sends: one type a frame, each serialized with its `type`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{client::Ref, code::ErrorCode};
use crate::domain::{
    ids::{ClientMessageId, MessageId, Rev, RoomId, Seq, SessionId, UserId},
    message::{Message, Receipt},
    user::Profile,
};

/// One frame from the server to a client.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    /// The token is good; the socket may be used.
    Authenticated {
        user_id: UserId,
        session_id: SessionId,
        /// The version of this protocol.
        protocol: u32,
        /// From one ping of the server to the next. Who says nothing for two of them is closed.
        heartbeat_seconds: u64,
        limits: Limits,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    /// The room is joined; its messages come from now on.
    Connected {
        room_id: &'a RoomId,
        /// The `seq` of the newest message.
        #[schema(value_type = i64, minimum = 0)]
        head: Seq,
        /// The `rev` of the newest change.
        #[schema(value_type = i64, minimum = 0)]
        rev: Rev,
        /// Names the room's history; another one after the database was restored.
        epoch: &'a str,
        /// Users, not sockets.
        online: u32,
        /// True: everything after `after` follows, then what is said. False: load the history.
        resumed: bool,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    /// The room is left.
    Disconnected {
        room_id: &'a RoomId,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    /// Somebody said something; the sender hears it, too.
    Message(MessageBody<'a>),
    /// A message is kept for good; to its sender.
    Ack {
        #[serde(skip_serializing_if = "Option::is_none")]
        client_message_id: Option<&'a ClientMessageId>,
        id: MessageId,
        room_id: &'a RoomId,
        /// The message's place in the room.
        #[schema(value_type = i64, minimum = 1)]
        seq: Seq,
        #[schema(value_type = i64, minimum = 1)]
        rev: Rev,
        created_at: DateTime<Utc>,
        /// The same message was kept before: these are the first one's numbers.
        duplicate: bool,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    /// A user came; not stored.
    UserJoined(Notice<'a>),
    /// A user left; not stored.
    UserLeft(Notice<'a>),
    /// How many are here; instead of the notices in a room of many users.
    Presence {
        room_id: &'a RoomId,
        /// Users, not sockets.
        online: u32,
    },
    /// Somebody writes; to the others, and the first thing dropped under pressure.
    Typing {
        room_id: &'a RoomId,
        user: &'a Profile,
    },
    /// You have read up to `seq`, on this device or another. Dropped under pressure: the list of rooms
    /// tells the same.
    Read {
        room_id: &'a RoomId,
        #[schema(value_type = i64, minimum = 1)]
        seq: Seq,
    },
    /// The answer to `ping`.
    Pong {
        server_time: DateTime<Utc>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    /// Something was refused, or is about to end.
    Error {
        /// For people.
        error: &'a str,
        code: ErrorCode,
        /// That of the refused message, as it was sent.
        #[serde(skip_serializing_if = "Option::is_none")]
        client_message_id: Option<&'a str>,
        /// When to try the same again.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a Ref>,
    },
    /// The server is about to stop: come back after so long.
    Reconnect { in_ms: u64 },
}

/// What a client may send, told when it is authenticated.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
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
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageBody<'a> {
    pub id: MessageId,
    pub room_id: &'a RoomId,
    /// Its place in the room: 1, 2, 3 … without a hole, for good.
    #[schema(value_type = i64, minimum = 1)]
    pub seq: Seq,
    /// The number of its last change. The last one handled is what to `connect` with as `after`.
    #[schema(value_type = i64, minimum = 1)]
    pub rev: Rev,
    pub sender_id: UserId,
    /// The sender's full name.
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
#[derive(Debug, Serialize, ToSchema)]
pub struct Notice<'a> {
    pub id: Uuid,
    /// The nil UUID.
    pub sender_id: Uuid,
    /// `System`
    pub sender_name: &'static str,
    /// For people, such as "John Smith has joined the chat".
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
