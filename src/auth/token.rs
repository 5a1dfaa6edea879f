//! The tokens that clients show: JSON Web Tokens (RFC 7519), signed by this server.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
    errors::ErrorKind,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    clock,
    domain::{
        ids::{LoginId, UserId},
        user::{Role, User},
    },
    keyfile,
};

/// The signing secret's name in the data directory.
const SECRET_FILE: &str = "jwt.secret";

/// More than any token of ours has; a longer one is not worth a look.
const MAX_TOKEN_BYTES: usize = 4_096;

/// What a token says. Only `sub`, `sid` and `exp` are ever believed: names and roles change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: UserId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub role: Role,
    /// When it was made, in Unix seconds.
    pub iat: i64,
    /// When it ends, in Unix seconds.
    pub exp: i64,
    /// Its own name, so that no two are alike.
    pub jti: Uuid,
    /// The login it belongs to.
    pub sid: LoginId,
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    Invalid,
    Expired,
}

/// Keys that sign and verify. Cloning shares them.
#[derive(Clone)]
pub struct Keys {
    keys: Arc<Ring>,
}

struct Ring {
    signing: Key,
    /// Keys that still verify but sign no more.
    retired: Vec<Key>,
}

/// A key has its algorithm for good: a token's own word on it is not taken, or a public key could
/// be passed off as a secret.
struct Key {
    id: String,
    algorithm: Algorithm,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Key {
    fn from_secret(secret: &[u8]) -> Self {
        let digest = Sha256::new()
            .chain_update("parlor kid")
            .chain_update(secret)
            .finalize();
        let (id, _) = digest.split_at(digest.len() / 4);
        Self {
            id: BASE64_URL_SAFE_NO_PAD.encode(id),
            algorithm: Algorithm::HS256,
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        }
    }
}

impl Keys {
    /// Keys from the secret as set, or else from the one in the data directory, which is made when
    /// it is not there.
    ///
    /// # Errors
    /// The file can be neither read nor made, or holds too little.
    pub fn open(secret: Option<&SecretString>, data_dir: &Path) -> anyhow::Result<Self> {
        match secret {
            Some(secret) => Ok(Self::from_secret(secret.expose_secret().as_bytes())),
            None => Ok(Self::from_secret(&kept_secret(data_dir)?)),
        }
    }

    /// An HS256 key.
    #[must_use]
    pub fn from_secret(secret: &[u8]) -> Self {
        let signing = Key::from_secret(secret);
        let retired = Vec::new();
        Self {
            keys: Arc::new(Ring { signing, retired }),
        }
    }

    /// Makes a token for a login.
    ///
    /// # Errors
    /// The crypto library failed.
    pub fn issue(
        &self,
        user: &User,
        login: LoginId,
        lifetime: Duration,
    ) -> Result<(String, Claims), jsonwebtoken::errors::Error> {
        let key = &self.keys.signing;
        let iat = clock::now().timestamp();
        let claims = Claims {
            sub: user.id,
            name: user.full_name.clone(),
            email: user.email.clone(),
            role: user.role.clone(),
            iat,
            exp: iat.saturating_add_unsigned(lifetime.as_secs()),
            jti: Uuid::now_v7(),
            sid: login,
        };
        let mut header = Header::new(key.algorithm);
        header.kid = Some(key.id.clone());
        Ok((encode(&header, &claims, &key.encoding)?, claims))
    }

    /// Reads a token that one of these keys signed and that has not ended.
    ///
    /// # Errors
    /// Anything else; `Expired` only for a token that was valid once.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        let kid = header.kid.as_deref().ok_or(TokenError::Invalid)?;
        let key = std::iter::once(&self.keys.signing)
            .chain(&self.keys.retired)
            .find(|key| key.id == kid)
            .ok_or(TokenError::Invalid)?;
        // A critical extension that is not understood must be refused (RFC 7515, section 4.1.11).
        if header.crit.is_some() {
            return Err(TokenError::Invalid);
        }
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = 0;
        // The second named by `exp` is the first in which the token is no longer accepted
        // (RFC 7519, section 4.1.4).
        validation.reject_tokens_expiring_in_less_than = 1;
        validation.validate_nbf = true;
        match decode::<Claims>(token, &key.decoding, &validation) {
            Ok(token) => Ok(token.claims),
            Err(error) => match error.kind() {
                ErrorKind::ExpiredSignature => Err(TokenError::Expired),
                _ => Err(TokenError::Invalid),
            },
        }
    }
}

/// Reads the secret of this data directory, or makes one: 48 random bytes in base64.
fn kept_secret(data_dir: &Path) -> anyhow::Result<Vec<u8>> {
    let path = data_dir.join(SECRET_FILE);
    let mut random = [0_u8; 48];
    rand::fill(&mut random);
    let fresh = BASE64_URL_SAFE_NO_PAD.encode(random);
    let text = keyfile::read_or_create(&path, fresh.as_bytes())
        .with_context(|| format!("cannot keep the signing secret in {}", path.display()))?;
    let text = text.trim_ascii().to_vec();
    anyhow::ensure!(
        text.len() >= 32,
        "{} holds fewer than 32 bytes: remove it, and a new secret is made (all sign in again)",
        path.display()
    );
    Ok(text)
}

#[cfg(test)]
mod tests;
