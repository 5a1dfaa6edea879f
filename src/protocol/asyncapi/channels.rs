//! Where the socket is, how it is opened, and what goes which way.

use serde_json::{Map, Value, json};

use super::{REFUSALS, Side};
use crate::protocol::code::CloseCode;

/// The sockets' addresses by the name of their channel, and what each is.
const ADDRESSES: [(&str, &str, &str); 3] = [
    ("socket", "/api/chat/ws", "One socket for all rooms."),
    ("alias", "/api/ws/chat", "The same under another address."),
    (
        "room",
        "/ws/{room_id}",
        "The same, joined to a room as soon as it is authenticated.",
    ),
];

/// The direct reply to each frame of a client, beside `error`.
const REPLIES: [(&str, &str); 5] = [
    ("authorization", "authenticated"),
    ("connect", "connected"),
    ("message", "ack"),
    ("disconnect", "disconnected"),
    ("ping", "pong"),
];

/// The ways to bring a token with the request, by name.
const WAYS: [&str; 3] = ["header", "query", "subprotocol"];

/// The server whose origin this is.
pub fn server(origin: &str) -> Value {
    let (scheme, host) = origin.split_once("://").unwrap_or(("https", origin));
    let protocol = if scheme == "http" { "ws" } else { "wss" };
    let security: Vec<_> = WAYS
        .iter()
        .map(|way| json!({"$ref": format!("#/components/securitySchemes/{way}")}))
        .collect();
    json!({
        "host": host,
        "protocol": protocol,
        "protocolVersion": "13",
        "description": "This server. A socket that brings no token with its request sends an \
            `authorization` frame within 10 seconds.",
        "security": security,
    })
}

/// How a token comes with the request; the fourth way is the frame `authorization`.
pub fn security() -> Value {
    json!({
        "header": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The header `Authorization: Bearer TOKEN`.",
        },
        "query": {
            "type": "httpApiKey",
            "in": "query",
            "name": "token",
            "description": "The parameter `?token=TOKEN`.",
        },
        "subprotocol": {
            "type": "httpApiKey",
            "in": "header",
            "name": "Sec-WebSocket-Protocol",
            "description": "The subprotocols `parlor.v1` and `bearer.TOKEN`, for browsers, which \
                can set no other header. The server selects `parlor.v1`.",
        },
    })
}

/// Every address with the frames that go over it.
pub fn channels(from_clients: &[String], from_server: &[String]) -> Value {
    let mut messages = Map::new();
    for (side, kinds) in [(Side::Client, from_clients), (Side::Server, from_server)] {
        for name in kinds.iter().map(|kind| side.name(kind)) {
            let target = json!({"$ref": format!("#/components/messages/{name}")});
            messages.insert(name, target);
        }
    }
    let channels = ADDRESSES.iter().map(|(name, address, about)| {
        let (joins, mut parameters) = (address.contains("{room_id}"), Map::new());
        if joins {
            let about = "The room to join: 1 to 64 of a-z, 0-9 and hyphen.";
            parameters.insert("room_id".into(), json!({"description": about}));
        }
        let channel = json!({
            "address": address,
            "title": name,
            "description": about,
            "servers": [{"$ref": "#/servers/parlor"}],
            "parameters": parameters,
            "messages": messages,
            "bindings": {"ws": binding(joins)},
            "x-subprotocols": ["parlor.v1"],
            "x-close-codes": close_codes(),
            "x-close-reason": {"$ref": "#/components/schemas/CloseReason"},
            "x-refusals": refusals(),
            "x-refusal": {"$ref": "#/components/schemas/Refusal"},
        });
        ((*name).to_owned(), channel)
    });
    Value::Object(channels.collect())
}

/// What the request may carry.
fn binding(joins: bool) -> Value {
    let token = json!({"type": "string", "description": "Who this is."});
    let after = json!({
        "type": "integer", "minimum": 0, "maximum": i64::MAX,
        "description": "The last `rev` handled in the room, as in `connect`.",
    });
    let epoch = json!({"type": "string", "description": "As in `connect`."});
    let query = if joins {
        json!({"token": token, "after": after, "epoch": epoch})
    } else {
        json!({"token": token})
    };
    json!({
        "method": "GET",
        "query": {"type": "object", "properties": query},
        "headers": {
            "type": "object",
            "properties": {
                "Authorization": {"type": "string", "pattern": "^[Bb]earer .+$"},
                "Sec-WebSocket-Protocol": {"type": "string"},
                "Origin": {
                    "type": "string",
                    "description": "Of a page: the server's own, or one of CORS_ORIGINS.",
                },
            },
        },
        "bindingVersion": "0.1.0",
    })
}

/// Why the server closes a socket, in the order of the numbers.
fn close_codes() -> Value {
    let codes = CloseCode::ALL.iter().map(|code| {
        json!({
            "number": code.number(),
            "code": code.as_str(),
            "description": code.about(),
            "reason": code.reason(),
            "retry_ms": code.retry_ms(),
        })
    });
    codes.collect()
}

/// The answers that refuse an upgrade; each has a body of the schema `Refusal`.
fn refusals() -> Value {
    let refusals = REFUSALS
        .iter()
        .map(|(status, code, about)| json!({"status": status, "code": code, "description": about}));
    refusals.collect()
}

/// What the server does on each channel: it receives each frame of a client, with its reply, and
/// sends its own.
pub fn operations(from_clients: &[String], from_server: &[String]) -> Value {
    let mut operations = Map::new();
    for (channel, ..) in ADDRESSES {
        let message = |side: Side, kind: &str| {
            let name = side.name(kind);
            json!({"$ref": format!("#/channels/{channel}/messages/{name}")})
        };
        let here = json!({"$ref": format!("#/channels/{channel}")});
        for kind in from_clients {
            let reply = REPLIES.iter().find(|(asked, _)| asked == kind);
            let replies = reply.map(|(_, reply)| message(Side::Server, reply));
            let refused = message(Side::Server, "error");
            let operation = json!({
                "action": "receive",
                "channel": here,
                "title": format!("{kind} on {channel}"),
                "summary": format!("A client sends `{kind}`."),
                "description": answer(reply.map(|(_, reply)| *reply)),
                "messages": [message(Side::Client, kind)],
                "reply": {
                    "channel": here,
                    "messages": replies.into_iter().chain([refused]).collect::<Vec<_>>(),
                },
            });
            operations.insert(format!("{channel}_receive_{kind}"), operation);
        }
        let kinds = from_server.iter().map(|kind| message(Side::Server, kind));
        let operation = json!({
            "action": "send",
            "channel": here,
            "title": format!("what comes on {channel}"),
            "summary": "The server replies, and tells what happens in the joined rooms.",
            "description": "An `ack` and the sender's own `message` come in either order; other \
                replies come in the order of what they answer.",
            "messages": kinds.collect::<Vec<_>>(),
        });
        operations.insert(format!("{channel}_send"), operation);
    }
    Value::Object(operations)
}

/// What answers a frame, in words.
fn answer(reply: Option<&str>) -> String {
    match reply {
        Some(reply) => format!("Answered by `{reply}`, or by `error`, with the frame's `ref`."),
        None => "Not answered, but for an `error` with the frame's `ref`.".to_owned(),
    }
}
