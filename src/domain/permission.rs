//! What a role may allow, each by its name.

use std::fmt;

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::{Invalid, role::Role};

macro_rules! permissions {
    ($(#[doc = $doc:literal] $name:ident = $text:literal),+ $(,)?) => {
        /// Something that a role may allow, as a word that never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission { $(#[doc = $doc] $name),+ }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word for it, on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// What it allows, for people.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => $doc),+ }.trim()
            }
        }
    };
}

permissions! {
    /// See who there is: the list of users and everybody's profile.
    UsersRead = "users.read",
    /// Make users, change others, give roles, and switch accounts on or off.
    UsersWrite = "users.write",
    /// Delete others' accounts.
    UsersDelete = "users.delete",
    /// See others' e-mail addresses and telephone numbers, and search by them.
    UsersContact = "users.contact",
    /// Make rooms.
    RoomsCreate = "rooms.create",
    /// See rooms and who is there, hear what is said and read what was.
    MessagesRead = "messages.read",
    /// Say something in a room.
    MessagesSend = "messages.send",
    /// Change and delete what others said.
    MessagesModerate = "messages.moderate",
    /// See how many users, rooms and messages there are.
    StatisticsRead = "statistics.read",
    /// Make, change and delete roles.
    RolesManage = "roles.manage",
    /// Make, see and revoke service tokens.
    TokensManage = "tokens.manage",
    /// Read, search and export the audit log.
    AuditRead = "audit.read",
    /// See jobs that failed, try them again and drop them.
    JobsManage = "jobs.manage",
    /// Read the server's metrics, and decide which roles require a second factor.
    AdminAccess = "admin.access",
}

impl Permission {
    /// The permission with this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.as_str() == name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.serialize_str(self.as_str())
    }
}

impl ToSchema for Permission {}

impl PartialSchema for Permission {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Something that a role may allow."))
            .enum_values(Some(Self::ALL.iter().map(|known| known.as_str())))
            .into()
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u32);

impl Permissions {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Every one.
    pub const ALL: Self = Self::of(Permission::ALL);

    /// These.
    #[must_use]
    pub const fn of(list: &[Permission]) -> Self {
        let (mut bits, mut rest) = (0, list);
        while let [first, others @ ..] = rest {
            bits |= 1 << *first as u32;
            rest = others;
        }
        Self(bits)
    }

    /// What a role grants, by the words that the database has for it.
    ///
    /// An admin has every permission, whatever is stored: nobody can lock everybody out. A word
    /// that this version does not know grants nothing.
    #[must_use]
    pub fn of_role(role: &Role, words: &str) -> Self {
        if *role == Role::Admin {
            return Self::ALL;
        }
        Self::from_words(words)
    }

    /// Reads what [`Self::words`] wrote. A word that this version does not know is left out.
    #[must_use]
    pub fn from_words(words: &str) -> Self {
        words.split(' ').filter_map(Permission::find).collect()
    }

    /// Reads the names of a request's list.
    ///
    /// # Errors
    /// A name that means no permission.
    pub fn parse(names: &[String]) -> Result<Self, Invalid> {
        let found = names.iter().map(|name| Permission::find(name));
        found.collect::<Option<Self>>().ok_or_else(|| {
            Invalid::new(
                "permissions",
                "invalid_permission",
                "must be names of permissions",
            )
        })
    }

    /// Whether it has this one.
    #[must_use]
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    /// Whether it has all of these.
    #[must_use]
    pub const fn covers(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Each, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        let all = Permission::ALL.iter().copied();
        all.filter(move |permission| self.has(*permission))
    }

    /// The words for them, with a space between, as [`Self::from_words`] reads them.
    #[must_use]
    pub fn words(self) -> String {
        let words: Vec<&str> = self.iter().map(Permission::as_str).collect();
        words.join(" ")
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(list: I) -> Self {
        list.into_iter()
            .fold(Self::NONE, |set, one| Self(set.0 | 1 << one as u32))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        let two = Permissions::of(&[Permission::UsersRead, Permission::AdminAccess]);
        assert!(two.has(Permission::UsersRead) && !two.has(Permission::UsersWrite));
        assert!(Permissions::ALL.covers(two) && !two.covers(Permissions::ALL));
        assert!(two.covers(Permissions::NONE));
        assert_eq!(two.words(), "users.read admin.access");
        let (client, admin) = (Role::Client, Role::Admin);
        assert_eq!(Permissions::of_role(&client, &two.words()), two);
        let unknown = "users.read from.the.future ";
        assert_eq!(Permissions::of_role(&client, unknown).iter().count(), 1);
        assert_eq!(Permissions::of_role(&admin, ""), Permissions::ALL);
    }

    #[test]
    fn a_name_is_known_or_refused() {
        for permission in Permission::ALL {
            assert_eq!(Permission::find(permission.as_str()), Some(*permission));
        }
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert!(Permissions::parse(&names(&["rooms.create", "rooms.create"])).is_ok());
        for bad in ["", "rooms", "ROOMS.CREATE", "rooms.create "] {
            let refused = Permissions::parse(&names(&["users.read", bad])).unwrap_err();
            assert_eq!(refused.code, "invalid_permission", "{bad:?}");
        }
    }
}
