//! Where a server is, and how far it is believed.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow, bail};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use tokio::net::{TcpSocket, lookup_host};
use tokio_rustls::TlsConnector;
use url::Url;

use super::Stream;

/// Whose certificates are believed.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// Those of the authorities that the system knows.
    #[default]
    System,
    /// Those of the authorities in this file (PEM), and of no other.
    File(PathBuf),
    /// Everybody's: whoever is in between reads along.
    Anybody,
}

/// A server's scheme, host and port, and how to connect to it. Cloning is cheap.
#[derive(Clone)]
pub struct Place {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Place {
    /// Reads an address: `ws`, `wss`, `http` or `https`, with nothing behind the port.
    ///
    /// # Errors
    /// Another form, or certificates that cannot be read.
    pub fn parse(address: &str, trust: &Trust) -> anyhow::Result<Self> {
        let url = Url::parse(address).with_context(|| format!("{address:?} is no address"))?;
        let secure = match url.scheme() {
            "wss" | "https" => true,
            "ws" | "http" => false,
            other => bail!("{other}: an address begins with wss://, ws://, https:// or http://"),
        };
        let more = !matches!(url.path(), "" | "/") || url.query().is_some();
        if more || !url.username().is_empty() {
            bail!("give scheme, host and port alone, such as wss://chat.example.org");
        }
        let host = url.host_str().context("the address names no host")?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let tls = if secure {
            let name = ServerName::try_from(bare.to_owned())
                .with_context(|| format!("{bare} cannot be in a certificate"))?;
            Some((TlsConnector::from(Arc::new(client_config(trust)?)), name))
        } else {
            None
        };
        let port = url.port_or_known_default();
        Ok(Self {
            host: host.to_owned(),
            port: port.context("the address names no port")?,
            tls,
        })
    }

    /// Host and port, as the `Host` header names them.
    #[must_use]
    pub fn authority(&self) -> String {
        match (&self.tls, self.port) {
            (Some(_), 443) | (None, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// The address of the socket, `wss://…` or `ws://…`.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}", self.authority())
    }

    /// Opens a connection, with a receive buffer of so many bytes if one is named.
    ///
    /// # Errors
    /// Nobody is there, or a certificate is not believed.
    pub async fn connect(&self, window: Option<u32>) -> io::Result<Stream> {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in lookup_host((bare, self.port)).await? {
            let socket = match address {
                std::net::SocketAddr::V4(_) => TcpSocket::new_v4()?,
                std::net::SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            if let Some(bytes) = window {
                socket.set_recv_buffer_size(bytes)?;
            }
            match socket.connect(address).await {
                Ok(tcp) => {
                    tcp.set_nodelay(true)?;
                    return match &self.tls {
                        None => Ok(Stream::Plain(tcp)),
                        Some((connector, name)) => {
                            let tls = connector.connect(name.clone(), tcp).await?;
                            Ok(Stream::Tls(Box::new(tls.into())))
                        }
                    };
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

fn client_config(trust: &Trust) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    let roots = match trust {
        Trust::Anybody => {
            let anybody = Arc::new(Anybody(provider));
            return Ok(builder
                .dangerous()
                .with_custom_certificate_verifier(anybody)
                .with_no_client_auth());
        }
        Trust::File(path) => roots_in(path)?,
        Trust::System => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn roots_in(path: &Path) -> anyhow::Result<RootCertStore> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| {
            anyhow!(
                "cannot read the certificates in {}: {error}",
                path.display()
            )
        })?;
    let mut roots = RootCertStore::empty();
    if roots.add_parsable_certificates(certificates).0 == 0 {
        bail!("{} holds no certificate of an authority", path.display());
    }
    Ok(roots)
}

/// Believes every certificate, but still asks for a signature by its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_scheme_host_and_port() {
        for (address, read) in [
            ("wss://chat.example.org", "wss://chat.example.org"),
            ("https://chat.example.org:443/", "wss://chat.example.org"),
            ("ws://localhost:8080", "ws://localhost:8080"),
            ("http://[::1]:80", "ws://[::1]"),
        ] {
            let place = Place::parse(address, &Trust::Anybody).unwrap();
            assert_eq!(place.address(), read);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for address in [
            "",
            "localhost",
            "ftp://localhost",
            "wss://localhost/api/chat/ws",
            "wss://ann:secret@localhost",
            "wss://localhost?token=x",
        ] {
            assert!(Place::parse(address, &Trust::Anybody).is_err(), "{address}");
        }
    }
}
