//! Logins: who is signed in, from password to logout.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    Store, StoreError,
    actor::actor,
    audit::record,
    auth_changes::{announce, announce_each},
    backend::{in_transaction, on_reader},
    letters::{Addressee, post},
    rows::{CredentialsRow, UserRow, user_columns},
    tickets::SPEND_TICKET,
    user_changes::{END_LOGINS, or_none},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        ids::{LoginId, PasskeyId, UserId},
        mail::About,
        user::User,
    },
};

/// What somebody proved to sign in. It must still be so in the transaction that keeps the login:
/// comparing takes time.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub enum Proof {
    /// The password that has this hash.
    Password(String),
    /// All that a ticket stands for; it is used up.
    Ticket([u8; 32]),
    /// That he has this passkey.
    Passkey(PasskeyId),
    /// What is used up, or new: a provider's word, or an account that was just made.
    Other,
}

/// A login to be, with its first refresh token.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub struct NewLogin {
    pub id: LoginId,
    pub user_id: UserId,
    pub proof: Proof,
    /// The user agent; cut after 200 characters.
    pub device: Option<String>,
    pub address: Option<String>,
    /// The address as it is limited.
    pub network: Option<String>,
    /// SHA-256 of the browser's secret, if it is one.
    pub device_hash: Option<[u8; 32]>,
    /// SHA-256 of the refresh token, which itself is not kept.
    pub refresh_hash: [u8; 32],
    pub refresh_expires_at: DateTime<Utc>,
    /// How its user proved the first factor, as the audit log tells it.
    pub method: String,
    /// The kind of code that was the second factor, if there was one.
    pub second_factor: Option<&'static str>,
}

/// The user of an open login.
pub(super) const ACTIVE_LOGIN: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM logins l JOIN users u ON u.id = l.user_id
      WHERE l.id = $1 AND l.ended_at IS NULL AND u.active AND u.deleted_at IS NULL"
);

/// Who may sign in, and the password's hash. The lock makes it wait for a transaction that switches
/// the account off or sets another password; SQLite's one writer needs no row locks.
macro_rules! may_sign_in {
    ($lock:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            ", u.password_hash FROM users u
              WHERE u.id = $1 AND u.active AND u.deleted_at IS NULL AND u.kind = 'person'",
            $lock
        )
    };
}
pub(super) const MAY_SIGN_IN: &str = may_sign_in!("");
pub(super) const MAY_SIGN_IN_LOCKED: &str = may_sign_in!(" FOR SHARE");

/// Keeps a refresh token: hash, login, the one it was exchanged for, now, expiry.
pub(super) const INSERT_TOKEN: &str =
    "INSERT INTO refresh_tokens (hash, login_id, parent, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5)";

/// How long after its making an account's first login is no news to its owner.
const FIRST_LOGIN: TimeDelta = TimeDelta::hours(1);

/// What a client calls itself, as far as it is kept: no zero bytes, which PostgreSQL refuses.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

impl Store {
    /// Keeps a new login. In the audit log it is its user who opens it.
    ///
    /// # Errors
    /// `NotFound` if the user was deleted or switched off meanwhile, or is a service; `Outdated` if
    /// what was proved is not so any more.
    pub async fn insert_login(&self, login: NewLogin, by: &By) -> Result<(), StoreError> {
        const PASSKEY: &str =
            "SELECT EXISTS (SELECT 1 FROM passkeys WHERE id = $1 AND user_id = $2)";
        // What a device calls itself anybody can copy, so that alone proves nothing.
        const KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM logins WHERE user_id = $1),
            EXISTS (SELECT 1 FROM logins WHERE user_id = $1 AND (device_hash = $2
                OR (network = $3 AND device IS NOT DISTINCT FROM $4)))";
        const LOGIN: &str =
            "INSERT INTO logins (id, user_id, device, address, created_at, last_used_at, network,
                 device_hash)
             VALUES ($1, $2, $3, $4, $5, $5, $6, $7)";
        let store = self.clone();
        let by = by.proved(login.user_id, Some(login.id));
        self.write("insert", "logins", async move {
            let find_user = store.dialect(MAY_SIGN_IN, MAY_SIGN_IN_LOCKED);
            let at = clock::now();
            in_transaction!(store, tx => {
                let row: CredentialsRow = sqlx::query_as(find_user).bind(login.user_id)
                    .fetch_optional(&mut *tx).await?.ok_or(StoreError::NotFound)?;
                let still_so = match &login.proof {
                    Proof::Password(hash) => row.password_hash.as_ref() == Some(hash),
                    Proof::Ticket(ticket) => {
                        let spent = sqlx::query(SPEND_TICKET).bind(ticket.as_slice()).bind(at)
                            .execute(&mut *tx).await?;
                        spent.rows_affected() == 1
                    }
                    Proof::Passkey(passkey) => {
                        sqlx::query_scalar(PASSKEY).bind(*passkey).bind(login.user_id)
                            .fetch_one(&mut *tx).await?
                    }
                    Proof::Other => true,
                };
                if !still_so {
                    return Err(StoreError::Outdated);
                }
                let user = User::try_from(row.user)?;
                let device = login.device.as_deref().map(shown);
                let address = login.address.as_deref().map(shown);
                let device_hash = login.device_hash.as_ref().map(<[u8; 32]>::as_slice);
                let network = login.network.as_deref();
                let (any, known): (bool, bool) = sqlx::query_as(KNOWN)
                    .bind(user.id)
                    .bind(device_hash)
                    .bind(network)
                    .bind(&device)
                    .fetch_one(&mut *tx)
                    .await?;
                // Whoever has just made the account knows that he did.
                let is_new = !known && (any || at - user.created_at > FIRST_LOGIN);
                if is_new && let Some(email) = &user.email {
                    let (device, address) = (device.clone(), address.clone());
                    let about = About::NewDevice { device, address, at };
                    post!(tx, store.letter(&Addressee::of(&user, email), about), at);
                }
                sqlx::query(LOGIN)
                    .bind(login.id)
                    .bind(login.user_id)
                    .bind(&device)
                    .bind(&address)
                    .bind(at)
                    .bind(network)
                    .bind(device_hash)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query(INSERT_TOKEN)
                    .bind(login.refresh_hash.as_slice())
                    .bind(login.id)
                    .bind(None::<&[u8]>)
                    .bind(at)
                    .bind(login.refresh_expires_at)
                    .execute(&mut *tx)
                    .await?;
                let details = json!({
                    "device": device,
                    "method": login.method,
                    "second_factor": login.second_factor,
                });
                record!(tx, &by, Act::LoginOpen, Target::user(login.user_id), details);
                Ok(())
            })?;
            store.ring();
            Ok(())
        })
        .await
    }

    /// The user of a login that has not ended, if the user is active.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_active_login(&self, id: LoginId) -> Result<Option<User>, StoreError> {
        self.read("select", "logins", async {
            let row: Option<UserRow> = on_reader!(self, db => {
                sqlx::query_as(ACTIVE_LOGIN).bind(id).fetch_optional(db).await?
            });
            row.map(User::try_from).transpose()
        })
        .await
    }

    /// When somebody signed in with a login that has not ended.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_login_start(&self, id: LoginId) -> Result<Option<DateTime<Utc>>, StoreError> {
        const SQL: &str = "SELECT created_at FROM logins WHERE id = $1 AND ended_at IS NULL";
        self.read("select", "logins", async {
            Ok(on_reader!(self, db => {
                sqlx::query_scalar(SQL).bind(id).fetch_optional(db).await?
            }))
        })
        .await
    }

    /// Ends a login. Ending it twice does no harm.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn end_login(&self, id: LoginId, by: &By) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE logins SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL
             RETURNING user_id";
        let (store, by) = (self.clone(), *by);
        self.write("update", "logins", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                let user: Option<UserId> =
                    sqlx::query_scalar(SQL).bind(id).bind(at).fetch_optional(&mut *tx).await?;
                if let Some(user) = user {
                    announce!(tx, user, Some(id), at);
                    record!(tx, &by, Act::LoginEnd, Target::user(user), json!({ "login": id }));
                }
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        })
        .await
    }

    /// Ends every login of a user but `except`; false if there was none.
    ///
    /// # Errors
    /// `Ended` if there is an exception, and who asks for it is signed in no more.
    pub async fn end_all_logins(
        &self,
        user_id: UserId,
        except: Option<LoginId>,
        by: &By,
    ) -> Result<bool, StoreError> {
        let (store, by) = (self.clone(), *by);
        self.write("update", "logins", async move {
            let at = clock::now();
            let some = in_transaction!(store, tx => {
                if except.is_some() {
                    actor!(store, tx, by);
                }
                let ended: Vec<LoginId> = sqlx::query_scalar(END_LOGINS)
                    .bind(user_id)
                    .bind(at)
                    .bind(or_none(except))
                    .fetch_all(&mut *tx)
                    .await?;
                let (count, some) = (ended.len(), !ended.is_empty());
                if except.is_some() {
                    announce_each!(tx, user_id, ended, at);
                } else if some {
                    announce!(tx, user_id, None::<LoginId>, at);
                }
                if some {
                    let details = json!({ "logins": count, "but": except });
                    record!(tx, &by, Act::LoginEndAll, Target::user(user_id), details);
                }
                Ok::<_, StoreError>(some)
            })?;
            Ok(some)
        })
        .await
    }

    /// Forgets logins that ended, or could not be refreshed any more, before this time, and expired
    /// refresh tokens; returns how many logins.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn prune_logins(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        const TOKENS: &str = "DELETE FROM refresh_tokens WHERE expires_at < $1";
        const LOGINS: &str = "DELETE FROM logins WHERE ended_at < $1
             OR (last_used_at < $1
                 AND NOT EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.login_id = logins.id))";
        let store = self.clone();
        self.write("delete", "logins", async move {
            let count = in_transaction!(store, tx => {
                sqlx::query(TOKENS).bind(before).execute(&mut *tx).await?;
                let gone = sqlx::query(LOGINS).bind(before).execute(&mut *tx).await?;
                Ok::<_, StoreError>(gone.rows_affected())
            })?;
            Ok(count)
        })
        .await
    }
}
