//! Sessions by user: who may open one more, and who must be told of a ban or a drain.

use std::{collections::HashMap, time::Duration};

use actix::prelude::*;

use super::Lobby;
use crate::{
    auth::Revoked,
    chat::hub::CloseSockets,
    domain::ids::{LoginId, SessionId, UserId},
    protocol::code::CloseCode,
};

/// What the lobby tells a session.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub enum ToSession {
    /// The account or the login changed: look again.
    Recheck,
    /// The server will stop: come back in so many milliseconds.
    Reconnect { in_ms: u64 },
}

/// A session belongs to a user from now on.
#[derive(Message)]
#[rtype(result = "Result<(), TooMany>")]
pub struct Register {
    pub session: SessionId,
    pub user: UserId,
    pub login: LoginId,
    pub recipient: Recipient<ToSession>,
}

/// The user has as many sockets open as one may have.
#[derive(Debug)]
pub struct TooMany;

/// A session is gone. Sending it twice does no harm.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SessionEnded {
    pub session: SessionId,
    pub user: UserId,
}

/// Tells every session to come back, spread over `within`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain {
    pub within: Duration,
}

/// Closes every socket.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CloseAll(pub CloseCode);

/// A login or an account changed: its sessions look again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Revoke(pub Revoked);

struct Session {
    login: LoginId,
    recipient: Recipient<ToSession>,
}

/// Sessions by user.
pub struct People {
    users: HashMap<UserId, HashMap<SessionId, Session>>,
    /// 0 is without limit.
    max_per_user: usize,
}

impl People {
    pub fn new(max_per_user: usize) -> Self {
        Self {
            users: HashMap::new(),
            max_per_user,
        }
    }

    fn everyone(&self) -> impl Iterator<Item = &Session> {
        self.users.values().flat_map(HashMap::values)
    }
}

impl Handler<Register> for Lobby {
    type Result = Result<(), TooMany>;

    fn handle(&mut self, register: Register, _: &mut Self::Context) -> Self::Result {
        let max = self.people.max_per_user;
        let sessions = self.people.users.entry(register.user).or_default();
        if max > 0 && sessions.len() >= max && !sessions.contains_key(&register.session) {
            return Err(TooMany);
        }
        let session = Session {
            login: register.login,
            recipient: register.recipient,
        };
        sessions.insert(register.session, session);
        Ok(())
    }
}

impl Handler<SessionEnded> for Lobby {
    type Result = ();

    fn handle(&mut self, ended: SessionEnded, _: &mut Self::Context) {
        if let Some(sessions) = self.people.users.get_mut(&ended.user) {
            sessions.remove(&ended.session);
            if sessions.is_empty() {
                self.people.users.remove(&ended.user);
            }
        }
    }
}

impl Handler<Revoke> for Lobby {
    type Result = ();

    fn handle(&mut self, Revoke(revoked): Revoke, _: &mut Self::Context) {
        let sessions = self
            .people
            .users
            .get(&revoked.user_id)
            .into_iter()
            .flat_map(HashMap::values);
        for session in sessions {
            if revoked.login_id.is_none_or(|login| login == session.login) {
                session.recipient.do_send(ToSession::Recheck);
            }
        }
    }
}

impl Handler<Drain> for Lobby {
    type Result = ();

    fn handle(&mut self, Drain { within }: Drain, _: &mut Self::Context) {
        let within = within.as_millis() as u64;
        for session in self.people.everyone() {
            // Spread, so that they do not all come back at once.
            let in_ms = rand::random_range(0..=within);
            session.recipient.do_send(ToSession::Reconnect { in_ms });
        }
    }
}

impl Handler<CloseAll> for Lobby {
    type Result = ();

    fn handle(&mut self, CloseAll(code): CloseAll, _: &mut Self::Context) {
        self.closing = true;
        // Through the hubs, which also know the sockets that have not said whose they are.
        for hub in &self.hubs {
            hub.hub.do_send(CloseSockets(code));
        }
    }
}
