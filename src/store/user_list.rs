//! Users: searching, sorting and counting them.

use super::{Store, StoreError, later};
use crate::domain::user::{Role, User};

/// Which users, in which order, and which page of them.
#[derive(Clone, Debug)]
pub struct UserQuery {
    /// Stands anywhere in the user name or the full name, whatever its case.
    pub text: Option<String>,
    /// `text` may also stand in the e-mail address or the telephone number.
    pub search_contacts: bool,
    pub role: Option<Role>,
    pub active: Option<bool>,
    pub sort: UserSort,
    pub descending: bool,
    /// From 1.
    pub page: u32,
    pub limit: u32,
}

/// What users are sorted by; equal ones by id. Names and addresses by their folded form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserSort {
    #[default]
    CreatedAt,
    Username,
    FullName,
    Email,
}

/// How many there are; deleted users apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Statistics {
    pub total: i64,
    pub active: i64,
    pub inactive: i64,
    pub clients: i64,
    pub trainers: i64,
    pub admins: i64,
    pub messages: i64,
    pub rooms: i64,
}

impl Store {
    /// One page of users, and how many there are on all pages.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_users(&self, _query: &UserQuery) -> Result<(Vec<User>, i64), StoreError> {
        later()
    }

    /// Counts users, rooms and messages.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn statistics(&self) -> Result<Statistics, StoreError> {
        later()
    }
}
