//! The bytes under a WebSocket: TCP, or TLS over it.

use std::io;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::rt::net::{ActixStream, TcpStream};
use rustix::{
    io::Errno,
    net::{SendFlags, send},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// A stream whose TCP socket can be reached.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Makes the next close a reset: what the peer did not take is thrown away at once, instead of
    /// staying in the kernel until its retries end.
    fn reset_on_close(&self);

    /// Ends what was done for the sake of HTTP: a socket looks after itself.
    fn leave_http(&mut self) {}

    /// Hands bytes to the kernel, past the runtime's own notes of what is ready, and says how many
    /// it took. `None` where something lies between, as TLS does.
    fn send_now(&self, _bytes: &[u8]) -> Option<io::Result<usize>> {
        None
    }
}

impl Transport for TcpStream {
    fn reset_on_close(&self) {
        // Fails only on a socket that is already gone.
        let _gone = self.set_zero_linger();
    }

    fn send_now(&self, bytes: &[u8]) -> Option<io::Result<usize>> {
        Some(match send(self, bytes, SendFlags::NOSIGNAL) {
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            sent => sent.map_err(io::Error::from),
        })
    }
}

impl<T: Transport + ActixStream> Transport for TlsStream<T> {
    fn reset_on_close(&self) {
        self.get_ref().0.reset_on_close();
    }

    fn leave_http(&mut self) {
        self.get_mut().0.leave_http();
    }
}
