//! From a token to the person who may use it now.

use std::{ops::Deref, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    cache::LoginCache,
    revocation::Change,
    token::{Claims, Keys, TokenError},
};
use crate::{
    clock,
    domain::{ids::LoginId, policy::Principal, user::User},
    error::ApiError,
    store::Store,
};

/// Somebody who showed a valid token of a login that has not ended.
#[derive(Clone, Debug)]
pub struct Identity {
    /// As the database has it, not as the token says; always active.
    pub principal: Principal,
    pub login: LoginId,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
}

impl Deref for Identity {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

/// Why a token does not let its bearer in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Not one of ours, or its login ended, or its user is not active any more.
    #[error("the token is not valid")]
    Invalid,
    /// It was valid and ran out.
    #[error("the token has expired")]
    Expired,
    /// Nobody knows: the database did not answer.
    #[error("the token cannot be checked now")]
    Unavailable(#[source] anyhow::Error),
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Invalid => Self::Unauthenticated("The token is not valid; sign in"),
            AuthError::Expired => Self::Unauthenticated("The token has expired; refresh it"),
            AuthError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

/// A token for a client.
#[derive(Debug)]
pub struct IssuedToken {
    pub token: String,
    /// How long it lasts, in seconds.
    pub expires_in: u64,
}

/// Tells who bears a token. Cloning shares the keys and what is remembered.
#[derive(Clone)]
pub struct Authenticator {
    keys: Keys,
    store: Store,
    token_lifetime: Duration,
    cache: Arc<LoginCache>,
}

impl Authenticator {
    /// One that remembers nothing yet.
    #[must_use]
    pub fn new(keys: Keys, store: Store, token_lifetime: Duration) -> Self {
        Self {
            keys,
            store,
            token_lifetime,
            cache: Arc::new(LoginCache::new()),
        }
    }

    /// Tells who bears `token`, as things are now: role, state and login come from the database or
    /// from what it said since the last change.
    ///
    /// # Errors
    /// See [`AuthError`].
    pub async fn authenticate(&self, token: &str) -> Result<Identity, AuthError> {
        let claims = self.keys.verify(token).map_err(|refused| match refused {
            TokenError::Invalid => AuthError::Invalid,
            TokenError::Expired => AuthError::Expired,
        })?;
        let user = self.active_user(&claims).await?;
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(AuthError::Invalid)?;
        Ok(Identity {
            principal: Principal::in_person(user),
            login: claims.sid,
            expires_at,
        })
    }

    async fn active_user(&self, claims: &Claims) -> Result<Arc<User>, AuthError> {
        let user = match self.cache.find(claims.sid) {
            Ok(user) => user,
            Err(asked) => {
                let found = self.store.find_active_login(claims.sid).await;
                let found = found.map_err(|error| AuthError::Unavailable(error.into()))?;
                let user = Arc::new(found.ok_or(AuthError::Invalid)?);
                self.cache.insert(asked, claims.sid, user.clone());
                user
            }
        };
        // A secret that signs for two databases must not let one's logins into the other.
        if user.id == claims.sub && user.active {
            Ok(user)
        } else {
            Err(AuthError::Invalid)
        }
    }

    /// Makes a token for a login that the store has, and that ends at a time if there is one.
    ///
    /// # Errors
    /// The crypto library failed.
    pub fn issue(
        &self,
        user: &User,
        login: LoginId,
        ends_at: Option<DateTime<Utc>>,
    ) -> Result<IssuedToken, ApiError> {
        let left = ends_at.map(|end| (end - clock::now()).to_std().unwrap_or_default());
        let lifetime = left.map_or(self.token_lifetime, |left| left.min(self.token_lifetime));
        match self.keys.issue(user, login, lifetime) {
            Ok((token, _)) => Ok(IssuedToken {
                token,
                expires_in: lifetime.as_secs(),
            }),
            Err(error) => Err(ApiError::Internal(error.into())),
        }
    }

    /// Believes no more what a change made untrue: the database is asked again.
    pub fn forget(&self, change: &Change) {
        match change {
            Change::User(revoked) => self.cache.forget(revoked.user_id, revoked.login_id),
            Change::Role { role, permissions } => self.cache.regrant(role, *permissions),
        }
    }
}
