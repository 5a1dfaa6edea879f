//! The sockets' addresses, when somebody asks them for a page.
//!
//! A request with `Upgrade` never comes here: the upgrade service takes it first.

use actix_web::{HttpResponse, http::StatusCode, http::header, web};

use super::get;
use crate::{error::Problem, protocol::code::ErrorCode};

pub fn configure(app: &mut web::ServiceConfig) {
    for path in ["/api/chat/ws", "/api/ws/chat", "/ws/{room_id}"] {
        app.service(web::resource(path).route(get().to(ask_for_upgrade)));
    }
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
    });
    response
}
