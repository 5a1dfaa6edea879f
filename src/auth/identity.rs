//! From a token to the person who may use it now.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    cache::{Key, Known, KnownToken, LoginCache},
    keys::{KeyId, Keys},
    revocation::Change,
    token::{Claims, TokenError, Verified},
};
use crate::{
    clock,
    domain::{
        api_token::TokenHash,
        audit::Refusal,
        ids::{ApiTokenId, LoginId},
        policy::Principal,
        user::User,
    },
    error::ApiError,
    store::{FoundApiToken, Store, StoreError},
};

/// How often the use of an API token is noted, in seconds.
const NOTE_EVERY: i64 = 60;

/// What somebody showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A token of this login.
    Login(LoginId),
    /// This API token.
    ApiToken(ApiTokenId),
}

/// Somebody who showed a valid token, of a login that has not ended or of the API.
#[derive(Clone, Debug)]
pub struct Identity {
    /// As the database has it, not as the token says; always active.
    pub principal: Principal,
    pub credential: Credential,
    /// The key that signed the token; `None` for an API token, which none has signed.
    pub key: Option<KeyId>,
    /// When the token ends; `None`: not by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Identity {
    /// The login, of somebody who signed in.
    #[must_use]
    pub const fn login(&self) -> Option<LoginId> {
        match self.credential {
            Credential::Login(login) => Some(login),
            Credential::ApiToken(_) => None,
        }
    }

    /// The id of the login or the API token.
    #[must_use]
    pub const fn credential_id(&self) -> Uuid {
        match self.credential {
            Credential::Login(login) => login.0,
            Credential::ApiToken(token) => token.0,
        }
    }
}

impl Deref for Identity {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl From<FoundApiToken> for Known {
    fn from(found: FoundApiToken) -> Self {
        let noted = found.last_used_at.map_or(0, |at| at.timestamp());
        let token = KnownToken {
            id: found.id,
            scopes: found.scopes,
            expires_at: found.expires_at,
            noted: AtomicI64::new(noted),
        };
        Self {
            user: Arc::new(found.user),
            token: Some(Arc::new(token)),
        }
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

impl AuthError {
    /// What the audit log calls it; nothing where nobody was refused.
    #[must_use]
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Invalid => Some(Refusal::BadToken),
            Self::Expired => Some(Refusal::ExpiredToken),
            Self::Unavailable(_) => None,
        }
    }
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

/// A token for a client. It has no `Debug`, which would print it.
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
        match TokenHash::of(token) {
            Some(hash) => self.bearer_of_api_token(hash).await,
            None => self.bearer_of_login(token).await,
        }
    }

    async fn bearer_of_api_token(&self, hash: TokenHash) -> Result<Identity, AuthError> {
        let key = Key::ApiToken(hash);
        let known = match self.cache.find(key) {
            Ok(known) => known,
            Err(asked) => {
                let found = self.store.find_api_token(hash).await;
                let found = found.map_err(|error| AuthError::Unavailable(error.into()))?;
                let known = Known::from(found.ok_or(AuthError::Invalid)?);
                self.cache.insert(asked, key, known.clone());
                known
            }
        };
        let token = known.token.ok_or(AuthError::Invalid)?;
        if token.expires_at.is_some_and(|end| end <= clock::now()) {
            return Err(AuthError::Expired);
        }
        self.note_use(&token);
        Ok(Identity {
            principal: Principal {
                user: known.user,
                scopes: Some(token.scopes),
            },
            credential: Credential::ApiToken(token.id),
            key: None,
            expires_at: token.expires_at,
        })
    }

    /// Has it written down that a token is used, once a minute at most; nobody waits for that.
    fn note_use(&self, token: &KnownToken) {
        let now = clock::now().timestamp();
        let noted = token.noted.load(Ordering::Relaxed);
        let first = now - noted >= NOTE_EVERY
            && token
                .noted
                .compare_exchange(noted, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if first {
            let (store, id) = (self.store.clone(), token.id);
            tokio::spawn(async move {
                if let Err(error) = store.touch_api_token(id).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the use of a token was not noted");
                }
            });
        }
    }

    /// Tells who bears what somebody showed before, past what is remembered; nobody if it counts no
    /// more.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn look_again(&self, shown: Credential) -> Result<Option<Principal>, StoreError> {
        Ok(match shown {
            Credential::Login(login) => {
                let user = self.store.find_active_login(login).await?;
                user.map(|user| Principal::in_person(Arc::new(user)))
            }
            Credential::ApiToken(token) => {
                let found = self.store.find_api_token_by_id(token).await?;
                found.map(|found| Principal {
                    user: Arc::new(found.user),
                    scopes: Some(found.scopes),
                })
            }
        })
    }

    async fn bearer_of_login(&self, token: &str) -> Result<Identity, AuthError> {
        let verified = match self.keys.verify(token) {
            Err(TokenError::UnknownKey) => {
                self.keys.look_again().await;
                self.keys.verify(token)
            }
            verified => verified,
        };
        let Verified { claims, key } = verified.map_err(|refused| match refused {
            TokenError::Invalid | TokenError::UnknownKey => AuthError::Invalid,
            TokenError::Expired => AuthError::Expired,
        })?;
        let user = self.active_user(&claims).await?;
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(AuthError::Invalid)?;
        Ok(Identity {
            principal: Principal::in_person(user),
            credential: Credential::Login(claims.sid),
            key: Some(key),
            expires_at: Some(expires_at),
        })
    }

    /// The keys that sign and verify tokens.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    async fn active_user(&self, claims: &Claims) -> Result<Arc<User>, AuthError> {
        let user = match self.cache.find(claims.sid) {
            Ok(known) => known.user,
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
