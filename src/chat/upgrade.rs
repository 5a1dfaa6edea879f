//! From a request to a socket of our own.
//!
//! The HTTP dispatcher would keep buffers of its own for every socket and copy every byte, so it
//! gives the socket away. It does so for *any* request with `Upgrade: websocket` and for CONNECT,
//! before the application sees it: this is the only one that says no.

mod handshake;
mod refusal;

use std::{rc::Rc, sync::Arc};

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
    reader::{FrameReader, ReadPace},
    session::{Greeting, Session},
    transport::Transport,
};
use crate::error::ApiError;

/// The door through which sockets come in, on one worker thread.
pub struct Gate {
    chat: Chat,
    hub: LocalHub,
    /// Origins whose pages may open sockets: the own one and `CORS_ORIGINS`.
    origins: Arc<[String]>,
}

impl Gate {
    /// Opens the door on this thread, and starts the thread's hub.
    #[must_use]
    pub fn open(chat: Chat, origins: Arc<[String]>) -> Self {
        Self {
            hub: chat.start_hub(),
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
        let parts = framed.into_parts();
        let answer = self.examine(&request, wanted).await;
        let status = match &answer {
            Ok(_) => 101,
            Err(fault) => fault.problem().status.as_u16(),
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
            Ok(handshake) => {
                let head = [&parts.write_buf[..], &handshake.response(&id)].concat();
                let Handshake { greeting, .. } = handshake;
                self.start(Box::new(parts.io), &parts.read_buf, head.into(), greeting);
            }
            Err(fault) => {
                refusal::write(parts.io, parts.write_buf, &fault.problem(), &id).await;
            }
        }
    }

    /// Everything that is checked before a socket is a session.
    async fn examine(
        &self,
        request: &Request,
        wanted: Option<Wanted>,
    ) -> Result<Handshake, ApiError> {
        let wanted = wanted.ok_or(ApiError::NotFound("Route"))?;
        let handshake = Handshake::read(request, wanted)?;
        self.check_origin(request)?;
        let parts = &self.chat.parts;
        let open = usize::try_from(parts.metrics.sessions.get()).unwrap_or(0);
        let full = parts.max_sessions > 0 && open >= parts.max_sessions;
        if full || parts.is_draining() {
            return Err(ApiError::Overloaded {
                retry_after: std::time::Duration::from_secs(5),
            });
        }
        if let Some(token) = &handshake.greeting.token {
            parts.authenticator.authenticate(token).await?;
        }
        Ok(handshake)
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
    fn start(&self, io: Box<dyn Transport>, first: &[u8], head: Bytes, greeting: Greeting) {
        let parts = self.chat.parts.clone();
        let outbox = Rc::new(Outbox::new(io, parts.metrics.clone()));
        outbox.push(head);
        let pace = Rc::new(ReadPace::default());
        let reader = FrameReader::new(outbox.clone(), pace.clone(), first);
        let close_within = parts.timing.slow_close;
        let session = Session::stream(
            parts,
            self.hub.clone(),
            outbox.clone(),
            pace.clone(),
            reader,
            greeting,
        );
        actix_web::rt::spawn(Connection::new(outbox, pace, session, close_within));
    }
}
