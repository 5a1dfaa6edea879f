//! Joining rooms, and replaying what was missed at the pace of the socket.

use std::{
    cell::Cell,
    collections::VecDeque,
    future::poll_fn,
    rc::{Rc, Weak},
    sync::Arc,
    task::Poll,
    time::Instant,
};

use actix::prelude::*;
use actix_web::rt;
use bytes::BytesMut;

use super::{Session, SessionContext, Standing};
use crate::{
    chat::{
        ChatParts, Refusal, TRIES,
        author::refused,
        hub::{ReplayMore, RoomKey, Task, ToHub},
        lobby::OpenRoom,
        outbox::{BUDGET, Outbox},
        room::{Join, Joined, RoomAddr},
    },
    domain::{
        ids::{Rev, RoomId},
        message::Message,
    },
    protocol::{
        client::{Ref, Resume},
        code::CloseCode,
        frame,
        server::ServerFrame,
    },
    store::StoreError,
};

/// Rooms that one socket may join.
pub const MAX_ROOMS: usize = 100;
/// Rows that a replay reads at once.
const PAGE_ROWS: u16 = 100;
/// Bytes that a replay writes at once: a quarter of the budget.
const PAGE_BYTES: usize = BUDGET / 4;

/// A room that a session has joined.
pub struct Membership {
    pub id: RoomId,
    pub room: RoomAddr,
    pub key: RoomKey,
    /// Tells this join from earlier ones of the same room.
    pub attempt: u32,
    pub typed: Option<Instant>,
    /// Only if the session has missed something.
    catching_up: Option<Rc<CatchingUp>>,
}

/// Ends with its membership; replays for it end then, too.
#[derive(Default)]
struct CatchingUp {
    /// How far the session has replayed, or will have.
    upto: Cell<Rev>,
}

impl Membership {
    /// What is to be replayed next, up to `upto`.
    fn replay(&mut self, after: Option<Rev>, upto: Rev) -> ReplayJob {
        let catching_up = self.catching_up.get_or_insert_default();
        let before = catching_up.upto.replace(upto);
        ReplayJob {
            room_id: self.id.clone(),
            attempt: self.attempt,
            after: after.unwrap_or(before),
            upto,
            wanted: Rc::downgrade(catching_up),
        }
    }
}

/// The rooms of a session: mostly one, at most [`MAX_ROOMS`], and no more memory than they need.
#[derive(Default)]
pub struct Memberships(Box<[Membership]>);

impl Memberships {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn get(&self, id: &RoomId) -> Option<&Membership> {
        self.0.iter().find(|membership| membership.id == *id)
    }

    pub fn get_mut(&mut self, id: &RoomId) -> Option<&mut Membership> {
        self.0.iter_mut().find(|membership| membership.id == *id)
    }

    /// Puts a membership in, in the place of an earlier one of the same room.
    fn insert(&mut self, membership: Membership) {
        if let Some(before) = self.get_mut(&membership.id) {
            *before = membership;
            return;
        }
        let mut rooms = std::mem::take(&mut self.0).into_vec();
        rooms.reserve_exact(1);
        rooms.push(membership);
        self.0 = rooms.into_boxed_slice();
    }

    pub fn remove(&mut self, id: &RoomId) -> Option<Membership> {
        let at = self.0.iter().position(|membership| membership.id == *id)?;
        let mut rooms = std::mem::take(&mut self.0).into_vec();
        let removed = rooms.swap_remove(at);
        self.0 = rooms.into_boxed_slice();
        Some(removed)
    }

    pub fn drain(&mut self) -> impl Iterator<Item = Membership> {
        std::mem::take(&mut self.0).into_iter()
    }
}

/// What a session replays, one room after the other, so that together they keep to the budget.
#[derive(Default)]
pub struct Replays {
    waiting: VecDeque<ReplayJob>,
    running: bool,
}

/// A part of a room that a session missed.
struct ReplayJob {
    room_id: RoomId,
    attempt: u32,
    after: Rev,
    upto: Rev,
    /// Of the membership that it replays for.
    wanted: Weak<CatchingUp>,
}

impl ReplayJob {
    /// Whether the session is still in the room, by the same join: else the client would hear old
    /// messages after it has left, or after a later join's `connected`.
    fn is_wanted(&self) -> bool {
        self.wanted.strong_count() > 0
    }
}

impl Session {
    /// Joins a room, or joins it anew; nothing else happens on the socket meanwhile.
    pub(super) fn join(
        &mut self,
        room_id: RoomId,
        resume: Resume,
        reference: Option<Ref>,
        context: &mut SessionContext,
    ) {
        let Some(who) = &self.who else { return };
        self.attempts += 1;
        let attempt = self.attempts;
        let join = Join {
            session: self.id,
            user: who.profile.clone(),
            hub_id: self.hub.id,
            hub: self.hub.addr.clone(),
            attempt,
            resume,
            reference: reference.clone(),
        };
        let joined = open_and_join(self.parts.clone(), room_id, join, self.standing.clone());
        context.wait(
            fut::wrap_future::<_, Self>(joined).map(move |joined, session, context| {
                session.standing.attempted.take();
                match joined {
                    Ok((room, joined)) => session.joined(attempt, room, joined, context),
                    Err(refusal) => {
                        session
                            .outbox
                            .push(refused(refusal, None, reference.as_ref()));
                    }
                }
            }),
        );
    }

    fn joined(
        &mut self,
        attempt: u32,
        room: RoomAddr,
        joined: Joined,
        context: &mut SessionContext,
    ) {
        let typed = self.rooms.get(&joined.id).and_then(|before| before.typed);
        let mut membership = Membership {
            id: joined.id,
            room,
            key: joined.key,
            attempt,
            typed,
            catching_up: None,
        };
        if let Some(replay) = joined.replay {
            self.outbox.push(replay.connected);
            let job = membership.replay(Some(replay.after), replay.upto);
            self.replays.get_or_insert_default().waiting.push_back(job);
        }
        self.rooms.insert(membership);
        self.replay_next(context);
    }

    /// Begins the next replay, unless one runs.
    fn replay_next(&mut self, context: &mut SessionContext) {
        let Some(replays) = &mut self.replays else {
            return;
        };
        // A join anew ends the replay before it: at most one a room waits.
        replays.waiting.retain(ReplayJob::is_wanted);
        if replays.running {
            return;
        }
        let Some(job) = replays.waiting.pop_front() else {
            self.replays = None;
            return;
        };
        replays.running = true;
        let replay = replay(self.parts.clone(), self.outbox.clone(), job);
        context.spawn(
            fut::wrap_future::<_, Self>(replay)
                .map(|done, session, context| session.replayed(done, context)),
        );
    }

    fn replayed(
        &mut self,
        (job, result): (ReplayJob, Result<(), StoreError>),
        context: &mut SessionContext,
    ) {
        if let Some(replays) = &mut self.replays {
            replays.running = false;
        }
        if let Err(fault) = result {
            tracing::warn!(%fault, room.id = %job.room_id, "a replay failed");
            return self.close(CloseCode::ReplayFailed, context);
        }
        if let Some(membership) = self.rooms.get(&job.room_id)
            && job.is_wanted()
        {
            let task = Task::GoLive {
                session: self.id,
                attempt: job.attempt,
            };
            self.hub.addr.do_send(ToHub {
                room: membership.key,
                task,
            });
        }
        self.replay_next(context);
    }
}

impl Handler<ReplayMore> for Session {
    type Result = ();

    fn handle(&mut self, more: ReplayMore, context: &mut Self::Context) {
        let found = self
            .rooms
            .0
            .iter_mut()
            .find(|m| m.key == more.room && m.attempt == more.attempt);
        let Some(membership) = found else {
            return;
        };
        let job = membership.replay(None, more.upto);
        self.replays.get_or_insert_default().waiting.push_back(job);
        self.replay_next(context);
    }
}

/// Joins a live room, which may end just then: it is opened again.
async fn open_and_join(
    parts: Arc<ChatParts>,
    room_id: RoomId,
    join: Join,
    standing: Rc<Standing>,
) -> Result<(RoomAddr, Joined), Refusal> {
    for _ in 0..TRIES {
        let opened = parts.lobby.send(OpenRoom(room_id.clone())).await;
        let room = opened.unwrap_or(Err(Refusal::Unavailable))?;
        standing.attempted.set(Some(room.clone()));
        if let Ok(joined) = room.send(join.clone()).await {
            return Ok((room, joined));
        }
    }
    Err(Refusal::Overloaded)
}

/// Writes what was missed, a page whenever the socket has taken most of the one before.
async fn replay(
    parts: Arc<ChatParts>,
    outbox: Rc<Outbox>,
    job: ReplayJob,
) -> (ReplayJob, Result<(), StoreError>) {
    let result = write_pages(&parts, &outbox, &job).await;
    (job, result)
}

async fn write_pages(
    parts: &Arc<ChatParts>,
    outbox: &Outbox,
    job: &ReplayJob,
) -> Result<(), StoreError> {
    let mut after = job.after;
    while after < job.upto && job.is_wanted() {
        drained(outbox).await;
        let page = read_page(parts.clone(), job.room_id.clone(), after, job.upto).await?;
        let Some(last) = page.last() else { break };
        after = last.rev;
        let mut bytes = BytesMut::new();
        for message in &page {
            if !job.is_wanted() {
                return Ok(());
            }
            bytes.extend_from_slice(&frame::text(&ServerFrame::Message(message.into())));
            if bytes.len() >= PAGE_BYTES {
                outbox.send(&bytes.split().freeze());
                drained(outbox).await;
            }
        }
        if job.is_wanted() {
            outbox.send(&bytes.freeze());
        }
    }
    Ok(())
}

/// Reads in a task of its own. While the session waits for a room, nothing of it runs: a read that
/// belonged to it would keep its connection to the database from the room that it waits for.
async fn read_page(
    parts: Arc<ChatParts>,
    room_id: RoomId,
    after: Rev,
    upto: Rev,
) -> Result<Vec<Message>, StoreError> {
    let read = rt::spawn(async move {
        // A storm of resumes reads in turns, and leaves connections to others. The semaphore is
        // never closed.
        let _turn = parts.replays.acquire().await;
        parts
            .store
            .messages_changed(&room_id, after, upto, PAGE_ROWS)
            .await
    });
    let died = |fault: rt::task::JoinError| Err(StoreError::Internal(fault.into()));
    read.await.unwrap_or_else(died)
}

/// Waits until the socket has taken most of what is queued. The connection's task drains the
/// outbox and then runs the session, so nothing else needs to wake this.
async fn drained(outbox: &Outbox) {
    poll_fn(|_| {
        let ready = outbox.queued() < PAGE_BYTES || !outbox.is_open();
        if ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
