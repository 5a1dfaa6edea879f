//! What a client sends: one JSON object a frame, told apart by `type`.

mod fields;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::fields::{Fault, Field, Fields};
use super::code::ErrorCode;
use crate::domain::{
    Invalid,
    ids::{ClientMessageId, Rev, RoomId, UserId},
    message::Content,
};

/// What a client wrote to know the answer by; echoed in the direct reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Ref {
    Number(i64),
    /// At most 64 characters.
    Text(Box<str>),
}

impl Ref {
    /// The longest text, in characters; a longer one is not echoed.
    pub const MAX_CHARS: usize = 64;
}

/// A frame that makes sense. It may hold a token, and therefore prints itself in tests alone.
#[derive(PartialEq, Eq, Serialize, ToSchema)]
#[cfg_attr(test, derive(Debug))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// Says whose socket this is; later it keeps the socket open with a fresh token.
    Authorization { token: String },
    /// Joins a room. On a joined room it is answered and replayed again.
    Connect {
        room_id: RoomId,
        /// The caller's own, if any.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
        #[serde(flatten)]
        resume: Resume,
    },
    /// Says something in a joined room.
    Message {
        room_id: RoomId,
        content: Content,
        /// The same for each try to send the same message: it is kept once.
        #[serde(skip_serializing_if = "Option::is_none")]
        client_message_id: Option<ClientMessageId>,
    },
    /// Leaves a room.
    Disconnect {
        room_id: RoomId,
        /// The caller's own, if any.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
    },
    /// Tells the others in a joined room that the caller writes. Nothing answers it.
    Typing { room_id: RoomId },
    /// Asks for a `pong`.
    Ping,
}

/// How far a client has come in a room, when it joins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Resume {
    /// The last `rev` that it handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0)]
    pub after: Option<Rev>,
    /// The `epoch` in which it did; not compared when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
}

/// A frame that does not make sense, and as much of it as the answer needs.
#[derive(Debug)]
pub struct BadFrame {
    pub code: ErrorCode,
    pub message: String,
    pub reference: Option<Ref>,
    pub client_message_id: Option<String>,
    /// Not even a JSON object. Ten of these within a minute end the socket.
    pub not_json: bool,
}

/// Reads a frame, and the `ref` to answer it by.
///
/// # Errors
/// No JSON object, an unknown `type`, or a field that is missing or wrong. What can be read of
/// `ref` and `client_message_id` is in the error.
pub fn parse(text: &str) -> Result<(ClientFrame, Option<Ref>), BadFrame> {
    let fields: Fields<'_> = match serde_json::from_str(text) {
        Ok(fields) => fields,
        Err(fault) => return Err(unreadable(text, &fault)),
    };
    let echoed = echo(&fields.reference);
    let reference = echoed.as_ref().ok().cloned().flatten();
    let client_message_id = fields.client_message_id.text().map(str::to_owned);
    match echoed.and_then(|_| read(fields)) {
        Ok(frame) => Ok((frame, reference)),
        Err((code, message)) => Err(BadFrame {
            code,
            message,
            reference,
            client_message_id,
            not_json: false,
        }),
    }
}

/// Makes a frame of the fields that its `type` has; the others are not looked at.
fn read(fields: Fields<'_>) -> Result<ClientFrame, Fault> {
    let room = |field: Field<'_>| RoomId::parse(&field.required("room_id")?).map_err(refused);
    Ok(match &*fields.kind.required("type")? {
        "authorization" => ClientFrame::Authorization {
            token: fields.token.required("token")?.into_owned(),
        },
        "connect" => ClientFrame::Connect {
            room_id: room(fields.room_id)?,
            user_id: user(fields.user_id)?,
            resume: Resume {
                after: after(fields.after)?,
                epoch: fields.epoch.optional("epoch")?.map(Cow::into_owned),
            },
        },
        "message" => ClientFrame::Message {
            room_id: room(fields.room_id)?,
            content: content(fields.content)?,
            client_message_id: fields
                .client_message_id
                .optional("client_message_id")?
                .map(|id| ClientMessageId::parse(&id).map_err(refused))
                .transpose()?,
        },
        "disconnect" => ClientFrame::Disconnect {
            room_id: room(fields.room_id)?,
            user_id: user(fields.user_id)?,
        },
        "typing" => ClientFrame::Typing {
            room_id: room(fields.room_id)?,
        },
        "ping" => ClientFrame::Ping,
        _ => {
            let text = "This type of frame is not known";
            return Err((ErrorCode::UnknownType, text.to_owned()));
        }
    })
}

fn refused(invalid: Invalid) -> Fault {
    (ErrorCode::InvalidFrame, invalid.to_string())
}

/// The `ref` as it is echoed: nothing instead of a text that is too long.
fn echo(field: &Field<'_>) -> Result<Option<Ref>, Fault> {
    match field {
        Field::Absent | Field::Null => Ok(None),
        Field::Number(number) => Ok(Some(Ref::Number(*number))),
        Field::Text(text) if text.chars().count() > Ref::MAX_CHARS => Ok(None),
        Field::Text(text) => Ok(Some(Ref::Text(text.as_ref().into()))),
        Field::Other => Err(fields::wrong("ref", "must be a text or a whole number")),
    }
}

/// A UUID in its usual form of 36 characters, and in no other.
fn user(field: Field<'_>) -> Result<Option<UserId>, Fault> {
    let wrong = || fields::wrong("user_id", "must be a UUID");
    match field.optional("user_id")? {
        Some(text) if text.len() == 36 => text.parse().map(Some).map_err(|_| wrong()),
        Some(_) => Err(wrong()),
        None => Ok(None),
    }
}

fn after(field: Field<'_>) -> Result<Option<Rev>, Fault> {
    match field {
        Field::Absent | Field::Null => Ok(None),
        Field::Number(rev @ 0..) => Ok(Some(rev)),
        _ => Err(fields::wrong(
            "after",
            "must be a whole number that is not negative",
        )),
    }
}

fn content(field: Field<'_>) -> Result<Content, Fault> {
    Content::parse(field.required("content")?.into_owned())
        .map_err(|invalid| (ErrorCode::InvalidContent, invalid.to_string()))
}

/// Tells bytes that are no JSON from an object that cannot be read, and saves its `ref`.
fn unreadable(text: &str, fault: &serde_json::Error) -> BadFrame {
    let value = serde_json::from_str::<serde_json::Value>(text).ok();
    let object = value.as_ref().and_then(serde_json::Value::as_object);
    let field = |name: &str| object.and_then(|object| object.get(name));
    let reference = field("ref").and_then(|value| Field::deserialize(value).ok());
    BadFrame {
        code: ErrorCode::InvalidFrame,
        message: match object {
            Some(_) => format!("The frame cannot be read: {fault}"),
            None => "A frame must be one JSON object".to_owned(),
        },
        reference: reference.and_then(|field| echo(&field).ok().flatten()),
        client_message_id: field("client_message_id")
            .and_then(|v| v.as_str())
            .map(str::to_owned),
        not_json: object.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> (ErrorCode, bool) {
        let bad = parse(text).expect_err(text);
        (bad.code, bad.not_json)
    }

    #[test]
    fn a_frame_is_read_whatever_else_is_in_it() {
        let text =
            r#"{"type":"message","room_id":"general","content":"a\nb","new":{"x":[1]},"ref":7}"#;
        let (frame, reference) = parse(text).unwrap();
        assert_eq!(reference, Some(Ref::Number(7)));
        assert!(
            matches!(frame, ClientFrame::Message { content, .. } if content.as_str() == "a\nb")
        );
    }

    #[test]
    fn a_bad_frame_says_what_is_wrong() {
        use ErrorCode::{InvalidContent, InvalidFrame, UnknownType};
        assert_eq!(code("hello"), (InvalidFrame, true));
        assert_eq!(code("[1]"), (InvalidFrame, true));
        assert_eq!(code(r#"["ping"]"#), (InvalidFrame, true));
        assert_eq!(code(&"[".repeat(10_000)), (InvalidFrame, true));
        assert_eq!(code("{}"), (InvalidFrame, false));
        assert_eq!(code(r#"{"type":"dance"}"#), (UnknownType, false));
        assert_eq!(
            code(r#"{"type":"ping","type":"ping"}"#),
            (InvalidFrame, false)
        );
        assert_eq!(code(r#"{"type":"typing"}"#), (InvalidFrame, false));
        assert_eq!(
            code(r#"{"type":"typing","room_id":5}"#),
            (InvalidFrame, false)
        );
        assert_eq!(
            code(r#"{"type":"connect","room_id":"a","after":-1}"#),
            (InvalidFrame, false)
        );
        assert_eq!(
            code(r#"{"type":"message","room_id":"a","content":" "}"#),
            (InvalidContent, false)
        );
    }

    /// A newer client's field may have the name of one that an older frame has.
    #[test]
    fn what_a_frame_does_not_have_is_not_looked_at() {
        let text = r#"{"type":"ping","content":5,"after":-1,"token":[[]],"room_id":{}}"#;
        assert!(matches!(parse(text), Ok((ClientFrame::Ping, None))));
    }

    #[test]
    fn the_ref_survives_a_bad_frame() {
        let bad = parse(r#"{"type":"typing","room_id":5,"ref":"r1"}"#).unwrap_err();
        assert_eq!(bad.reference, Some(Ref::Text("r1".into())));
        let bad = parse(r#"{"type":"message","room_id":"a","content":"","client_message_id":"c"}"#)
            .unwrap_err();
        assert_eq!(bad.client_message_id.as_deref(), Some("c"));
    }
}
