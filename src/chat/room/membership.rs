//! Joining and leaving a room.

use std::sync::Arc;

use actix::prelude::*;
use bytes::Bytes;

use super::{Listening, Room};
use crate::{
    chat::hub::{Admit, HubAddr, HubId, RoomKey, Task, ToHub},
    domain::{
        ids::{Rev, RoomId, SessionId, UserId},
        user::Profile,
    },
    protocol::{
        client::{Ref, Resume},
        frame,
        server::ServerFrame,
    },
};

/// What a resume replays at most, in rows.
pub const MAX_REPLAY: i64 = 1_000;

/// Begins to hear the room, or begins anew; the answer says what to replay.
#[derive(Clone, Message)]
#[rtype(result = "Joined")]
pub struct Join {
    pub session: SessionId,
    pub user: Arc<Profile>,
    pub hub_id: HubId,
    pub hub: HubAddr,
    /// Tells this join of the session from its earlier ones.
    pub attempt: u32,
    pub resume: Resume,
    pub reference: Option<Ref>,
}

/// A session is in. Unless it must replay, its hub has told it so already.
#[derive(MessageResponse)]
pub struct Joined {
    /// The room's own, which all its sessions share.
    pub id: RoomId,
    pub key: RoomKey,
    pub replay: Option<Replay>,
}

/// What a session missed: everything behind `after`, up to `upto`.
pub struct Replay {
    /// The `connected` frame, to be written first.
    pub connected: Bytes,
    pub after: Rev,
    pub upto: Rev,
}

/// Stops hearing the room. Sending it twice does no harm.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Leave {
    pub session: SessionId,
    /// As in its [`Join`].
    pub user: UserId,
    /// Somebody meant it: a `disconnect`, a clean close, a ban. Else the socket was lost.
    pub meant: bool,
    /// The `disconnected` frame, if the session asked for it.
    pub farewell: Option<Bytes>,
}

/// Everybody online, by user name.
#[derive(Message)]
#[rtype(result = "Vec<Profile>")]
pub struct WhoIsHere;

/// Whether the missed part of a room can be replayed; the label of `chat_resume_total`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Resumed,
    Fresh,
    TooFar,
    Beyond,
    Epoch,
}

impl Outcome {
    fn of(resume: &Resume, rev: Rev, epoch: &str) -> Self {
        let Some(after) = resume.after else {
            return Self::Fresh;
        };
        if resume.epoch.as_deref().is_some_and(|seen| seen != epoch) {
            Self::Epoch
        } else if after > rev {
            Self::Beyond
        } else if rev - after > MAX_REPLAY {
            Self::TooFar
        } else {
            Self::Resumed
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Resumed => "resumed",
            Self::Fresh => "fresh",
            Self::TooFar => "too_far",
            Self::Beyond => "beyond",
            Self::Epoch => "epoch",
        }
    }
}

impl Room {
    /// Counts a session in at its hub.
    fn listen(&mut self, session: SessionId, join: &Join) {
        self.sessions.insert(session, join.hub_id);
        let hub = self.hubs.entry(join.hub_id).or_insert_with(|| Listening {
            addr: join.hub.clone(),
            members: 0,
            unflushed_bytes: 0,
            unflushed: 0,
        });
        hub.members += 1;
    }
}

impl Handler<Join> for Room {
    type Result = Joined;

    fn handle(&mut self, join: Join, context: &mut Self::Context) -> Joined {
        let outcome = Outcome::of(&join.resume, self.rev, &self.parts.epoch);
        self.parts
            .metrics
            .resumes
            .with_label_values(&[outcome.label()])
            .inc();
        let rejoined = self.sessions.contains_key(&join.session);
        if !rejoined {
            self.listen(join.session, &join);
        }
        let online = self.presence.online_with(join.user.id);
        let connected = frame::text(&ServerFrame::Connected {
            room_id: &self.id,
            head: self.head,
            rev: self.rev,
            epoch: &self.parts.epoch,
            online,
            resumed: outcome == Outcome::Resumed,
            reference: join.reference.as_ref(),
        });
        let after = join
            .resume
            .after
            .filter(|after| outcome == Outcome::Resumed && *after < self.rev);
        let replay = after.map(|after| Replay {
            connected: connected.clone(),
            after,
            upto: self.rev,
        });
        let admit = Admit {
            session: join.session,
            user: join.user.id,
            attempt: join.attempt,
            rev: self.rev,
            replays: replay.is_some(),
            connected: replay.is_none().then_some(connected),
            reports_to: self.address(context),
        };
        // In one line with the room's broadcasts: what is behind it is heard live, and no sooner.
        join.hub.do_send(ToHub {
            room: self.key,
            task: Task::Admit(admit),
        });
        if !rejoined {
            self.arrive(&join.user, context);
        }
        Joined {
            id: self.id.clone(),
            key: self.key,
            replay,
        }
    }
}

impl Handler<Leave> for Room {
    type Result = ();

    fn handle(&mut self, leave: Leave, context: &mut Self::Context) {
        let Some(hub_id) = self.sessions.remove(&leave.session) else {
            return;
        };
        if let Some(hub) = self.hubs.get_mut(&hub_id) {
            let task = Task::Expel {
                session: leave.session,
                farewell: leave.farewell,
            };
            hub.addr.do_send(ToHub {
                room: self.key,
                task,
            });
            hub.members -= 1;
            if hub.members == 0 {
                self.hubs.remove(&hub_id);
            }
        }
        self.depart(leave.user, leave.meant, context);
    }
}

impl Handler<WhoIsHere> for Room {
    type Result = MessageResult<WhoIsHere>;

    fn handle(&mut self, _: WhoIsHere, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.presence.profiles())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resume_is_honest_about_what_it_can_replay() {
        let resume = |after, epoch: Option<&str>| Resume {
            after,
            epoch: epoch.map(str::to_owned),
        };
        let label = |resume, rev| Outcome::of(&resume, rev, "now").label();
        assert_eq!(label(resume(None, None), 5), "fresh");
        assert_eq!(label(resume(Some(5), None), 5), "resumed");
        assert_eq!(label(resume(Some(0), Some("now")), 1_000), "resumed");
        assert_eq!(label(resume(Some(0), None), 1_001), "too_far");
        assert_eq!(label(resume(Some(6), None), 5), "beyond");
        assert_eq!(label(resume(Some(5), Some("then")), 5), "epoch");
    }
}
