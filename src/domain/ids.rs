//! The names of things: UUIDs in order of creation, slugs for rooms, numbers for places in a room.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Invalid, text_schema};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Makes a new one. UUIDv7, so that later ones sort after earlier ones.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "each call gives another value")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id!(
    /// One person or program with an account.
    UserId
);
uuid_id!(
    /// One sign-in; it lives from password to logout, over many tokens. The `sid` of a token.
    LoginId
);
uuid_id!(
    /// One API token, which is not its text.
    ApiTokenId
);
uuid_id!(
    /// One person as a provider knows it, linked to an account.
    IdentityId
);
uuid_id!(
    /// One passkey.
    PasskeyId
);
uuid_id!(
    /// One message.
    MessageId
);
uuid_id!(
    /// One piece of work that is done after the request that asked for it.
    JobId
);
uuid_id!(
    /// One open WebSocket.
    SessionId
);

/// A message's place in its room: 1, 2, 3 … without a hole.
pub type Seq = i64;

/// The number of the last durable change in a room that a client has seen.
pub type Rev = i64;

/// A room's name in addresses: 1 to 64 of `a-z`, `0-9` and `-`.
///
/// Cloning shares the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RoomId(Arc<str>);

impl RoomId {
    /// The longest slug, in bytes.
    pub const MAX: usize = 64;

    /// Checks a slug.
    ///
    /// # Errors
    /// Anything but 1 to 64 of `a-z`, `0-9` and `-`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if text.is_empty() || text.len() > Self::MAX || !text.bytes().all(known) {
            return Err(Invalid::new(
                "room_id",
                "invalid_room_id",
                "must be 1 to 64 lower-case letters, digits or hyphens",
            ));
        }
        Ok(Self(text.into()))
    }

    /// Makes a slug from a room's name; `None` if nothing of the name can stand in one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut slug = String::with_capacity(Self::MAX);
        for letter in name.chars().flat_map(char::to_lowercase) {
            if slug.len() == Self::MAX {
                break;
            }
            if letter.is_ascii_alphanumeric() {
                slug.push(letter);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        Self::parse(slug.trim_end_matches('-')).ok()
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_schema!(
    RoomId,
    1,
    Self::MAX,
    "^[a-z0-9-]+$",
    "A room's name in addresses: 1 to 64 of a-z, 0-9 and hyphen."
);

impl TryFrom<String> for RoomId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl<'de> Deserialize<'de> for RoomId {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(source)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The name a client gave its message so that a retry is known: 1 to 64 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ClientMessageId(Box<str>);

text_schema!(
    ClientMessageId,
    1,
    Self::MAX,
    "^[ -~]+$",
    "The name that a client gave its message: 1 to 64 printable ASCII characters."
);

impl ClientMessageId {
    /// The longest, in bytes.
    pub const MAX: usize = 64;

    /// Checks a client's id for its message.
    ///
    /// # Errors
    /// Anything but 1 to 64 ASCII characters from space to `~`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let prints = text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if text.is_empty() || text.len() > Self::MAX || !prints {
            return Err(Invalid::new(
                "client_message_id",
                "invalid_client_message_id",
                "must be 1 to 64 printable ASCII characters",
            ));
        }
        Ok(Self(text.into()))
    }

    /// The text as the client wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_id_is_a_slug() {
        for good in ["general", "a", "room-7", &"x".repeat(64)] {
            assert_eq!(RoomId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "General", "a b", "ä", "a_b", &"x".repeat(65)] {
            assert_eq!(
                RoomId::parse(bad).unwrap_err().code,
                "invalid_room_id",
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_slug_is_made_from_what_a_name_offers() {
        let slug = |name: &str| RoomId::from_name(name).map(|id| id.as_str().to_owned());
        assert_eq!(slug("  Coffee & Tea!  ").as_deref(), Some("coffee-tea"));
        assert_eq!(slug(&"ab ".repeat(60)).map(|s| s.len()), Some(64));
        assert_eq!(
            slug("日本語"),
            None,
            "no letter of it can stand in an address"
        );
    }

    #[test]
    fn a_client_message_id_prints() {
        assert!(ClientMessageId::parse("0190-abc ~").is_ok());
        for bad in ["", "a\nb", "é", &"x".repeat(65)] {
            assert!(ClientMessageId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
