//! What a socket is made of, without the chat behind it: for a server that only says again what it
//! hears, which suites of WebSocket cases ask for (`examples/echo.rs`).

use actix_http::Request;

use super::upgrade::handshake::{Handshake, Wanted};
pub use super::{
    connection::Connection,
    incoming::{Heard, Incoming},
    outbox::Outbox,
    reader::{FrameReader, MAX_MESSAGE},
    transport::Transport,
};
use crate::error::ApiError;

/// The head of the 101 to a request for a socket, whatever its path.
///
/// # Errors
/// It is no WebSocket handshake.
pub fn accept(request: &Request, request_id: &str) -> Result<Vec<u8>, ApiError> {
    let wanted = Wanted::by("/api/chat/ws").ok_or(ApiError::NotFound("Route"))?;
    Ok(Handshake::read(request, wanted)?.response(request_id))
}
