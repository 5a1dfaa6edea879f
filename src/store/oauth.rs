//! Sign-ins with a provider that are under way: states on the way there, codes on the way back.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::{Store, StoreError, backend::in_transaction};
use crate::{
    clock,
    domain::ids::{LoginId, UserId},
};

/// The most sign-ins that may be under way at once, a few hundred bytes each. Beyond it nobody
/// begins one until older ones run out.
const MOST_STATES: i64 = 50_000;

/// A sign-in that is sent to a provider.
#[derive(Clone, Debug)]
pub struct OauthState {
    /// SHA-256 of the state, which itself is not kept.
    pub hash: [u8; 32],
    /// SHA-256 of what the browser keeps in a cookie.
    pub browser: [u8; 32],
    pub provider: String,
    /// Proves to the provider that who asks for the tokens is who began (RFC 7636).
    pub verifier: SecretString,
    /// Stands in the ID token that is made for this sign-in, and in no other.
    pub nonce: SecretString,
    pub return_to: Option<String>,
    /// Whoever is signed in with this login asks for a link with his account.
    pub login: Option<LoginId>,
    pub expires_at: DateTime<Utc>,
}

/// What came back to the browser and is to be exchanged for a login.
#[derive(Clone, Debug)]
pub struct OauthCode {
    /// SHA-256 of the code, which itself is not kept.
    pub hash: [u8; 32],
    pub browser: [u8; 32],
    pub user_id: UserId,
    pub provider: String,
    pub expires_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct StateRow {
    provider: String,
    verifier: String,
    nonce: String,
    return_to: Option<String>,
    login_id: Option<LoginId>,
    expires_at: DateTime<Utc>,
}

impl Store {
    /// Keeps a sign-in that is sent to a provider; false if too many are under way.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn insert_oauth_state(&self, state: OauthState) -> Result<bool, StoreError> {
        const PRUNE: &str = "DELETE FROM oauth_states WHERE expires_at < $1";
        const COUNT: &str = "SELECT COUNT(*) FROM oauth_states";
        const SQL: &str = "INSERT INTO oauth_states
            (hash, browser, provider, verifier, nonce, return_to, login_id, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let store = self.clone();
        self.write("insert", "oauth_states", async move {
            let at = clock::now();
            let room = in_transaction!(store, tx => {
                sqlx::query(PRUNE).bind(at).execute(&mut *tx).await?;
                let under_way: i64 = sqlx::query_scalar(COUNT).fetch_one(&mut *tx).await?;
                let room = under_way < MOST_STATES;
                if room {
                    sqlx::query(SQL)
                        .bind(state.hash.as_slice())
                        .bind(state.browser.as_slice())
                        .bind(&state.provider)
                        .bind(state.verifier.expose_secret())
                        .bind(state.nonce.expose_secret())
                        .bind(&state.return_to)
                        .bind(state.login)
                        .bind(state.expires_at)
                        .execute(&mut *tx)
                        .await?;
                }
                Ok::<_, StoreError>(room)
            })?;
            Ok(room)
        })
        .await
    }

    /// Takes a sign-in that came back to the browser where it began: of several that ask, one gets
    /// it. `None` if it is not known, of another browser, or has run out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn take_oauth_state(
        &self,
        hash: [u8; 32],
        browser: [u8; 32],
    ) -> Result<Option<OauthState>, StoreError> {
        const SQL: &str = "DELETE FROM oauth_states WHERE hash = $1 AND browser = $2
            RETURNING provider, verifier, nonce, return_to, login_id, expires_at";
        let store = self.clone();
        self.write("delete", "oauth_states", async move {
            let row: Option<StateRow> = in_transaction!(store, tx => {
                let taken = sqlx::query_as(SQL)
                    .bind(hash.as_slice())
                    .bind(browser.as_slice())
                    .fetch_optional(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(taken)
            })?;
            let now = clock::now();
            Ok(row
                .filter(|row| row.expires_at > now)
                .map(|row| OauthState {
                    hash,
                    browser,
                    provider: row.provider,
                    verifier: row.verifier.into(),
                    nonce: row.nonce.into(),
                    return_to: row.return_to,
                    login: row.login_id,
                    expires_at: row.expires_at,
                }))
        })
        .await
    }

    /// Keeps a code for a browser that came back from a provider.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn insert_oauth_code(&self, code: OauthCode) -> Result<(), StoreError> {
        const PRUNE: &str = "DELETE FROM oauth_codes WHERE expires_at < $1";
        const SQL: &str = "INSERT INTO oauth_codes (hash, browser, user_id, provider, expires_at)
            VALUES ($1, $2, $3, $4, $5)";
        let store = self.clone();
        self.write("insert", "oauth_codes", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                sqlx::query(PRUNE).bind(at).execute(&mut *tx).await?;
                sqlx::query(SQL)
                    .bind(code.hash.as_slice())
                    .bind(code.browser.as_slice())
                    .bind(code.user_id)
                    .bind(&code.provider)
                    .bind(code.expires_at)
                    .execute(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        })
        .await
    }

    /// Takes a code in the browser that was given it: whose it is, and with which provider he
    /// signed in.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn take_oauth_code(
        &self,
        hash: [u8; 32],
        browser: [u8; 32],
    ) -> Result<Option<(UserId, String)>, StoreError> {
        const SQL: &str = "DELETE FROM oauth_codes WHERE hash = $1 AND browser = $2
            RETURNING user_id, provider, expires_at";
        let store = self.clone();
        self.write("delete", "oauth_codes", async move {
            let row: Option<(UserId, String, DateTime<Utc>)> = in_transaction!(store, tx => {
                let taken = sqlx::query_as(SQL)
                    .bind(hash.as_slice())
                    .bind(browser.as_slice())
                    .fetch_optional(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(taken)
            })?;
            let now = clock::now();
            let valid = row.filter(|(.., expires_at)| *expires_at > now);
            Ok(valid.map(|(user, provider, _)| (user, provider)))
        })
        .await
    }
}
