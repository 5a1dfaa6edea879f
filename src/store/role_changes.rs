//! Roles: making, changing and deleting them.

use serde_json::{Value, json};

use super::{
    Store, StoreError, Unique,
    actor::actor,
    audit::record,
    auth_changes::ANNOUNCE_ROLE,
    backend::in_transaction,
    roles::{ROLE, RoleRow},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        permission::Permissions,
        policy::Action,
        role::{About, RoleGrants},
        user::Role,
    },
};

/// The most roles that there are, built-in ones too.
const MAX_ROLES: i64 = 100;

/// Keeps all others from making roles until the end of the transaction, or two could both find room
/// for the last one. In SQLite a transaction that writes is alone from its beginning.
const WRITES_ALONE: &str = "SELECT 1";
const LOCKED: &str = "LOCK TABLE roles IN SHARE ROW EXCLUSIVE MODE";

/// Keeps others from changing one role, or from giving it too. What it grants is asked for after
/// that, by another statement: this one sees what stood there before it waited.
const FOUND: &str = "SELECT name FROM roles WHERE name = $1";
const FOUND_TO_CHANGE: &str = "SELECT name FROM roles WHERE name = $1 FOR NO KEY UPDATE";
const FOUND_TO_DELETE: &str = "SELECT name FROM roles WHERE name = $1 FOR UPDATE";

const GRANT: &str = "INSERT INTO role_permissions (role, permission) VALUES ($1, $2)";

/// What to change of a role. `None` stays.
#[derive(Clone, Debug, Default)]
pub struct RoleChanges {
    pub about: Option<About>,
    pub permissions: Option<Permissions>,
    pub requires_two_factor: Option<bool>,
}

fn target(role: &Role) -> Target {
    Target::of("role", role)
}

/// What became of a role, for the audit log.
fn what_changed(before: &RoleGrants, after: &RoleGrants) -> Value {
    let list = |one: Permissions, other: Permissions| -> Permissions {
        one.iter()
            .filter(|permission| !other.has(*permission))
            .collect()
    };
    json!({
        "granted": list(after.permissions, before.permissions),
        "taken": list(before.permissions, after.permissions),
        "requires_two_factor": after.requires_two_factor,
    })
}

impl Store {
    /// Keeps a new role, which grants no more than who makes it may do.
    ///
    /// # Errors
    /// `Conflict` if there is one of this name, `Ended`, `OutOfReach`, `TooMany`.
    pub async fn insert_role(&self, role: RoleGrants, by: &By) -> Result<RoleGrants, StoreError> {
        const SQL: &str = "INSERT INTO roles (name, about, builtin, requires_two_factor)
             VALUES ($1, $2, FALSE, $3) ON CONFLICT (name) DO NOTHING";
        let (store, by) = (self.clone(), *by);
        self.write("insert", "roles", async move {
            let alone = store.dialect(WRITES_ALONE, LOCKED);
            in_transaction!(store, tx => {
                let actor = actor!(store, tx, by);
                actor.must(Action::GrantPermissions(role.permissions))?;
                if role.requires_two_factor {
                    actor.must(Action::RequireTwoFactor)?;
                }
                sqlx::query(alone).execute(&mut *tx).await?;
                let name = role.name.as_str();
                let made = sqlx::query(SQL)
                    .bind(name)
                    .bind(&role.about)
                    .bind(role.requires_two_factor)
                    .execute(&mut *tx)
                    .await?;
                if made.rows_affected() == 0 {
                    return Err(StoreError::Conflict(Unique::Role));
                }
                let count: i64 =
                    sqlx::query_scalar("SELECT count(*) FROM roles").fetch_one(&mut *tx).await?;
                if count > MAX_ROLES {
                    return Err(StoreError::TooMany(MAX_ROLES));
                }
                for permission in role.permissions.iter() {
                    sqlx::query(GRANT).bind(name).bind(permission.as_str())
                        .execute(&mut *tx).await?;
                }
                let details = json!({
                    "permissions": role.permissions,
                    "requires_two_factor": role.requires_two_factor,
                });
                record!(tx, &by, Act::RoleCreate, target(&role.name), details);
                Ok(())
            })?;
            Ok(role)
        })
        .await
    }

    /// Changes a role, all or nothing; what it grants is announced.
    ///
    /// It must grant no more than who changes it may do, neither before nor after.
    ///
    /// # Errors
    /// `NotFound`, `Ended`, `OutOfReach`, and `BuiltInRole` if an admin should lose a permission.
    pub async fn update_role(
        &self,
        name: Role,
        changes: RoleChanges,
        by: &By,
    ) -> Result<RoleGrants, StoreError> {
        const SQL: &str = "UPDATE roles SET about = $2, requires_two_factor = $3 WHERE name = $1";
        const REVOKE: &str = "DELETE FROM role_permissions WHERE role = $1";
        let (store, by) = (self.clone(), *by);
        self.write("update", "roles", async move {
            let lock = store.dialect(FOUND, FOUND_TO_CHANGE);
            let at = clock::now();
            let after = in_transaction!(store, tx => {
                let actor = actor!(store, tx, by);
                sqlx::query(lock).bind(name.as_str()).execute(&mut *tx).await?;
                let row: RoleRow = sqlx::query_as(ROLE).bind(name.as_str())
                    .fetch_optional(&mut *tx).await?.ok_or(StoreError::NotFound)?;
                let mut role = RoleGrants::try_from(row)?;
                let before = role.clone();
                actor.must(Action::GrantPermissions(role.permissions))?;
                if changes.requires_two_factor.is_some() {
                    actor.must(Action::RequireTwoFactor)?;
                }
                if let Some(about) = changes.about {
                    role.about = about.as_str().to_owned();
                }
                role.requires_two_factor =
                    changes.requires_two_factor.unwrap_or(role.requires_two_factor);
                sqlx::query(SQL)
                    .bind(name.as_str())
                    .bind(&role.about)
                    .bind(role.requires_two_factor)
                    .execute(&mut *tx)
                    .await?;
                if let Some(permissions) = changes.permissions
                    && permissions != role.permissions
                {
                    if name == Role::Admin {
                        return Err(StoreError::BuiltInRole);
                    }
                    actor.must(Action::GrantPermissions(permissions))?;
                    role.permissions = permissions;
                    sqlx::query(REVOKE).bind(name.as_str()).execute(&mut *tx).await?;
                    for permission in permissions.iter() {
                        sqlx::query(GRANT).bind(name.as_str()).bind(permission.as_str())
                            .execute(&mut *tx).await?;
                    }
                    sqlx::query(ANNOUNCE_ROLE).bind(name.as_str()).bind(at)
                        .execute(&mut *tx).await?;
                }
                if role != before {
                    record!(tx, &by, Act::RoleChange, target(&name), what_changed(&before, &role));
                }
                Ok::<_, StoreError>(role)
            })?;
            Ok(after)
        })
        .await
    }

    /// Deletes a role that nobody has, and that grants no more than who deletes it may do.
    ///
    /// # Errors
    /// `NotFound`, `BuiltInRole`, `RoleInUse`, `Ended`, `OutOfReach`.
    pub async fn delete_role(&self, name: Role, by: &By) -> Result<(), StoreError> {
        const USED: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE role = $1)";
        if name.is_built_in() {
            return Err(StoreError::BuiltInRole);
        }
        let (store, by) = (self.clone(), *by);
        self.write("delete", "roles", async move {
            let lock = store.dialect(FOUND, FOUND_TO_DELETE);
            in_transaction!(store, tx => {
                let actor = actor!(store, tx, by);
                sqlx::query(lock).bind(name.as_str()).execute(&mut *tx).await?;
                let row: RoleRow = sqlx::query_as(ROLE).bind(name.as_str())
                    .fetch_optional(&mut *tx).await?.ok_or(StoreError::NotFound)?;
                let granted = RoleGrants::try_from(row)?.permissions;
                actor.must(Action::GrantPermissions(granted))?;
                // Asked after the lock: whoever was about to give the role has done so.
                if sqlx::query_scalar(USED).bind(name.as_str()).fetch_one(&mut *tx).await? {
                    return Err(StoreError::RoleInUse);
                }
                sqlx::query("DELETE FROM roles WHERE name = $1").bind(name.as_str())
                    .execute(&mut *tx).await?;
                record!(tx, &by, Act::RoleDelete, target(&name), Value::Null);
                Ok(())
            })?;
            Ok(())
        })
        .await
    }
}
