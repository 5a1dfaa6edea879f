//! One example of each frame, written by the types themselves.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Side;
use crate::{
    domain::{
        ids::{ClientMessageId, MessageId, RoomId, SessionId, UserId},
        message::Content,
        user::Profile,
    },
    protocol::{
        VERSION,
        client::{ClientFrame, Ref, Resume},
        code::ErrorCode,
        server::{Limits, MessageBody, Notice, ServerFrame},
    },
};

/// The examples of a frame; none for a frame that nobody thought of here, which a test finds.
pub fn of(side: Side, kind: &str) -> Vec<Value> {
    let all = match side {
        Side::Client => client().unwrap_or_default(),
        Side::Server => server().unwrap_or_default(),
    };
    let payloads = all
        .into_iter()
        .filter(|payload| payload.get("type").is_some_and(|t| t == kind));
    payloads
        .map(|payload| json!({"payload": payload}))
        .collect()
}

/// An id of the usual form that is always the same.
fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x019a_a001_0000_7000_8000_0000_0000_0000 + number)
}

fn values<T: Serialize>(frames: Vec<T>) -> Vec<Value> {
    let values = frames.into_iter().map(serde_json::to_value);
    values.filter_map(Result::ok).collect()
}

fn client() -> Option<Vec<Value>> {
    let room_id = RoomId::parse("general").ok()?;
    let user_id = None;
    Some(values(vec![
        ClientFrame::Authorization {
            token: "eyJhbGciOiJIUzI1NiJ9.e30.c2ln".to_owned(),
        },
        ClientFrame::Connect {
            room_id: room_id.clone(),
            user_id,
            resume: Resume {
                after: Some(41),
                epoch: Some("5e045998b76e4269bc06c9031ba3f6f7".to_owned()),
            },
        },
        ClientFrame::Message {
            room_id: room_id.clone(),
            content: Content::parse("Who is there?").ok()?,
            client_message_id: ClientMessageId::parse("c-1").ok(),
        },
        ClientFrame::Disconnect {
            room_id: room_id.clone(),
            user_id,
        },
        ClientFrame::Typing { room_id },
        ClientFrame::Ping,
    ]))
}

fn server() -> Option<Vec<Value>> {
    let (room_id, user) = (RoomId::parse("general").ok()?, ada());
    let (room_id, user) = (&room_id, &user);
    let client_message_id = ClientMessageId::parse("c-1").ok();
    let client_message_id = client_message_id.as_ref();
    let reference = Some(&Ref::Number(7));
    let created_at = at();
    Some(values(vec![
        ServerFrame::Authenticated {
            user_id: user.id,
            session_id: SessionId(id(2)),
            protocol: VERSION,
            heartbeat_seconds: 30,
            limits: LIMITS,
            reference,
        },
        ServerFrame::Connected {
            room_id,
            head: 42,
            rev: 42,
            epoch: "5e045998b76e4269bc06c9031ba3f6f7",
            online: 2,
            resumed: true,
            reference,
        },
        ServerFrame::Disconnected { room_id, reference },
        ServerFrame::Message(MessageBody {
            id: MessageId(id(3)),
            room_id,
            seq: 42,
            rev: 42,
            sender_id: user.id,
            sender_name: &user.full_name,
            user,
            content: "Who is there?",
            created_at,
            client_message_id,
        }),
        ServerFrame::Ack {
            client_message_id,
            id: MessageId(id(3)),
            room_id,
            seq: 42,
            rev: 42,
            created_at,
            duplicate: false,
            reference,
        },
        ServerFrame::UserJoined(notice(room_id, user, "has joined the chat")),
        ServerFrame::UserLeft(notice(room_id, user, "has left the chat")),
        ServerFrame::Presence {
            room_id,
            online: 230,
        },
        ServerFrame::Typing { room_id, user },
        ServerFrame::Read { room_id, seq: 42 },
        ServerFrame::Pong {
            server_time: created_at,
            reference,
        },
        ServerFrame::Error {
            error: "Too many messages; wait a little",
            code: ErrorCode::RateLimited,
            client_message_id: Some("c-1"),
            retry_after_ms: Some(250),
            reference,
        },
        ServerFrame::Reconnect { in_ms: 2_660 },
    ]))
}

/// What a server allows unless it is told otherwise.
const LIMITS: Limits = Limits {
    frame_bytes: 65_536,
    content_chars: Content::MAX_CHARS,
    messages_per_second: 20,
    in_flight: 32,
    rooms: 100,
    resume_rows: 1_000,
};

fn ada() -> Profile {
    Profile {
        id: UserId(id(1)),
        username: "ada".to_owned(),
        full_name: "Ada Lovelace".to_owned(),
    }
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_795_246_449_500_047).unwrap_or_default()
}

/// [`Notice::joined`] would make a new id each time.
fn notice<'a>(room_id: &'a RoomId, user: &'a Profile, what: &str) -> Notice<'a> {
    Notice {
        id: id(4),
        sender_id: Uuid::nil(),
        sender_name: "System",
        content: format!("{} {what}", user.full_name),
        room_id,
        created_at: at(),
        user,
    }
}
