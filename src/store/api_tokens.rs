//! API tokens: making, finding and revoking them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    Store, StoreError,
    actor::actor,
    audit::record,
    auth_changes::announce,
    backend::{in_transaction, on_reader},
    rows::{self, UserRow, user_columns},
    users::USER,
};
use crate::{
    clock,
    domain::{
        api_token::{ApiToken, TokenHash, TokenName},
        audit::{Act, By, Target},
        ids::{ApiTokenId, LoginId, UserId},
        permission::Permissions,
        policy::Action,
        user::{User, UserKind},
    },
};

/// The most tokens that one account has.
const MAX_TOKENS: i64 = 50;

/// How often the last use of a token is written down, at most.
const TOUCH_EVERY: TimeDelta = TimeDelta::seconds(60);

/// A token to be.
#[derive(Clone, Debug)]
pub struct NewApiToken {
    pub id: ApiTokenId,
    /// As whom it acts.
    pub user_id: UserId,
    pub name: TokenName,
    pub hash: TokenHash,
    pub scopes: Permissions,
    pub created_by: UserId,
    pub expires_at: Option<DateTime<Utc>>,
}

/// A token that counts, and the active user as whom it acts.
#[derive(Clone, Debug)]
pub struct FoundApiToken {
    pub id: ApiTokenId,
    pub user: User,
    pub scopes: Permissions,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
pub(super) struct FoundRow {
    #[sqlx(flatten)]
    user: UserRow,
    token_id: ApiTokenId,
    token_scopes: String,
    token_expires_at: Option<DateTime<Utc>>,
    token_last_used_at: Option<DateTime<Utc>>,
}

impl TryFrom<FoundRow> for FoundApiToken {
    type Error = StoreError;

    fn try_from(row: FoundRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.token_id,
            user: row.user.try_into()?,
            scopes: Permissions::from_words(&row.token_scopes),
            expires_at: row.token_expires_at,
            last_used_at: row.token_last_used_at,
        })
    }
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: ApiTokenId,
    user_id: UserId,
    name: String,
    scopes: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl TryFrom<TokenRow> for ApiToken {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            user_id: row.user_id,
            name: row.name,
            scopes: Permissions::from_words(&row.scopes),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        })
    }
}

/// Tokens of active users, to be found by one more condition.
macro_rules! found {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            ", t.id AS token_id, t.scopes AS token_scopes, t.expires_at AS token_expires_at,
             t.last_used_at AS token_last_used_at
             FROM api_tokens t JOIN users u ON u.id = t.user_id
             WHERE u.active AND u.deleted_at IS NULL AND ",
            $condition
        )
    };
}

/// A token that somebody showed before.
pub(super) const BY_ID: &str = found!("t.id = $1");

macro_rules! token_columns {
    () => {
        "t.id, t.user_id, t.name, t.scopes, t.created_at, t.expires_at, t.last_used_at"
    };
}

/// Holds an account, so that two do not find room for its last token at once. SQLite's one writer
/// needs no row locks.
const HOLD: &str = "SELECT id FROM users WHERE id = $1";
const HOLD_LOCKED: &str = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE";

impl Store {
    /// Keeps a new token. Neither the account nor the scopes may allow more than who makes it may do.
    ///
    /// # Errors
    /// `NotFound` if there is no active account of this kind, `Ended`, `OutOfReach`, `TooMany`.
    pub async fn insert_api_token(
        &self,
        token: NewApiToken,
        kind: UserKind,
        by: &By,
    ) -> Result<ApiToken, StoreError> {
        const SQL: &str = "INSERT INTO api_tokens
                (id, user_id, name, hash, scopes, created_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        const COUNT: &str = "SELECT count(*) FROM api_tokens WHERE user_id = $1";
        let (store, by) = (self.clone(), *by);
        self.write("insert", "api_tokens", async move {
            let hold = store.dialect(HOLD, HOLD_LOCKED);
            let at = clock::now();
            let name = token.name.as_str();
            in_transaction!(store, tx => {
                let actor = actor!(store, tx, by);
                sqlx::query(hold).bind(token.user_id).execute(&mut *tx).await?;
                let row: UserRow = sqlx::query_as(USER).bind(token.user_id)
                    .fetch_optional(&mut *tx).await?.ok_or(StoreError::NotFound)?;
                let user = User::try_from(row)?;
                if user.kind != kind || !user.active {
                    return Err(StoreError::NotFound);
                }
                match kind {
                    UserKind::Person => actor.must(Action::GiveToken(token.scopes))?,
                    UserKind::Service => {
                        actor.must(Action::GiveServiceToken(user.permissions))?;
                        actor.must(Action::GiveServiceToken(token.scopes))?;
                    }
                }
                let count: i64 =
                    sqlx::query_scalar(COUNT).bind(token.user_id).fetch_one(&mut *tx).await?;
                if count >= MAX_TOKENS {
                    return Err(StoreError::TooMany(MAX_TOKENS));
                }
                sqlx::query(SQL)
                    .bind(token.id)
                    .bind(token.user_id)
                    .bind(name)
                    .bind(token.hash.0.as_slice())
                    .bind(token.scopes.words())
                    .bind(token.created_by)
                    .bind(at)
                    .bind(token.expires_at)
                    .execute(&mut *tx)
                    .await?;
                let details = json!({
                    "token": token.id,
                    "name": name,
                    "scopes": token.scopes,
                    "expires_at": token.expires_at,
                });
                record!(tx, &by, Act::TokenCreate, Target::user(token.user_id), details);
                Ok(())
            })?;
            Ok(ApiToken {
                id: token.id,
                user_id: token.user_id,
                name: name.to_owned(),
                scopes: token.scopes,
                created_at: at,
                expires_at: token.expires_at,
                last_used_at: None,
            })
        })
        .await
    }

    /// Finds the token that somebody shows, expired or not.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_api_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<FoundApiToken>, StoreError> {
        const SQL: &str = found!("t.hash = $1");
        self.read("select", "api_tokens", async {
            let row: Option<FoundRow> = on_reader!(self, db => {
                sqlx::query_as(SQL).bind(hash.0.as_slice()).fetch_optional(db).await?
            });
            row.map(FoundApiToken::try_from).transpose()
        })
        .await
    }

    /// Finds a token that somebody showed before.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_api_token_by_id(
        &self,
        id: ApiTokenId,
    ) -> Result<Option<FoundApiToken>, StoreError> {
        self.read("select", "api_tokens", async {
            let row: Option<FoundRow> =
                on_reader!(self, db => sqlx::query_as(BY_ID).bind(id).fetch_optional(db).await?);
            row.map(FoundApiToken::try_from).transpose()
        })
        .await
    }

    /// A user's tokens, the newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_api_tokens(&self, user: UserId) -> Result<Vec<ApiToken>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            token_columns!(),
            " FROM api_tokens t WHERE t.user_id = $1 ORDER BY t.id DESC"
        );
        self.read("select", "api_tokens", async {
            let rows: Vec<TokenRow> =
                on_reader!(self, db => sqlx::query_as(SQL).bind(user).fetch_all(db).await?);
            rows::all(rows)
        })
        .await
    }

    /// Tokens of services, the newest first, each with its account.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_service_tokens(
        &self,
        limit: i64,
    ) -> Result<Vec<(ApiToken, User)>, StoreError> {
        const TOKENS: &str = concat!(
            "SELECT ",
            token_columns!(),
            " FROM api_tokens t JOIN users u ON u.id = t.user_id
              WHERE u.kind = 'service' ORDER BY t.id DESC LIMIT $1"
        );
        const ACCOUNTS: &str = concat!(
            "SELECT ",
            user_columns!(),
            " FROM users u WHERE u.kind = 'service' AND u.deleted_at IS NULL
              AND EXISTS (SELECT 1 FROM api_tokens t WHERE t.user_id = u.id)"
        );
        self.read("select", "api_tokens", async {
            let (tokens, users): (Vec<TokenRow>, Vec<UserRow>) = on_reader!(self, db => (
                sqlx::query_as(TOKENS).bind(limit).fetch_all(db).await?,
                sqlx::query_as(ACCOUNTS).fetch_all(db).await?,
            ));
            let tokens: Vec<ApiToken> = rows::all(tokens)?;
            let users: Vec<User> = rows::all(users)?;
            let with_account = |token: ApiToken| {
                let user = users.iter().find(|user| user.id == token.user_id)?;
                Some((token, user.clone()))
            };
            Ok(tokens.into_iter().filter_map(with_account).collect())
        })
        .await
    }

    /// Revokes a token of this user.
    ///
    /// # Errors
    /// `NotFound`, `Ended`.
    pub async fn delete_api_token(
        &self,
        user: UserId,
        id: ApiTokenId,
        by: &By,
    ) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM api_tokens
             WHERE id = $1 AND user_id = $2 RETURNING user_id";
        self.delete_token(SQL, id, Some(user), *by).await.map(drop)
    }

    /// Revokes a token of whatever service that may do no more than who revokes it; returns the
    /// service's account.
    ///
    /// # Errors
    /// `NotFound`, `Ended`, `OutOfReach`.
    pub async fn delete_service_token(
        &self,
        id: ApiTokenId,
        by: &By,
    ) -> Result<UserId, StoreError> {
        const SQL: &str = "DELETE FROM api_tokens
             WHERE id = $1 AND user_id IN (SELECT u.id FROM users u WHERE u.kind = 'service')
             RETURNING user_id";
        self.delete_token(SQL, id, None, *by).await
    }

    async fn delete_token(
        &self,
        sql: &'static str,
        id: ApiTokenId,
        owner: Option<UserId>,
        by: By,
    ) -> Result<UserId, StoreError> {
        let store = self.clone();
        self.write("delete", "api_tokens", async move {
            let at = clock::now();
            let user = in_transaction!(store, tx => {
                let actor = actor!(store, tx, by);
                let delete = sqlx::query_scalar(sql).bind(id);
                let delete = match owner {
                    Some(owner) => delete.bind(owner),
                    None => delete,
                };
                let user: Option<UserId> = delete.fetch_optional(&mut *tx).await?;
                let user = user.ok_or(StoreError::NotFound)?;
                if owner.is_none() {
                    let row: UserRow = sqlx::query_as(USER).bind(user).fetch_one(&mut *tx).await?;
                    actor.must(Action::GiveServiceToken(User::try_from(row)?.permissions))?;
                }
                announce!(tx, user, None::<LoginId>, at);
                record!(tx, &by, Act::TokenRevoke, Target::user(user), json!({ "token": id }));
                Ok::<_, StoreError>(user)
            })?;
            Ok(user)
        })
        .await
    }

    /// Notes that a token was used, if that was not noted within the last minute.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn touch_api_token(&self, id: ApiTokenId) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE api_tokens SET last_used_at = $2
             WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)";
        let store = self.clone();
        self.write("update", "api_tokens", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                sqlx::query(SQL)
                    .bind(id)
                    .bind(at)
                    .bind(at - TOUCH_EVERY)
                    .execute(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        })
        .await
    }
}
