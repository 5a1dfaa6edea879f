//! What a hub tells its sockets beside what rooms say.

use std::time::{Duration, Instant};

use actix::prelude::*;
use bytes::Bytes;

use super::{BEATS, Hub, MEMBERS_A_TURN};
use crate::{
    chat::session::Session,
    domain::{ids::SessionId, permission::Permissions, user::Role},
    protocol::{code::CloseCode, frame, server::ServerFrame},
};

/// A session looks again who is behind it: the account or the login changed.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Recheck(pub SessionId);

/// A role grants something else from now on: the sessions of all who have it take it, and none asks
/// the database, which they would do all at once.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct Regrant {
    pub role: Role,
    pub permissions: Permissions,
}

/// A session looks whether the key of its token still counts; a hub tells all its sessions.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct CheckKey;

/// The end of a session's token is near.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct NearEnd;

/// Tells sessions of one user something that is not of a room.
#[derive(Message)]
#[rtype(result = "()")]
pub struct TellSockets {
    pub sessions: Vec<SessionId>,
    pub frame: Bytes,
}

/// Tells every session of this thread to come back, spread over `within`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AskBack {
    pub within: Duration,
}

/// Closes every socket of this thread.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CloseSockets(pub CloseCode);

impl Hub {
    /// Looks after at most as many sockets as a flush serves, and after the rest in another turn.
    pub(super) fn beat(&mut self, context: &mut Context<Self>) {
        let (now, mut turn) = (Instant::now(), MEMBERS_A_TURN);
        let due = self.heartbeat - self.heartbeat / BEATS;
        let second = now.duration_since(self.began).as_secs();
        for socket in self.sockets.borrow_mut().values_mut() {
            if turn == 0 {
                break;
            }
            let ending = socket
                .ending
                .is_some_and(|at| u64::from(at.get()) <= second);
            if ending {
                socket.ending = None;
                if let Some(session) = socket.session.upgrade() {
                    session.do_send(NearEnd);
                }
            }
            let beaten = socket.outbox.beat(now, due, self.heartbeat * 2);
            turn -= usize::from(ending || beaten);
        }
        if turn == 0 {
            let next = fut::wrap_future::<_, Self>(tokio::task::yield_now());
            context.spawn(next.map(|(), hub, context| hub.beat(context)));
        }
    }

    /// Every session of this thread. Collected: one that ends takes itself out of the table.
    fn sessions(&self) -> Vec<Addr<Session>> {
        let sockets = self.sockets.borrow();
        let open = sockets.values();
        open.filter_map(|socket| socket.session.upgrade()).collect()
    }
}

impl Handler<Recheck> for Hub {
    type Result = ();

    fn handle(&mut self, recheck: Recheck, _: &mut Self::Context) {
        if let Some(session) = self.session(recheck.0) {
            session.do_send(recheck);
        }
    }
}

impl Handler<Regrant> for Hub {
    type Result = ();

    fn handle(&mut self, regrant: Regrant, _: &mut Self::Context) {
        for session in self.sessions() {
            session.do_send(regrant.clone());
        }
    }
}

impl Handler<CheckKey> for Hub {
    type Result = ();

    fn handle(&mut self, check: CheckKey, _: &mut Self::Context) {
        for session in self.sessions() {
            session.do_send(check);
        }
    }
}

impl Handler<TellSockets> for Hub {
    type Result = ();

    fn handle(&mut self, told: TellSockets, _: &mut Self::Context) {
        let sockets = self.sockets.borrow();
        let found = told.sessions.iter().filter_map(|id| sockets.get(id));
        for socket in found.filter(|socket| socket.welcome) {
            // Whoever does not read need not hear of what is told again anyway.
            if socket.outbox.has_room() {
                socket.outbox.send(&told.frame);
            }
        }
    }
}

impl Handler<AskBack> for Hub {
    type Result = ();

    fn handle(&mut self, AskBack { within }: AskBack, _: &mut Self::Context) {
        let within = within.as_millis() as u64;
        for socket in self.sockets.borrow().values().filter(|s| s.welcome) {
            // Spread, so that they do not all come back at once.
            let in_ms = rand::random_range(0..=within);
            let frame = frame::text(&ServerFrame::Reconnect { in_ms });
            socket.outbox.send(&frame);
        }
    }
}

impl Handler<CloseSockets> for Hub {
    type Result = ();

    fn handle(&mut self, CloseSockets(code): CloseSockets, _: &mut Self::Context) {
        for socket in self.sockets.borrow().values() {
            socket.outbox.close(code);
        }
    }
}
