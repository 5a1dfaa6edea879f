//! Passkeys: what each user's authenticators are known by.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Store, StoreError, Unique,
    actor::actor,
    audit::record,
    backend::{in_transaction, on_reader},
    error::{Kind, kind},
    letters::tell_user,
    ways_in::{hold_ways_in, keep_a_way_in},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        ids::{PasskeyId, UserId},
        mail::About,
        passkey::PasskeyName,
    },
};

/// Passkeys of one user, at most.
pub const MAX_PASSKEYS: i64 = 25;

/// A passkey as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PasskeyRow {
    pub id: PasskeyId,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A passkey to be.
#[derive(Clone, Debug)]
pub struct NewPasskey {
    pub user_id: UserId,
    pub credential_id: Vec<u8>,
    pub credential: String,
    pub name: PasskeyName,
}

/// A passkey as a sign-in needs it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct KeptPasskey {
    pub id: PasskeyId,
    pub user_id: UserId,
    pub credential: String,
}

/// A ceremony that was answered: it counts once.
#[derive(Clone, Copy, Debug)]
pub struct UsedCeremony {
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    pub expires_at: DateTime<Utc>,
}

const USE_CEREMONY: &str = "INSERT INTO used_ceremonies (hash, expires_at) VALUES ($1, $2)
     ON CONFLICT (hash) DO NOTHING";

/// Marks a ceremony as answered, within a transaction that then fails if it already was.
macro_rules! use_ceremony {
    ($tx:ident, $ceremony:expr) => {
        let used = sqlx::query(USE_CEREMONY)
            .bind($ceremony.hash.as_slice())
            .bind($ceremony.expires_at)
            .execute(&mut *$tx)
            .await?;
        if used.rows_affected() == 0 {
            return Err(StoreError::NotFound);
        }
    };
}

/// What the audit log says of a passkey.
fn details(passkey: &PasskeyRow) -> serde_json::Value {
    json!({ "passkey": passkey.id, "name": passkey.name })
}

impl Store {
    /// Keeps a passkey.
    ///
    /// # Errors
    /// `NotFound` if the ceremony was answered before; `Ended`; `Conflict` if the credential is
    /// somebody's already; `TooMany` if the user has [`MAX_PASSKEYS`].
    pub async fn insert_passkey(
        &self,
        passkey: NewPasskey,
        ceremony: UsedCeremony,
        by: &By,
    ) -> Result<PasskeyRow, StoreError> {
        const COUNT: &str = "SELECT count(*) FROM passkeys WHERE user_id = $1";
        const SQL: &str = "INSERT INTO passkeys
                (id, user_id, credential_id, credential, name, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             RETURNING id, name, created_at, last_used_at";
        let (store, by) = (self.clone(), *by);
        self.write("insert", "passkeys", async move {
            let at = clock::now();
            let row: PasskeyRow = in_transaction!(store, tx => {
                actor!(store, tx, by);
                hold_ways_in!(tx, store, passkey.user_id);
                use_ceremony!(tx, ceremony);
                let count: i64 = sqlx::query_scalar(COUNT)
                    .bind(passkey.user_id)
                    .fetch_one(&mut *tx)
                    .await?;
                if count >= MAX_PASSKEYS {
                    return Err(StoreError::TooMany(MAX_PASSKEYS));
                }
                let row = sqlx::query_as(SQL)
                    .bind(PasskeyId::new())
                    .bind(passkey.user_id)
                    .bind(&passkey.credential_id)
                    .bind(&passkey.credential)
                    .bind(passkey.name.as_str())
                    .bind(at)
                    .fetch_one(&mut *tx)
                    .await
                    .map_err(|error| match kind(&error) {
                        Kind::Unique => StoreError::Conflict(Unique::Passkey),
                        _ => error.into(),
                    })?;
                tell_user!(store, tx, passkey.user_id, About::PasskeyAdded { at }, at);
                let details = details(&row);
                record!(tx, &by, Act::PasskeyAdd, Target::user(passkey.user_id), details);
                Ok(row)
            })?;
            store.ring();
            Ok(row)
        })
        .await
    }

    /// A user's passkeys, the oldest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_passkeys(&self, user: UserId) -> Result<Vec<PasskeyRow>, StoreError> {
        const SQL: &str = "SELECT id, name, created_at, last_used_at FROM passkeys
             WHERE user_id = $1 ORDER BY id";
        self.read("select", "passkeys", async {
            Ok(on_reader!(self, db => sqlx::query_as(SQL).bind(user).fetch_all(db).await?))
        })
        .await
    }

    /// The ids of a user's credentials, as authenticators know them.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_credential_ids(&self, user: UserId) -> Result<Vec<Vec<u8>>, StoreError> {
        const SQL: &str = "SELECT credential_id FROM passkeys WHERE user_id = $1 ORDER BY id";
        self.read("select", "passkeys", async {
            Ok(on_reader!(self, db => sqlx::query_scalar(SQL).bind(user).fetch_all(db).await?))
        })
        .await
    }

    /// Finds a passkey by its credential's id.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_passkey(
        &self,
        credential_id: &[u8],
    ) -> Result<Option<KeptPasskey>, StoreError> {
        const SQL: &str = "SELECT id, user_id, credential FROM passkeys WHERE credential_id = $1";
        self.read("select", "passkeys", async {
            Ok(on_reader!(self, db => {
                sqlx::query_as(SQL).bind(credential_id).fetch_optional(db).await?
            }))
        })
        .await
    }

    /// Counts a use of a passkey, and how its credential is to be kept now.
    ///
    /// # Errors
    /// `NotFound` if the ceremony was answered before, or the passkey is gone or was used meanwhile:
    /// its counter may be another one.
    pub async fn use_passkey(
        &self,
        passkey: KeptPasskey,
        credential: String,
        ceremony: UsedCeremony,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE passkeys SET credential = $3, last_used_at = $4
             WHERE id = $1 AND credential = $2";
        let store = self.clone();
        self.write("update", "passkeys", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                use_ceremony!(tx, ceremony);
                let used = sqlx::query(SQL)
                    .bind(passkey.id)
                    .bind(&passkey.credential)
                    .bind(&credential)
                    .bind(at)
                    .execute(&mut *tx)
                    .await?;
                if used.rows_affected() == 0 {
                    return Err(StoreError::NotFound);
                }
                Ok(())
            })?;
            Ok(())
        })
        .await
    }

    /// Renames a passkey of this user.
    ///
    /// # Errors
    /// `NotFound`, `Ended`.
    pub async fn rename_passkey(
        &self,
        user: UserId,
        id: PasskeyId,
        name: PasskeyName,
        by: &By,
    ) -> Result<PasskeyRow, StoreError> {
        const SQL: &str = "UPDATE passkeys SET name = $3 WHERE id = $1 AND user_id = $2
             RETURNING id, name, created_at, last_used_at";
        let (store, by) = (self.clone(), *by);
        self.write("update", "passkeys", async move {
            let row: Option<PasskeyRow> = in_transaction!(store, tx => {
                actor!(store, tx, by);
                let row: Option<PasskeyRow> = sqlx::query_as(SQL)
                    .bind(id)
                    .bind(user)
                    .bind(name.as_str())
                    .fetch_optional(&mut *tx)
                    .await?;
                if let Some(row) = &row {
                    record!(tx, &by, Act::PasskeyRename, Target::user(user), details(row));
                }
                Ok::<_, StoreError>(row)
            })?;
            row.ok_or(StoreError::NotFound)
        })
        .await
    }

    /// Removes a passkey of this user.
    ///
    /// # Errors
    /// `NotFound`; `Ended`; `LastWayIn` if nothing else lets the user in.
    pub async fn delete_passkey(
        &self,
        user: UserId,
        id: PasskeyId,
        by: &By,
    ) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM passkeys WHERE id = $1 AND user_id = $2
             RETURNING id, name, created_at, last_used_at";
        let (store, by) = (self.clone(), *by);
        self.write("delete", "passkeys", async move {
            in_transaction!(store, tx => {
                actor!(store, tx, by);
                hold_ways_in!(tx, store, user);
                let gone: Option<PasskeyRow> =
                    sqlx::query_as(SQL).bind(id).bind(user).fetch_optional(&mut *tx).await?;
                let gone = gone.ok_or(StoreError::NotFound)?;
                keep_a_way_in!(tx, user);
                record!(tx, &by, Act::PasskeyRemove, Target::user(user), details(&gone));
                Ok(())
            })?;
            Ok(())
        })
        .await
    }
}
