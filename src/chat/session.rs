//! One open WebSocket: what its client says, and what becomes of that.
//!
//! The actor runs in `actix_web_actors`' context. That crate is at its end, so nothing but this
//! file and `upgrade` names it.

mod guard;
mod identity;
mod joining;
mod requests;

use std::{cell::Cell, net::IpAddr, rc::Rc, sync::Arc, time::Instant};

use actix::prelude::*;
use actix_web_actors::ws::{Message, ProtocolError, WebsocketContext};
use bytes::Bytes;
use futures_util::Stream;

use self::{
    guard::{BadFrames, Flood},
    joining::{Memberships, Replays},
};
use super::{
    ChatParts,
    hub::{CheckKey, LocalHub, NearEnd, Recheck, Regrant, Socket},
    incoming::{Heard, Incoming},
    lobby::SessionEnded,
    outbox::Outbox,
    reader::{FrameReader, MAX_MESSAGE},
    room::{Leave, RoomAddr},
};
use crate::{
    auth::{Identity, refusals::Key},
    domain::{
        audit::Refusal,
        ids::{RoomId, SessionId, UserId},
    },
    protocol::{
        client::{BadFrame, Ref, Resume, parse},
        code::{CloseCode, ErrorCode},
        frame,
        server::ServerFrame,
    },
};

/// The context that a session runs in.
type SessionContext = WebsocketContext<Session>;

/// Messages from the lobby and the hub that wait for a session.
const MAILBOX: usize = 64;

/// What the upgrade request already said.
#[derive(Default)]
pub struct Greeting {
    /// A token that was valid a moment ago.
    pub token: Option<String>,
    /// A room to join at once.
    pub join: Option<(RoomId, Resume)>,
}

/// Where others may count a session in before it knows; its futures write it, and may be dropped
/// with it at any moment.
#[derive(Default)]
struct Standing {
    /// Whom the lobby counts the session for, from before it is asked to.
    registered: Cell<Option<UserId>>,
    /// The room that is being joined.
    attempted: Cell<Option<RoomAddr>>,
}

/// One open WebSocket.
pub struct Session {
    id: SessionId,
    parts: Arc<ChatParts>,
    hub: Rc<LocalHub>,
    outbox: Rc<Outbox>,
    /// Where it came from.
    address: Option<IpAddr>,
    /// Until it is done.
    greeting: Option<Box<Greeting>>,
    who: Option<Identity>,
    standing: Rc<Standing>,
    rooms: Memberships,
    attempts: u32,
    /// Boxed and dropped when done, since most of the time there are none.
    replays: Option<Box<Replays>>,
    incoming: Incoming,
    bad_frames: BadFrames,
    flood: Flood,
    /// For authorization; later for the end of the token, when that is near.
    deadline: Option<SpawnHandle>,
    /// The client said goodbye, or was sent away: others hear at once that it left.
    meant: bool,
}

impl Session {
    /// Makes a session of an upgraded socket; the stream drives it.
    pub fn stream(
        parts: Arc<ChatParts>,
        hub: Rc<LocalHub>,
        outbox: Rc<Outbox>,
        reader: FrameReader,
        (address, greeting): (Option<IpAddr>, Greeting),
    ) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
        parts.metrics.sessions.inc();
        let session = Self {
            id: SessionId::new(),
            flood: Flood::new(parts.messages_per_second),
            parts,
            hub,
            outbox,
            address,
            greeting: Some(Box::new(greeting)),
            who: None,
            standing: Rc::default(),
            rooms: Memberships::default(),
            attempts: 0,
            replays: None,
            incoming: Incoming::default(),
            bad_frames: BadFrames::default(),
            deadline: None,
            meant: false,
        };
        let codec = actix_http::ws::Codec::new().max_size(MAX_MESSAGE);
        WebsocketContext::with_codec(session, reader, codec)
    }

    /// Queues a frame; it goes out when the connection's task has run the session.
    fn reply(&self, frame: &ServerFrame<'_>) {
        self.outbox.push(frame::text(frame));
    }

    fn reply_error(&self, code: ErrorCode, error: &str, reference: Option<&Ref>) {
        self.reply(&ServerFrame::Error {
            error,
            code,
            client_message_id: None,
            retry_after_ms: None,
            reference,
        });
    }

    /// Counts a refusal for the audit log; `place` is which frame it was, from a closed set.
    fn note_refusal(&self, kind: Refusal, place: &'static str) {
        let key = match (self.standing.registered.get(), self.address) {
            (Some(user), _) => Key::User(user),
            (None, Some(address)) => Key::Network(address),
            (None, None) => Key::Nobody,
        };
        self.parts.refusals.note(kind, key, self.address, place);
    }

    /// Says that somebody may not do what a frame asks for.
    fn forbid(&self, place: &'static str, text: &str, reference: Option<&Ref>) {
        self.note_refusal(Refusal::Forbidden, place);
        self.reply_error(ErrorCode::Forbidden, text, reference);
    }

    /// Says why, and ends.
    fn close(&mut self, code: CloseCode, context: &mut SessionContext) {
        self.meant |= matches!(code, CloseCode::AccountClosed | CloseCode::BadToken);
        self.outbox.close(code);
        context.stop();
    }

    /// Handles one whole text message.
    fn receive(&mut self, text: &str, context: &mut SessionContext) {
        match parse(text) {
            Ok((frame, reference)) => self.handle_frame(frame, reference, context),
            Err(bad) => self.refuse_frame(&bad, context),
        }
    }

    fn refuse_frame(&mut self, bad: &BadFrame, context: &mut SessionContext) {
        if bad.not_json && self.bad_frames.one_too_many() {
            return self.close(CloseCode::BadFrames, context);
        }
        self.reply(&ServerFrame::Error {
            error: &bad.message,
            code: bad.code,
            client_message_id: bad.client_message_id.as_deref(),
            retry_after_ms: None,
            reference: bad.reference.as_ref(),
        });
    }
}

impl Actor for Session {
    type Context = SessionContext;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
        let socket = Socket {
            outbox: self.outbox.clone(),
            session: context.address().downgrade(),
            welcome: false,
            ending: None,
        };
        self.hub.sockets.borrow_mut().insert(self.id, socket);
        let token = self.greeting.as_mut().and_then(|said| said.token.take());
        match token {
            Some(token) => self.authorize(token, None, context),
            None => {
                let within = self.parts.timing.authorize;
                self.deadline = Some(context.run_later(within, |session, context| {
                    session.note_refusal(Refusal::NoToken, "socket authorization");
                    session.close(CloseCode::AuthorizationTimeout, context);
                }));
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.parts.metrics.sessions.dec();
        self.hub.sockets.borrow_mut().remove(&self.id);
        // Who was never counted in has joined nothing.
        let Some(user) = self.standing.registered.get() else {
            return;
        };
        let attempted = self.standing.attempted.take();
        let joined = self.rooms.drain().map(|membership| membership.room);
        for room in joined.chain(attempted) {
            room.do_send(Leave {
                session: self.id,
                user,
                meant: self.meant,
                farewell: None,
            });
        }
        self.parts.lobby.do_send(SessionEnded {
            session: self.id,
            user,
        });
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Session {
    fn handle(&mut self, item: Result<Message, ProtocolError>, context: &mut Self::Context) {
        if !self.outbox.is_open() {
            return;
        }
        self.outbox.heard(Instant::now());
        let most = self.parts.messages_per_second;
        if item.is_ok() && self.flood.one_too_many(most) {
            self.note_refusal(Refusal::Flooding, "socket");
            return self.close(CloseCode::Flooding, context);
        }
        match self.incoming.take(item, self.outbox.pace().end()) {
            Heard::Nothing => {}
            Heard::Text(text) => self.receive(&text, context),
            Heard::Ping(payload) => self.outbox.push(frame::pong(&payload)),
            Heard::Goodbye(code) => {
                self.meant = true;
                self.outbox.close_echo(code);
                context.stop();
            }
            Heard::Fault(code) => self.close(code, context),
            Heard::Gone => context.stop(),
        }
    }
}

impl Handler<Regrant> for Session {
    type Result = ();

    fn handle(&mut self, regrant: Regrant, _: &mut Self::Context) {
        self.regrant(&regrant);
    }
}

impl Handler<Recheck> for Session {
    type Result = ();

    fn handle(&mut self, _: Recheck, context: &mut Self::Context) {
        self.recheck(context);
    }
}

impl Handler<NearEnd> for Session {
    type Result = ();

    fn handle(&mut self, _: NearEnd, context: &mut Self::Context) {
        self.expire(context);
    }
}

impl Handler<CheckKey> for Session {
    type Result = ();

    fn handle(&mut self, _: CheckKey, context: &mut Self::Context) {
        self.check_key(context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_answer<A, B, C, D, E, R>(_: impl Fn(A, B, C, D, E) -> R) -> usize {
        size_of::<R>()
    }

    /// The allocator has blocks of 640 bytes, and then of 768.
    #[test]
    fn a_session_with_its_context_fits_640_bytes() {
        assert!(size_of_answer(Session::stream) <= 640);
    }
}
