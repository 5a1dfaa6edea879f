//! Links in mails: verifying an address, and setting a forgotten password anew.

use serde_json::{Map, Value, json};

use super::{
    Store, StoreError,
    actor::actor,
    audit::record,
    auth_changes::announce,
    backend::{in_transaction, on_reader},
    jobs::NewJob,
    letters::{Addressee, MailLimit, allowed, post},
    rows::{UserRow, user_columns},
    second_factor::forget_second_factor,
    tickets::forget_tickets,
    user_changes::{END_LOGINS, or_none},
    ways_in::hold_ways_in,
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        ids::{JobId, LoginId, UserId},
        job::Job,
        mail::{About, FORGOTTEN, Forgotten, LinkKind, LinkToken},
        user::User,
    },
};

/// Keeps the secret of a link in the place of an earlier one of its kind: user, kind, hash, address,
/// now, expiry.
pub(super) const KEEP_TOKEN: &str =
    "INSERT INTO mail_tokens (user_id, kind, hash, email_key, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (user_id, kind) DO UPDATE SET hash = excluded.hash,
         email_key = excluded.email_key, created_at = excluded.created_at,
         expires_at = excluded.expires_at";

/// Makes the links of a user's mails void.
pub(super) const DROP_TOKENS: &str = "DELETE FROM mail_tokens WHERE user_id = $1 AND kind = $2";

const BY_EMAIL: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.email_key = $1 AND u.active AND u.deleted_at IS NULL"
);

/// Whose link it is, and for which address: hash, kind, now. The user's row is locked before the
/// link's, as everywhere.
const FIND_TOKEN: &str = "SELECT user_id, email_key FROM mail_tokens
     WHERE hash = $1 AND kind = $2 AND expires_at > $3";

/// Uses a link up: of several who come at once, one does.
const USE_TOKEN: &str = "DELETE FROM mail_tokens WHERE hash = $1";

/// What lets somebody in without a password or a login, and what the audit log calls it.
const WAYS_OF_A_STRANGER: [(&str, &str); 3] = [
    ("api_tokens", "DELETE FROM api_tokens WHERE user_id = $1"),
    ("identities", "DELETE FROM identities WHERE user_id = $1"),
    ("passkeys", "DELETE FROM passkeys WHERE user_id = $1"),
];

/// Promises a mail with a link within a transaction of either database, if this server sends mail
/// and the address may get one more; whether it did. If not, an earlier link goes on working: the
/// mail that would bring the next one never comes.
macro_rules! post_link {
    ($store:expr, $tx:ident, $kind:expr, $to:expr, $at:expr) => {{
        let kind: $crate::domain::mail::LinkKind = $kind;
        let to: &$crate::store::letters::Addressee<'_> = $to;
        let token = $crate::domain::mail::LinkToken::new();
        let expires_at = $at + kind.lifetime();
        let about = $crate::domain::mail::About::link(kind, &token, expires_at);
        if let Some($crate::store::letters::Post { job, limit }) = $store.letter(to, about)
            && $crate::store::letters::allowed!($tx, limit, $at)
        {
            sqlx::query($crate::store::mail_tokens::KEEP_TOKEN)
                .bind(to.id)
                .bind(kind.as_str())
                .bind(token.hash().as_slice())
                .bind($crate::domain::fold_case(to.email))
                .bind($at)
                .bind(expires_at)
                .execute(&mut *$tx)
                .await?;
            $crate::store::jobs::enqueue!($tx, job, $at);
            true
        } else {
            false
        }
    }};
}
pub(super) use post_link;

/// Why there is nothing to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// A mail is on its way.
    Sent,
    /// The address is verified already.
    Verified,
    /// The user has no address.
    NoAddress,
}

/// What became of a link to verify an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The address is verified.
    Now,
    /// The link is another user's, and still works there.
    OtherAccount,
}

impl Store {
    /// Sends a user another mail to verify the address.
    ///
    /// # Errors
    /// `NotFound` if the user is gone.
    pub async fn send_verification(&self, id: UserId) -> Result<Verification, StoreError> {
        const USER: &str = concat!(
            "SELECT ",
            user_columns!(),
            " FROM users u WHERE u.id = $1 AND u.deleted_at IS NULL"
        );
        let store = self.clone();
        self.write("insert", "mail_tokens", async move {
            let at = clock::now();
            let sent = in_transaction!(store, tx => {
                let row: UserRow = sqlx::query_as(USER).bind(id)
                    .fetch_optional(&mut *tx).await?.ok_or(StoreError::NotFound)?;
                let user = User::try_from(row)?;
                let Some(email) = &user.email else {
                    return Ok(Verification::NoAddress);
                };
                if user.email_verified {
                    return Ok(Verification::Verified);
                }
                post_link!(store, tx, LinkKind::Verify, &Addressee::of(&user, email), at);
                Ok(Verification::Sent)
            })?;
            store.ring();
            Ok(sent)
        })
        .await
    }

    /// Marks the address of a user verified that a link was sent to. The link is used up; another
    /// user's is not.
    ///
    /// # Errors
    /// `NotFound` if there is no such link, it ran out, or the user has another address now.
    pub async fn verify_email(
        &self,
        user: UserId,
        token: &LinkToken,
        by: &By,
    ) -> Result<Verified, StoreError> {
        const SQL: &str = "UPDATE users
            SET email_verified_at = COALESCE(email_verified_at, $3), updated_at = $3
            WHERE id = $1 AND email_key = $2 AND deleted_at IS NULL";
        let (store, hash, by) = (self.clone(), token.hash(), *by);
        self.write("update", "users", async move {
            let at = clock::now();
            let verified = in_transaction!(store, tx => {
                let found: Option<(UserId, String)> = sqlx::query_as(FIND_TOKEN)
                    .bind(hash.as_slice()).bind(LinkKind::Verify.as_str()).bind(at)
                    .fetch_optional(&mut *tx).await?;
                let (owner, key) = found.ok_or(StoreError::NotFound)?;
                if owner != user {
                    return Ok(Verified::OtherAccount);
                }
                let changed = sqlx::query(SQL).bind(user).bind(&key).bind(at)
                    .execute(&mut *tx).await?;
                let used = sqlx::query(USE_TOKEN).bind(hash.as_slice()).execute(&mut *tx).await?;
                if changed.rows_affected() == 0 || used.rows_affected() == 0 {
                    return Err(StoreError::NotFound);
                }
                // What others remember of the user says that the address is not verified.
                announce!(tx, user, None::<LoginId>, at);
                record!(tx, &by, Act::EmailVerify, Target::user(user), Value::Null);
                Ok(Verified::Now)
            })?;
            Ok(verified)
        })
        .await
    }

    /// Notes that somebody forgot the password of an address. Whether anybody has it is looked up
    /// later: so this takes as long for every address.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn note_forgotten(&self, email_key: String, by: &By) -> Result<(), StoreError> {
        let payload = serde_json::to_string(&Forgotten {
            email_key,
            address: by.address,
            request_id: by.request_id,
        });
        self.enqueue(NewJob {
            id: JobId::new(),
            kind: FORGOTTEN,
            user_id: None,
            payload: payload.map_err(|error| StoreError::Internal(error.into()))?,
        })
        .await
    }

    /// Sends a link to whoever has the address of a [`FORGOTTEN`] job, and ends the job, both or
    /// neither. Nobody, or somebody who was switched off, gets none; nor does who got `per_hour`
    /// of them lately, if that is not 0.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn send_reset(
        &self,
        job: &Job,
        asked: Forgotten,
        per_hour: u32,
    ) -> Result<(), StoreError> {
        const END: &str = "DELETE FROM jobs WHERE id = $1 AND claim = $2";
        let (store, id, claim) = (self.clone(), job.id, job.claim);
        let mut by = By::refused(asked.address);
        by.request_id = asked.request_id;
        self.write("insert", "mail_tokens", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                let ended = sqlx::query(END).bind(id).bind(claim).execute(&mut *tx).await?;
                let row: Option<UserRow> = sqlx::query_as(BY_EMAIL).bind(&asked.email_key)
                    .fetch_optional(&mut *tx).await?;
                let user = row.map(User::try_from).transpose()?;
                // Another worker has taken the job over when it was not this one's to end.
                if let Some(user) = user.filter(|_| ended.rows_affected() > 0)
                    && let Some(email) = &user.email
                    && allowed!(tx, MailLimit::resets(&asked.email_key, per_hour), at)
                    && post_link!(store, tx, LinkKind::Reset, &Addressee::of(&user, email), at)
                {
                    let act = Act::PasswordResetRequest;
                    record!(tx, &by, act, Target::user(user.id), Value::Null);
                }
                Ok::<_, StoreError>(())
            })?;
            store.ring();
            Ok(())
        })
        .await
    }

    /// Whether a link to set a password works, so that nothing is hashed for one that does not.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn is_reset(&self, token: &LinkToken) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT EXISTS (
            SELECT 1 FROM mail_tokens WHERE hash = $1 AND kind = 'reset' AND expires_at > $2)";
        let hash = token.hash();
        self.read("select", "mail_tokens", async {
            Ok(on_reader!(self, db => {
                sqlx::query_scalar(SQL).bind(hash.as_slice()).bind(clock::now()).fetch_one(db).await?
            }))
        })
        .await
    }

    /// Sets the password of who has the link; returns whose it is. The link is used up, every login
    /// ends, and the address counts as verified: its mail was read. If it was not before, API tokens,
    /// links to providers and the second factor go, too.
    ///
    /// # Errors
    /// `NotFound` if there is no such link, it ran out, the user has another address now, or is
    /// switched off.
    pub async fn reset_password(
        &self,
        token: &LinkToken,
        password_hash: String,
        by: &By,
    ) -> Result<UserId, StoreError> {
        const SQL: &str = "UPDATE users
            SET password_hash = $3, email_verified_at = COALESCE(email_verified_at, $4),
                updated_at = $4
            WHERE id = $1 AND email_key = $2 AND active AND deleted_at IS NULL";
        const USER: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");
        let (store, hash, by) = (self.clone(), token.hash(), *by);
        self.write("update", "users", async move {
            let at = clock::now();
            let id = in_transaction!(store, tx => {
                // Whoever acts in one of the logins does so before, or finds it ended.
                actor!(store, tx, by);
                let found: Option<(UserId, String)> = sqlx::query_as(FIND_TOKEN)
                    .bind(hash.as_slice()).bind(LinkKind::Reset.as_str()).bind(at)
                    .fetch_optional(&mut *tx).await?;
                let (id, key) = found.ok_or(StoreError::NotFound)?;
                hold_ways_in!(tx, store, id);
                let row: UserRow = sqlx::query_as(USER).bind(id).fetch_one(&mut *tx).await?;
                let before = User::try_from(row)?;
                let changed = sqlx::query(SQL).bind(id).bind(&key).bind(&password_hash).bind(at)
                    .execute(&mut *tx).await?;
                let used = sqlx::query(USE_TOKEN).bind(hash.as_slice()).execute(&mut *tx).await?;
                if changed.rows_affected() == 0 || used.rows_affected() == 0 {
                    return Err(StoreError::NotFound);
                }
                let mut details = Value::Null;
                if !before.email_verified {
                    // Until now nobody knew whose the address is. Whoever made the account with it
                    // may be a stranger, and must not keep a way in.
                    let apps = forget_second_factor!(tx, id).rows_affected();
                    let mut removed = Map::from_iter([("apps".to_owned(), apps.into())]);
                    for (name, sql) in WAYS_OF_A_STRANGER {
                        let gone = sqlx::query(sql).bind(id).execute(&mut *tx).await?;
                        removed.insert(name.to_owned(), gone.rows_affected().into());
                    }
                    details = json!({ "removed": removed });
                }
                let user = User { email_verified: true, ..before };
                // Sign-ins that have come half of the way.
                forget_tickets!(tx, id);
                sqlx::query("DELETE FROM oauth_codes WHERE user_id = $1")
                    .bind(id)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query(DROP_TOKENS).bind(id).bind(LinkKind::Verify.as_str())
                    .execute(&mut *tx).await?;
                sqlx::query(END_LOGINS).bind(id).bind(at).bind(or_none(None))
                    .execute(&mut *tx).await?;
                announce!(tx, id, None::<LoginId>, at);
                if let Some(email) = &user.email {
                    let about = About::PasswordChanged { at };
                    post!(tx, store.letter(&Addressee::of(&user, email), about), at);
                }
                record!(tx, &by, Act::PasswordReset, Target::user(id), details);
                Ok(id)
            })?;
            store.ring();
            Ok(id)
        })
        .await
    }
}

impl<'a> Addressee<'a> {
    /// A user at the address that is now the user's.
    pub(super) fn of(user: &'a User, email: &'a str) -> Self {
        Self {
            id: user.id,
            email,
            full_name: &user.profile.full_name,
            verified: user.email_verified,
        }
    }
}
