//! Logins as their user sees them: where somebody is signed in, and ending one from elsewhere.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Store, StoreError,
    actor::actor,
    audit::record,
    auth_changes::announce,
    backend::{in_transaction, on_reader},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        ids::{LoginId, UserId},
    },
};

/// A login that lets somebody in.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenLogin {
    pub id: LoginId,
    /// The user agent that signed in.
    pub device: Option<String>,
    /// Where it signed in from.
    pub address: Option<String>,
    pub created_at: DateTime<Utc>,
    /// When it last got a token.
    pub last_used_at: DateTime<Utc>,
}

impl Store {
    /// Up to `limit` open logins of a user: `current` first, then the one used last.
    ///
    /// One that has neither a refresh token nor, because it was last used before `tokens_since`, a
    /// token that still counts, lets nobody in and is left out; so is one from before
    /// `opened_since`.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_logins(
        &self,
        user: UserId,
        current: LoginId,
        tokens_since: DateTime<Utc>,
        opened_since: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<OpenLogin>, StoreError> {
        const SQL: &str =
            "SELECT l.id, l.device, l.address, l.created_at, l.last_used_at FROM logins l
             WHERE l.user_id = $1 AND l.ended_at IS NULL AND l.created_at > $6
                 AND (l.last_used_at > $3 OR EXISTS (
                     SELECT 1 FROM refresh_tokens t
                     WHERE t.login_id = l.id AND t.used_at IS NULL AND t.expires_at > $4))
             ORDER BY CASE WHEN l.id = $2 THEN 0 ELSE 1 END, l.last_used_at DESC, l.id DESC
             LIMIT $5";
        self.read("select", "logins", async {
            Ok(on_reader!(self, db => {
                sqlx::query_as(SQL)
                    .bind(user)
                    .bind(current)
                    .bind(tokens_since)
                    .bind(clock::now())
                    .bind(limit)
                    .bind(opened_since)
                    .fetch_all(db)
                    .await?
            }))
        })
        .await
    }

    /// Ends a login of this user.
    ///
    /// # Errors
    /// `NotFound` if the user has no such login, or it has ended; `Ended`.
    pub async fn end_login_of(&self, user: UserId, id: LoginId, by: &By) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE logins SET ended_at = $3
             WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";
        let (store, by) = (self.clone(), *by);
        self.write("update", "logins", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                actor!(store, tx, by);
                let ended =
                    sqlx::query(SQL).bind(id).bind(user).bind(at).execute(&mut *tx).await?;
                if ended.rows_affected() == 0 {
                    return Err(StoreError::NotFound);
                }
                announce!(tx, user, Some(id), at);
                record!(tx, &by, Act::LoginEnd, Target::user(user), json!({ "login": id }));
                Ok(())
            })?;
            Ok(())
        })
        .await
    }
}
