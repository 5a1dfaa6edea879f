//! What happened to somebody's rights, for the processes that did not do it.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    backend::{in_transaction, on_reader},
    rows::{self, unreadable},
};
use crate::domain::{
    ids::{LoginId, UserId},
    user::Role,
};

/// Somebody's role, state or logins changed, or what a role grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthChange {
    pub id: i64,
    pub of: Changed,
    pub at: DateTime<Utc>,
}

/// What an auth change is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    User {
        id: UserId,
        /// `None`: everything of the user.
        login: Option<LoginId>,
    },
    /// What the role grants to all who have it.
    Role(Role),
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    user_id: Option<UserId>,
    login_id: Option<LoginId>,
    role: Option<String>,
    at: DateTime<Utc>,
}

impl TryFrom<Row> for AuthChange {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let of = match (row.user_id, row.role) {
            (Some(id), _) => Changed::User {
                id,
                login: row.login_id,
            },
            (None, role) => {
                let role = role.unwrap_or_default();
                Changed::Role(role.parse().map_err(unreadable)?)
            }
        };
        let (id, at) = (row.id, row.at);
        Ok(Self { id, of, at })
    }
}

pub(super) const ANNOUNCE: &str =
    "INSERT INTO auth_changes (user_id, login_id, at) VALUES ($1, $2, $3)";

/// Writes that a role grants something else: one row, however many have it.
pub(super) const ANNOUNCE_ROLE: &str = "INSERT INTO auth_changes (role, at) VALUES ($1, $2)";

/// Writes an auth change within a transaction of either database.
macro_rules! announce {
    ($tx:ident, $user:expr, $login:expr, $at:expr) => {
        sqlx::query($crate::store::auth_changes::ANNOUNCE)
            .bind($user)
            .bind($login)
            .bind($at)
            .execute(&mut *$tx)
            .await?
    };
}

/// Writes one for each of several logins.
macro_rules! announce_each {
    ($tx:ident, $user:expr, $logins:expr, $at:expr) => {
        for login in $logins {
            $crate::store::auth_changes::announce!($tx, $user, Some(login), $at);
        }
    };
}

pub(super) use {announce, announce_each};

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
        at: DateTime<Utc>,
    ) -> Result<Vec<AuthChange>, StoreError> {
        const SQL: &str = "SELECT id, user_id, login_id, role, at FROM auth_changes WHERE at >= $1 ORDER BY at, id";
        self.read("select", "auth_changes", async {
            let rows: Vec<Row> =
                on_reader!(self, db => sqlx::query_as(SQL).bind(at).fetch_all(db).await?);
            rows::all(rows)
        })
        .await
    }

    /// Forgets changes from before a time; returns how many.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn prune_auth_changes(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let store = self.clone();
        self.write("delete", "auth_changes", async move {
            let count = in_transaction!(store, tx => {
                let gone = sqlx::query("DELETE FROM auth_changes WHERE at < $1")
                    .bind(before)
                    .execute(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(gone.rows_affected())
            })?;
            Ok(count)
        })
        .await
    }
}
