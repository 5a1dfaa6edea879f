//! TLS: the certificate that was set, or one from a local CA that is made here.

mod local;
mod served;
mod trust;

use std::{path::Path, sync::Arc};

use anyhow::{Context, anyhow};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::NoServerSessionStorage,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::config;

pub use local::is_made_here;
pub use served::Served;
pub use trust::client_config;

/// Chooses the crypto library for everything that would otherwise have to guess one. Call it first
/// of all in a process; again does no harm.
pub fn install_crypto() {
    // An error says that somebody was first, and everybody here installs the same.
    let _ = aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Reads the certificate and the key, and makes them first if neither is there. What is served from
/// then on changes with the second part of the answer.
///
/// ALPN is left to actix-http, which knows what it speaks.
///
/// # Errors
/// A file that cannot be read, holds no certificate or key, or a key of another certificate.
pub fn server_config(server: &config::ServerConfig) -> anyhow::Result<(ServerConfig, Served)> {
    local::ensure(server).context("cannot make a local certificate")?;
    let served = Served::read(&server.cert_path, &server.key_path)?;
    let mut tls = with_certificate(served.clone())?;
    // A session is kept by its client, as a sealed ticket, and not in a table here: a thousand
    // sockets that come back at once resume cheaply, and cost nothing while they are away.
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.ticketer = aws_lc_rs::Ticketer::new()?;
    tls.send_tls13_tickets = 1;
    Ok((tls, served))
}

/// TLS with a certificate and its key, for good.
///
/// # Errors
/// As above.
pub fn config_of(cert: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    with_certificate(Served::read(cert, key)?)
}

/// TLS 1.2 and 1.3; nothing older is known to rustls.
fn with_certificate(served: Served) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(served)))
}

fn read_chain(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| anyhow!("cannot read the certificate {}: {error}", path.display()))?;
    anyhow::ensure!(
        !chain.is_empty(),
        "{} holds no certificate in PEM form",
        path.display()
    );
    Ok(chain)
}

fn read_key(path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| anyhow!("cannot read the private key {}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
