//! The bounded queue to one socket, and the socket's own writing end.
//!
//! Sessions, hubs and the connection's task of one thread share it. A frame goes straight to the
//! socket while the socket takes it; what it does not take waits here, at most [`BUDGET`] bytes.

mod writing;

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use self::writing::rest_of_frame;
use super::{reader::ReadPace, transport::Transport};
use crate::{
    metrics::Metrics,
    protocol::{code::CloseCode, frame},
};

/// How many bytes may wait for one socket: 1 MiB.
pub const BUDGET: usize = 1024 * 1024;

/// Publishes of one session that may wait for their commit.
pub const MAX_IN_FLIGHT: u16 = 32;

/// Bytes of one socket, which its budget keeps far below four gigabytes.
#[derive(Default)]
pub struct Count(Cell<u32>);

impl Count {
    pub fn get(&self) -> usize {
        self.0.get() as usize
    }

    pub fn set(&self, bytes: usize) {
        self.0.set(u32::try_from(bytes).unwrap_or(u32::MAX));
    }
}

/// Whether a socket still hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// A close frame is queued or written; nothing may follow it.
    Closing,
    /// The connection's task has ended.
    Closed,
}

/// The bounded queue to one socket.
pub struct Outbox {
    io: RefCell<Box<dyn Transport>>,
    queue: RefCell<VecDeque<Bytes>>,
    /// Bytes of the front chunk that the socket has taken. The chunk is kept whole until then, so
    /// that the border of a partly written frame can be found.
    written: Count,
    queued: Count,
    phase: Cell<Phase>,
    /// The socket took less than it was given; its task will be woken when it takes more.
    blocked: Cell<bool>,
    in_flight: Cell<u16>,
    /// The reader stopped because of what is in flight or queued, and wants to be woken.
    reader_waits: Cell<bool>,
    /// The task's, once it has run.
    waker: Cell<Option<Waker>>,
    /// When the client last gave a sign of life, and was last asked for one.
    heard: Cell<Instant>,
    pinged: Cell<Instant>,
    pace: ReadPace,
    metrics: Metrics,
}

impl Outbox {
    /// Takes over a socket.
    pub fn new(io: Box<dyn Transport>, metrics: Metrics) -> Self {
        let now = Instant::now();
        Self {
            io: RefCell::new(io),
            queue: RefCell::new(VecDeque::new()),
            written: Count::default(),
            queued: Count::default(),
            phase: Cell::new(Phase::Open),
            blocked: Cell::new(false),
            in_flight: Cell::new(0),
            reader_waits: Cell::new(false),
            waker: Cell::new(None),
            heard: Cell::new(now),
            pinged: Cell::new(now),
            pace: ReadPace::default(),
            metrics,
        }
    }

    /// Whether frames are still taken.
    pub fn is_open(&self) -> bool {
        self.phase.get() == Phase::Open
    }

    /// Whether the peer is gone.
    pub fn is_abandoned(&self) -> bool {
        self.phase.get() == Phase::Closed
    }

    /// Bytes that wait for the socket.
    pub fn queued(&self) -> usize {
        self.queued.get()
    }

    /// Queues a frame without writing it, so that it goes out together with the next one.
    ///
    /// A frame that would break the budget closes the socket with 4008.
    pub fn push(&self, frame: Bytes) {
        if !self.is_open() || frame.is_empty() {
            return;
        }
        if self.queued.get() + frame.len() > BUDGET {
            self.metrics.slow_consumers.inc();
            self.close(CloseCode::SlowConsumer);
            return;
        }
        self.account(frame.len() as i64);
        self.queue.borrow_mut().push_back(frame);
    }

    /// Queues a frame and writes as much as the socket takes.
    pub fn send(&self, frame: &Bytes) {
        let idle = self.queued.get() == 0 && !self.blocked.get();
        if !self.is_open() || !idle || !self.with_waker(|waker| waker.is_some()) {
            self.push(frame.clone());
            return self.flush();
        }
        let Ok(taken) = self.write_now(frame) else {
            return self.abandon();
        };
        if taken < frame.len() {
            // The chunk is queued whole and remembered as partly written.
            self.push(frame.clone());
            if self.is_open() {
                self.written.set(taken);
                self.account(-(taken as i64));
            }
        }
        if self.blocked.get() {
            // The task asks to be woken when the socket takes more.
            self.wake();
        }
    }

    /// Writes what is queued, as far as the socket takes it.
    pub fn flush(&self) {
        if self.blocked.get() || self.queued.get() == 0 || self.phase.get() == Phase::Closed {
            return;
        }
        if let Some(waker) = self.with_waker(|waker| waker.clone())
            && self.drain(&mut Context::from_waker(&waker)).is_err()
        {
            self.abandon();
        }
    }

    /// Says why the socket is closed, and takes nothing more.
    ///
    /// What is queued still goes out first, unless the socket is closed for being slow: then it is
    /// freed at once, but for the rest of a frame that is partly written.
    pub fn close(&self, code: CloseCode) {
        self.close_with(frame::close(code), code == CloseCode::SlowConsumer);
    }

    /// Answers a client's close with its own code.
    pub fn close_echo(&self, code: Option<u16>) {
        self.close_with(frame::close_echo(code), false);
    }

    fn close_with(&self, close: Bytes, free_queue: bool) {
        if !self.is_open() {
            return;
        }
        if free_queue {
            self.keep_partial_frame_only();
        }
        self.phase.set(Phase::Closing);
        self.account(close.len() as i64);
        self.queue.borrow_mut().push_back(close);
        self.wake();
    }

    /// Gives up a socket whose peer is gone.
    pub fn abandon(&self) {
        self.phase.set(Phase::Closed);
        self.clear();
        self.wake();
    }

    fn clear(&self) {
        self.account(-(self.queued.get() as i64));
        self.written.set(0);
        *self.queue.borrow_mut() = VecDeque::new();
    }

    fn keep_partial_frame_only(&self) {
        let rest =
            self.queue.borrow().front().and_then(|front| {
                rest_of_frame(front, self.written.get()).map(Bytes::copy_from_slice)
            });
        self.clear();
        if let Some(rest) = rest {
            self.account(rest.len() as i64);
            self.queue.borrow_mut().push_back(rest);
        }
    }

    /// One more publish waits for its commit.
    pub fn publish_started(&self) {
        self.in_flight.set(self.in_flight.get().saturating_add(1));
    }

    /// A publish was answered.
    pub fn publish_settled(&self) {
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
        self.wake_reader();
    }

    /// Whether something that is not needed may be queued: up to half the budget.
    pub fn has_room(&self) -> bool {
        self.queued.get() <= BUDGET / 2
    }

    /// Whether the session may read on: too much in flight, or half the budget queued, stops it.
    pub fn may_read(&self) -> bool {
        let may = self.in_flight.get() < MAX_IN_FLIGHT && self.has_room();
        self.reader_waits.set(!may);
        may
    }

    /// How far the connection's task has read in its present run.
    pub const fn pace(&self) -> &ReadPace {
        &self.pace
    }

    /// The client gave a sign of life.
    pub fn heard(&self, now: Instant) {
        self.heard.set(now);
    }

    /// Asks the client for a sign of life if that is due, and closes the socket if there was none
    /// for too long; whether it did either.
    pub fn beat(&self, now: Instant, due: Duration, too_long: Duration) -> bool {
        // A reader that waits for the server cannot hear a pong.
        if self.reader_waits.get() {
            self.heard.set(now);
        }
        if now.duration_since(self.heard.get()) > too_long {
            let was_open = self.is_open();
            self.close(CloseCode::NoPong);
            return was_open;
        }
        let is_due = now.duration_since(self.pinged.get()) >= due;
        if is_due {
            self.pinged.set(now);
            self.send(&frame::EMPTY_PING);
        }
        is_due
    }

    /// Reads into `buffer`, as [`tokio::io::AsyncRead`] does.
    pub fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io.borrow_mut()).poll_read(context, buffer)
    }

    /// Remembers which task to wake, and writes what waited.
    ///
    /// # Errors
    /// The peer is gone.
    pub fn poll_drain(&self, context: &mut Context<'_>) -> io::Result<()> {
        self.with_waker(|waker| match waker {
            Some(known) => known.clone_from(context.waker()),
            None => *waker = Some(context.waker().clone()),
        });
        if self.blocked.get() || self.queued.get() > 0 {
            self.drain(context)
        } else {
            Ok(())
        }
    }

    /// Whether all that was queued is on its way.
    pub fn is_drained(&self) -> bool {
        self.queued.get() == 0 && !self.blocked.get()
    }

    /// Ends the writing half, after the close frame.
    pub fn poll_shutdown(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io.borrow_mut()).poll_shutdown(context)
    }

    /// Makes the close of the socket a reset.
    pub fn reset_on_close(&self) {
        self.io.borrow().reset_on_close();
    }

    /// Wakes the connection's task.
    pub fn wake(&self) {
        self.with_waker(|waker| waker.as_ref().map(Waker::wake_by_ref));
    }

    /// Looks at the waker. A cell and not a `RefCell`, which would take eight bytes more.
    fn with_waker<R>(&self, look: impl FnOnce(&mut Option<Waker>) -> R) -> R {
        let mut waker = self.waker.take();
        let seen = look(&mut waker);
        self.waker.set(waker);
        seen
    }

    fn account(&self, bytes: i64) {
        let queued = i64::try_from(self.queued.get())
            .unwrap_or(i64::MAX)
            .saturating_add(bytes);
        self.queued.set(usize::try_from(queued).unwrap_or(0));
        self.metrics.outbox_bytes.add(bytes);
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.metrics.outbox_bytes.sub(self.queued.get() as i64);
    }
}
