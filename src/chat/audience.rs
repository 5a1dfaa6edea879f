//! The members of one room on one thread, and what they are about to hear.

use std::{collections::VecDeque, rc::Rc};

use bytes::{Bytes, BytesMut};
use indexmap::IndexMap;

use super::{
    hub::{Admit, Task},
    outbox::{BUDGET, Outbox},
    room::RoomAddr,
};
use crate::{
    domain::ids::{Rev, SessionId, UserId},
    protocol::code::CloseCode,
};

/// Above this a socket is under pressure, and hears no more of what may be dropped.
const PRESSURE: usize = BUDGET / 4;

/// One or more whole frames for the members of a room.
pub struct Segment {
    pub frames: Bytes,
    /// This user's own sessions do not hear it.
    pub except: Option<UserId>,
    /// A socket under pressure goes without it.
    pub droppable: bool,
}

impl Segment {
    /// Frames that every member hears.
    pub const fn lasting(frames: Bytes) -> Self {
        Self {
            frames,
            except: None,
            droppable: false,
        }
    }
}

struct Member {
    user: UserId,
    attempt: u32,
    outbox: Rc<Outbox>,
    /// Live frames wait here while the session replays what it missed.
    held: Option<Box<Held>>,
}

#[derive(Default)]
struct Held {
    frames: Vec<Bytes>,
    bytes: usize,
    /// It was too much; the frames are gone and must be read from the store.
    overflowed: bool,
}

/// Frames that are being written to a room's members.
struct Flush {
    segments: Vec<Segment>,
    /// All segments in one buffer: what most members get.
    all: Bytes,
    /// Whose own sessions get less.
    excepted: Vec<UserId>,
    /// Whether a socket under pressure gets less.
    droppable: bool,
    next: usize,
    report: Report,
}

/// What a finished flush tells its room.
#[derive(Clone, Copy, Default)]
pub struct Report {
    pub bytes: usize,
    pub broadcasts: u32,
    pub deliveries: u64,
}

/// The members of one room on one thread.
pub struct Audience {
    pub reports_to: RoomAddr,
    /// What came while a flush was under way, in order.
    pub waiting: VecDeque<Task>,
    members: IndexMap<SessionId, Member>,
    pending: Vec<Segment>,
    pending_report: Report,
    frames: u64,
    flush: Option<Flush>,
    due: bool,
    /// The last `rev` that was handed to the members.
    rev: Rev,
    pending_rev: Rev,
}

impl Audience {
    /// A room without members yet, which has come to `rev`.
    pub fn new(reports_to: RoomAddr, rev: Rev) -> Self {
        Self {
            reports_to,
            waiting: VecDeque::new(),
            members: IndexMap::new(),
            pending: Vec::new(),
            pending_report: Report::default(),
            frames: 0,
            flush: None,
            due: false,
            rev,
            pending_rev: rev,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn is_flushing(&self) -> bool {
        self.flush.is_some()
    }

    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub fn pending_bytes(&self) -> usize {
        self.pending_report.bytes
    }

    /// Notes that the room waits for a flush; false if it did already.
    pub fn mark_due(&mut self) -> bool {
        !std::mem::replace(&mut self.due, true)
    }

    pub fn clear_due(&mut self) {
        self.due = false;
    }

    /// Adds frames to the next flush.
    pub fn add(&mut self, segment: Segment, count: u32, rev: Option<Rev>) {
        self.pending_report.bytes += segment.frames.len();
        self.pending_report.broadcasts += 1;
        self.frames += u64::from(count);
        self.pending_rev = rev.unwrap_or(self.pending_rev);
        self.pending.push(segment);
    }

    /// Takes a session in, or begins anew with one that is in already.
    pub fn admit(&mut self, admit: Admit, outbox: Rc<Outbox>) {
        if let Some(frame) = &admit.connected {
            outbox.send(frame);
        }
        let held = admit.replays.then(Box::default);
        let member = Member {
            user: admit.user,
            attempt: admit.attempt,
            outbox,
            held,
        };
        self.members.insert(admit.session, member);
    }

    /// Lets a session go.
    pub fn expel(&mut self, session: SessionId, farewell: Option<Bytes>) {
        if let Some(member) = self.members.swap_remove(&session)
            && let Some(frame) = farewell
        {
            member.outbox.send(&frame);
        }
    }

    /// Delivers what was held for a session; `Some(rev)` if it must first replay up to there.
    pub fn go_live(&mut self, session: SessionId, attempt: u32) -> Option<Rev> {
        let member = self
            .members
            .get_mut(&session)
            .filter(|m| m.attempt == attempt)?;
        let held = member.held.take()?;
        if held.overflowed {
            member.held = Some(Box::default());
            return Some(self.rev);
        }
        for frames in &held.frames {
            member.outbox.send(frames);
        }
        None
    }

    pub fn close_all(&self, code: CloseCode) {
        for member in self.members.values() {
            member.outbox.close(code);
        }
    }

    /// Writes the pending frames to at most `turn` members and counts `turn` down; the report once
    /// every member was served.
    pub fn flush(&mut self, turn: &mut usize) -> Option<Report> {
        let mut flush = match self.flush.take() {
            Some(flush) => flush,
            None => self.begin_flush(),
        };
        while *turn > 0
            && let Some((_, member)) = self.members.get_index_mut(flush.next)
        {
            flush.next += 1;
            *turn -= 1;
            member.hear(&flush);
        }
        if flush.next < self.members.len() {
            self.flush = Some(flush);
            return None;
        }
        flush.report.deliveries *= self.members.len() as u64;
        self.rev = self.pending_rev;
        Some(flush.report)
    }

    fn begin_flush(&mut self) -> Flush {
        let segments = std::mem::take(&mut self.pending);
        let mut report = std::mem::take(&mut self.pending_report);
        report.deliveries = std::mem::take(&mut self.frames);
        let mut excepted: Vec<UserId> = segments.iter().filter_map(|s| s.except).collect();
        excepted.dedup();
        Flush {
            all: join(&segments, |_| true),
            excepted,
            droppable: segments.iter().any(|s| s.droppable),
            segments,
            next: 0,
            report,
        }
    }
}

impl Member {
    fn hear(&mut self, flush: &Flush) {
        if !self.outbox.is_open() {
            return;
        }
        let pressed = self.held.is_some() || self.outbox.queued() > PRESSURE;
        let drops = pressed && flush.droppable;
        if !drops && !flush.excepted.contains(&self.user) {
            return self.take(&flush.all);
        }
        let hears = |s: &Segment| s.except != Some(self.user) && !(pressed && s.droppable);
        let frames = join(&flush.segments, hears);
        self.take(&frames);
    }

    fn take(&mut self, frames: &Bytes) {
        let Some(held) = &mut self.held else {
            return self.outbox.send(frames);
        };
        if held.overflowed {
            return;
        }
        held.bytes += frames.len();
        if held.bytes + self.outbox.queued() > BUDGET {
            **held = Held {
                overflowed: true,
                ..Held::default()
            };
        } else {
            held.frames.push(frames.clone());
        }
    }
}

/// One buffer of all segments that `keep`; nothing is copied for a single one.
fn join(segments: &[Segment], keep: impl Fn(&Segment) -> bool) -> Bytes {
    let kept = || segments.iter().filter(|segment| keep(segment));
    let mut rest = kept();
    match (rest.next(), rest.next()) {
        (None, _) => Bytes::new(),
        (Some(only), None) => only.frames.clone(),
        _ => {
            let mut joined = BytesMut::with_capacity(kept().map(|s| s.frames.len()).sum());
            kept().for_each(|segment| joined.extend_from_slice(&segment.frames));
            joined.freeze()
        }
    }
}
