//! Writing what is queued, as far as the socket takes it.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite as _;

use super::Outbox;
use crate::protocol::frame;

/// Chunks are joined up to this size before they are written.
const COALESCE: usize = 64 * 1024;

impl Outbox {
    pub(super) fn drain(&self, context: &mut Context<'_>) -> io::Result<()> {
        self.blocked.set(false);
        self.coalesce();
        while let Some(mut front) = self.front() {
            let length = front.len();
            front.advance(self.written.get().min(length));
            let taken = self.write(context, &front)?;
            self.account(-(taken as i64));
            if taken < front.len() {
                self.written.set(length - front.len() + taken);
                self.wake_reader();
                return Ok(());
            }
            self.written.set(0);
            self.queue.borrow_mut().pop_front();
        }
        // An idle socket keeps no buffer.
        *self.queue.borrow_mut() = VecDeque::new();
        self.wake_reader();
        self.poll_flush(context)
    }

    /// Lets the session read on, if it waited for something that is over.
    pub(super) fn wake_reader(&self) {
        if self.reader_waits.get() && self.may_read() {
            self.wake();
        }
    }

    /// The chunk at the front, with no borrow left behind.
    fn front(&self) -> Option<Bytes> {
        self.queue.borrow().front().cloned()
    }

    /// Joins small chunks behind each other, so that they cost one write.
    fn coalesce(&self) {
        let mut queue = self.queue.borrow_mut();
        if queue.len() < 2 || self.written.get() > 0 {
            return;
        }
        let mut total = 0;
        let count = queue
            .iter()
            .take_while(|chunk| {
                total += chunk.len();
                total <= COALESCE
            })
            .count();
        if count < 2 {
            return;
        }
        let mut joined = BytesMut::new();
        joined.reserve(queue.iter().take(count).map(Bytes::len).sum());
        for chunk in queue.drain(..count) {
            joined.extend_from_slice(&chunk);
        }
        queue.push_front(joined.freeze());
    }

    /// Writes what the socket takes at once, and nobody is to be woken for the rest.
    ///
    /// This is each delivery's way: what it touches is out of the processor's caches by the time of
    /// the next one, so it goes without the task's waker and the runtime's notes.
    pub(super) fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.io.borrow().send_now(bytes);
        if let Some(sent) = sent {
            let taken = sent?;
            self.blocked.set(taken < bytes.len());
            return Ok(taken);
        }
        let context = &mut Context::from_waker(Waker::noop());
        let taken = self.write(context, bytes)?;
        self.poll_flush(context)?;
        Ok(taken)
    }

    /// Writes until the socket takes no more; says how many bytes it took.
    pub(super) fn write(&self, context: &mut Context<'_>, bytes: &[u8]) -> io::Result<usize> {
        let mut io = self.io.borrow_mut();
        let mut rest = bytes;
        while !rest.is_empty() {
            match Pin::new(&mut *io).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(taken)) => rest.advance(taken),
                Poll::Ready(Err(gone)) => return Err(gone),
                Poll::Pending => {
                    self.blocked.set(true);
                    break;
                }
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// Pushes TLS records out; a plain socket has nothing to flush.
    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> io::Result<()> {
        match Pin::new(&mut *self.io.borrow_mut()).poll_flush(context) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                self.blocked.set(true);
                Ok(())
            }
        }
    }
}

/// What is left of the frame that `written` bytes of `chunk` end in; `None` at a frame's border.
pub fn rest_of_frame(chunk: &[u8], written: usize) -> Option<&[u8]> {
    let mut end = 0;
    while end < written {
        end += frame::frame_length(chunk.get(end..)?)?;
    }
    chunk.get(written..end).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partly_written_frame_is_found_in_its_chunk() {
        let (first, second) = (frame::text(&"first"), frame::text(&"x".repeat(300)));
        let chunk = [&first[..], &second[..]].concat();
        assert_eq!(rest_of_frame(&chunk, 0), None);
        assert_eq!(rest_of_frame(&chunk, first.len()), None);
        assert_eq!(rest_of_frame(&chunk, 1), Some(&first[1..]));
        assert_eq!(rest_of_frame(&chunk, first.len() + 3), Some(&second[3..]));
        assert_eq!(rest_of_frame(&chunk, chunk.len()), None);
    }
}
