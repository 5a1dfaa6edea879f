//! Users: changing and deleting them, and what follows for their logins.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Store, StoreError, Unique,
    actor::actor,
    audit::record,
    auth_changes::{announce, announce_each},
    backend::in_transaction,
    letters::{Addressee, post},
    mail_tokens::{DROP_TOKENS, post_link},
    roles::{ROLE, ROLE_KEPT, RoleRow},
    rows::{UserRow, user_columns},
    second_factor::forget_second_factor,
    tickets::forget_tickets,
    user_acts::acts_of,
    users::{TAKEN_EMAIL, TAKEN_USERNAME, USER, taken},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        fold_case,
        ids::{LoginId, UserId},
        mail::{About, LinkKind},
        policy::{self, Action},
        role::RoleGrants,
        user::{
            AvatarUrl, Bio, Email, FullName, Inactive, InactiveReason, PhoneNumber, Profile, Role,
            User, UserKind, Username,
        },
    },
};

/// What to change of a user. `None` stays; `Some(None)` clears.
#[derive(Clone, Default)]
#[cfg_attr(test, derive(Debug))]
pub struct UserChanges {
    pub username: Option<Username>,
    pub email: Option<Email>,
    pub full_name: Option<FullName>,
    pub phone_number: Option<Option<PhoneNumber>>,
    pub bio: Option<Option<Bio>>,
    pub avatar_url: Option<Option<AvatarUrl>>,
    pub password_hash: Option<String>,
    pub role: Option<Role>,
    pub active: Option<bool>,
    /// Kept only of an account that is switched off, and forgotten when it is switched on.
    pub inactive_reason: Option<Option<InactiveReason>>,
    /// As the reason.
    pub inactive_until: Option<Option<DateTime<Utc>>>,
    /// The hash of the present password that was proved: it must still be the one.
    pub proved_password: Option<String>,
}

impl UserChanges {
    /// What the user will be known by, of what is changed.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let username = self.username.as_ref().map(Username::as_str);
        let email = self.email.as_ref().map(Email::as_str);
        let full_name = self.full_name.as_ref().map(FullName::as_str);
        [username, email, full_name].into_iter().flatten()
    }

    /// Whether there is something that nobody changes of himself by himself.
    fn manages(&self) -> bool {
        self.role.is_some()
            || self.active.is_some()
            || self.inactive_reason.is_some()
            || self.inactive_until.is_some()
    }
}

/// Locks the active admins in one order; SQLite's one writer needs no row locks.
const ADMINS: &str = "SELECT id FROM users WHERE role = 'admin' AND active";
const ADMINS_LOCKED: &str =
    "SELECT id FROM users WHERE role = 'admin' AND active ORDER BY id FOR NO KEY UPDATE";

const USER_LOCKED: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.id = $1 AND u.deleted_at IS NULL FOR NO KEY UPDATE"
);

const PASSWORD: &str = "SELECT password_hash FROM users WHERE id = $1";

/// Ends a user's logins but one; no login has the nil id.
pub(super) const END_LOGINS: &str = "UPDATE logins SET ended_at = $2
     WHERE user_id = $1 AND ended_at IS NULL AND id <> $3
     RETURNING id";

/// The login that stays, or one that does not exist.
pub(super) fn or_none(except: Option<LoginId>) -> LoginId {
    except.unwrap_or(LoginId(uuid::Uuid::nil()))
}

/// Fails if `id` is the only active admin.
fn spare(admins: &[UserId], id: UserId) -> Result<(), StoreError> {
    match admins {
        [last] if *last == id => Err(StoreError::LastAdmin),
        _ => Ok(()),
    }
}

impl Store {
    /// Changes a user, all or nothing.
    ///
    /// A new password ends every login but `keep`; switching the account off ends all. What others
    /// must hear of is written as auth changes: one for the user, or with `keep` one for each login
    /// that ended.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` if the new name or address is taken, `LastAdmin`, `UnknownRole`,
    /// `Ended`, `OutOfReach` if the user may do more than who changes him, before or after, and
    /// `Outdated` if the password that was proved is another one meanwhile.
    pub async fn update_user(
        &self,
        id: UserId,
        changes: UserChanges,
        keep: Option<LoginId>,
        by: &By,
    ) -> Result<User, StoreError> {
        const SQL: &str = "UPDATE users
            SET username = $2, username_key = $3, email = $4, email_key = $5,
                email_verified_at = CASE WHEN email_key = $5 THEN email_verified_at END,
                full_name = $6, full_name_key = $7, phone_number = $8, bio = $9,
                avatar_url = $10, role = $11,
                active = $12, password_hash = COALESCE($13, password_hash), updated_at = $14,
                inactive_reason = $15, inactive_until = $16
            WHERE id = $1";
        let (store, by) = (self.clone(), *by);
        self.write("update", "users", async move {
            let lock_admins = store.dialect(ADMINS, ADMINS_LOCKED);
            let lock_user = store.dialect(USER, USER_LOCKED);
            let keep_role = store.dialect(ROLE, ROLE_KEPT);
            let at = clock::now();
            let user = in_transaction!(store, tx => {
                let actor = actor!(store, tx, by);
                let demotes = changes.role.as_ref().is_some_and(|role| *role != Role::Admin);
                if demotes || changes.active == Some(false) {
                    let admins: Vec<UserId> =
                        sqlx::query_scalar(lock_admins).fetch_all(&mut *tx).await?;
                    spare(&admins, id)?;
                }
                let row: UserRow = sqlx::query_as(lock_user).bind(id)
                    .fetch_optional(&mut *tx).await?.ok_or(StoreError::NotFound)?;
                let before = User::try_from(row)?;
                let target = policy::Target::from(&before);
                actor.must(Action::UpdateUser(target))?;
                if changes.manages() {
                    actor.must(Action::ManageUser(target))?;
                }
                let opens_a_way_in = changes.email.is_some() || changes.password_hash.is_some();
                if opens_a_way_in {
                    actor.must(Action::ManageOwnAccess)?;
                }
                if before.kind == UserKind::Service && opens_a_way_in {
                    return Err(StoreError::ServiceAccount);
                }
                if changes.proved_password.is_some() {
                    let present: Option<String> = sqlx::query_scalar(PASSWORD).bind(id)
                        .fetch_one(&mut *tx).await?;
                    if present != changes.proved_password {
                        return Err(StoreError::Outdated);
                    }
                }
                let mut after = changed(&before, &changes, at);
                if let Some(role) = &changes.role {
                    let row: Option<RoleRow> = sqlx::query_as(keep_role).bind(role.as_str())
                        .fetch_optional(&mut *tx).await?;
                    let row = row.ok_or(StoreError::UnknownRole)?;
                    after.permissions = RoleGrants::try_from(row)?.permissions;
                    actor.must(Action::GiveRole(after.permissions))?;
                }
                let email_key = after.email.as_deref().map(fold_case);
                if let Some(key) = &email_key
                    && changes.email.is_some()
                    && sqlx::query_scalar(TAKEN_EMAIL).bind(key).bind(id)
                        .fetch_one(&mut *tx).await?
                {
                    return Err(StoreError::Conflict(Unique::Email));
                }
                let username_key = fold_case(&after.profile.username);
                if changes.username.is_some()
                    && sqlx::query_scalar(TAKEN_USERNAME).bind(&username_key).bind(id)
                        .fetch_one(&mut *tx).await?
                {
                    return Err(StoreError::Conflict(Unique::Username));
                }
                sqlx::query(SQL)
                    .bind(id)
                    .bind(&after.profile.username)
                    .bind(&username_key)
                    .bind(&after.email)
                    .bind(&email_key)
                    .bind(&after.profile.full_name)
                    .bind(fold_case(&after.profile.full_name))
                    .bind(&after.phone_number)
                    .bind(&after.bio)
                    .bind(&after.avatar_url)
                    .bind(after.role.as_str())
                    .bind(after.active)
                    .bind(&changes.password_hash)
                    .bind(at)
                    .bind(&after.inactive.reason)
                    .bind(after.inactive.until)
                    .execute(&mut *tx)
                    .await
                    .map_err(taken)?;
                let rights_changed = before.role != after.role || before.active != after.active;
                let except = if after.active { keep } else { None };
                if !after.active || changes.password_hash.is_some() {
                    let ended: Vec<LoginId> = sqlx::query_scalar(END_LOGINS)
                        .bind(id)
                        .bind(at)
                        .bind(or_none(except))
                        .fetch_all(&mut *tx)
                        .await?;
                    if except.is_some() {
                        announce_each!(tx, id, ended, at);
                    }
                }
                if changes.password_hash.is_some() {
                    forget_tickets!(tx, id);
                }
                if rights_changed || (changes.password_hash.is_some() && except.is_none()) {
                    announce!(tx, id, None::<LoginId>, at);
                }
                let email_changed = email_key != before.email.as_deref().map(fold_case);
                if changes.password_hash.is_some() || email_changed {
                    sqlx::query(DROP_TOKENS).bind(id).bind(LinkKind::Reset.as_str())
                        .execute(&mut *tx).await?;
                }
                // To where the user can be reached if it was somebody else who did it.
                if let Some(email) = &before.email {
                    let to = Addressee::of(&before, email);
                    if changes.password_hash.is_some() {
                        post!(tx, store.letter(&to, About::PasswordChanged { at }), at);
                    }
                    if email_changed {
                        post!(tx, store.letter(&to, About::EmailChanged { at }), at);
                    }
                }
                if email_changed && let Some(email) = &after.email {
                    post_link!(store, tx, LinkKind::Verify, &Addressee::of(&after, email), at);
                }
                for (act, details) in acts_of(&before, &after, &changes) {
                    record!(tx, &by, act, Target::user(id), details);
                }
                Ok::<_, StoreError>(after)
            })?;
            store.ring();
            Ok(user)
        })
        .await
    }

    /// Leaves a tombstone: the id and the messages stay, name and address are free again, every
    /// login ends.
    ///
    /// # Errors
    /// `NotFound`, `LastAdmin`, `Ended`, `OutOfReach` if the user may do more than who deletes him.
    pub async fn delete_user(&self, id: UserId, by: &By) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE users
            SET username = 'deleted', username_key = NULL, email = NULL, email_key = NULL,
                email_verified_at = NULL, full_name = 'Deleted user',
                full_name_key = 'deleted user', phone_number = NULL, password_hash = NULL,
                bio = NULL, avatar_url = NULL, role = 'client', active = FALSE,
                inactive_reason = NULL, inactive_until = NULL,
                updated_at = $2, deleted_at = $2
            WHERE id = $1 AND deleted_at IS NULL";
        let (store, by) = (self.clone(), *by);
        self.write("delete", "users", async move {
            let lock_admins = store.dialect(ADMINS, ADMINS_LOCKED);
            let lock_user = store.dialect(USER, USER_LOCKED);
            let at = clock::now();
            in_transaction!(store, tx => {
                let actor = actor!(store, tx, by);
                let admins: Vec<UserId> =
                    sqlx::query_scalar(lock_admins).fetch_all(&mut *tx).await?;
                let row: UserRow = sqlx::query_as(lock_user).bind(id)
                    .fetch_optional(&mut *tx).await?.ok_or(StoreError::NotFound)?;
                let user = User::try_from(row)?;
                actor.must(Action::DeleteUser(policy::Target::from(&user)))?;
                spare(&admins, id)?;
                let gone = sqlx::query(SQL).bind(id).bind(at).execute(&mut *tx).await?;
                if gone.rows_affected() == 0 {
                    return Err(StoreError::NotFound);
                }
                sqlx::query(END_LOGINS)
                    .bind(id)
                    .bind(at)
                    .bind(or_none(None))
                    .execute(&mut *tx)
                    .await?;
                for owned in [
                    "DELETE FROM read_marks WHERE user_id = $1",
                    "DELETE FROM api_tokens WHERE user_id = $1",
                    "DELETE FROM identities WHERE user_id = $1",
                    "DELETE FROM passkeys WHERE user_id = $1",
                    "DELETE FROM oauth_codes WHERE user_id = $1",
                    "DELETE FROM mail_tokens WHERE user_id = $1",
                    // Mails that wait have the address in them.
                    "DELETE FROM jobs WHERE user_id = $1",
                ] {
                    sqlx::query(owned).bind(id).execute(&mut *tx).await?;
                }
                forget_second_factor!(tx, id);
                announce!(tx, id, None::<LoginId>, at);
                let details = json!({ "username": user.profile.username });
                record!(tx, &by, Act::UserDelete, Target::user(id), details);
                Ok(())
            })?;
            Ok(())
        })
        .await
    }
}

/// What the user looks like after the changes.
fn changed(before: &User, changes: &UserChanges, at: DateTime<Utc>) -> User {
    /// The new text, or the one before.
    macro_rules! text {
        ($field:ident) => {
            match &changes.$field {
                Some(new) => new.as_str().to_owned(),
                None => before.profile.$field.clone(),
            }
        };
        (optional $field:ident) => {
            match &changes.$field {
                Some(new) => new.as_ref().map(|new| new.as_str().to_owned()),
                None => before.$field.clone(),
            }
        };
    }
    let email = changes
        .email
        .as_ref()
        .map(|email| email.as_str().to_owned());
    // Another spelling of an address is the same address.
    let same_email = changes
        .email
        .as_ref()
        .is_none_or(|email| before.email.as_deref().map(fold_case) == Some(email.key()));
    let active = changes.active.unwrap_or(before.active);
    let profile = Profile {
        id: before.id,
        username: text!(username),
        full_name: text!(full_name),
    };
    User {
        id: before.id,
        profile: Arc::new(profile),
        email: email.or_else(|| before.email.clone()),
        email_verified: before.email_verified && same_email,
        phone_number: text!(optional phone_number),
        bio: text!(optional bio),
        avatar_url: text!(optional avatar_url),
        role: changes.role.as_ref().unwrap_or(&before.role).clone(),
        permissions: before.permissions,
        kind: before.kind,
        active,
        inactive: if active {
            Inactive::default()
        } else {
            Inactive {
                reason: match &changes.inactive_reason {
                    Some(new) => new.as_ref().map(|new| new.as_str().to_owned()),
                    None => before.inactive.reason.clone(),
                },
                until: changes.inactive_until.unwrap_or(before.inactive.until),
            }
        },
        created_at: before.created_at,
        updated_at: at,
    }
}
