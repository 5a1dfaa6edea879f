//! One worker thread's part of every room: the members whose sockets live on this thread.
//!
//! A room sends one message a hub, whatever the number of its members. The hub drains its mailbox,
//! joins what is due for a room into one buffer and writes that to each socket itself: no mailbox
//! and no wake-up of a session is on the way.

mod sockets;

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    num::NonZeroU32,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{WeakAddr, prelude::*};
use bytes::Bytes;

pub use self::sockets::{AskBack, CheckKey, CloseSockets, NearEnd, Recheck, Regrant, TellSockets};
use super::{
    audience::{Audience, Segment},
    outbox::Outbox,
    room::{Flushed, RoomAddr},
    session::Session,
};
use crate::{
    domain::ids::{Rev, SessionId, UserId},
    metrics::Metrics,
    protocol::code::CloseCode,
};

/// Members that a flush serves before other tasks of the thread get their turn.
const MEMBERS_A_TURN: usize = 2_000;

/// Bytes of one room that are joined before they are written without waiting for more; a quarter
/// of a socket's budget, so that one batch never fills it.
pub const BATCH_BYTES: usize = 256 * 1024;

/// How often, in a heartbeat, it is looked which sockets are due for a ping.
const BEATS: u32 = 8;

/// Messages that wait for a hub. Rooms stop at 1,024 broadcasts each; this holds the rest.
const MAILBOX: usize = 8_192;

/// A hub's address. Shared: each clone of an `Addr` has two allocations of its own.
pub type HubAddr = Arc<Addr<Hub>>;

/// One hub of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HubId(u32);

/// One life of a room's actor: a room that was started anew has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoomKey(pub u64);

/// What a room, or a session of one, wants its hub to do; done in the order of arrival.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ToHub {
    pub room: RoomKey,
    pub task: Task,
}

/// Part of [`ToHub`].
pub enum Task {
    /// Begin to deliver to a session, from here on.
    Admit(Admit),
    /// Stop to deliver to a session, and tell it `farewell` if it asked.
    Expel {
        session: SessionId,
        farewell: Option<Bytes>,
    },
    /// Deliver committed messages; `rev` is the last one's.
    Broadcast { frames: Bytes, count: u32, rev: Rev },
    /// Deliver something that is not stored.
    Notify(Segment),
    /// The session has replayed what it missed: deliver what was held for it.
    GoLive { session: SessionId, attempt: u32 },
    /// The room's actor is gone: close its members, they come back.
    Dissolve,
}

/// A session joins: what it must hear first, and whether it replays before it hears more.
pub struct Admit {
    pub session: SessionId,
    pub user: UserId,
    /// Tells one join of a session from an earlier one.
    pub attempt: u32,
    /// The room's last `rev` at the join: live frames begin behind it.
    pub rev: Rev,
    /// The `connected` frame, if the session does not write it itself.
    pub connected: Option<Bytes>,
    pub replays: bool,
    pub reports_to: RoomAddr,
}

/// Direct answers to sessions of this hub.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Replies(pub Vec<Reply>);

/// One direct answer, to a publish.
pub struct Reply {
    pub session: SessionId,
    pub frame: Bytes,
}

/// What was held for a session did not fit: it replays again, up to `upto`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ReplayMore {
    pub room: RoomKey,
    pub attempt: u32,
    pub upto: Rev,
}

/// A socket that a hub of its thread can write to.
pub struct Socket {
    pub outbox: Rc<Outbox>,
    /// Weak, since that takes no allocation.
    pub session: WeakAddr<Session>,
    /// It has been told who it is, and may be told other things of its user.
    pub welcome: bool,
    /// When its token's end is near, in seconds of the hub's life; `None`: no more, or not by itself.
    pub ending: Option<NonZeroU32>,
}

/// The sockets of this thread; sessions put themselves in and out.
pub type Sockets = Rc<RefCell<HashMap<SessionId, Socket>>>;

/// The hub of the current worker thread.
pub struct LocalHub {
    pub id: HubId,
    pub addr: HubAddr,
    pub sockets: Sockets,
    /// Between two looks at all sockets.
    beat: Duration,
    began: Instant,
}

impl LocalHub {
    /// Starts a hub on this thread, whose sockets must be heard of so often.
    pub fn start(heartbeat: Duration, metrics: Metrics) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = HubId(NEXT.fetch_add(1, Ordering::Relaxed));
        let sockets = Sockets::default();
        let table = sockets.clone();
        let (beat, began) = (heartbeat / BEATS, Instant::now());
        let addr = Hub::create(|context| {
            context.set_mailbox_capacity(MAILBOX);
            Hub {
                id,
                sockets: table,
                audiences: HashMap::new(),
                due: VecDeque::new(),
                answered: Vec::new(),
                flush_scheduled: false,
                heartbeat,
                began,
                metrics,
            }
        });
        Self {
            id,
            addr: Arc::new(addr),
            sockets,
            beat,
            began,
        }
    }

    /// Has a session look at the end of its token before `after` is over; false if that is too near
    /// for the hub's clock. An earlier wish is forgotten either way.
    pub fn look_at_end(&self, session: SessionId, after: Option<Duration>) -> bool {
        // The second beat from then on comes in time, also if the first is late.
        let early = after.and_then(|after| after.checked_sub(self.beat * 2));
        let at = early.map(|early| (self.began.elapsed() + early).as_secs());
        let at = at.map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        let ending = at.and_then(NonZeroU32::new);
        if let Some(socket) = self.sockets.borrow_mut().get_mut(&session) {
            socket.ending = ending;
        }
        ending.is_some()
    }
}

/// One worker thread's part of every room.
pub struct Hub {
    id: HubId,
    sockets: Sockets,
    /// Boxed, since such a table has room for twice as many.
    audiences: HashMap<RoomKey, Box<Audience>>,
    /// Rooms with something to flush, in the order in which it came.
    due: VecDeque<RoomKey>,
    /// Sockets with an answer that still waits for a room's frames to go out with.
    answered: Vec<Rc<Outbox>>,
    flush_scheduled: bool,
    heartbeat: Duration,
    began: Instant,
    metrics: Metrics,
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // One clock for all sockets: a timer for each would be a tenth of their memory.
        context.run_interval(self.heartbeat / BEATS, Self::beat);
    }
}

impl Handler<ToHub> for Hub {
    type Result = ();

    fn handle(&mut self, ToHub { room, task }: ToHub, context: &mut Self::Context) {
        let audience = match (&task, self.audiences.get_mut(&room)) {
            (_, Some(audience)) => audience,
            (Task::Admit(admit), None) => self
                .audiences
                .entry(room)
                .or_insert_with(|| Box::new(Audience::new(admit.reports_to.clone(), admit.rev))),
            (_, None) => return,
        };
        if audience.is_flushing() {
            audience.waiting.push_back(task);
        } else {
            self.work(room, Some(task));
        }
        self.schedule_flush(context);
    }
}

impl Hub {
    fn session(&self, id: SessionId) -> Option<Addr<Session>> {
        self.sockets.borrow().get(&id)?.session.upgrade()
    }

    /// Does a task for a room and then what waits, unless a flush of the room is under way.
    fn work(&mut self, room: RoomKey, mut first: Option<Task>) {
        loop {
            let Some(audience) = self.audiences.get_mut(&room) else {
                return;
            };
            if audience.is_flushing() {
                if let Some(task) = first {
                    audience.waiting.push_front(task);
                }
                return;
            }
            let Some(task) = first.take().or_else(|| audience.waiting.pop_front()) else {
                // Only now: what waits behind the last one's leaving may be somebody's coming.
                if audience.is_empty() && !audience.has_pending() {
                    self.audiences.remove(&room);
                }
                return;
            };
            match task {
                Task::Broadcast { frames, count, rev } => {
                    audience.add(Segment::lasting(frames), count, Some(rev));
                }
                Task::Notify(segment) => audience.add(segment, 1, None),
                other if audience.has_pending() => {
                    // Whoever comes or goes now must not change who hears what came before.
                    first = Some(other);
                    self.flush(room, &mut { MEMBERS_A_TURN });
                    continue;
                }
                other => {
                    self.change(room, other);
                    continue;
                }
            }
            if audience.pending_bytes() >= BATCH_BYTES {
                self.flush(room, &mut { MEMBERS_A_TURN });
            } else if audience.mark_due() {
                self.due.push_back(room);
            }
        }
    }

    /// Changes who is in a room's audience.
    fn change(&mut self, room: RoomKey, task: Task) {
        let Some(audience) = self.audiences.get_mut(&room) else {
            return;
        };
        match task {
            Task::Admit(admit) => {
                if let Some(socket) = self.sockets.borrow().get(&admit.session) {
                    audience.admit(admit, socket.outbox.clone());
                }
            }
            Task::Expel { session, farewell } => {
                audience.expel(session, farewell);
            }
            Task::GoLive { session, attempt } => {
                if let Some(upto) = audience.go_live(session, attempt)
                    && let Some(session) = self.session(session)
                {
                    session.do_send(ReplayMore {
                        room,
                        attempt,
                        upto,
                    });
                }
            }
            Task::Dissolve => {
                if let Some(audience) = self.audiences.remove(&room) {
                    audience.close_all(CloseCode::RoomRestarted);
                }
            }
            Task::Broadcast { .. } | Task::Notify(_) => {}
        }
    }

    /// Writes a room's pending frames to `turn` of its members, and the rest another time.
    fn flush(&mut self, room: RoomKey, turn: &mut usize) {
        let Some(audience) = self.audiences.get_mut(&room) else {
            return;
        };
        if !audience.is_flushing() && !audience.has_pending() {
            return;
        }
        // Unconstrained: tokio would answer `Pending` after 128 writes in one task's turn, which
        // looks like sockets that take no more.
        let flush = tokio::task::coop::unconstrained(async { audience.flush(turn) });
        let flushed = futures_util::FutureExt::now_or_never(flush);
        if let Some(Some(report)) = flushed {
            self.metrics.deliveries.inc_by(report.deliveries);
            audience.reports_to.do_send(Flushed {
                hub: self.id,
                bytes: report.bytes,
                broadcasts: report.broadcasts,
            });
        } else if audience.mark_due() {
            self.due.push_back(room);
        }
    }

    /// Flushes what is due, after the mailbox has been drained: all that was queued goes together.
    fn schedule_flush(&mut self, context: &mut Context<Self>) {
        if self.flush_scheduled || (self.due.is_empty() && self.answered.is_empty()) {
            return;
        }
        self.flush_scheduled = true;
        context.spawn(
            fut::wrap_future::<_, Self>(std::future::ready(()))
                .map(|(), hub, context| hub.take_turn(context)),
        );
    }

    fn take_turn(&mut self, context: &mut Context<Self>) {
        let mut turn = MEMBERS_A_TURN;
        while turn > 0
            && let Some(room) = self.due.pop_front()
        {
            if let Some(audience) = self.audiences.get_mut(&room) {
                audience.clear_due();
            }
            self.flush(room, &mut turn);
            self.work(room, None);
        }
        self.answered.drain(..).for_each(|outbox| outbox.flush());
        self.flush_scheduled = !self.due.is_empty();
        if self.flush_scheduled {
            let next = fut::wrap_future::<_, Self>(tokio::task::yield_now());
            context.spawn(next.map(|(), hub, context| hub.take_turn(context)));
        }
    }
}

impl Handler<Replies> for Hub {
    type Result = ();

    fn handle(&mut self, Replies(replies): Replies, context: &mut Self::Context) {
        for reply in replies {
            if let Some(socket) = self.sockets.borrow().get(&reply.session) {
                socket.outbox.push(reply.frame);
                socket.outbox.publish_settled();
                self.answered.push(socket.outbox.clone());
            }
        }
        self.schedule_flush(context);
    }
}

#[cfg(test)]
mod tests;
