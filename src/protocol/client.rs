//! What a client sends: one JSON object a frame, told apart by `type`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::code::ErrorCode;
use crate::domain::{
    Invalid,
    ids::{ClientMessageId, Rev, RoomId, UserId},
    message::Content,
};

/// What a client wrote to know the answer by; echoed in the direct reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ref {
    Number(i64),
    /// At most 64 characters.
    Text(Box<str>),
}

/// The longest text of a `ref`, in characters; a longer one is not echoed.
const MAX_REF: usize = 64;

impl Ref {
    fn is_short(&self) -> bool {
        !matches!(self, Self::Text(text) if text.chars().count() > MAX_REF)
    }
}

/// A frame that makes sense.
#[derive(Debug)]
pub enum ClientFrame {
    Authorization {
        token: String,
    },
    Connect {
        room_id: RoomId,
        user_id: Option<UserId>,
        resume: Resume,
    },
    Message {
        room_id: RoomId,
        content: Content,
        client_message_id: Option<ClientMessageId>,
    },
    Disconnect {
        room_id: RoomId,
        user_id: Option<UserId>,
    },
    Typing {
        room_id: RoomId,
    },
    Ping,
}

/// How far a client has come in a room, when it joins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// The last `rev` that it handled.
    pub after: Option<Rev>,
    /// The `epoch` in which it did; not compared when absent.
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

/// Every field of every frame: one pass over the text, nothing copied.
#[derive(Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Fields<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(rename = "ref")]
    reference: Option<Ref>,
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    room_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    client_message_id: Option<Cow<'a, str>>,
    after: Option<Rev>,
    #[serde(borrow)]
    epoch: Option<Cow<'a, str>>,
}

/// Reads a frame, and the `ref` to answer it by.
///
/// # Errors
/// No JSON object, an unknown `type`, or a field that is missing or wrong. What can be read of
/// `ref` and `client_message_id` is in the error.
pub fn parse(text: &str) -> Result<(ClientFrame, Option<Ref>), BadFrame> {
    let mut fields: Fields<'_> = match serde_json::from_str(text) {
        Ok(fields) => fields,
        Err(fault) => return Err(unreadable(text, &fault)),
    };
    let reference = fields.reference.take().filter(Ref::is_short);
    let client_message_id = fields.client_message_id.as_deref().map(str::to_owned);
    match fields.into_frame() {
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

type Fault = (ErrorCode, String);

impl Fields<'_> {
    fn into_frame(self) -> Result<ClientFrame, Fault> {
        let kind = self.kind.as_deref().ok_or_else(|| missing("type"))?;
        Ok(match kind {
            "authorization" => ClientFrame::Authorization {
                token: self.token.ok_or_else(|| missing("token"))?.into_owned(),
            },
            "connect" => ClientFrame::Connect {
                room_id: room(self.room_id)?,
                user_id: user(self.user_id)?,
                resume: Resume {
                    after: after(self.after)?,
                    epoch: self.epoch.map(Cow::into_owned),
                },
            },
            "message" => ClientFrame::Message {
                room_id: room(self.room_id)?,
                content: content(self.content)?,
                client_message_id: self
                    .client_message_id
                    .map(|id| ClientMessageId::parse(&id).map_err(refused))
                    .transpose()?,
            },
            "disconnect" => ClientFrame::Disconnect {
                room_id: room(self.room_id)?,
                user_id: user(self.user_id)?,
            },
            "typing" => ClientFrame::Typing {
                room_id: room(self.room_id)?,
            },
            "ping" => ClientFrame::Ping,
            _ => {
                return Err((
                    ErrorCode::UnknownType,
                    "This type of frame is not known".into(),
                ));
            }
        })
    }
}

fn missing(field: &str) -> Fault {
    (ErrorCode::InvalidFrame, format!("{field} is missing"))
}

fn refused(invalid: Invalid) -> Fault {
    (ErrorCode::InvalidFrame, invalid.to_string())
}

fn room(text: Option<Cow<'_, str>>) -> Result<RoomId, Fault> {
    RoomId::parse(&text.ok_or_else(|| missing("room_id"))?).map_err(refused)
}

fn user(text: Option<Cow<'_, str>>) -> Result<Option<UserId>, Fault> {
    let parse = |text: Cow<'_, str>| text.parse();
    text.map(parse)
        .transpose()
        .map_err(|_| (ErrorCode::InvalidFrame, "user_id must be a UUID".to_owned()))
}

fn after(rev: Option<Rev>) -> Result<Option<Rev>, Fault> {
    match rev {
        Some(..0) => Err((
            ErrorCode::InvalidFrame,
            "after must not be negative".to_owned(),
        )),
        rev => Ok(rev),
    }
}

fn content(text: Option<Cow<'_, str>>) -> Result<Content, Fault> {
    Content::parse(text.ok_or_else(|| missing("content"))?.into_owned())
        .map_err(|invalid| (ErrorCode::InvalidContent, invalid.to_string()))
}

/// Tells bytes that are no JSON from JSON of another shape, and saves its `ref`.
fn unreadable(text: &str, fault: &serde_json::Error) -> BadFrame {
    let value = serde_json::from_str::<serde_json::Value>(text).ok();
    let object = value.as_ref().and_then(serde_json::Value::as_object);
    let field = |name: &str| object.and_then(|object| object.get(name));
    BadFrame {
        code: ErrorCode::InvalidFrame,
        message: match object {
            Some(_) => format!("The frame is not of its type's form: {fault}"),
            None => "A frame must be one JSON object".to_owned(),
        },
        reference: field("ref")
            .and_then(|value| Ref::deserialize(value).ok())
            .filter(Ref::is_short),
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
        assert_eq!(code(&"[".repeat(10_000)), (InvalidFrame, true));
        assert_eq!(code("{}"), (InvalidFrame, false));
        assert_eq!(code(r#"{"type":"dance"}"#), (UnknownType, false));
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

    #[test]
    fn the_ref_survives_a_bad_frame() {
        let bad = parse(r#"{"type":"typing","room_id":5,"ref":"r1"}"#).unwrap_err();
        assert_eq!(bad.reference, Some(Ref::Text("r1".into())));
        let bad = parse(r#"{"type":"message","room_id":"a","content":"","client_message_id":"c"}"#)
            .unwrap_err();
        assert_eq!(bad.client_message_id.as_deref(), Some("c"));
    }
}
