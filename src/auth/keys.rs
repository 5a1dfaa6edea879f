//! The keys that sign and verify tokens, and how a running server hears that they changed.

mod file;
mod key;

use std::{
    path::Path,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::MissedTickBehavior;

pub use self::{
    file::{KeptKey, KeyFile},
    key::{Jwk, JwkSet, Key, KeyId},
};
use crate::{clock, config::AuthConfig, keyfile::Stamp};

/// A rotation acts within a second, and so does a key that is taken back.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The least time between two looks, so that strangers with odd tokens cannot ask for many.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often it is looked whether a key has had its time.
const TEND_EVERY: Duration = Duration::from_secs(60);

/// Called when a key no longer verifies, on whatever thread noticed; must not block.
pub type OnGone = Box<dyn Fn() + Send + Sync>;

/// Keys that sign and verify. Cloning shares them.
#[derive(Clone)]
pub struct Keys {
    shared: Arc<Shared>,
}

struct Shared {
    ring: RwLock<Arc<Ring>>,
    /// `None`: they are set, and change with a restart.
    source: Option<Source>,
    on_gone: OnceLock<OnGone>,
}

/// The keys of one moment.
pub(super) struct Ring {
    pub(super) signing: Key,
    /// Keys that verify and sign no more.
    others: Vec<Key>,
}

/// Where the keys come from.
struct Source {
    file: KeyFile,
    token_lifetime: Duration,
    seen: tokio::sync::Mutex<Seen>,
}

/// The last look at the file.
struct Seen {
    stamp: Option<Stamp>,
    /// When it began.
    at: Instant,
    tended: Instant,
    failing: bool,
}

impl Ring {
    fn ids(&self) -> impl Iterator<Item = KeyId> {
        let keys = std::iter::once(&self.signing).chain(&self.others);
        keys.map(|key| key.id)
    }

    /// The key of this name, if it verifies.
    pub(super) fn find(&self, id: KeyId) -> Option<&Key> {
        let now = clock::now();
        std::iter::once(&self.signing)
            .chain(&self.others)
            .find(|key| key.id == id && key.verifies_at(now))
    }
}

impl Keys {
    /// Keys from the secrets as set, or else from the file in the data directory, which is made
    /// when it is not there.
    ///
    /// # Errors
    /// The file can be neither read nor made, or is damaged.
    pub fn open(auth: &AuthConfig, data_dir: &Path) -> anyhow::Result<Self> {
        if let Some(secret) = &auth.jwt_secret {
            return Ok(Self::from_secrets(
                secret,
                auth.jwt_previous_secret.as_ref(),
            ));
        }
        let file = KeyFile::of(data_dir);
        file.open(auth.jwt_algorithm, auth.token_lifetime)?;
        // Before it is read: what changes in between is found by the next look.
        let stamp = file.stamp()?;
        let ring = read_ring(&file)?;
        let now = Instant::now();
        let source = Source {
            file,
            token_lifetime: auth.token_lifetime,
            seen: tokio::sync::Mutex::new(Seen {
                stamp,
                at: now,
                tended: now,
                failing: false,
            }),
        };
        source.tend();
        Ok(Self::new(ring, Some(source)))
    }

    /// An HS256 key.
    #[must_use]
    pub fn from_secret(secret: &[u8]) -> Self {
        let signing = Key::from_secret(secret);
        let others = Vec::new();
        Self::new(Ring { signing, others }, None)
    }

    fn from_secrets(secret: &SecretString, previous: Option<&SecretString>) -> Self {
        let key = |secret: &SecretString| Key::from_secret(secret.expose_secret().as_bytes());
        let others = previous.map(key).into_iter().collect();
        let signing = key(secret);
        Self::new(Ring { signing, others }, None)
    }

    fn new(ring: Ring, source: Option<Source>) -> Self {
        Self {
            shared: Arc::new(Shared {
                ring: RwLock::new(Arc::new(ring)),
                source,
                on_gone: OnceLock::new(),
            }),
        }
    }

    /// The keys as they are now.
    pub(super) fn ring(&self) -> Arc<Ring> {
        let ring = self.shared.ring.read();
        ring.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether tokens of this key are accepted.
    #[must_use]
    pub fn verifies(&self, id: KeyId) -> bool {
        self.ring().find(id).is_some()
    }

    /// What others need to verify tokens: nothing for HS256, whose keys would let them sign.
    #[must_use]
    pub fn public(&self) -> JwkSet {
        let (ring, now) = (self.ring(), clock::now());
        let keys = std::iter::once(&ring.signing).chain(&ring.others);
        let keys = keys.filter(|key| key.verifies_at(now));
        JwkSet {
            keys: keys.filter_map(Key::public).cloned().collect(),
        }
    }

    /// Calls `on_gone` whenever a key was taken back. Set it once.
    pub fn on_gone(&self, on_gone: OnGone) {
        // There is one to be told; a second one would be a fault at the start.
        let _first = self.shared.on_gone.set(on_gone);
    }

    /// Looks at the file now and then, for ever.
    pub async fn watch(self) {
        if self.shared.source.is_none() {
            return;
        }
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look(Instant::now()).await;
        }
    }

    /// Looks at the file because a token names a key that is not known: perhaps another process
    /// made it a moment ago. All who ask while one waits to look share that look.
    pub(super) async fn look_again(&self) {
        self.look(Instant::now()).await;
    }

    /// Takes what the file says, if it changed; unless somebody looked after it was `asked`.
    async fn look(&self, asked: Instant) {
        let Some(source) = &self.shared.source else {
            return;
        };
        let mut seen = source.seen.lock().await;
        if seen.at >= asked {
            return;
        }
        tokio::time::sleep(LOOK_AGAIN.saturating_sub(seen.at.elapsed())).await;
        seen.at = Instant::now();
        let (file, known) = (source.file.clone(), seen.stamp);
        let looked = tokio::task::spawn_blocking(move || read_changed(&file, known)).await;
        let Ok(Look { stamp, ring }) = looked else {
            return;
        };
        match ring {
            None => {}
            Some(Ok(ring)) => {
                seen.failing = false;
                self.take(ring);
                source.tend();
            }
            // The keys that are in use stay; the same is not told every second.
            Some(Err(error)) => {
                let told = std::mem::replace(&mut seen.failing, true);
                if !told || seen.stamp != stamp {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "the keys stay as they were");
                }
            }
        }
        seen.stamp = stamp;
        if seen.tended.elapsed() >= TEND_EVERY {
            seen.tended = Instant::now();
            source.tend();
        }
    }

    fn take(&self, ring: Ring) {
        let before = {
            let place = self.shared.ring.write();
            let mut place = place.unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *place, Arc::new(ring))
        };
        let ring = self.ring();
        if ring.ids().ne(before.ids()) {
            let (signs, others) = (ring.signing.id, ring.others.len());
            tracing::info!(%signs, others, "the keys that sign and verify tokens changed");
        }
        if before.ids().any(|id| ring.find(id).is_none())
            && let Some(on_gone) = self.shared.on_gone.get()
        {
            on_gone();
        }
    }
}

impl Source {
    /// Writes on a thread that may wait. What cannot be written, such as a file that this server
    /// may only read, is no harm: its keys are as good.
    fn tend(&self) {
        let (file, lifetime) = (self.file.clone(), self.token_lifetime);
        let tend = move || {
            if let Err(error) = file.tend(lifetime) {
                tracing::debug!(
                    error = format!("{error:#}"),
                    "the keys' file stays as it is"
                );
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(tend)),
            Err(_) => tend(),
        }
    }
}

/// What came of a look.
struct Look {
    stamp: Option<Stamp>,
    /// `None`: nothing changed.
    ring: Option<anyhow::Result<Ring>>,
}

/// Reads the file, if it is not the one that is known.
fn read_changed(file: &KeyFile, known: Option<Stamp>) -> Look {
    match file.stamp() {
        Ok(stamp) => Look {
            stamp,
            ring: (stamp != known).then(|| read_ring(file)),
        },
        Err(error) => Look {
            stamp: known,
            ring: Some(Err(error.into())),
        },
    }
}

fn read_ring(file: &KeyFile) -> anyhow::Result<Ring> {
    let kept = file.read()?.context("the keys' file is gone")?;
    let (signing, others) = kept.read()?;
    Ok(Ring { signing, others })
}

#[cfg(test)]
mod tests;
