//! The certificate that is served, which changes when its files do.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::Context;
use rustls::{
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::CertificateDer;
use tokio::time::MissedTickBehavior;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{local, read_chain, read_key};
use crate::{config::ServerConfig, keyfile::Stamp, metrics::Metrics};

/// A new certificate is served within a second or two.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether the certificate that was made here ends soon.
const RENEW_EVERY: Duration = Duration::from_secs(3_600);

/// The certificate for those who come next. Cloning shares it.
///
/// Connections that are open keep the one they came by.
#[derive(Clone, Debug)]
pub struct Served {
    current: Arc<RwLock<Arc<CertifiedKey>>>,
}

impl Served {
    /// Reads a certificate and its key.
    ///
    /// # Errors
    /// A file that cannot be read, holds no certificate or key, or a key of another certificate.
    pub fn read(cert: &Path, key: &Path) -> anyhow::Result<Self> {
        let current = Arc::new(certified(cert, key)?);
        Ok(Self {
            current: Arc::new(RwLock::new(current)),
        })
    }

    /// Looks at the files now and then, for ever: what changed there is served from then on, and
    /// what was made here is renewed before it ends. A pair that does not fit, perhaps because only
    /// half of it is there yet, changes nothing.
    pub async fn watch(self, server: ServerConfig, metrics: Metrics) {
        let files = Files::of(&server);
        // The first look reads them again: they may have changed since the start.
        let mut known = Stamps::default();
        let mut renewed = Instant::now();
        self.tell(&metrics);
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let is_due = renewed.elapsed() >= RENEW_EVERY;
            let (looked, server) = (files.clone(), server.clone());
            let look = move || looked.look(known, is_due, &server);
            let Ok(look) = tokio::task::spawn_blocking(look).await else {
                continue;
            };
            if is_due {
                renewed = Instant::now();
            }
            known = look.stamps;
            match look.found {
                None => {}
                Some(Ok(found)) => {
                    if found.cert != self.current().cert {
                        tracing::info!(certificate = %files.cert.display(), "a new certificate");
                    }
                    self.serve(found);
                    self.tell(&metrics);
                }
                Some(Err(error)) => {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "the certificate stays as it was");
                }
            }
        }
    }

    fn serve(&self, found: CertifiedKey) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(found);
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells Prometheus when the certificate ends.
    fn tell(&self, metrics: &Metrics) {
        if let Some(end) = end_of(&self.current().cert) {
            metrics.certificate_ends(end);
        }
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// Where the certificate and its key are.
#[derive(Clone)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

/// What both files were at a look.
type Stamps = [Option<Stamp>; 2];

/// What came of a look.
struct Look {
    stamps: Stamps,
    /// `None`: nothing changed.
    found: Option<anyhow::Result<CertifiedKey>>,
}

impl Files {
    fn of(server: &ServerConfig) -> Self {
        Self {
            cert: server.cert_path.clone(),
            key: server.key_path.clone(),
        }
    }

    /// A file that cannot be looked at is as good as none.
    fn stamps(&self) -> Stamps {
        [&self.cert, &self.key].map(|path| Stamp::of(path).unwrap_or_default())
    }

    fn look(&self, known: Stamps, is_due: bool, server: &ServerConfig) -> Look {
        if (is_due || self.stamps() != known)
            && let Err(error) = local::renew(server)
        {
            let error = format!("{error:#}");
            tracing::warn!(error, "the local certificate cannot be renewed");
        }
        // Before they are read: what changes in between is found by the next look.
        let stamps = self.stamps();
        let found = (stamps != known).then(|| certified(&self.cert, &self.key));
        Look { stamps, found }
    }
}

fn certified(cert: &Path, key: &Path) -> anyhow::Result<CertifiedKey> {
    let (chain, private) = (read_chain(cert)?, read_key(key)?);
    let provider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, private, &provider).with_context(|| {
        let (cert, key) = (cert.display(), key.display());
        format!("{key} is not the key of {cert}, or either cannot be used")
    })
}

/// When the first certificate of a chain ends, in Unix seconds: from then on clients refuse it.
fn end_of(chain: &[CertificateDer<'_>]) -> Option<i64> {
    let ends = chain.iter().filter_map(|certificate| {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        Some(certificate.validity().not_after.timestamp())
    });
    ends.min()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_end_is_that_of_whatever_ends_first() {
        let made = |year| {
            let mut params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
            params.not_after = rcgen::date_time_ymd(year, 5, 1);
            let key = rcgen::KeyPair::generate().unwrap();
            params.self_signed(&key).unwrap().der().clone()
        };
        let chain = [made(2031), made(2030)];
        assert_eq!(end_of(&chain), Some(1_903_824_000));
        assert_eq!(end_of(&[CertificateDer::from(vec![1, 2, 3])]), None);
    }

    #[test]
    fn half_of_a_new_pair_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files {
            cert: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        let server = ServerConfig {
            cert_path: files.cert.clone(),
            key_path: files.key.clone(),
            ..ServerConfig::default()
        };
        let write = |pair: &rcgen::CertifiedKey<rcgen::KeyPair>, cert: bool, key: bool| {
            if cert {
                fs::write(&files.cert, pair.cert.pem()).unwrap();
            }
            if key {
                fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
            }
        };
        let pair = || rcgen::generate_simple_self_signed(vec!["chat.example".into()]).unwrap();
        let (one, two) = (pair(), pair());
        write(&one, true, true);
        let known = files.stamps();
        assert!(files.look(known, true, &server).found.is_none(), "the same");
        write(&two, true, false);
        let half = files.look(known, false, &server);
        assert!(half.found.is_some_and(|found| found.is_err()));
        assert!(files.look(half.stamps, false, &server).found.is_none());
        write(&two, false, true);
        let whole = files
            .look(half.stamps, false, &server)
            .found
            .unwrap()
            .unwrap();
        assert_eq!(whole.cert[0], *two.cert.der());
        fs::remove_file(&files.key).unwrap();
        let gone = files.look(known, false, &server).found;
        assert!(gone.is_some_and(|found| found.is_err()));
        assert!(!files.key.exists(), "nothing is made up for somebody's own");
    }
}
