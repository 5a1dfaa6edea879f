//! Authenticator apps: enrolling one, and counting each of its codes once.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    Store, StoreError, actor::actor, audit::record, backend::in_transaction, letters::tell_user,
    tickets::TICKET_COUNTS,
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        ids::UserId,
        mail::About,
    },
};

/// Codes that may be wrong before one must wait, or before an app that waits for its first one is
/// given up.
const FREE_TRIES: i64 = 5;

/// The longest wait, in seconds. A guess is right three times in a million, so that at four an hour
/// six years of guessing are as likely to fail as not.
const LONGEST_WAIT: i64 = 900;

/// Whether a code of an app may be looked at now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guess {
    /// There is no app.
    Off,
    /// Too many were wrong: how long to wait.
    Wait(Duration),
    /// The sealed secret that tells; the try is counted.
    Allowed(Vec<u8>),
}

/// An app whose first code was right.
#[derive(Clone, Debug)]
pub struct NewTotp {
    pub user_id: UserId,
    /// The sealed secret, as it was kept as pending.
    pub sealed: Vec<u8>,
    /// The step of the code that confirmed it.
    pub step: i64,
    /// Of the recovery codes that come with it.
    pub recovery_hashes: Vec<[u8; 32]>,
}

/// How long to wait after a number of wrong codes: doubling from two seconds.
fn wait_after(tries: i64) -> TimeDelta {
    let beyond = tries.saturating_sub(FREE_TRIES).clamp(0, 20);
    let seconds = if beyond == 0 { 0 } else { 1_i64 << beyond };
    TimeDelta::seconds(seconds.min(LONGEST_WAIT))
}

/// Replaces a user's recovery codes, within a transaction.
macro_rules! replace_recovery_codes {
    ($tx:ident, $user:expr, $hashes:expr) => {
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
            .bind($user)
            .execute(&mut *$tx)
            .await?;
        for hash in $hashes {
            sqlx::query("INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)")
                .bind($user)
                .bind(hash.as_slice())
                .execute(&mut *$tx)
                .await?;
        }
    };
}

impl Store {
    /// Keeps the sealed secret that a user is shown, until a code of it confirms it.
    ///
    /// # Errors
    /// `Ended`.
    pub async fn begin_totp(
        &self,
        user: UserId,
        sealed: Vec<u8>,
        until: DateTime<Utc>,
        by: &By,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO totp (user_id, pending, pending_until) VALUES ($1, $2, $3)
             ON CONFLICT (user_id) DO UPDATE
             SET pending = excluded.pending, pending_until = excluded.pending_until,
                 pending_tries = 0";
        let (store, by) = (self.clone(), *by);
        self.write("upsert", "totp", async move {
            in_transaction!(store, tx => {
                actor!(store, tx, by);
                sqlx::query(SQL).bind(user).bind(&sealed).bind(until).execute(&mut *tx).await?;
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        })
        .await
    }

    /// The sealed secret that waits for its first code; the try is counted before anybody looks at
    /// the code. `None` if there is none, or as many codes as it may see were shown.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn guess_pending_totp(&self, user: UserId) -> Result<Option<Vec<u8>>, StoreError> {
        const SQL: &str = "UPDATE totp SET pending_tries = pending_tries + 1
             WHERE user_id = $1 AND pending IS NOT NULL AND pending_until > $2
                 AND pending_tries < $3
             RETURNING pending";
        let store = self.clone();
        self.write("update", "totp", async move {
            let at = clock::now();
            let sealed = in_transaction!(store, tx => {
                let sealed = sqlx::query_scalar(SQL)
                    .bind(user)
                    .bind(at)
                    .bind(FREE_TRIES)
                    .fetch_optional(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(sealed)
            })?;
            Ok(sealed)
        })
        .await
    }

    /// Makes the pending app the one that counts, in place of an earlier one.
    ///
    /// # Errors
    /// `NotFound` if another one is pending meanwhile, or none; `Ended`.
    pub async fn confirm_totp(&self, totp: NewTotp, by: &By) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE totp SET secret = pending, confirmed_at = $3, last_step = $4,
                 tries = 0, next_try_at = NULL, pending = NULL, pending_until = NULL
             WHERE user_id = $1 AND pending = $2 AND pending_until > $3";
        let (store, by) = (self.clone(), *by);
        self.write("update", "totp", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                actor!(store, tx, by);
                let confirmed = sqlx::query(SQL)
                    .bind(totp.user_id)
                    .bind(&totp.sealed)
                    .bind(at)
                    .bind(totp.step)
                    .execute(&mut *tx)
                    .await?;
                if confirmed.rows_affected() == 0 {
                    return Err(StoreError::NotFound);
                }
                replace_recovery_codes!(tx, totp.user_id, &totp.recovery_hashes);
                tell_user!(store, tx, totp.user_id, About::TwoFactorAdded { at }, at);
                let user = Target::user(totp.user_id);
                record!(tx, &by, Act::TwoFactorEnroll, user, json!({}));
                Ok(())
            })?;
            store.ring();
            Ok(())
        })
        .await
    }

    /// Gives a user who has no app the one that a ticket's holder set up. The login that it is for
    /// uses the ticket up.
    ///
    /// # Errors
    /// `NotFound` if the ticket counts no more, or there is an app meanwhile.
    pub async fn enroll_by_ticket(
        &self,
        ticket: [u8; 32],
        totp: NewTotp,
        by: &By,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO totp (user_id, secret, confirmed_at, last_step)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (user_id) DO UPDATE
             SET secret = excluded.secret, confirmed_at = excluded.confirmed_at,
                 last_step = excluded.last_step, pending = NULL, pending_until = NULL
             WHERE totp.secret IS NULL";
        let (store, by) = (self.clone(), by.proved(totp.user_id, None));
        self.write("insert", "totp", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                // After a password change that ends the ticket, or before it.
                actor!(store, tx, by);
                let counts: bool = sqlx::query_scalar(TICKET_COUNTS)
                    .bind(ticket.as_slice())
                    .bind(at)
                    .fetch_one(&mut *tx)
                    .await?;
                let enrolled = sqlx::query(SQL)
                    .bind(totp.user_id)
                    .bind(&totp.sealed)
                    .bind(at)
                    .bind(totp.step)
                    .execute(&mut *tx)
                    .await?;
                if !counts || enrolled.rows_affected() == 0 {
                    return Err(StoreError::NotFound);
                }
                replace_recovery_codes!(tx, totp.user_id, &totp.recovery_hashes);
                tell_user!(store, tx, totp.user_id, About::TwoFactorAdded { at }, at);
                let user = Target::user(totp.user_id);
                record!(tx, &by, Act::TwoFactorEnroll, user, json!({}));
                Ok(())
            })?;
            store.ring();
            Ok(())
        })
        .await
    }

    /// Counts a try at a user's app before anybody looks at the code; a right one takes the count
    /// back. It is in the database, so that neither a restart nor another process gives more.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn guess_totp(&self, user: UserId) -> Result<Guess, StoreError> {
        const ROW: &str = "SELECT secret, tries, next_try_at FROM totp
             WHERE user_id = $1 AND secret IS NOT NULL";
        const ROW_LOCKED: &str = "SELECT secret, tries, next_try_at FROM totp
             WHERE user_id = $1 AND secret IS NOT NULL FOR UPDATE";
        const COUNT: &str = "UPDATE totp SET tries = $2, next_try_at = $3 WHERE user_id = $1";
        let store = self.clone();
        self.write("update", "totp", async move {
            let find = store.dialect(ROW, ROW_LOCKED);
            let guess = in_transaction!(store, tx => {
                let row: Option<(Vec<u8>, i64, Option<DateTime<Utc>>)> =
                    sqlx::query_as(find).bind(user).fetch_optional(&mut *tx).await?;
                let Some((sealed, tries, next_try_at)) = row else {
                    return Ok(Guess::Off);
                };
                let at = clock::now();
                let wait = next_try_at.and_then(|next| (next - at).to_std().ok());
                if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
                    return Ok(Guess::Wait(wait));
                }
                let tries = tries.saturating_add(1);
                sqlx::query(COUNT)
                    .bind(user)
                    .bind(tries)
                    .bind(at + wait_after(tries))
                    .execute(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(Guess::Allowed(sealed))
            })?;
            Ok(guess)
        })
        .await
    }

    /// Counts the code of a step: false if it, or a later one, counted before, or the app is another
    /// one meanwhile. Of two at the same moment one is true.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn spend_totp_step(
        &self,
        user: UserId,
        sealed: Vec<u8>,
        step: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE totp SET last_step = $3, tries = 0, next_try_at = NULL
             WHERE user_id = $1 AND secret = $2 AND last_step < $3";
        let store = self.clone();
        self.write("update", "totp", async move {
            let counted = in_transaction!(store, tx => {
                let counted = sqlx::query(SQL)
                    .bind(user)
                    .bind(&sealed)
                    .bind(step)
                    .execute(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(counted.rows_affected() == 1)
            })?;
            Ok(counted)
        })
        .await
    }

    /// Uses up a recovery code; false if the user has no such code, or no more.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn spend_recovery_code(
        &self,
        user: UserId,
        hash: [u8; 32],
        by: &By,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2";
        let (store, by) = (self.clone(), *by);
        self.write("delete", "recovery_codes", async move {
            let spent = in_transaction!(store, tx => {
                let gone =
                    sqlx::query(SQL).bind(user).bind(hash.as_slice()).execute(&mut *tx).await?;
                let spent = gone.rows_affected() == 1;
                if spent {
                    record!(tx, &by, Act::RecoveryCodeUse, Target::user(user), json!({}));
                }
                Ok::<_, StoreError>(spent)
            })?;
            Ok(spent)
        })
        .await
    }

    /// Gives a user other recovery codes instead of all that are left.
    ///
    /// # Errors
    /// `NotFound` if the user has no app, `Ended`.
    pub async fn replace_recovery_codes(
        &self,
        user: UserId,
        hashes: Vec<[u8; 32]>,
        by: &By,
    ) -> Result<(), StoreError> {
        const ENROLLED: &str =
            "SELECT EXISTS (SELECT 1 FROM totp WHERE user_id = $1 AND secret IS NOT NULL)";
        let (store, by) = (self.clone(), *by);
        self.write("insert", "recovery_codes", async move {
            in_transaction!(store, tx => {
                actor!(store, tx, by);
                if !sqlx::query_scalar(ENROLLED).bind(user).fetch_one(&mut *tx).await? {
                    return Err(StoreError::NotFound);
                }
                replace_recovery_codes!(tx, user, &hashes);
                record!(tx, &by, Act::RecoveryCodeRenew, Target::user(user), json!({}));
                Ok(())
            })?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let waits: Vec<_> = (0..18)
            .map(|tries| wait_after(tries).num_seconds())
            .collect();
        assert_eq!(waits[..9], [0, 0, 0, 0, 0, 0, 2, 4, 8]);
        assert_eq!(waits[15..], [900, 900, 900]);
        assert_eq!(wait_after(i64::MAX).num_seconds(), 900);
    }
}
