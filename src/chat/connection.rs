//! The task of one connection: it runs the session, drains the outbox and ends the socket.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::Stream;
use tokio::{io::ReadBuf, time::Sleep};

use super::outbox::Outbox;

/// One connection from upgrade to end. `S` is the session's WebSocket context, and `H` what is held
/// until the socket is closed.
pub struct Connection<S, H> {
    outbox: Rc<Outbox>,
    /// `None` once the socket closes: the session has left its rooms by then.
    session: Option<Pin<Box<S>>>,
    /// How long a close frame is offered before the socket is reset.
    close_within: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    shut_down: bool,
    _held: H,
}

impl<S, H> Connection<S, H> {
    /// Joins a session with its socket.
    pub fn new(outbox: Rc<Outbox>, session: S, close_within: Duration, held: H) -> Self {
        Self {
            outbox,
            session: Some(Box::pin(session)),
            close_within,
            deadline: None,
            shut_down: false,
            _held: held,
        }
    }

    /// Offers the close frame, then waits for the peer to hang up.
    ///
    /// What the peer still sends is read and thrown away: a socket that is closed with unread data
    /// is reset by the kernel, and the close frame would be lost on the way.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let within = self.close_within;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        if deadline.as_mut().poll(context).is_ready() {
            self.outbox.reset_on_close();
            return Poll::Ready(());
        }
        if !self.outbox.is_drained() {
            return Poll::Pending;
        }
        if !self.shut_down {
            match self.outbox.poll_shutdown(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => self.shut_down = true,
            }
        }
        let mut scratch = [0; 4096];
        for _ in 0..16 {
            let mut read = ReadBuf::new(&mut scratch);
            match self.outbox.poll_read(context, &mut read) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S, E, H> Future for Connection<S, H>
where
    H: Unpin,
    S: Stream<Item = Result<Bytes, E>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.outbox.poll_drain(context).is_err() {
            return Poll::Ready(());
        }
        this.outbox.pace().begin();
        // The session runs (mailbox, timers, incoming frames) although the socket may be blocked.
        while let Some(session) = this.session.as_mut() {
            if !this.outbox.is_open() {
                this.session = None;
                break;
            }
            match session.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => this.outbox.push(bytes),
                Poll::Ready(_) => this.session = None,
                Poll::Pending => break,
            }
        }
        if this.session.is_none() && this.outbox.is_open() {
            // The session ended without a close frame: its peer is gone.
            return Poll::Ready(());
        }
        if this.outbox.poll_drain(context).is_err() {
            return Poll::Ready(());
        }
        if this.outbox.is_open() {
            if this.outbox.pace().is_exhausted() {
                context.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
        this.session = None;
        if this.outbox.is_abandoned() {
            Poll::Ready(())
        } else {
            this.poll_close(context)
        }
    }
}

impl<S, H> Drop for Connection<S, H> {
    fn drop(&mut self) {
        // The session goes first: it leaves its rooms while its outbox still refuses frames.
        self.outbox.abandon();
        self.session = None;
    }
}
