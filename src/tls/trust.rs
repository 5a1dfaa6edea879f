//! Whom this machine's own commands believe when they ask a server.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::aws_lc_rs,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::read_chain;
use crate::config::ServerConfig;

/// TLS as a client: believes the public authorities, the local authority beside the server's
/// certificate, and that certificate itself, whatever name it is for.
///
/// # Errors
/// A file that is there cannot be read, or holds no certificate.
pub fn client_config(server: &ServerConfig) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let authority = server.cert_path.with_file_name("ca.pem");
    for certificate in certificates(&authority)? {
        roots
            .add(certificate)
            .with_context(|| format!("{} is no authority", authority.display()))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let trust = Trust {
        own: certificates(&server.cert_path)?.into_iter().next(),
        authorities: WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()?,
    };
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth();
    Ok(tls)
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    if path.exists() {
        read_chain(path)
    } else {
        Ok(Vec::new())
    }
}

/// Believes one certificate on sight, and what the authorities signed.
#[derive(Debug)]
struct Trust {
    /// Whoever has its key is this machine's own server: the handshake proves the key.
    own: Option<CertificateDer<'static>>,
    authorities: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.own.as_ref().is_some_and(|own| own == certificate) {
            return Ok(ServerCertVerified::assertion());
        }
        self.authorities
            .verify_server_cert(certificate, chain, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}
