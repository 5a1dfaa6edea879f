//! Refresh tokens: each is used once, and one used again ends its login.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Store, StoreError, later};
use crate::domain::{
    ids::{LoginId, UserId},
    user::User,
};

/// What became of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The new token is valid now.
    Rotated { login: LoginId, user: User },
    /// The token had been used before: somebody else has it, so the login was ended.
    Reused { login: LoginId, user_id: UserId },
    /// No such token, or it expired, or its login ended, or its user is not active.
    Unknown,
}

impl Store {
    /// Exchanges a refresh token for its successor.
    ///
    /// A token used before gets another successor (two tabs, a lost answer) if that was within
    /// `grace` and no successor of it was used yet; otherwise its login ends.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn rotate_refresh(
        &self,
        _old_hash: [u8; 32],
        _new_hash: [u8; 32],
        _expires_at: DateTime<Utc>,
        _grace: Duration,
    ) -> Result<Rotation, StoreError> {
        later()
    }
}
