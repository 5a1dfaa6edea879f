//! From a request to a socket of our own.
//!
//! The HTTP dispatcher would keep buffers of its own for every socket and copy every byte, so it
//! gives the socket away. It does so for *any* request with `Upgrade: websocket` and for CONNECT,
//! before the application sees it: this is the only one that says no.

pub(super) mod handshake;
pub mod refusal;

use std::{net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use actix_codec::Framed;
use actix_http::{HttpMessage as _, Request, h1, header};
use bytes::Bytes;
use uuid::Uuid;

use self::handshake::{Handshake, Wanted};
use super::{
    Chat,
    connection::Connection,
    hub::LocalHub,
    outbox::Outbox,
    reader::FrameReader,
    seats::Seat,
    session::{Greeting, Session},
    transport::Transport,
};
use crate::{
    auth::{AuthError, refusals::Key},
    domain::audit::Refusal,
    error::ApiError,
    limits::{Exhausted, client_address},
};

/// When to try again at a server that is full or about to stop.
const COME_BACK: Duration = Duration::from_secs(5);

/// Why a request becomes no socket.
struct Refused {
    fault: ApiError,
    /// What the audit log calls it.
    kind: Option<Refusal>,
}

impl From<ApiError> for Refused {
    fn from(fault: ApiError) -> Self {
        let kind = match fault {
            ApiError::Unauthenticated(_) => Some(Refusal::BadToken),
            ApiError::Forbidden(_) => Some(Refusal::Forbidden),
            ApiError::RateLimited(_) => Some(Refusal::RateLimited),
            _ => None,
        };
        Self { fault, kind }
    }
}

impl From<AuthError> for Refused {
    fn from(error: AuthError) -> Self {
        let kind = error.refusal();
        let fault = error.into();
        Self { fault, kind }
    }
}

impl From<Exhausted> for Refused {
    fn from(exhausted: Exhausted) -> Self {
        ApiError::from(exhausted).into()
    }
}

/// The door through which sockets come in, on one worker thread.
pub struct Gate {
    chat: Chat,
    hub: Rc<LocalHub>,
    /// Origins whose pages may open sockets: the own one and `CORS_ORIGINS`.
    origins: Arc<[String]>,
}

impl Gate {
    /// Opens the door on this thread, and starts the thread's hub.
    #[must_use]
    pub fn open(chat: Chat, origins: Arc<[String]>) -> Self {
        Self {
            hub: Rc::new(chat.start_hub()),
            chat,
            origins,
        }
    }

    /// Makes a session of a request, or refuses it like any other request.
    pub async fn upgrade<T: Transport>(
        self: Rc<Self>,
        request: Request,
        framed: Framed<T, h1::Codec>,
    ) {
        let id = Uuid::now_v7().to_string();
        let wanted = Wanted::by(request.path());
        let path = wanted.as_ref().map_or("unmatched", |wanted| wanted.pattern);
        let mut parts = framed.into_parts();
        let address = self.address(&request);
        let answer = self.examine(&request, wanted, address).await;
        let answer = answer.map_err(|Refused { fault, kind }| {
            if let Some(kind) = kind {
                self.note_refusal(kind, address, path);
            }
            fault.problem()
        });
        let status = match &answer {
            Ok(_) => 101,
            Err(problem) => problem.status.as_u16(),
        };
        // `method` is a closed set: what is not GET is refused.
        let method = if request.method() == actix_http::Method::GET {
            "GET"
        } else {
            "other"
        };
        let labels = [method, path, &status.to_string()];
        self.chat
            .parts
            .metrics
            .http_requests
            .with_label_values(&labels)
            .inc();
        tracing::info!(request_id = %id, method, route = path, status, "upgrade");
        match answer {
            Ok((handshake, seat)) => {
                let head = [&parts.write_buf[..], &handshake.response(&id)].concat();
                let greeting = (address, handshake.greeting);
                // Only now: it gives back a place, and a seat is held by then.
                parts.io.leave_http();
                let (io, head) = (Box::new(parts.io), head.into());
                self.start(io, &parts.read_buf, head, greeting, seat);
            }
            Err(problem) => refusal::write(parts.io, parts.write_buf, &problem, &id).await,
        }
    }

    /// Everything that is checked before a socket is a session.
    async fn examine(
        &self,
        request: &Request,
        wanted: Option<Wanted>,
        address: Option<IpAddr>,
    ) -> Result<(Handshake, Seat), Refused> {
        let wanted = wanted.ok_or(ApiError::NotFound("Route"))?;
        let handshake = Handshake::read(request, wanted)?;
        self.check_origin(request)?;
        let parts = &self.chat.parts;
        if let Some(address) = address {
            let bears = handshake.greeting.token.is_some();
            parts.limits.socket_from(address, bears)?;
        }
        let full = || ApiError::Overloaded {
            retry_after: COME_BACK,
        };
        // Before the database is asked, and after it: others came in meanwhile.
        if parts.seats.are_taken() {
            return Err(full().into());
        }
        if let Some(token) = &handshake.greeting.token {
            parts.authenticator.authenticate(token).await?;
        }
        if parts.is_draining() {
            return Err(full().into());
        }
        let seat = parts.seats.take().ok_or_else(full)?;
        Ok((handshake, seat))
    }

    /// Counts a refusal for the audit log.
    fn note_refusal(&self, kind: Refusal, address: Option<IpAddr>, path: &str) {
        let key = address.map_or(Key::Nobody, Key::Network);
        let place = format!("GET {path}");
        self.chat.parts.refusals.note(kind, key, address, &place);
    }

    /// Who is at the other end, behind the proxies that the operator trusts.
    fn address(&self, request: &Request) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip();
        let trusted = &self.chat.parts.trusted_proxies;
        Some(client_address(peer, request.headers(), trusted))
    }

    /// A browser sends the page's origin; a page that is not ours must not use our user's token.
    fn check_origin(&self, request: &Request) -> Result<(), ApiError> {
        let Some(origin) = request.headers().get(header::ORIGIN) else {
            return Ok(());
        };
        let known = origin.to_str().is_ok_and(|origin| {
            self.origins
                .iter()
                .any(|own| own == "*" || own.eq_ignore_ascii_case(origin))
        });
        if known {
            Ok(())
        } else {
            Err(ApiError::Forbidden("Pages of this origin may not connect"))
        }
    }

    /// Runs the session in a task of its own.
    fn start(
        &self,
        io: Box<dyn Transport>,
        first: &[u8],
        head: Bytes,
        greeting: (Option<IpAddr>, Greeting),
        seat: Seat,
    ) {
        let parts = self.chat.parts.clone();
        let outbox = Rc::new(Outbox::new(io, parts.metrics.clone()));
        outbox.push(head);
        let reader = FrameReader::new(outbox.clone(), first);
        let close_within = parts.timing.slow_close;
        let session = Session::stream(parts, self.hub.clone(), outbox.clone(), reader, greeting);
        actix_web::rt::spawn(Connection::new(outbox, session, close_within, seat));
    }
}
