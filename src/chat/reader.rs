//! The reading end of a socket, one WebSocket frame at a time and within a budget.
//!
//! `actix_web_actors` reads its stream until that has nothing more *before* it decodes the first
//! frame, and waits for a whole frame before it looks at the length. Left alone, one client made it
//! hold gigabytes. So this stream hands out one frame, then pauses once, so that the frame is
//! handled before the next is read; it refuses a long frame by its header; and it gives at most
//! [`READ_BUDGET`] bytes each time the connection's task runs.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_web::error::PayloadError;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::io::ReadBuf;

use super::outbox::{Count, Outbox};

/// The longest message, reassembled: 64 KiB.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// What one run of a connection's task reads at most, in bytes.
const READ_BUDGET: usize = 64 * 1024;

thread_local! {
    /// Reads land here first, so that an idle socket holds no buffer.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; 16 * 1024]);
}

/// Why reading ended, for the session that hears of it as an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadEnd {
    /// A frame said that it is longer than [`MAX_MESSAGE`].
    TooLarge,
    /// The connection is gone.
    Lost,
}

/// How far a connection's task has read in its present run. A part of the outbox, which the task
/// and the reader share anyway.
#[derive(Default)]
pub struct ReadPace {
    used: Count,
    exhausted: Cell<bool>,
    end: Cell<Option<ReadEnd>>,
}

impl ReadPace {
    /// Begins a run of the connection's task.
    pub fn begin(&self) {
        self.used.set(0);
        self.exhausted.set(false);
    }

    /// Whether the budget ended before the socket's data did: the task must run again.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted.get()
    }

    /// Why reading ended.
    pub fn end(&self) -> Option<ReadEnd> {
        self.end.get()
    }
}

/// The stream of bytes that a session's WebSocket context decodes.
pub struct FrameReader {
    outbox: Rc<Outbox>,
    buffer: BytesMut,
    /// Bytes of the present frame that were not handed out yet.
    remaining: u32,
    /// A whole frame was handed out; the decoder must have it before the next.
    pause: bool,
}

impl FrameReader {
    /// Reads from the outbox's socket; `first` is what came behind the upgrade request. It is
    /// copied, since it lies in the dispatcher's buffer of many kilobytes.
    pub fn new(outbox: Rc<Outbox>, first: &[u8]) -> Self {
        Self {
            outbox,
            buffer: BytesMut::from(first),
            remaining: 0,
            pause: false,
        }
    }

    /// Hands out the next piece that belongs to one frame; `None` if the buffer has none.
    fn next_piece(&mut self) -> Option<Result<Bytes, ReadEnd>> {
        if self.remaining == 0 {
            let (header, payload) = client_header(&self.buffer)?;
            if payload > MAX_MESSAGE as u64 {
                return Some(Err(ReadEnd::TooLarge));
            }
            // Lossless: a header, and no more than `MAX_MESSAGE`.
            self.remaining = u32::try_from(header as u64 + payload).unwrap_or(u32::MAX);
        }
        if self.buffer.is_empty() {
            return None;
        }
        let length = self.buffer.len().min(self.remaining as usize);
        let piece = self.buffer.split_to(length);
        self.remaining -= length as u32;
        self.pause = self.remaining == 0;
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        Some(Ok(piece.freeze()))
    }

    /// Fills the buffer from the socket.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ReadEnd>> {
        let pace = self.outbox.pace();
        if pace.used.get() >= READ_BUDGET {
            pace.exhausted.set(true);
            return Poll::Pending;
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let mut read = ReadBuf::new(scratch);
            match ready!(self.outbox.poll_read(context, &mut read)) {
                Ok(()) if !read.filled().is_empty() => {
                    pace.used.set(pace.used.get() + read.filled().len());
                    self.buffer.extend_from_slice(read.filled());
                    Poll::Ready(Ok(()))
                }
                Ok(()) | Err(_) => Poll::Ready(Err(ReadEnd::Lost)),
            }
        })
    }

    fn fail(&mut self, end: ReadEnd) -> Poll<Option<Result<Bytes, PayloadError>>> {
        self.outbox.pace().end.set(Some(end));
        match end {
            ReadEnd::TooLarge => Poll::Ready(Some(Err(PayloadError::Overflow))),
            ReadEnd::Lost => Poll::Ready(None),
        }
    }
}

impl Stream for FrameReader {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.pause) {
            return Poll::Pending;
        }
        if this.outbox.pace().end.get().is_some() {
            return Poll::Ready(None);
        }
        // Between two frames only: a frame that has begun is always finished.
        if this.remaining == 0 && !this.outbox.may_read() {
            return Poll::Pending;
        }
        loop {
            match this.next_piece() {
                Some(Ok(piece)) => return Poll::Ready(Some(Ok(piece))),
                Some(Err(end)) => return this.fail(end),
                None => {}
            }
            if let Err(end) = ready!(this.poll_fill(context)) {
                return this.fail(end);
            }
        }
    }
}

/// The lengths of a client frame's header and payload; `None` while the header is not whole.
fn client_header(bytes: &[u8]) -> Option<(usize, u64)> {
    let second = *bytes.get(1)?;
    // A frame without a mask is refused by the decoder, which must get its header to see it.
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (header, payload) = match second & 0x7f {
        126 => (
            4,
            u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        ),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    Some((header + mask, payload))
}

#[cfg(test)]
mod tests;
