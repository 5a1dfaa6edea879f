//! The sockets' addresses, when somebody asks them for a page.
//!
//! A request with `Upgrade` never comes here: the upgrade service takes it first.

use actix_web::{HttpResponse, http::StatusCode, http::header};
use serde_json::json;

use super::api::{Api, Operation, Tag, at};
use crate::{error::Problem, protocol::code::ErrorCode};

pub fn configure(api: &mut Api) {
    api.add(at("/api/chat/ws").get(ask_for_upgrade, declare_socket))
        .add(at("/api/ws/chat").get(ask_for_upgrade, declare_other_socket))
        .add(at("/ws/{room_id}").get(ask_for_upgrade, declare_room_socket));
}

fn declare_socket() -> Operation {
    declare(Operation::new(Tag::Socket, "openSocket", "Opens a socket"))
}

fn declare_other_socket() -> Operation {
    let other = "Opens a socket, by its other address";
    declare(Operation::new(
        Tag::Socket,
        "openSocketAtOtherAddress",
        other,
    ))
}

fn declare_room_socket() -> Operation {
    let after = json!({ "type": "integer", "format": "int64", "minimum": 0 });
    let epoch = json!({ "type": "string" });
    let open = Operation::new(Tag::Socket, "openSocketOfRoom", "Opens a socket in a room")
        .room()
        .query(
            "after",
            after,
            "The last `rev` of the room that the client has handled.",
        )
        .query("epoch", epoch, "The `epoch` to which that belongs.")
        .refuses(&[ErrorCode::NotFound]);
    declare(open)
}

fn declare(open: Operation) -> Operation {
    let token = json!({ "type": "string" });
    open.about(
        "An upgrade to WebSocket (RFC 6455). The token comes as Bearer, in the query, as the \
         subprotocol `bearer.TOKEN` beside `parlor.v1`, or in the first frame.",
    )
    .secured(json!([{}, { "token": [] }]))
    .query(
        "token",
        token,
        "The token, where a client can set no header.",
    )
    .header::<String>(
        "Sec-WebSocket-Protocol",
        "`parlor.v1`, and where a client can set no other header `bearer.TOKEN` beside it.",
        "parlor.v1",
    )
    .answers_empty(
        101,
        "The socket is open; `/api/asyncapi.json` describes what is said there.",
    )
    .refuses_with(426, ErrorCode::BadRequest)
    .refuses(&[
        ErrorCode::BadRequest,
        ErrorCode::Unauthenticated,
        ErrorCode::Forbidden,
        ErrorCode::Overloaded,
        ErrorCode::Unavailable,
    ])
}

/// 426: what is here speaks WebSocket (RFC 9110, section 15.5.22).
async fn ask_for_upgrade() -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::UPGRADE_REQUIRED)
        .insert_header((header::UPGRADE, "websocket"))
        .finish();
    response.extensions_mut().insert(Problem {
        status: StatusCode::UPGRADE_REQUIRED,
        code: ErrorCode::BadRequest,
        message: "This is a WebSocket: ask for an upgrade".to_owned(),
        fields: Vec::new(),
        retry_after: None,
        exhausted: None,
    });
    response
}
