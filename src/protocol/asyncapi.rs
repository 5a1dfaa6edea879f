//! The AsyncAPI description of the socket, made from the types that are sent and received.
//!
//! The frames' schemas come from [`ServerFrame`] and [`ClientFrame`], their codes from
//! [`ErrorCode`] and [`CloseCode`]; `channels` adds where the socket is and how it is opened.

mod channels;
mod examples;
mod schemas;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use self::schemas::Schemas;
use super::{
    VERSION,
    client::ClientFrame,
    code::{CloseCode, ErrorCode},
    server::ServerFrame,
};

/// The status and code of each answer that refuses an upgrade, and when it comes.
pub const REFUSALS: [(u16, ErrorCode, &str); 8] = [
    (
        400,
        ErrorCode::BadRequest,
        "No WebSocket handshake, or a query that cannot be read.",
    ),
    (
        401,
        ErrorCode::Unauthenticated,
        "A token came with the request and is not valid.",
    ),
    (
        403,
        ErrorCode::Forbidden,
        "A page of this origin may not connect.",
    ),
    (404, ErrorCode::NotFound, "No socket has this address."),
    (405, ErrorCode::MethodNotAllowed, "Anything but GET."),
    (
        429,
        ErrorCode::RateLimited,
        "Too many sockets from this address; `Retry-After` says when to come back.",
    ),
    (
        503,
        ErrorCode::Overloaded,
        "All seats are taken, or the server stops.",
    ),
    (
        503,
        ErrorCode::Unavailable,
        "The token cannot be checked: the database is away.",
    ),
];

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

impl Side {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    /// The name of a frame's message and schema, such as `client_ping`.
    fn name(self, kind: &str) -> String {
        format!("{}_{kind}", self.as_str())
    }
}

/// Describes the socket of the server whose origin this is, such as `https://chat.example.org`.
#[must_use]
pub fn document(origin: &str) -> Value {
    let mut schemas = Schemas::default();
    let from_clients = schemas.add_frames::<ClientFrame>(Side::Client);
    let from_server = schemas.add_frames::<ServerFrame<'static>>(Side::Server);
    schemas.replace("ErrorCode", error_code());
    schemas.replace("Ref", reference());
    schemas.replace("CloseReason", close_reason());
    schemas.replace("Refusal", refusal());
    let mut messages = Map::new();
    for (side, kinds) in [(Side::Client, &from_clients), (Side::Server, &from_server)] {
        for kind in kinds {
            let name = side.name(kind);
            messages.insert(name.clone(), message(side, kind, schemas.about(&name)));
        }
    }
    json!({
        "asyncapi": "3.1.0",
        "info": {
            "title": "Parlor's socket",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!("Protocol {VERSION}: {ABOUT}"),
            "contact": {"name": "Whoever runs this server", "url": origin},
            "license": {
                "name": "MIT OR Apache-2.0",
                "url": "https://spdx.org/licenses/MIT.html",
            },
            "tags": [
                {"name": "client", "description": "What clients send."},
                {"name": "server", "description": "What the server sends."},
            ],
        },
        "defaultContentType": "application/json",
        "servers": {"parlor": channels::server(origin)},
        "channels": channels::channels(&from_clients, &from_server),
        "operations": channels::operations(&from_clients, &from_server),
        "components": {
            "messages": messages,
            "schemas": schemas.into_map(),
            "securitySchemes": channels::security(),
        },
    })
}

const ABOUT: &str = "text frames of one JSON object each, told apart by `type`. Any frame of a \
    client may carry `ref`, which the direct reply echoes. The server ignores fields that it does \
    not know; a client ignores fields, types and codes that it does not know. A frame that breaks \
    these schemas is answered with `error`; ten that are not JSON within a minute end the socket.\n\n\
    **Close codes.** The server says why it closes a socket by a number and a JSON reason: see \
    `x-close-codes` of a channel. With `retry_ms` a client comes back after a random time between \
    these two numbers of milliseconds; without it, it should not.\n\n\
    **Delivery.** An `ack` comes after the message is on disk. Everyone sees a room's messages in \
    one order, by `rev`; `connect` with `after` replays what was missed.";

/// The codes of `error` frames: those that no frame can have are left out.
fn error_code() -> Value {
    let codes = ErrorCode::ALL.iter().filter(|code| code.is_of_frames());
    let about: Map<String, Value> = codes
        .clone()
        .map(|code| (code.as_str().to_owned(), code.about().into()))
        .collect();
    json!({
        "type": "string",
        "description": "What went wrong, as a word that never changes; more may come.",
        "enum": codes.map(|code| code.as_str()).collect::<Vec<_>>(),
        "x-enum-descriptions": about,
    })
}

fn reference() -> Value {
    json!({
        "description": "What the client wrote to know this answer by.",
        "oneOf": [
            {"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX},
            {"type": "string", "maxLength": super::client::Ref::MAX_CHARS},
        ],
    })
}

/// The reason of a close frame. One that answers a client's own close is empty instead.
fn close_reason() -> Value {
    let forms = CloseCode::ALL.iter().map(|code| {
        let mut properties = Map::new();
        properties.insert("code".into(), json!({"const": code.as_str()}));
        if let Some(wait) = code.retry_ms() {
            properties.insert("retry_ms".into(), json!({"const": wait}));
        }
        let required: Vec<_> = properties.keys().cloned().collect();
        json!({
            "type": "object",
            "description": code.about(),
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    });
    json!({
        "description": "Why the server closes a socket: the reason of its close frame, as JSON.",
        "oneOf": forms.collect::<Vec<_>>(),
    })
}

/// The body of an answer that refuses an upgrade.
fn refusal() -> Value {
    let codes: Vec<_> = REFUSALS.iter().map(|(_, code, _)| code.as_str()).collect();
    let statuses: std::collections::BTreeSet<_> =
        REFUSALS.iter().map(|(status, ..)| *status).collect();
    json!({
        "type": "object",
        "description": "Why an upgrade was refused, in the shape of every error over HTTP.",
        "properties": {
            "error": {"const": true},
            "status": {"type": "integer", "enum": statuses},
            "code": {"type": "string", "enum": codes},
            "message": {"type": "string"},
            "request_id": {"type": "string", "format": "uuid"},
        },
        "required": ["error", "status", "code", "message", "request_id"],
        "additionalProperties": false,
    })
}

fn message(side: Side, kind: &str, about: &str) -> Value {
    let name = side.name(kind);
    json!({
        "name": kind,
        "title": format!("{kind} ({})", side.as_str()),
        "summary": about,
        "tags": [{"name": side.as_str()}],
        "payload": {"$ref": format!("#/components/schemas/{name}")},
        "examples": examples::of(side, kind),
    })
}
