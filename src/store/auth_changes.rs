//! What happened to somebody's rights, for the processes that did not do it.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, later};
use crate::domain::ids::{LoginId, UserId};

/// Somebody's role, state or logins changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AuthChange {
    pub id: i64,
    pub user_id: UserId,
    /// `None`: everything of the user.
    pub login_id: Option<LoginId>,
    pub at: DateTime<Utc>,
}

impl Store {
    /// What changed at or after a time, oldest first.
    ///
    /// Ask with an overlap and remember the ids that were seen: a change can be committed after one
    /// with a greater id and a later time.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn auth_changes_since(
        &self,
        _at: DateTime<Utc>,
    ) -> Result<Vec<AuthChange>, StoreError> {
        later()
    }

    /// Forgets changes from before a time; returns how many.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn prune_auth_changes(&self, _before: DateTime<Utc>) -> Result<u64, StoreError> {
        later()
    }
}
