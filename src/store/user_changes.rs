//! Users: changing and deleting them, and what follows for their logins.

use super::{Store, StoreError, later};
use crate::domain::{
    ids::{LoginId, UserId},
    user::{AvatarUrl, Bio, Email, FullName, PhoneNumber, Role, User, Username},
};

/// What to change of a user. `None` stays; `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct UserChanges {
    pub username: Option<Username>,
    pub email: Option<Email>,
    pub full_name: Option<FullName>,
    pub phone_number: Option<Option<PhoneNumber>>,
    pub bio: Option<Option<Bio>>,
    pub avatar_url: Option<Option<AvatarUrl>>,
    pub password_hash: Option<String>,
    pub role: Option<Role>,
    pub active: Option<bool>,
}

impl Store {
    /// Changes a user, all or nothing.
    ///
    /// A new password ends every login but `keep`; switching the account off ends all. What others
    /// must hear of is written as auth changes.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` if the new name or address is taken, `LastAdmin`.
    pub async fn update_user(
        &self,
        _id: UserId,
        _changes: UserChanges,
        _keep: Option<LoginId>,
    ) -> Result<User, StoreError> {
        later()
    }

    /// Leaves a tombstone: the id and the messages stay, name and address are free again, every
    /// login ends.
    ///
    /// # Errors
    /// `NotFound`, `LastAdmin`.
    pub async fn delete_user(&self, _id: UserId) -> Result<(), StoreError> {
        later()
    }
}
