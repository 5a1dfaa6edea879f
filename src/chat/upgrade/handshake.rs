//! What an upgrade request asks for, and the 101 that grants it (RFC 6455, section 4.2).

use std::borrow::Cow;

use actix_http::{HttpMessage as _, Request, header, ws};
use base64::Engine;

use crate::{
    chat::session::Greeting,
    domain::ids::{Rev, RoomId},
    error::ApiError,
    protocol::client::Resume,
};

/// The subprotocol that this server speaks.
const PROTOCOL: &str = "parlor.v1";
/// Before a token that comes as a subprotocol, since browsers can set no header.
const BEARER_PROTOCOL: &str = "bearer.";

/// What an address stands for.
pub struct Wanted {
    /// The address as the metrics and the log name it.
    pub pattern: &'static str,
    /// A room to join at once, as it was written.
    room: Option<String>,
}

impl Wanted {
    /// Finds the socket's addresses.
    pub fn by(path: &str) -> Option<Self> {
        match path {
            "/api/chat/ws" => Some(Self {
                pattern: "/api/chat/ws",
                room: None,
            }),
            "/api/ws/chat" => Some(Self {
                pattern: "/api/ws/chat",
                room: None,
            }),
            _ => {
                let room = path
                    .strip_prefix("/ws/")
                    .filter(|room| !room.contains('/'))?;
                Some(Self {
                    pattern: "/ws/{room_id}",
                    room: Some(room.to_owned()),
                })
            }
        }
    }
}

/// A request that may become a socket.
pub struct Handshake {
    accept: String,
    /// The client offered [`PROTOCOL`].
    selects_protocol: bool,
    pub greeting: Greeting,
}

impl Handshake {
    /// Reads everything that the request says.
    ///
    /// # Errors
    /// No WebSocket handshake, an unknown room's name, or parameters that cannot be read.
    pub fn read(request: &Request, wanted: Wanted) -> Result<Self, ApiError> {
        let accept = accept(request)?;
        let mut query = Query::read(request.uri().query().unwrap_or_default())?;
        let offered = offered_protocols(request)?;
        let token = bearer(request)?.or(query.token.take()).or(offered.token);
        let resume = Resume {
            after: query.after,
            epoch: query.epoch,
        };
        let join = match wanted.room {
            Some(room) => {
                let room = RoomId::parse(&room).map_err(|_| ApiError::NotFound("Room"))?;
                Some((room, resume))
            }
            None => None,
        };
        let selects_protocol = offered.speaks_ours;
        Ok(Self {
            accept,
            selects_protocol,
            greeting: Greeting { token, join },
        })
    }

    /// The head of the 101.
    pub fn response(&self, request_id: &str) -> Vec<u8> {
        let protocol = if self.selects_protocol {
            format!("sec-websocket-protocol: {PROTOCOL}\r\n")
        } else {
            String::new()
        };
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-accept: {}\r\n{protocol}x-request-id: {request_id}\r\n\r\n",
            self.accept
        )
        .into_bytes()
    }
}

/// Checks the handshake's own headers and answers its key.
fn accept(request: &Request) -> Result<String, ApiError> {
    let refuse = |text: &'static str| Err(ApiError::BadRequest(Cow::Borrowed(text)));
    match ws::verify_handshake(request.head()) {
        Ok(()) => {}
        Err(ws::HandshakeError::GetMethodRequired) => return Err(ApiError::MethodNotAllowed),
        Err(ws::HandshakeError::UnsupportedVersion | ws::HandshakeError::NoVersionHeader) => {
            return refuse("Only version 13 of the WebSocket protocol is spoken here");
        }
        Err(_) => return refuse("This is no WebSocket handshake"),
    }
    if has_body(request) {
        return refuse("An upgrade request has no body");
    }
    let key = request
        .headers()
        .get(header::SEC_WEBSOCKET_KEY)
        .map(header::HeaderValue::as_bytes);
    let nonce = key.and_then(|key| base64::engine::general_purpose::STANDARD.decode(key).ok());
    match (key, nonce) {
        (Some(key), Some(nonce)) if nonce.len() == 16 => {
            Ok(String::from_utf8_lossy(&ws::hash_key(key)).into_owned())
        }
        _ => refuse("Sec-WebSocket-Key must be 16 bytes in base64"),
    }
}

/// A proxy in front would take the first frames for the body that was announced, or the other way
/// round.
fn has_body(request: &Request) -> bool {
    let headers = request.headers();
    let length = headers.get(header::CONTENT_LENGTH);
    headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

#[derive(Default)]
struct Query {
    token: Option<String>,
    after: Option<Rev>,
    epoch: Option<String>,
}

impl Query {
    fn read(text: &str) -> Result<Self, ApiError> {
        let mut query = Self::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            match &*name {
                "token" => query.token = Some(value.into_owned()),
                "epoch" => query.epoch = Some(value.into_owned()),
                "after" => match value.parse::<Rev>() {
                    Ok(after @ 0..) => query.after = Some(after),
                    _ => {
                        let text = "after must be a number that is not negative";
                        return Err(ApiError::BadRequest(text.into()));
                    }
                },
                _ => {}
            }
        }
        Ok(query)
    }
}

#[derive(Default)]
struct Offered {
    speaks_ours: bool,
    token: Option<String>,
}

fn offered_protocols(request: &Request) -> Result<Offered, ApiError> {
    let mut offered = Offered::default();
    for line in request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL) {
        for protocol in line.to_str().unwrap_or_default().split(',').map(str::trim) {
            if protocol == PROTOCOL {
                offered.speaks_ours = true;
            } else if let Some(token) = protocol.strip_prefix(BEARER_PROTOCOL) {
                offered.token = Some(token.to_owned());
            }
        }
    }
    // A token is never echoed, so without ours there is nothing to select, and browsers hang up.
    if offered.token.is_some() && !offered.speaks_ours {
        return Err(ApiError::BadRequest(
            "Offer the subprotocol parlor.v1 beside the token".into(),
        ));
    }
    Ok(offered)
}

fn bearer(request: &Request) -> Result<Option<String>, ApiError> {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| token.trim().to_owned())
    });
    token
        .map(Some)
        .ok_or(ApiError::Unauthenticated("Send a bearer token, or none"))
}

#[cfg(test)]
mod tests;
