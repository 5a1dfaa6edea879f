//! Sessions by user: who may open one more, and who must be told of a ban or a drain.

use std::{collections::HashMap, time::Duration};

use actix::prelude::*;

use super::Lobby;
use crate::{
    auth::Change,
    chat::hub::{AskBack, CheckKey, CloseSockets, HubId, Recheck, Regrant, TellSockets},
    domain::ids::{LoginId, RoomId, Seq, SessionId, UserId},
    protocol::{code::CloseCode, frame, server::ServerFrame},
};

/// A session belongs to a user from now on.
#[derive(Message)]
#[rtype(result = "Result<(), TooMany>")]
pub struct Register {
    pub session: SessionId,
    pub user: UserId,
    /// `None`: an API token was shown.
    pub login: Option<LoginId>,
    pub hub: HubId,
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

/// A login, an account or a role changed: the sessions that it concerns look again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Revoke(pub Change);

/// A key that signed tokens was taken back: every session looks at its own.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CheckKeys;

/// A user has read further: his sessions hear of it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct TellRead {
    pub user: UserId,
    pub room_id: RoomId,
    pub seq: Seq,
}

struct Session {
    login: Option<LoginId>,
    hub: HubId,
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

    fn sessions_of(&self, user: UserId) -> impl Iterator<Item = (SessionId, &Session)> {
        let sessions = self.users.get(&user).into_iter().flatten();
        sessions.map(|(id, session)| (*id, session))
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
            hub: register.hub,
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

    fn handle(&mut self, Revoke(change): Revoke, _: &mut Self::Context) {
        let revoked = match change {
            Change::User(revoked) => revoked,
            Change::Role { role, permissions } => {
                let regrant = Regrant { role, permissions };
                for hub in &self.hubs {
                    hub.hub.do_send(regrant.clone());
                }
                return;
            }
        };
        for (id, session) in self.people.sessions_of(revoked.user_id) {
            if revoked
                .login_id
                .is_none_or(|login| Some(login) == session.login)
                && let Some(hub) = self.hub(session.hub)
            {
                hub.do_send(Recheck(id));
            }
        }
    }
}

impl Handler<CheckKeys> for Lobby {
    type Result = ();

    fn handle(&mut self, _: CheckKeys, _: &mut Self::Context) {
        for hub in &self.hubs {
            hub.hub.do_send(CheckKey);
        }
    }
}

impl Handler<TellRead> for Lobby {
    type Result = ();

    fn handle(&mut self, told: TellRead, _: &mut Self::Context) {
        let TellRead { user, room_id, seq } = told;
        let mut hubs: HashMap<HubId, Vec<SessionId>> = HashMap::new();
        for (id, session) in self.people.sessions_of(user) {
            hubs.entry(session.hub).or_default().push(id);
        }
        let room_id = &room_id;
        let frame = frame::text(&ServerFrame::Read { room_id, seq });
        for (hub, sessions) in hubs {
            if let Some(hub) = self.hub(hub) {
                let frame = frame.clone();
                // Whoever is not told finds it in the next list of rooms.
                let _full = hub.try_send(TellSockets { sessions, frame });
            }
        }
    }
}

impl Handler<Drain> for Lobby {
    type Result = ();

    fn handle(&mut self, Drain { within }: Drain, _: &mut Self::Context) {
        for hub in &self.hubs {
            hub.hub.do_send(AskBack { within });
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
