//! Roles, and what they grant.

use super::{
    Store, StoreError,
    backend::on_reader,
    rows::{self, unreadable},
};
use crate::domain::{permission::Permissions, role::RoleGrants, user::Role};

/// The columns of [`RoleRow`], of the table or alias `r`.
macro_rules! role_columns {
    () => {
        "r.name, r.about, r.requires_two_factor, \
         (SELECT string_agg(p.permission, ' ') FROM role_permissions p WHERE p.role = r.name) \
         AS permissions"
    };
}

/// One role.
pub(super) const ROLE: &str = concat!(
    "SELECT ",
    role_columns!(),
    " FROM roles r WHERE r.name = $1"
);
/// The same, for who is about to give it: nobody deletes it meanwhile. SQLite's one writer needs no
/// row locks.
pub(super) const ROLE_KEPT: &str = concat!(
    "SELECT ",
    role_columns!(),
    " FROM roles r WHERE r.name = $1 FOR KEY SHARE OF r"
);

#[derive(sqlx::FromRow)]
pub(super) struct RoleRow {
    name: String,
    about: String,
    requires_two_factor: bool,
    permissions: Option<String>,
}

impl TryFrom<RoleRow> for RoleGrants {
    type Error = StoreError;

    fn try_from(row: RoleRow) -> Result<Self, StoreError> {
        let name: Role = row.name.parse().map_err(unreadable)?;
        let words = row.permissions.unwrap_or_default();
        Ok(Self {
            permissions: Permissions::of_role(&name, &words),
            name,
            about: row.about,
            requires_two_factor: row.requires_two_factor,
        })
    }
}

impl Store {
    /// Every role, the built-in ones first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_roles(&self) -> Result<Vec<RoleGrants>, StoreError> {
        const SQL: &str = concat!("SELECT ", role_columns!(), " FROM roles r");
        self.read("select", "roles", async {
            let rows: Vec<RoleRow> =
                on_reader!(self, db => sqlx::query_as(SQL).fetch_all(db).await?);
            let mut roles: Vec<RoleGrants> = rows::all(rows)?;
            roles.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(roles)
        })
        .await
    }

    /// Finds a role.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_role(&self, name: &Role) -> Result<Option<RoleGrants>, StoreError> {
        self.read("select", "roles", async {
            let row: Option<RoleRow> = on_reader!(self, db => {
                sqlx::query_as(ROLE).bind(name.as_str()).fetch_optional(db).await?
            });
            row.map(RoleGrants::try_from).transpose()
        })
        .await
    }
}
