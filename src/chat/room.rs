//! One chat room: who is here, in which order they spoke, and who hears it.

mod commits;
mod membership;
mod presence;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use actix::prelude::*;
use bytes::Bytes;

use self::{commits::Commits, presence::Presence};
pub use self::{
    commits::{CatchUp, Committed, Publish},
    membership::{Join, Joined, Leave, MAX_REPLAY, WhoIsHere},
};
use super::{
    audience::Segment,
    hub::{HubAddr, HubId, RoomKey, Task, ToHub},
    journal::JournalHandle,
    lobby::{Lobby, RetireMe, RoomEnded},
    mailbox::start_in,
};
use crate::{
    config::ChatTiming,
    domain::{
        ids::{Rev, RoomId, Seq, SessionId, UserId},
        user::Profile,
    },
    metrics::Metrics,
    protocol::{frame, server::ServerFrame},
    store::Store,
};

/// A room's address. Shared: each clone of an `Addr` has two allocations of its own.
pub type RoomAddr = Arc<Addr<Room>>;

/// Messages that wait for a room. Sessions are told `overloaded` beyond it.
const MAILBOX: usize = 4_096;
/// What a hub may have unflushed of one room before the room takes no more: 4 MiB.
const MAX_UNFLUSHED_BYTES: usize = 4 * 1024 * 1024;
/// Broadcasts that a hub may have unflushed of one room.
const MAX_UNFLUSHED: u32 = 1_024;

/// Everything that a room needs of the world.
pub struct RoomParts {
    pub store: Store,
    pub journal: JournalHandle,
    pub lobby: Addr<Lobby>,
    pub epoch: Arc<str>,
    pub timing: ChatTiming,
    pub metrics: Metrics,
}

/// A hub wrote what it had for the room to every member on its thread.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Flushed {
    pub hub: HubId,
    pub bytes: usize,
    pub broadcasts: u32,
}

/// Says something that is not stored: `user` is writing.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Type {
    pub user: Arc<Profile>,
}

/// Ends the room if nobody needs it; true if it ends.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct Retire;

/// Ends the room as a crash would. For fault tests.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Crash;

/// A hub with members, and what it has not written yet.
struct Listening {
    addr: HubAddr,
    members: usize,
    unflushed_bytes: usize,
    unflushed: u32,
}

/// One chat room.
pub struct Room {
    key: RoomKey,
    id: RoomId,
    parts: Arc<RoomParts>,
    /// The last `seq` and `rev` that were broadcast.
    head: Seq,
    rev: Rev,
    commits: Commits,
    /// Who hears the room, and through which hub.
    sessions: HashMap<SessionId, HubId>,
    presence: Presence,
    hubs: HashMap<HubId, Listening>,
    own_address: Option<RoomAddr>,
    idle_since: Option<Instant>,
    retired: bool,
    /// The room before it died; commits of its time may still come.
    restarted: bool,
}

/// How a room begins.
pub struct Beginning {
    pub key: RoomKey,
    pub id: RoomId,
    pub head: Seq,
    pub rev: Rev,
    /// Users online, for everyone to read.
    pub online: Arc<AtomicU32>,
    pub restarted: bool,
}

impl Room {
    /// Starts a room on one of the worker threads.
    pub fn start_on(
        arbiter: &ArbiterHandle,
        beginning: Beginning,
        parts: Arc<RoomParts>,
    ) -> Addr<Self> {
        start_in(arbiter, MAILBOX, move || {
            parts.metrics.rooms_live.inc();
            Self {
                key: beginning.key,
                id: beginning.id,
                head: beginning.head,
                rev: beginning.rev,
                commits: Commits::default(),
                sessions: HashMap::new(),
                presence: Presence::new(beginning.online),
                hubs: HashMap::new(),
                own_address: None,
                idle_since: None,
                retired: false,
                restarted: beginning.restarted,
                parts,
            }
        })
    }

    fn address(&mut self, context: &Context<Self>) -> RoomAddr {
        let own = &mut self.own_address;
        own.get_or_insert_with(|| Arc::new(context.address()))
            .clone()
    }

    /// Sends one message to every hub with members.
    fn tell_hubs(&mut self, bytes: usize, task: impl Fn() -> Task) {
        let room = self.key;
        for hub in self.hubs.values_mut() {
            hub.unflushed += 1;
            hub.unflushed_bytes += bytes;
            // Bounded by `has_room_in_hubs`.
            hub.addr.do_send(ToHub { room, task: task() });
        }
    }

    /// Tells everyone present something that is not stored.
    fn notify(&mut self, frame: &ServerFrame<'_>, except: Option<UserId>, droppable: bool) {
        let frames: Bytes = frame::text(frame);
        self.tell_hubs(frames.len(), || {
            Task::Notify(Segment {
                frames: frames.clone(),
                except,
                droppable,
            })
        });
    }

    /// Whether every hub keeps up.
    fn has_room_in_hubs(&self) -> bool {
        self.hubs
            .values()
            .all(|hub| hub.unflushed < MAX_UNFLUSHED && hub.unflushed_bytes < MAX_UNFLUSHED_BYTES)
    }

    fn is_idle(&self) -> bool {
        self.sessions.is_empty() && self.presence.is_empty() && self.commits.is_idle()
    }

    /// Asks to be retired once nobody needed the room for a while.
    fn check_idle(&mut self) {
        if !self.is_idle() {
            self.idle_since = None;
            return;
        }
        let since = *self.idle_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.parts.timing.idle_retire {
            self.parts.lobby.do_send(RetireMe {
                room_id: self.id.clone(),
                key: self.key,
            });
        }
    }
}

impl Actor for Room {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let timing = &self.parts.timing;
        context.run_interval(timing.idle_retire / 2, |room, _| room.check_idle());
        if self.restarted {
            // What the room that died had on its way is committed by then, or soon asked for again.
            context.run_later(timing.presence_interval, |_, context| {
                context.notify(CatchUp);
            });
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.hand_over();
        self.parts.metrics.rooms_live.dec();
        self.presence.clear();
        if !self.retired {
            self.parts.lobby.do_send(RoomEnded {
                room_id: self.id.clone(),
                key: self.key,
            });
        }
    }
}

impl Handler<Flushed> for Room {
    type Result = ();

    fn handle(&mut self, flushed: Flushed, _: &mut Self::Context) {
        if let Some(hub) = self.hubs.get_mut(&flushed.hub) {
            hub.unflushed = hub.unflushed.saturating_sub(flushed.broadcasts);
            hub.unflushed_bytes = hub.unflushed_bytes.saturating_sub(flushed.bytes);
        }
    }
}

impl Handler<Type> for Room {
    type Result = ();

    fn handle(&mut self, Type { user }: Type, _: &mut Self::Context) {
        // The first thing dropped under pressure.
        if self.has_room_in_hubs() {
            let room_id = self.id.clone();
            let frame = ServerFrame::Typing {
                room_id: &room_id,
                user: &user,
            };
            self.notify(&frame, Some(user.id), true);
        }
    }
}

impl Handler<Retire> for Room {
    type Result = bool;

    fn handle(&mut self, _: Retire, context: &mut Self::Context) -> bool {
        if self.is_idle() {
            self.retired = true;
            context.stop();
        }
        self.retired
    }
}

impl Handler<Crash> for Room {
    type Result = ();

    fn handle(&mut self, _: Crash, context: &mut Self::Context) {
        // Not `terminate`: with a timer cancelled in the same turn it makes actix 0.13 spin for ever.
        context.stop();
    }
}

/// Reads the number that the rooms list shows.
pub fn read_online(online: &AtomicU32) -> u32 {
    online.load(Ordering::Relaxed)
}
