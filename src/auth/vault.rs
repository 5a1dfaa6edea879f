//! Secrets that the server must read again, such as those of authenticator apps: encrypted where
//! they are kept.

use std::{path::Path, sync::Arc};

use anyhow::{Context, anyhow};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    hkdf::{HKDF_SHA256, Salt},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

use crate::{domain::ids::UserId, keyfile};

/// The key's name in the data directory.
const KEY_FILE: &str = "encryption.key";

/// The least that a key may have, in bytes.
const MIN_KEY_BYTES: usize = 32;

/// The first byte of everything sealed: how it was.
const VERSION: u8 = 1;

const NONCE_BYTES: usize = 12;

/// Seals and opens with AES-256-GCM. Cloning shares the key.
#[derive(Clone)]
pub struct Vault {
    key: Arc<RandomizedNonceKey>,
}

impl Vault {
    /// One with the key as set, or else with the one in the data directory, which is made when it is
    /// not there.
    ///
    /// # Errors
    /// The file can be neither read nor made, or holds too little.
    pub fn open(secret: Option<&SecretString>, data_dir: &Path) -> anyhow::Result<Self> {
        match secret {
            Some(secret) => Self::from_secret(secret.expose_secret().as_bytes()),
            None => Self::from_secret(&kept_secret(data_dir)?),
        }
    }

    /// One whose key is derived from a secret.
    ///
    /// # Errors
    /// The crypto library failed.
    pub fn from_secret(secret: &[u8]) -> anyhow::Result<Self> {
        let mut key = [0_u8; 32];
        // Of its own purpose: the same secret set elsewhere brings no key of this one's.
        Salt::new(HKDF_SHA256, b"parlor")
            .extract(secret)
            .expand(&[b"vault aes-256-gcm"], &AES_256_GCM)
            .and_then(|derived| derived.fill(&mut key))
            .and_then(|()| RandomizedNonceKey::new(&AES_256_GCM, &key))
            .map(|key| Self { key: Arc::new(key) })
            .map_err(|_| anyhow!("the encryption key cannot be derived"))
    }

    /// Encrypts a secret of `owner`; opened as another purpose's or owner's it is refused, so that
    /// nobody gets somebody else's by moving it in the database.
    ///
    /// # Errors
    /// The crypto library failed.
    pub fn seal(&self, purpose: &str, owner: UserId, plain: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(context(purpose, owner)), &mut sealed)
            .map_err(|_| anyhow!("a secret cannot be encrypted"))?;
        Ok([&[VERSION][..], nonce.as_ref(), &sealed].concat())
    }

    /// Decrypts what [`Self::seal`] made; `None` if it was sealed with another key, for another
    /// purpose or owner, or was changed.
    #[must_use]
    pub fn unseal(&self, purpose: &str, owner: UserId, sealed: &[u8]) -> Option<Vec<u8>> {
        let (version, rest) = sealed.split_first()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES)?;
        if *version != VERSION {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = sealed.to_vec();
        let aad = Aad::from(context(purpose, owner));
        let plain = self.key.open_in_place(nonce, aad, &mut text).ok()?;
        Some(plain.to_vec())
    }
}

fn context(purpose: &str, owner: UserId) -> Vec<u8> {
    [purpose.as_bytes(), b":", owner.0.as_bytes()].concat()
}

/// Reads the key of this data directory, or makes one: 48 random bytes in base64.
fn kept_secret(data_dir: &Path) -> anyhow::Result<Vec<u8>> {
    let path = data_dir.join(KEY_FILE);
    let mut random = [0_u8; 48];
    rand::fill(&mut random);
    let fresh = BASE64_URL_SAFE_NO_PAD.encode(random);
    let text = keyfile::read_or_create(&path, fresh.as_bytes())
        .with_context(|| format!("cannot keep the encryption key in {}", path.display()))?;
    let text = text.trim_ascii().to_vec();
    anyhow::ensure!(
        text.len() >= MIN_KEY_BYTES,
        "{} holds fewer than {MIN_KEY_BYTES} bytes: put the right one back, or remove it, and \
         authenticator apps must be set up again",
        path.display()
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_owner_and_purpose_open_it() {
        let vault = Vault::from_secret(b"0123456789abcdef0123456789abcdef").unwrap();
        let other = Vault::from_secret(b"0123456789abcdef0123456789abcdeg").unwrap();
        let (ann, bob) = (UserId::new(), UserId::new());
        let sealed = vault.seal("totp", ann, b"secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(sealed, vault.seal("totp", ann, b"secret").unwrap());
        let open = |vault: &Vault, purpose, owner, sealed: &[u8]| {
            vault.unseal(purpose, owner, sealed).as_deref() == Some(b"secret")
        };
        assert!(open(&vault, "totp", ann, &sealed));
        assert!(!open(&other, "totp", ann, &sealed));
        assert!(!open(&vault, "totp", bob, &sealed));
        assert!(!open(&vault, "oauth", ann, &sealed));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(!open(&vault, "totp", ann, &changed), "byte {at}");
            assert!(!open(&vault, "totp", ann, &sealed[..at]), "{at} bytes");
        }
    }

    #[test]
    fn the_key_stays_where_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let ann = UserId::new();
        let sealed = Vault::open(None, folder.path())
            .and_then(|vault| vault.seal("totp", ann, b"secret"))
            .unwrap();
        let again = Vault::open(None, folder.path()).unwrap();
        assert!(again.unseal("totp", ann, &sealed).is_some());
        std::fs::write(folder.path().join(KEY_FILE), "short").unwrap();
        assert!(Vault::open(None, folder.path()).is_err());
    }
}
