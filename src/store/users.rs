//! Users: making and finding them.

use serde_json::json;

use super::{
    Store, StoreError, Unique,
    actor::actor,
    audit::record,
    backend::{in_transaction, on_reader},
    error::{Kind, kind},
    letters::Addressee,
    mail_tokens::post_link,
    roles::{ROLE, ROLE_KEPT, RoleRow},
    rows::{CredentialsRow, UserRow, user_columns},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        fold_case,
        ids::UserId,
        mail::LinkKind,
        policy::Action,
        role::RoleGrants,
        user::{Email, FullName, PhoneNumber, Role, User, UserKind, Username},
    },
};

/// A user to be.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub struct NewUser {
    pub id: UserId,
    pub username: Username,
    pub email: Option<Email>,
    pub full_name: FullName,
    pub phone_number: Option<PhoneNumber>,
    /// From bcrypt; `None` for somebody who signs in elsewhere.
    pub password_hash: Option<String>,
    pub role: Role,
}

/// What somebody signs in with, folded by [`fold_case`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    Email(String),
    Username(String),
}

/// A user and what the password is checked against.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub struct Credentials {
    pub user: User,
    pub password_hash: Option<String>,
}

impl TryFrom<CredentialsRow> for Credentials {
    type Error = StoreError;

    fn try_from(row: CredentialsRow) -> Result<Self, StoreError> {
        Ok(Self {
            user: row.user.try_into()?,
            password_hash: row.password_hash,
        })
    }
}

/// Whether another user has an address or a name: SQLite does not say which unique rule was broken,
/// so the transaction asks first.
pub(super) const TAKEN_EMAIL: &str =
    "SELECT EXISTS (SELECT 1 FROM users WHERE email_key = $1 AND id <> $2)";
pub(super) const TAKEN_USERNAME: &str =
    "SELECT EXISTS (SELECT 1 FROM users WHERE username_key = $1 AND id <> $2)";

/// One user who is not deleted.
pub(super) const USER: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.id = $1 AND u.deleted_at IS NULL"
);

const HAS_ADMIN: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND active)";

/// Keeps all others from writing users until the end of the transaction, or two could both find no
/// admin. In SQLite a transaction that writes is alone from its beginning.
const WRITES_ALONE: &str = "SELECT 1";
const LOCKED: &str = "LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE";

/// Names the rule that two transactions of PostgreSQL found out only when they wrote.
pub(super) fn taken(error: sqlx::Error) -> StoreError {
    let rule = match (kind(&error), &error) {
        (Kind::Unique, sqlx::Error::Database(database)) => database.constraint(),
        _ => None,
    };
    match rule {
        Some("users_email_key") => StoreError::Conflict(Unique::Email),
        Some("users_username_key") => StoreError::Conflict(Unique::Username),
        Some("identities_subject") => StoreError::Conflict(Unique::Identity),
        _ => error.into(),
    }
}

impl Store {
    /// Keeps a new, active user.
    ///
    /// # Errors
    /// `Conflict` if the address or the user name is taken, whatever its case; `UnknownRole`;
    /// `Ended`; `OutOfReach` if who makes it may not give the role.
    pub async fn insert_user(&self, user: NewUser, by: &By) -> Result<User, StoreError> {
        self.insert(user, UserKind::Person, Act::UserCreate, *by)
            .await
    }

    /// Keeps the account of a service, which signs in nowhere.
    ///
    /// # Errors
    /// As [`Self::insert_user`].
    pub async fn insert_service(&self, user: NewUser, by: &By) -> Result<User, StoreError> {
        self.insert(user, UserKind::Service, Act::UserCreate, *by)
            .await
    }

    /// Keeps the first admin: of several that come at once, one.
    ///
    /// # Errors
    /// `AdminExists`, and as [`Self::insert_user`].
    pub async fn insert_first_admin(&self, admin: NewUser, by: &By) -> Result<User, StoreError> {
        self.insert(admin, UserKind::Person, Act::UserFirstAdmin, *by)
            .await
    }

    async fn insert(
        &self,
        user: NewUser,
        kind: UserKind,
        act: Act,
        by: By,
    ) -> Result<User, StoreError> {
        const SQL: &str = "
            INSERT INTO users (id, username, username_key, email, email_key, full_name,
                full_name_key, phone_number, password_hash, role, active, created_at, updated_at,
                kind)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, TRUE, $11, $11, $12)";
        let store = self.clone();
        self.write("insert", "users", async move {
            let email_key = user.email.as_ref().map(Email::key);
            let username_key = user.username.key();
            let alone = store.dialect(WRITES_ALONE, LOCKED);
            let keep_role = store.dialect(ROLE, ROLE_KEPT);
            let at = clock::now();
            let user = in_transaction!(store, tx => {
                let actor = actor!(store, tx, by);
                if act == Act::UserFirstAdmin {
                    sqlx::query(alone).execute(&mut *tx).await?;
                    if sqlx::query_scalar(HAS_ADMIN).fetch_one(&mut *tx).await? {
                        return Err(StoreError::AdminExists);
                    }
                }
                if let Some(key) = &email_key
                    && sqlx::query_scalar(TAKEN_EMAIL).bind(key).bind(user.id)
                        .fetch_one(&mut *tx).await?
                {
                    return Err(StoreError::Conflict(Unique::Email));
                }
                if sqlx::query_scalar(TAKEN_USERNAME).bind(&username_key).bind(user.id)
                    .fetch_one(&mut *tx).await?
                {
                    return Err(StoreError::Conflict(Unique::Username));
                }
                let role: Option<RoleRow> = sqlx::query_as(keep_role).bind(user.role.as_str())
                    .fetch_optional(&mut *tx).await?;
                let granted = RoleGrants::try_from(role.ok_or(StoreError::UnknownRole)?)?.permissions;
                actor.must(match kind {
                    UserKind::Person => Action::CreateUser(granted),
                    UserKind::Service => Action::GiveServiceToken(granted),
                })?;
                sqlx::query(SQL)
                    .bind(user.id)
                    .bind(user.username.as_str())
                    .bind(&username_key)
                    .bind(user.email.as_ref().map(Email::as_str))
                    .bind(&email_key)
                    .bind(user.full_name.as_str())
                    .bind(fold_case(user.full_name.as_str()))
                    .bind(user.phone_number.as_ref().map(PhoneNumber::as_str))
                    .bind(&user.password_hash)
                    .bind(user.role.as_str())
                    .bind(at)
                    .bind(kind.as_str())
                    .execute(&mut *tx)
                    .await
                    .map_err(taken)?;
                let row: UserRow = sqlx::query_as(USER).bind(user.id).fetch_one(&mut *tx).await?;
                let user = User::try_from(row)?;
                if let Some(email) = user.email.as_ref().filter(|_| !user.email_verified) {
                    post_link!(store, tx, LinkKind::Verify, &Addressee::of(&user, email), at);
                }
                let details = json!({
                    "username": &user.profile.username,
                    "role": &user.role,
                    "kind": kind,
                });
                record!(tx, &by, act, Target::user(user.id), details);
                Ok(user)
            })?;
            store.ring();
            Ok(user)
        })
        .await
    }

    /// Finds a user who is not deleted.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read("select", "users", async {
            let row: Option<UserRow> =
                on_reader!(self, db => sqlx::query_as(USER).bind(id).fetch_optional(db).await?);
            row.map(User::try_from).transpose()
        })
        .await
    }

    /// Finds who signs in with this name, active or not.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_credentials(
        &self,
        identifier: &Identifier,
    ) -> Result<Option<Credentials>, StoreError> {
        const BY_EMAIL: &str = concat!(
            "SELECT ",
            user_columns!(),
            ", u.password_hash FROM users u WHERE u.email_key = $1 AND u.deleted_at IS NULL"
        );
        const BY_USERNAME: &str = concat!(
            "SELECT ",
            user_columns!(),
            ", u.password_hash FROM users u WHERE u.username_key = $1 AND u.deleted_at IS NULL"
        );
        let (sql, key) = match identifier {
            Identifier::Email(key) => (BY_EMAIL, key),
            Identifier::Username(key) => (BY_USERNAME, key),
        };
        // PostgreSQL has no text with a zero byte, so nobody has such a name.
        if key.contains('\0') {
            return Ok(None);
        }
        self.read("select", "users", async {
            let row: Option<CredentialsRow> =
                on_reader!(self, db => sqlx::query_as(sql).bind(key).fetch_optional(db).await?);
            row.map(Credentials::try_from).transpose()
        })
        .await
    }

    /// Finds a user's credentials, to check the present password.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_credentials_by_id(
        &self,
        id: UserId,
    ) -> Result<Option<Credentials>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            ", u.password_hash FROM users u WHERE u.id = $1 AND u.deleted_at IS NULL"
        );
        self.read("select", "users", async {
            let row: Option<CredentialsRow> =
                on_reader!(self, db => sqlx::query_as(SQL).bind(id).fetch_optional(db).await?);
            row.map(Credentials::try_from).transpose()
        })
        .await
    }

    /// Whether there is an active admin.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn has_admin(&self) -> Result<bool, StoreError> {
        self.read("select", "users", async {
            Ok(on_reader!(self, db => sqlx::query_scalar(HAS_ADMIN).fetch_one(db).await?))
        })
        .await
    }
}
