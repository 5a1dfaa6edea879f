//! Who somebody is to a provider, and the account that belongs to it.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Store, StoreError, Unique,
    actor::actor,
    audit::record,
    backend::{in_transaction, on_reader},
    letters::tell_user,
    rows::{UserRow, user_columns},
    users::{TAKEN_USERNAME, taken},
    ways_in::{hold_ways_in, keep_a_way_in},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        fold_case,
        identity::Person,
        ids::{IdentityId, UserId},
        mail::About,
        user::{Role, User},
    },
};

/// How often it is tried anew when somebody else was quicker with a name.
const TRIES: usize = 8;

/// User names that are tried in one transaction.
const NAMES: usize = 16;

/// Identities of one user, at most.
pub const MAX_IDENTITIES: i64 = 20;

/// What comes of somebody for whom a provider vouches.
#[derive(Clone, Debug)]
pub enum Entry {
    /// The account that belongs to the person, be it a new one.
    In(Box<User>),
    /// The account is switched off.
    Inactive,
    /// An account has the address, but nobody has proved that it belongs to the same person.
    EmailInUse,
    /// The person is new here, and strangers may make no accounts.
    RegistrationClosed,
}

/// An account somewhere else that a user signs in with.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LinkedIdentity {
    pub id: IdentityId,
    pub provider: String,
    /// What the user is called there.
    pub name: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
}

const OF_IDENTITY: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM identities i JOIN users u ON u.id = i.user_id
      WHERE i.issuer = $1 AND i.subject = $2 AND u.deleted_at IS NULL"
);
const BY_ID: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");

/// The owner of an address, and whether he proved to be. The lock keeps the address from moving to
/// somebody else before the link is made.
const OF_EMAIL: &str =
    "SELECT id, active, email_verified_at FROM users WHERE email_key = $1 AND deleted_at IS NULL";
const OF_EMAIL_LOCKED: &str = "SELECT id, active, email_verified_at FROM users
     WHERE email_key = $1 AND deleted_at IS NULL FOR UPDATE";

const USED: &str = "UPDATE identities SET last_used_at = $3, name = $4, provider = $5
     WHERE issuer = $1 AND subject = $2";
const INSERT: &str = "INSERT INTO identities
     (id, user_id, provider, issuer, subject, name, created_at, last_used_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
const INSERT_USER: &str = "INSERT INTO users
     (id, username, username_key, email, email_key, email_verified_at, full_name, full_name_key,
      role, active, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, TRUE, $10, $10)";

const OWNER: &str = "SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2";
const ACTIVE: &str = "SELECT id FROM users WHERE id = $1 AND active AND deleted_at IS NULL";
const ACTIVE_LOCKED: &str =
    "SELECT id FROM users WHERE id = $1 AND active AND deleted_at IS NULL FOR NO KEY UPDATE";
const COUNT: &str = "SELECT count(*) FROM identities WHERE user_id = $1";
const ONE: &str = "SELECT id, provider, name, created_at, last_used_at FROM identities
     WHERE issuer = $1 AND subject = $2";

/// Links a person to a user, who is locked: issuer and subject have no account yet.
macro_rules! link {
    ($tx:ident, $user:expr, $provider:expr, $person:expr, $at:expr) => {
        let count: i64 = sqlx::query_scalar(COUNT)
            .bind($user)
            .fetch_one(&mut *$tx)
            .await?;
        if count >= MAX_IDENTITIES {
            return Err(StoreError::TooMany(MAX_IDENTITIES));
        }
        sqlx::query(INSERT)
            .bind(IdentityId::new())
            .bind($user)
            .bind($provider)
            .bind(&$person.issuer)
            .bind($person.subject.as_str())
            .bind(shown($person))
            .bind($at)
            .execute(&mut *$tx)
            .await
            .map_err(taken)?;
    };
}

impl Store {
    /// Finds or makes the account of somebody for whom a provider vouches.
    ///
    /// A known person enters by the link. An unknown one is linked to the account that has the same
    /// address if both sides proved it; anybody could have typed it otherwise. Who is left gets an
    /// account, if `may_register`: with the address only if it is proved.
    ///
    /// # Errors
    /// `TooMany` if the account with the same address has [`MAX_IDENTITIES`].
    pub async fn enter(
        &self,
        provider: &str,
        person: Person,
        may_register: bool,
        by: &By,
    ) -> Result<Entry, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let entered = self
                .try_enter(provider, person.clone(), may_register, *by)
                .await;
            match entered {
                // Somebody was quicker with the name or the address, or the same person came twice
                // at once: another look finds out.
                Err(StoreError::Conflict(_)) if tries < TRIES => {}
                Err(StoreError::Conflict(rule)) => {
                    let cause = anyhow::anyhow!("{rule:?} was taken {TRIES} times in a row");
                    return Err(StoreError::Unavailable(cause));
                }
                entered => return entered,
            }
        }
    }

    async fn try_enter(
        &self,
        provider: &str,
        person: Person,
        may_register: bool,
        by: By,
    ) -> Result<Entry, StoreError> {
        let (store, provider) = (self.clone(), provider.to_owned());
        self.write("insert", "identities", async move {
            let of_email = store.dialect(OF_EMAIL, OF_EMAIL_LOCKED);
            let at = clock::now();
            let email = person.email.as_ref().map(|email| email.address.key());
            let proved = person.email.as_ref().filter(|email| email.verified);
            let entry = in_transaction!(store, tx => {
                let known: Option<UserRow> = sqlx::query_as(OF_IDENTITY)
                    .bind(&person.issuer)
                    .bind(person.subject.as_str())
                    .fetch_optional(&mut *tx)
                    .await?;
                if let Some(row) = known {
                    let user = User::try_from(row)?;
                    if !user.active {
                        return Ok(Entry::Inactive);
                    }
                    sqlx::query(USED)
                        .bind(&person.issuer)
                        .bind(person.subject.as_str())
                        .bind(at)
                        .bind(shown(&person))
                        .bind(&provider)
                        .execute(&mut *tx)
                        .await?;
                    return Ok(Entry::In(Box::new(user)));
                }
                let owner: Option<(UserId, bool, Option<DateTime<Utc>>)> = match &email {
                    Some(key) => sqlx::query_as(of_email).bind(key).fetch_optional(&mut *tx).await?,
                    None => None,
                };
                let mut made = None;
                let id = match owner {
                    Some((_, _, None)) => return Ok(Entry::EmailInUse),
                    Some(_) if proved.is_none() => return Ok(Entry::EmailInUse),
                    Some((_, false, _)) => return Ok(Entry::Inactive),
                    Some((id, true, _)) => id,
                    None if !may_register => return Ok(Entry::RegistrationClosed),
                    None => {
                        let id = UserId::new();
                        let names = person.usernames(|| rand::random_range(1_000..1_000_000));
                        let mut free = None;
                        for name in names.take(NAMES) {
                            if !sqlx::query_scalar(TAKEN_USERNAME).bind(name.key()).bind(id)
                                .fetch_one(&mut *tx).await?
                            {
                                free = Some(name);
                                break;
                            }
                        }
                        let username = free.ok_or(StoreError::Conflict(Unique::Username))?;
                        let full_name = person.full_name();
                        sqlx::query(INSERT_USER)
                            .bind(id)
                            .bind(username.as_str())
                            .bind(username.key())
                            .bind(proved.map(|email| email.address.as_str()))
                            .bind(proved.map(|email| email.address.key()))
                            .bind(proved.map(|_| at))
                            .bind(full_name.as_str())
                            .bind(fold_case(full_name.as_str()))
                            .bind(Role::Client.as_str())
                            .bind(at)
                            .execute(&mut *tx)
                            .await
                            .map_err(taken)?;
                        made = Some(username);
                        id
                    }
                };
                link!(tx, id, &provider, &person, at);
                let row: UserRow = sqlx::query_as(BY_ID).bind(id).fetch_one(&mut *tx).await?;
                let by = by.proved(id, None);
                if made.is_none() {
                    let about = About::IdentityLinked { provider: provider.clone(), at };
                    tell_user!(store, tx, id, about, at);
                }
                if let Some(username) = made {
                    let details = json!({
                        "username": username.as_str(), "role": Role::Client, "provider": provider,
                    });
                    record!(tx, &by, Act::UserCreate, Target::user(id), details);
                }
                let details = json!({ "provider": provider });
                record!(tx, &by, Act::IdentityLink, Target::user(id), details);
                Ok::<_, StoreError>(Entry::In(Box::new(User::try_from(row)?)))
            })?;
            store.ring();
            Ok(entry)
        })
        .await
    }

    /// Links a person to a user who asked for it. Doing it twice does no harm.
    ///
    /// # Errors
    /// `Conflict` if another account is linked to the person, `Ended` if the login that asked for it
    /// has, `NotFound` if the user was deleted or switched off, `TooMany` if the user has
    /// [`MAX_IDENTITIES`].
    pub async fn link_identity(
        &self,
        user: UserId,
        provider: &str,
        person: Person,
        by: &By,
    ) -> Result<LinkedIdentity, StoreError> {
        let by = *by;
        let (store, provider) = (self.clone(), provider.to_owned());
        self.write("insert", "identities", async move {
            let find_user = store.dialect(ACTIVE, ACTIVE_LOCKED);
            let at = clock::now();
            let linked = in_transaction!(store, tx => {
                actor!(store, tx, by);
                let found: Option<UserId> =
                    sqlx::query_scalar(find_user).bind(user).fetch_optional(&mut *tx).await?;
                if found.is_none() {
                    return Err(StoreError::NotFound);
                }
                let owner: Option<UserId> = sqlx::query_scalar(OWNER)
                    .bind(&person.issuer)
                    .bind(person.subject.as_str())
                    .fetch_optional(&mut *tx)
                    .await?;
                if owner.is_some_and(|owner| owner != user) {
                    return Err(StoreError::Conflict(Unique::Identity));
                }
                if owner.is_none() {
                    link!(tx, user, &provider, &person, at);
                }
                let linked: LinkedIdentity = sqlx::query_as(ONE)
                    .bind(&person.issuer)
                    .bind(person.subject.as_str())
                    .fetch_one(&mut *tx)
                    .await?;
                if owner.is_none() {
                    let about = About::IdentityLinked { provider: provider.clone(), at };
                    tell_user!(store, tx, user, about, at);
                    let details = json!({ "provider": provider });
                    record!(tx, &by, Act::IdentityLink, Target::user(user), details);
                }
                Ok(linked)
            })?;
            store.ring();
            Ok(linked)
        })
        .await
    }

    /// Who a user is to providers, the oldest link first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_identities(&self, user: UserId) -> Result<Vec<LinkedIdentity>, StoreError> {
        const SQL: &str = "SELECT id, provider, name, created_at, last_used_at FROM identities
             WHERE user_id = $1 ORDER BY id";
        self.read("select", "identities", async {
            Ok(on_reader!(self, db => {
                sqlx::query_as(SQL).bind(user).fetch_all(db).await?
            }))
        })
        .await
    }

    /// Takes a link away.
    ///
    /// # Errors
    /// `NotFound` if the user has no such link, `Ended`, `LastWayIn` if there is no other way to sign in.
    pub async fn unlink_identity(
        &self,
        user: UserId,
        id: IdentityId,
        by: &By,
    ) -> Result<(), StoreError> {
        const SQL: &str =
            "DELETE FROM identities WHERE id = $1 AND user_id = $2 RETURNING provider";
        let by = *by;
        let store = self.clone();
        self.write("delete", "identities", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                actor!(store, tx, by);
                hold_ways_in!(tx, store, user);
                let provider: Option<String> = sqlx::query_scalar(SQL).bind(id).bind(user)
                    .fetch_optional(&mut *tx).await?;
                let provider = provider.ok_or(StoreError::NotFound)?;
                keep_a_way_in!(tx, user);
                let about = About::IdentityUnlinked { provider: provider.clone(), at };
                tell_user!(store, tx, user, about, at);
                let details = json!({ "provider": provider });
                record!(tx, &by, Act::IdentityUnlink, Target::user(user), details);
                Ok(())
            })?;
            store.ring();
            Ok(())
        })
        .await
    }
}

/// What to show of a person among a user's links: up to 100 characters.
fn shown(person: &Person) -> Option<String> {
    let address = person.email.as_ref().map(|email| email.address.as_str());
    let name = person
        .login
        .as_deref()
        .or(address)
        .or(person.name.as_deref())?;
    let plain = name.chars().filter(|c| !c.is_control()).take(100);
    Some(plain.collect())
}
