//! The tokens that clients show: JSON Web Tokens (RFC 7519), signed by this server.

use std::time::Duration;

use jsonwebtoken::{Header, Validation, decode, decode_header, encode, errors::ErrorKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys::{KeyId, Keys};
use crate::{
    clock,
    domain::{
        ids::{LoginId, UserId},
        user::{Role, User},
    },
};

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
    /// It names a key that is not here; perhaps it is only not here yet.
    UnknownKey,
}

/// A token that was accepted.
#[derive(Clone, Debug)]
pub struct Verified {
    pub claims: Claims,
    /// The key that signed it.
    pub key: KeyId,
}

impl Keys {
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
        let ring = self.ring();
        let key = &ring.signing;
        let iat = clock::now().timestamp();
        let claims = Claims {
            sub: user.id,
            name: user.profile.full_name.clone(),
            email: user.email.clone(),
            role: user.role.clone(),
            iat,
            exp: iat.saturating_add_unsigned(lifetime.as_secs()),
            jti: Uuid::now_v7(),
            sid: login,
        };
        let mut header = Header::new(key.algorithm);
        header.kid = Some(key.id.to_string());
        Ok((encode(&header, &claims, &key.encoding)?, claims))
    }

    /// Reads a token that one of these keys signed and that has not ended.
    ///
    /// # Errors
    /// Anything else; `Expired` only for a token that was valid once.
    pub fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        let kid = header.kid.as_deref().and_then(|kid| kid.parse().ok());
        let kid: KeyId = kid.ok_or(TokenError::Invalid)?;
        let ring = self.ring();
        let key = ring.find(kid).ok_or(TokenError::UnknownKey)?;
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
            Ok(token) => Ok(Verified {
                claims: token.claims,
                key: key.id,
            }),
            Err(error) => match error.kind() {
                ErrorKind::ExpiredSignature => Err(TokenError::Expired),
                _ => Err(TokenError::Invalid),
            },
        }
    }
}

#[cfg(test)]
mod tests;
