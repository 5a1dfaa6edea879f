//! The second factor of a user: whether there is one, whether there must be, and its end.

use serde_json::json;

use super::{
    Store, StoreError,
    actor::actor,
    audit::record,
    backend::{in_transaction, on_reader},
    letters::tell_user,
    rows::UserRow,
    users::USER,
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        ids::UserId,
        mail::About,
        policy::{self, Action},
        user::{Role, User},
    },
};

/// What stands between a first factor and a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondStep {
    /// Nothing.
    None,
    /// A code of the app, or a recovery code.
    Code,
    /// The role requires a second factor, and the user has none yet.
    Enroll,
}

/// How a user's account is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoFactor {
    /// The user has a password.
    pub password: bool,
    /// An authenticator app was confirmed.
    pub totp: bool,
    pub recovery_codes_left: i64,
    /// The role requires it.
    pub required: bool,
}

/// Takes everything of a user's second factor away, within a transaction.
macro_rules! forget_second_factor {
    ($tx:ident, $user:expr) => {{
        let had = sqlx::query("DELETE FROM totp WHERE user_id = $1")
            .bind($user)
            .execute(&mut *$tx)
            .await?;
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
            .bind($user)
            .execute(&mut *$tx)
            .await?;
        $crate::store::tickets::forget_tickets!($tx, $user);
        had
    }};
}

pub(super) use forget_second_factor;

impl Store {
    /// What a user who proved a first factor still has to do.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn second_step_of(&self, user: &User) -> Result<SecondStep, StoreError> {
        let found = self.find_two_factor(user).await?;
        Ok(match found {
            TwoFactor { totp: true, .. } => SecondStep::Code,
            TwoFactor { required: true, .. } => SecondStep::Enroll,
            TwoFactor { .. } => SecondStep::None,
        })
    }

    /// How a user's account is guarded.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_two_factor(&self, user: &User) -> Result<TwoFactor, StoreError> {
        const SQL: &str = "SELECT
                EXISTS (SELECT 1 FROM users WHERE id = $1 AND password_hash IS NOT NULL),
                EXISTS (SELECT 1 FROM totp WHERE user_id = $1 AND secret IS NOT NULL),
                (SELECT count(*) FROM recovery_codes WHERE user_id = $1)";
        let (password, totp, recovery_codes_left) = self
            .read("select", "totp", async {
                let row: (bool, bool, i64) =
                    on_reader!(self, db => sqlx::query_as(SQL).bind(user.id).fetch_one(db).await?);
                Ok(row)
            })
            .await?;
        Ok(TwoFactor {
            password,
            totp,
            recovery_codes_left,
            required: self.requires_two_factor(&user.role).await?,
        })
    }

    /// Whether users of a role must have a second factor.
    async fn requires_two_factor(&self, role: &Role) -> Result<bool, StoreError> {
        let found = self.find_role(role).await?;
        Ok(found.is_some_and(|role| role.requires_two_factor))
    }

    /// Takes a user's app and recovery codes away, and tells the user by mail; false if there was
    /// nothing. `act` says whether the owner did it; whoever else does must be one who may manage the
    /// user.
    ///
    /// # Errors
    /// `NotFound`, `Ended`, `OutOfReach`.
    pub async fn remove_two_factor(
        &self,
        user: UserId,
        act: Act,
        by: &By,
    ) -> Result<bool, StoreError> {
        let (store, by) = (self.clone(), *by);
        self.write("delete", "totp", async move {
            let at = clock::now();
            let had = in_transaction!(store, tx => {
                let actor = actor!(store, tx, by);
                if act == Act::TwoFactorReset {
                    let row: UserRow = sqlx::query_as(USER).bind(user)
                        .fetch_optional(&mut *tx).await?.ok_or(StoreError::NotFound)?;
                    let target = User::try_from(row)?;
                    actor.must(Action::ManageUser(policy::Target::from(&target)))?;
                }
                let had = forget_second_factor!(tx, user).rows_affected() > 0;
                if had {
                    tell_user!(store, tx, user, About::TwoFactorRemoved { at }, at);
                    record!(tx, &by, act, Target::user(user), json!({}));
                }
                Ok::<_, StoreError>(had)
            })?;
            store.ring();
            Ok(had)
        })
        .await
    }
}
