//! The file with the keys: one for all of them, so that no reader ever finds half of a change.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, SubsecRound, Utc};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::key::{Key, KeyId};
use crate::{
    clock,
    config::JwtAlgorithm,
    keyfile::{self, Readers, Stamp},
};

/// The keys' name in the data directory.
const FILE: &str = "jwt-keys.json";

/// Where servers before this file kept their one secret.
const OLD_SECRET: &str = "jwt.secret";

const VERSION: u32 = 1;

/// How many keys there may be; each refused token costs a look at all of them.
const MAX_KEYS: usize = 16;

/// How much longer than its last token a key verifies: a server hears of the change a moment later.
const GRACE: Duration = Duration::from_secs(60);

/// Where the keys are kept.
#[derive(Clone)]
pub struct KeyFile {
    path: PathBuf,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    version: u32,
    /// Oldest first; the last one signs.
    keys: Vec<KeptKey>,
}

/// One key as it is kept.
#[derive(Serialize, Deserialize)]
pub struct KeptKey {
    kid: String,
    pub algorithm: JwtAlgorithm,
    pub created_at: DateTime<Utc>,
    /// When another one took over.
    replaced_at: Option<DateTime<Utc>>,
    /// The longest that a token which it signed may last.
    longest_token_seconds: u32,
    private: Private,
}

/// A secret's bytes, or a key pair as PKCS #8; in base64.
struct Private(SecretString);

impl Serialize for Private {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Private {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl KeptKey {
    fn new(algorithm: JwtAlgorithm, private: &[u8], lifetime: Duration) -> anyhow::Result<Self> {
        Ok(Self {
            kid: Key::read(algorithm, private)?.id.to_string(),
            algorithm,
            created_at: clock::now().trunc_subsecs(0),
            replaced_at: None,
            longest_token_seconds: seconds(lifetime),
            private: Private(BASE64_URL_SAFE_NO_PAD.encode(private).into()),
        })
    }

    fn generate(algorithm: JwtAlgorithm, lifetime: Duration) -> anyhow::Result<Self> {
        Self::new(algorithm, &Key::generate(algorithm)?, lifetime)
    }

    /// The key itself.
    fn read(&self) -> anyhow::Result<Key> {
        let text = self.private.0.expose_secret();
        let private = BASE64_URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new);
        let private = private.ok().context("a key is not in base64")?;
        let mut key = Key::read(self.algorithm, &private)?;
        ensure!(key.id.to_string() == self.kid, "a key has another's name");
        key.until = self.until();
        Ok(key)
    }

    /// The name of the key.
    pub fn id(&self) -> &str {
        &self.kid
    }

    /// From when on it no longer verifies; `None` for the one that signs.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        let last = Duration::from_secs(self.longest_token_seconds.into());
        Some(self.replaced_at? + last + GRACE)
    }
}

impl Kept {
    fn with(key: KeptKey) -> Self {
        Self {
            version: VERSION,
            keys: vec![key],
        }
    }

    /// Every key, oldest first.
    pub fn keys(&self) -> &[KeptKey] {
        &self.keys
    }

    /// The key that signs, and then those that only verify and still do.
    ///
    /// # Errors
    /// What is wrong with the file; no word of a key is in it.
    pub fn read(&self) -> anyhow::Result<(Key, Vec<Key>)> {
        ensure!(
            self.version == VERSION,
            "it is of version {}, and this server knows {VERSION}",
            self.version
        );
        ensure!(
            self.keys.len() <= MAX_KEYS,
            "it holds more than {MAX_KEYS} keys"
        );
        let keys: anyhow::Result<Vec<Key>> = self.keys.iter().map(KeptKey::read).collect();
        let mut keys = keys?;
        let signing = keys.pop().context("it holds no key")?;
        let one_signs = signing.until.is_none() && keys.iter().all(|key| key.until.is_some());
        ensure!(one_signs, "not exactly the last key signs");
        let now = clock::now();
        keys.retain(|key| key.verifies_at(now));
        Ok((signing, keys))
    }

    /// Drops those that no longer verify; says whether there were any.
    fn prune(&mut self) -> bool {
        let (now, count) = (clock::now(), self.keys.len());
        self.keys
            .retain(|key| key.until().is_none_or(|until| now < until));
        self.keys.len() < count
    }

    /// Notes how long this server's tokens last; says whether that is news.
    fn expect(&mut self, lifetime: Duration) -> bool {
        let longer = |key: &&mut KeptKey| key.longest_token_seconds < seconds(lifetime);
        match self.keys.last_mut().filter(longer) {
            Some(key) => {
                key.longest_token_seconds = seconds(lifetime);
                true
            }
            None => false,
        }
    }
}

impl KeyFile {
    /// The one of a data directory.
    pub fn of(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join(FILE),
        }
    }

    /// What changes whenever the file does; `None` while it is not there.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn stamp(&self) -> io::Result<Option<Stamp>> {
        Stamp::of(&self.path)
    }

    /// Reads the file, if it is there. What it says is sound.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn read(&self) -> anyhow::Result<Option<Kept>> {
        let read = || -> anyhow::Result<Option<Kept>> {
            let Some(text) = keyfile::read(&self.path).context("it cannot be read")? else {
                return Ok(None);
            };
            let text = Zeroizing::new(text);
            // The reader's own words could repeat what stands there.
            let kept: Kept = serde_json::from_slice(&text).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                anyhow::anyhow!("line {line}, column {column} is not what belongs there")
            })?;
            kept.read()?;
            Ok(Some(kept))
        };
        read().with_context(|| {
            format!(
                "the keys in {} cannot be used; restore the file, or remove it, and a new key is \
                 made (all refresh their tokens)",
                self.path.display()
            )
        })
    }

    /// Reads the file, or makes it: with the secret of an older server, or else a new key.
    ///
    /// # Errors
    /// As [`KeyFile::read`], or it cannot be made.
    pub fn open(&self, algorithm: JwtAlgorithm, lifetime: Duration) -> anyhow::Result<Kept> {
        if let Some(kept) = self.read()? {
            return Ok(kept);
        }
        let _alone = self.lock()?;
        if let Some(kept) = self.read()? {
            return Ok(kept);
        }
        let key = match self.old_secret()? {
            Some(secret) => KeptKey::new(JwtAlgorithm::Hs256, &secret, lifetime)?,
            None => KeptKey::generate(algorithm, lifetime)?,
        };
        let kept = Kept::with(key);
        self.write(&kept)?;
        // A secret that is retired one day must not be found here.
        match fs::remove_file(self.path.with_file_name(OLD_SECRET)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "{OLD_SECRET} could not be removed; its key has moved");
            }
            _ => {}
        }
        Ok(kept)
    }

    fn old_secret(&self) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>> {
        let path = self.path.with_file_name(OLD_SECRET);
        let text = keyfile::read(&path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let Some(text) = text.map(Zeroizing::new) else {
            return Ok(None);
        };
        let secret = Zeroizing::new(text.trim_ascii().to_vec());
        ensure!(
            secret.len() >= 32,
            "{} holds fewer than 32 bytes: remove it, and a new key is made (all sign in again)",
            path.display()
        );
        Ok(Some(secret))
    }

    /// Keeps the file up to date: keys that no longer verify go, and the one that signs is known to
    /// make tokens of this lifetime. Writes only if there is something to write.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn tend(&self, lifetime: Duration) -> anyhow::Result<()> {
        let due = |kept: &mut Kept| kept.prune() | kept.expect(lifetime);
        if self.read()?.is_some_and(|mut kept| due(&mut kept)) {
            self.change(|kept| {
                due(kept);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Makes a key that signs from now on, and returns its name. Those before it verify until their
    /// last token has ended; or, if `now`, no more.
    ///
    /// Without an algorithm the new key is like the one before.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds too many keys.
    pub fn rotate(
        &self,
        algorithm: Option<JwtAlgorithm>,
        first: JwtAlgorithm,
        lifetime: Duration,
        now: bool,
    ) -> anyhow::Result<String> {
        let is_first = self.read()?.is_none() && self.old_secret()?.is_none();
        let kept = self.open(algorithm.unwrap_or(first), lifetime)?;
        if let (true, Some(key)) = (is_first, kept.keys.last()) {
            return Ok(key.kid.clone());
        }
        self.change(|kept| {
            kept.prune();
            let before = kept.keys.last_mut().context("it holds no key")?;
            before.replaced_at = Some(clock::now().trunc_subsecs(0));
            let new = KeptKey::generate(algorithm.unwrap_or(before.algorithm), lifetime)?;
            if now {
                kept.keys.clear();
            }
            ensure!(
                kept.keys.len() < MAX_KEYS,
                "there are {MAX_KEYS} keys whose tokens may still be out: retire one first"
            );
            let id = new.kid.clone();
            kept.keys.push(new);
            Ok(id)
        })
    }

    /// Drops a key: none of its tokens is accepted any more.
    ///
    /// # Errors
    /// There is no such key, it is the one that signs, or the file cannot be written.
    pub fn retire(&self, id: KeyId) -> anyhow::Result<()> {
        self.change(|kept| {
            let id = id.to_string();
            match kept.keys.iter().position(|key| key.kid == id) {
                None => bail!("there is no key {id}"),
                Some(at) if at + 1 == kept.keys.len() => {
                    bail!("{id} signs: `parlor keys rotate --now` puts another in its place")
                }
                Some(at) => {
                    kept.keys.remove(at);
                    Ok(())
                }
            }
        })
    }

    /// Changes the file; one process at a time.
    fn change<T>(&self, change: impl FnOnce(&mut Kept) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let _alone = self.lock()?;
        let kept = self.read()?;
        let mut kept = kept.with_context(|| format!("there is no {}", self.path.display()))?;
        let result = change(&mut kept)?;
        self.write(&kept)?;
        Ok(result)
    }

    fn write(&self, kept: &Kept) -> anyhow::Result<()> {
        let text = Zeroizing::new(serde_json::to_vec_pretty(kept)?);
        keyfile::replace(&self.path, &text, Readers::Owner)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    fn lock(&self) -> anyhow::Result<File> {
        let path = self.path.with_extension("lock");
        let locked = || {
            if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
                // As the store makes it.
                let mut builder = fs::DirBuilder::new();
                #[cfg(unix)]
                std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
                builder.recursive(true).create(folder)?;
            }
            let file = File::create(&path)?;
            file.lock()?;
            io::Result::Ok(file)
        };
        locked().with_context(|| format!("cannot lock {}", path.display()))
    }
}

fn seconds(lifetime: Duration) -> u32 {
    u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX)
}
