//! Refresh tokens: each is used once, and one used again ends its login.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    Store, StoreError,
    audit::record,
    auth_changes::announce,
    backend::{in_transaction, on_reader},
    logins::{ACTIVE_LOGIN, INSERT_TOKEN},
    rows::UserRow,
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        ids::{LoginId, UserId},
        user::User,
    },
};

/// What became of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The new token is valid now.
    Rotated(Box<Refreshed>),
    /// The token had been used before: somebody else has it, so the login was ended.
    Reused { login: LoginId, user_id: UserId },
    /// No such token, or it expired, or its login ended, or its user is not active.
    Unknown,
}

/// A login that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    pub login: LoginId,
    pub user: User,
    /// When it ends, however often it is refreshed.
    pub ends_at: Option<DateTime<Utc>>,
}

const FAMILY: &str = "SELECT login_id FROM refresh_tokens WHERE hash = $1";
/// Holds the whole family, so that a token and its successor are not used at the same moment.
const FAMILY_LOCKED: &str = "SELECT t.login_id FROM refresh_tokens t
     JOIN logins l ON l.id = t.login_id
     WHERE t.hash = $1 FOR NO KEY UPDATE OF l";

impl Store {
    /// Exchanges a refresh token for its successor.
    ///
    /// A login that is older than `lifetime` is not refreshed, and the new token ends with it.
    ///
    /// A token used before gets another successor (two tabs, a lost answer) if that was within
    /// `grace` and no successor of it was used yet; otherwise its login ends.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn rotate_refresh(
        &self,
        old_hash: [u8; 32],
        new_hash: [u8; 32],
        expires_at: DateTime<Utc>,
        lifetime: Option<Duration>,
        grace: Duration,
        by: &By,
    ) -> Result<Rotation, StoreError> {
        const USE: &str = "UPDATE refresh_tokens SET used_at = $2
            WHERE hash = $1 AND used_at IS NULL AND expires_at > $2";
        const USED: &str = "SELECT used_at FROM refresh_tokens WHERE hash = $1";
        const SUCCESSOR_USED: &str = "SELECT EXISTS (
            SELECT 1 FROM refresh_tokens WHERE parent = $1 AND used_at IS NOT NULL)";
        const OPENED: &str = "SELECT created_at FROM logins WHERE id = $1";
        const TOUCH: &str = "UPDATE logins SET last_used_at = $2 WHERE id = $1";
        const END: &str = "UPDATE logins SET ended_at = $2 WHERE id = $1";
        let (store, by) = (self.clone(), *by);
        self.write("rotate", "refresh_tokens", async move {
            let family = store.dialect(FAMILY, FAMILY_LOCKED);
            let grace = TimeDelta::from_std(grace).unwrap_or(TimeDelta::MAX);
            let old = old_hash.as_slice();
            let rotation = in_transaction!(store, tx => {
                let login: Option<LoginId> =
                    sqlx::query_scalar(family).bind(old).fetch_optional(&mut *tx).await?;
                let Some(login) = login else {
                    return Ok(Rotation::Unknown);
                };
                let row: Option<UserRow> =
                    sqlx::query_as(ACTIVE_LOGIN).bind(login).fetch_optional(&mut *tx).await?;
                let Some(row) = row else {
                    return Ok(Rotation::Unknown);
                };
                let user = User::try_from(row)?;
                // Read after the lock: the grace counts from when it is this one's turn.
                let at = clock::now();
                let opened: DateTime<Utc> =
                    sqlx::query_scalar(OPENED).bind(login).fetch_one(&mut *tx).await?;
                let ends_at = lifetime.map(|lifetime| opened + lifetime);
                if ends_at.is_some_and(|ends_at| ends_at <= at) {
                    return Ok(Rotation::Unknown);
                }
                let fresh = sqlx::query(USE).bind(old).bind(at).execute(&mut *tx).await?;
                if fresh.rows_affected() == 0 {
                    let used: Option<DateTime<Utc>> =
                        sqlx::query_scalar(USED).bind(old).fetch_one(&mut *tx).await?;
                    let Some(used) = used else {
                        return Ok(Rotation::Unknown);
                    };
                    let superseded: bool =
                        sqlx::query_scalar(SUCCESSOR_USED).bind(old).fetch_one(&mut *tx).await?;
                    if superseded || at - used > grace {
                        sqlx::query(END).bind(login).bind(at).execute(&mut *tx).await?;
                        announce!(tx, user.id, Some(login), at);
                        let details = json!({ "login": login });
                        record!(tx, &by, Act::LoginReuse, Target::user(user.id), details);
                        return Ok(Rotation::Reused { login, user_id: user.id });
                    }
                }
                sqlx::query(INSERT_TOKEN)
                    .bind(new_hash.as_slice())
                    .bind(login)
                    .bind(old)
                    .bind(at)
                    .bind(ends_at.map_or(expires_at, |ends_at| ends_at.min(expires_at)))
                    .execute(&mut *tx)
                    .await?;
                sqlx::query(TOUCH).bind(login).bind(at).execute(&mut *tx).await?;
                let refreshed = Refreshed { login, user, ends_at };
                Ok::<_, StoreError>(Rotation::Rotated(Box::new(refreshed)))
            })?;
            Ok(rotation)
        })
        .await
    }

    /// The login that a refresh token belongs to, valid or not.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_login_of_refresh(
        &self,
        hash: [u8; 32],
    ) -> Result<Option<LoginId>, StoreError> {
        self.read("select", "refresh_tokens", async {
            Ok(on_reader!(self, db => {
                sqlx::query_scalar(FAMILY).bind(hash.as_slice()).fetch_optional(db).await?
            }))
        })
        .await
    }
}
