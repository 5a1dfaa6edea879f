//! Roles: three that are always there, and those that admins make.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Invalid, permission::Permissions, printable, text_schema};

/// What a user may do by default, by its name; [`super::policy`] decides by what the role grants.
///
/// A name that is well formed need not be the name of a role: the store knows which there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Talks.
    #[default]
    Client,
    /// Talks, and sees the statistics.
    Trainer,
    /// May do everything, always.
    Admin,
    /// One that an admin made.
    Custom(CustomRole),
}

/// The name of a role that an admin made. Cloning shares the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomRole(Arc<str>);

impl Role {
    /// The roles that are always there.
    pub const BUILT_IN: [Self; 3] = [Self::Client, Self::Trainer, Self::Admin];

    /// The longest name, in bytes.
    pub const MAX: usize = 32;

    /// The word for it, on the wire and in the database.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Client => "client",
            Self::Trainer => "trainer",
            Self::Admin => "admin",
            Self::Custom(CustomRole(name)) => name,
        }
    }

    /// Whether it is one of those that are always there.
    #[must_use]
    pub const fn is_built_in(&self) -> bool {
        !matches!(self, Self::Custom(_))
    }

    /// What is told where a role is named that does not exist.
    #[must_use]
    pub fn unknown() -> Invalid {
        Invalid::new("role", "invalid_role", "must be the name of a role")
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Some(known) = Self::BUILT_IN.into_iter().find(|r| r.as_str() == text) {
            return Ok(known);
        }
        let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let begins = text.starts_with(|first: char| first.is_ascii_lowercase());
        if begins && text.len() <= Self::MAX && text.bytes().all(known) {
            Ok(Self::Custom(CustomRole(text.into())))
        } else {
            Err(Self::unknown())
        }
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(source)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

text_schema!(
    Role,
    1,
    Self::MAX,
    "^[a-z][a-z0-9_-]*$",
    "What a user may do: `client`, `trainer`, `admin`, or a role that an admin made."
);

/// What a role is for, in a sentence: at most 200 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About(String);

impl About {
    /// Checks a description; white space around it is dropped.
    ///
    /// # Errors
    /// Over 200 characters, or control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        printable("about", text, 0..=200)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_schema!(
    About,
    0,
    200,
    super::ONE_LINE,
    "What a role is for. White space around it is dropped."
);

/// A role and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleGrants {
    pub name: Role,
    pub about: String,
    pub permissions: Permissions,
    /// Who has it signs in with a second factor.
    pub requires_two_factor: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_built_in_role_or_one_that_could_be_made() {
        assert_eq!("admin".parse(), Ok(Role::Admin));
        let moderator: Role = "room-moderator_2".parse().unwrap();
        assert_eq!(moderator.as_str(), "room-moderator_2");
        assert!(!moderator.is_built_in());
        for bad in ["", "Admin", "2nd", "a b", "é", "-a", "a\0", &"x".repeat(33)] {
            let refused = bad.parse::<Role>().unwrap_err();
            assert_eq!(refused.code, "invalid_role", "{bad:?}");
        }
        let wire = serde_json::to_string(&moderator).unwrap();
        assert_eq!(serde_json::from_str::<Role>(&wire).unwrap(), moderator);
    }
}
