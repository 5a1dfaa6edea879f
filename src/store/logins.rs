//! Logins: who is signed in, from password to logout.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, later};
use crate::domain::{
    ids::{LoginId, UserId},
    user::User,
};

/// A login to be, with its first refresh token.
#[derive(Clone, Debug)]
pub struct NewLogin {
    pub id: LoginId,
    pub user_id: UserId,
    /// The user agent; cut after 200 characters.
    pub device: Option<String>,
    pub address: Option<String>,
    /// SHA-256 of the refresh token, which itself is not kept.
    pub refresh_hash: [u8; 32],
    pub refresh_expires_at: DateTime<Utc>,
}

impl Store {
    /// Keeps a new login.
    ///
    /// # Errors
    /// `NotFound` if the user was deleted or switched off meanwhile.
    pub async fn insert_login(&self, _login: NewLogin) -> Result<(), StoreError> {
        later()
    }

    /// The user of a login that has not ended, if the user is active.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_active_login(&self, _id: LoginId) -> Result<Option<User>, StoreError> {
        later()
    }

    /// Ends a login. Ending it twice does no harm.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn end_login(&self, _id: LoginId) -> Result<(), StoreError> {
        later()
    }

    /// Ends every login of a user but `except`.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn end_all_logins(
        &self,
        _user_id: UserId,
        _except: Option<LoginId>,
    ) -> Result<(), StoreError> {
        later()
    }

    /// Forgets logins that ended, or could not be refreshed any more, before this time.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn prune_logins(&self, _before: DateTime<Utc>) -> Result<u64, StoreError> {
        later()
    }
}
