//! Tickets: who proved a first factor and owes the second.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    backend::{in_transaction, on_reader},
    logins::{MAY_SIGN_IN, MAY_SIGN_IN_LOCKED},
    rows::CredentialsRow,
};
use crate::{clock, domain::ids::UserId};

/// Codes that one ticket may be shown with.
pub const TICKET_ATTEMPTS: i64 = 5;

/// Tickets of one user; a newer one puts the oldest out.
const TICKETS_OF_USER: i64 = 20;

/// A ticket to be.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub struct NewTicket {
    /// SHA-256 of its text, which itself is not kept.
    pub hash: [u8; 32],
    pub user_id: UserId,
    /// The hash of the password, if that was the first factor: it must still be the one.
    pub proved_password: Option<String>,
    /// The user has no second factor yet and must have one.
    pub enrolls: bool,
    /// How its holder proved the first factor, as the audit log tells it.
    pub method: String,
    pub expires_at: DateTime<Utc>,
}

/// A ticket that counts.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Ticket {
    pub user_id: UserId,
    pub enrolls: bool,
    pub method: String,
    /// The sealed secret that its holder was shown.
    pub pending: Option<Vec<u8>>,
}

/// Takes a user's tickets away, within a transaction.
macro_rules! forget_tickets {
    ($tx:ident, $user:expr) => {
        sqlx::query("DELETE FROM sign_in_tickets WHERE user_id = $1")
            .bind($user)
            .execute(&mut *$tx)
            .await?
    };
}

pub(super) use forget_tickets;

impl Store {
    /// Keeps a ticket.
    ///
    /// # Errors
    /// `NotFound` if the user may not sign in any more, `Outdated` if the password is another one.
    pub async fn insert_ticket(&self, ticket: NewTicket) -> Result<(), StoreError> {
        const INSERT: &str =
            "INSERT INTO sign_in_tickets (hash, user_id, enrolls, method, expires_at)
             VALUES ($1, $2, $3, $4, $5)";
        const SURPLUS: &str = "DELETE FROM sign_in_tickets WHERE user_id = $1 AND hash NOT IN (
                SELECT hash FROM sign_in_tickets WHERE user_id = $1
                ORDER BY expires_at DESC, hash LIMIT $2)";
        let store = self.clone();
        self.write("insert", "sign_in_tickets", async move {
            let find_user = store.dialect(MAY_SIGN_IN, MAY_SIGN_IN_LOCKED);
            in_transaction!(store, tx => {
                let row: CredentialsRow = sqlx::query_as(find_user).bind(ticket.user_id)
                    .fetch_optional(&mut *tx).await?.ok_or(StoreError::NotFound)?;
                if ticket.proved_password.is_some() && row.password_hash != ticket.proved_password {
                    return Err(StoreError::Outdated);
                }
                sqlx::query(INSERT)
                    .bind(ticket.hash.as_slice())
                    .bind(ticket.user_id)
                    .bind(ticket.enrolls)
                    .bind(&ticket.method)
                    .bind(ticket.expires_at)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query(SURPLUS)
                    .bind(ticket.user_id)
                    .bind(TICKETS_OF_USER)
                    .execute(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        })
        .await
    }

    /// A ticket that has not expired and has attempts left.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_ticket(&self, hash: [u8; 32]) -> Result<Option<Ticket>, StoreError> {
        const SQL: &str = "SELECT user_id, enrolls, method, pending FROM sign_in_tickets
             WHERE hash = $1 AND expires_at > $2 AND attempts < $3";
        self.read("select", "sign_in_tickets", async {
            Ok(on_reader!(self, db => {
                sqlx::query_as(SQL)
                    .bind(hash.as_slice())
                    .bind(clock::now())
                    .bind(TICKET_ATTEMPTS)
                    .fetch_optional(db)
                    .await?
            }))
        })
        .await
    }

    /// Counts an attempt with a ticket before anybody looks at the code: of many that come at once,
    /// no more get through than one may have.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn attempt_ticket(&self, hash: [u8; 32]) -> Result<Option<Ticket>, StoreError> {
        const SQL: &str = "UPDATE sign_in_tickets SET attempts = attempts + 1
             WHERE hash = $1 AND expires_at > $2 AND attempts < $3
             RETURNING user_id, enrolls, method, pending";
        let store = self.clone();
        self.write("update", "sign_in_tickets", async move {
            let ticket = in_transaction!(store, tx => {
                let ticket: Option<Ticket> = sqlx::query_as(SQL)
                    .bind(hash.as_slice())
                    .bind(clock::now())
                    .bind(TICKET_ATTEMPTS)
                    .fetch_optional(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(ticket)
            })?;
            Ok(ticket)
        })
        .await
    }

    /// Keeps the sealed secret that the holder of an enrolling ticket is shown; false if the ticket
    /// counts no more.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn set_ticket_pending(
        &self,
        hash: [u8; 32],
        pending: Vec<u8>,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE sign_in_tickets SET pending = $4
             WHERE hash = $1 AND expires_at > $2 AND attempts < $3 AND enrolls";
        let store = self.clone();
        self.write("update", "sign_in_tickets", async move {
            let kept = in_transaction!(store, tx => {
                let kept = sqlx::query(SQL)
                    .bind(hash.as_slice())
                    .bind(clock::now())
                    .bind(TICKET_ATTEMPTS)
                    .bind(&pending)
                    .execute(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(kept.rows_affected() == 1)
            })?;
            Ok(kept)
        })
        .await
    }
}

/// Uses up a ticket of this hash that has not expired now.
pub(super) const SPEND_TICKET: &str =
    "DELETE FROM sign_in_tickets WHERE hash = $1 AND expires_at > $2";

/// Whether a ticket of this hash counts now.
pub(super) const TICKET_COUNTS: &str =
    "SELECT EXISTS (SELECT 1 FROM sign_in_tickets WHERE hash = $1 AND expires_at > $2)";
