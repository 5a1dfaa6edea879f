//! Who acts, looked at again in the transaction that acts.
//!
//! A request is let in when its head arrives, by what this process remembers. Until it writes, its
//! login may have ended and its user may have lost rights: the body came slowly, a hash was waited
//! for, or another process did it. So whoever opens a way in, grants a right or changes a user is
//! asked for once more, and the policy too.

use std::sync::Arc;

use super::{StoreError, api_tokens::FoundApiToken, rows::UserRow};
use crate::{
    clock,
    domain::{
        policy::{Action, Principal, allows},
        user::User,
    },
};

/// Lets such acts through one after the other, from their first statement, so that they need no
/// order among the rows that they lock. In SQLite a transaction that writes is alone from its
/// beginning. The number is of this lock alone: the one of the server is another.
pub(super) const ALONE: &str = "SELECT 1";
pub(super) const ALONE_LOCKED: &str = "SELECT pg_advisory_xact_lock(1346458195)";

/// Begins an act within a transaction of either database: `let actor = actor!(store, tx, &by);`.
///
/// It must be the first of the transaction. It fails with `Ended` if the login or the API token of
/// who acts counts no more, or the user is switched off.
macro_rules! actor {
    ($store:expr, $tx:ident, $by:expr) => {{
        use $crate::store::{StoreError, actor, api_tokens, logins};

        let alone = $store.dialect(actor::ALONE, actor::ALONE_LOCKED);
        sqlx::query(alone).execute(&mut *$tx).await?;
        match ($by.login, $by.token) {
            (Some(login), _) => {
                let row: Option<$crate::store::rows::UserRow> =
                    sqlx::query_as(logins::ACTIVE_LOGIN)
                        .bind(login)
                        .fetch_optional(&mut *$tx)
                        .await?;
                actor::Actor::in_person(row.ok_or(StoreError::Ended)?)?
            }
            (None, Some(token)) => {
                let row: Option<api_tokens::FoundRow> = sqlx::query_as(api_tokens::BY_ID)
                    .bind(token)
                    .fetch_optional(&mut *$tx)
                    .await?;
                actor::Actor::with_token(row.ok_or(StoreError::Ended)?.try_into()?)?
            }
            (None, None) => actor::Actor::unbound(),
        }
    }};
}

pub(super) use actor;

/// Who acts, as the database has it now.
#[derive(Debug)]
pub(super) struct Actor(Option<Principal>);

impl Actor {
    /// The command line, the server itself, or a stranger: whoever let them through has asked.
    pub(super) const fn unbound() -> Self {
        Self(None)
    }

    /// Who signed in.
    pub(super) fn in_person(row: UserRow) -> Result<Self, StoreError> {
        let user = User::try_from(row)?;
        Ok(Self(Some(Principal::in_person(Arc::new(user)))))
    }

    /// A program, by its token.
    pub(super) fn with_token(found: FoundApiToken) -> Result<Self, StoreError> {
        if found.expires_at.is_some_and(|end| end <= clock::now()) {
            return Err(StoreError::Ended);
        }
        Ok(Self(Some(Principal {
            user: Arc::new(found.user),
            scopes: Some(found.scopes),
        })))
    }

    /// Fails with `OutOfReach` if the policy does not allow it now.
    pub(super) fn must(&self, action: Action) -> Result<(), StoreError> {
        match &self.0 {
            Some(principal) if !allows(principal, action) => Err(StoreError::OutOfReach),
            _ => Ok(()),
        }
    }
}
