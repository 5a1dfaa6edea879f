//! A connection whose client may be slow, but not without end.
//!
//! The framework has a time-out for the head of a connection's first request and for one that is
//! idle. It waits for ever for the rest of a later head, of a body that nobody reads, and for a
//! client that does not take its answers: each of these would hold a connection with its buffers.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::rt::net::{ActixStream, TcpStream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, Ready},
    time::{Instant, Sleep, sleep_until},
};

use crate::{chat::transport::Transport, config::HttpTiming, routes::Place};

/// What a client must send in [`HttpTiming::sending`] to be given as much time again.
const STEP: usize = 16 * 1024;

/// How much later than the framework an idle connection is ended: the framework does it politely,
/// but not while half a head lies there.
const AFTER_KEEP_ALIVE: Duration = Duration::from_secs(5);

/// A client's connection, as long as it speaks HTTP; then the connection alone.
pub struct Watched {
    io: TcpStream,
    watch: Option<Box<Watch>>,
}

struct Watch {
    sending: Duration,
    taking: Duration,
    idle: Duration,
    /// The client is sending, and has had no answer since it began.
    is_sending: bool,
    /// What it has sent since it was last given time.
    sent: usize,
    /// Until when it may go on like this.
    until: Option<Instant>,
    /// Since when it has taken nothing of what it is sent.
    stuck: Option<Instant>,
    /// Set once for many requests: it is put off when it goes off too early.
    alarm: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl Watched {
    /// Watches a connection that was just accepted.
    pub fn new(io: TcpStream, timing: &HttpTiming, place: Place) -> Self {
        let watch = Watch {
            sending: timing.sending,
            taking: timing.taking,
            idle: timing.keep_alive + AFTER_KEEP_ALIVE,
            is_sending: false,
            sent: 0,
            until: None,
            stuck: None,
            alarm: None,
            _place: place,
        };
        Self {
            io,
            watch: Some(Box::new(watch)),
        }
    }

    /// The connection itself.
    pub fn tcp(&self) -> &TcpStream {
        &self.io
    }

    /// Notes what became of a write or a flush, and ends a connection that takes nothing.
    fn taken<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(watch) = &mut self.watch else {
            return written;
        };
        if written.is_ready() {
            watch.speak();
            return written;
        }
        watch.stuck.get_or_insert_with(Instant::now);
        watch.wait(context).map(Err)
    }
}

impl Watch {
    /// Notes what the client has sent.
    fn hear(&mut self, bytes: usize) {
        self.sent += bytes;
        if !self.is_sending || self.sent >= STEP {
            self.is_sending = true;
            self.sent = 0;
            self.until = Some(Instant::now() + self.sending);
        }
    }

    /// Notes that the client was answered, and has taken something of it.
    fn speak(&mut self) {
        self.is_sending = false;
        self.until = Some(Instant::now() + self.idle);
        self.stuck = None;
    }

    /// Ready once the client's time is over.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let taken = self.stuck.map(|stuck| stuck + self.taking);
        let Some(due) = self.until.into_iter().chain(taken).min() else {
            return Poll::Pending;
        };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if due < alarm.deadline() {
            alarm.as_mut().reset(due);
        }
        loop {
            ready!(alarm.as_mut().poll(context));
            if Instant::now() >= due {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            alarm.as_mut().reset(due);
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.io).poll_read(context, buffer);
        let Some(watch) = &mut this.watch else {
            return read;
        };
        if read.is_ready() {
            watch.hear(buffer.filled().len() - before);
            return read;
        }
        watch.wait(context).map(Err)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(context, bytes);
        this.taken(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(context, slices);
        this.taken(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TCP has nothing to flush: it says nothing about the client.
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

impl ActixStream for Watched {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.io, context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.io, context)
    }
}

impl Transport for Watched {
    fn reset_on_close(&self) {
        self.io.reset_on_close();
    }

    fn leave_http(&mut self) {
        self.watch = None;
    }

    fn send_now(&self, bytes: &[u8]) -> Option<io::Result<usize>> {
        match self.watch {
            None => self.io.send_now(bytes),
            Some(_) => None,
        }
    }
}
