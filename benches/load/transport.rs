//! A socket's bytes, plain or over TLS.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::Path,
    sync::Arc,
};

use anyhow::Context;
use mio::net::TcpStream;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use socket2::{Domain, Socket, Type};

pub enum Transport {
    Plain(TcpStream),
    Tls(Box<rustls::StreamOwned<ClientConnection, TcpStream>>),
}

impl Transport {
    /// Begins to connect, from the loopback address with the number `source`.
    pub fn open(
        to: SocketAddrV4,
        source: u32,
        deaf: bool,
        tls: Option<&Arc<ClientConfig>>,
    ) -> anyhow::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if deaf {
            // A small one is full at once.
            socket.set_recv_buffer_size(4096)?;
        }
        if source > 0 {
            let from = Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + source);
            socket.bind(&SocketAddr::from((from, 0)).into())?;
        }
        match socket.connect(&SocketAddr::V4(to).into()) {
            Err(fault) if fault.raw_os_error() != Some(IN_PROGRESS) => return Err(fault.into()),
            _ => {}
        }
        let stream = TcpStream::from_std(socket.into());
        let Some(tls) = tls else {
            return Ok(Self::Plain(stream));
        };
        let name = ServerName::try_from("localhost")?;
        let connection = ClientConnection::new(Arc::clone(tls), name)?;
        let stream = rustls::StreamOwned::new(connection, stream);
        Ok(Self::Tls(Box::new(stream)))
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(tls) => &mut tls.sock,
        }
    }

    /// Whether the connection is there; an error if it will not be.
    pub fn is_connected(&mut self) -> io::Result<bool> {
        let stream = self.stream();
        if let Some(fault) = stream.take_error()? {
            return Err(fault);
        }
        Ok(stream.peer_addr().is_ok())
    }

    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    /// Whether there may be more to read after a read that did not fill the buffer.
    pub fn must_be_asked_again(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

/// `EINPROGRESS` of Linux.
const IN_PROGRESS: i32 = 115;

/// Believes the one certificate, and remembers no session: each handshake is a whole one.
pub fn tls(ca: &Path) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        roots
            .add(certificate?)
            .context("a certificate to believe")?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}
