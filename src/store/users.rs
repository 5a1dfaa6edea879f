//! Users: making and finding them.

use super::{Store, StoreError, later};
use crate::domain::{
    ids::UserId,
    user::{Email, FullName, PhoneNumber, Role, User, Username},
};

/// A user to be.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub id: UserId,
    pub username: Username,
    pub email: Option<Email>,
    pub full_name: FullName,
    pub phone_number: Option<PhoneNumber>,
    /// From bcrypt; `None` for somebody who signs in elsewhere.
    pub password_hash: Option<String>,
    pub role: Role,
}

/// What somebody signs in with, folded by [`crate::domain::fold_case`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    Email(String),
    Username(String),
}

/// A user and what the password is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub user: User,
    pub password_hash: Option<String>,
}

impl Store {
    /// Keeps a new, active user.
    ///
    /// # Errors
    /// `Conflict` if the address or the user name is taken, whatever its case.
    pub async fn insert_user(&self, _user: NewUser) -> Result<User, StoreError> {
        later()
    }

    /// Finds a user who is not deleted.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_user(&self, _id: UserId) -> Result<Option<User>, StoreError> {
        later()
    }

    /// Finds who signs in with this name, active or not.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_credentials(
        &self,
        _identifier: &Identifier,
    ) -> Result<Option<Credentials>, StoreError> {
        later()
    }

    /// Finds a user's credentials, to check the present password.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_credentials_by_id(
        &self,
        _id: UserId,
    ) -> Result<Option<Credentials>, StoreError> {
        later()
    }

    /// Whether there is an active admin.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn has_admin(&self) -> Result<bool, StoreError> {
        later()
    }
}
