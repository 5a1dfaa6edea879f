//! The bytes under a WebSocket: TCP, or TLS over it.

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite};

/// A stream whose TCP socket can be reached.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Makes the next close a reset: what the peer did not take is thrown away at once, instead of
    /// staying in the kernel until its retries end.
    fn reset_on_close(&self);
}

impl Transport for TcpStream {
    fn reset_on_close(&self) {
        // Fails only on a socket that is already gone.
        let _gone = self.set_zero_linger();
    }
}

impl Transport for TlsStream<TcpStream> {
    fn reset_on_close(&self) {
        self.get_ref().0.reset_on_close();
    }
}
