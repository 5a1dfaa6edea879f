//! The words of the audit log: who did what to whom, from where, and the bytes that seal it.

mod words;

use std::{fmt, net::IpAddr};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::ids::{LoginId, RoomId, UserId};

pub use words::{Act, Refusal, Via};

/// Who does something, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    pub via: Via,
    /// `None`: a stranger, or nobody in particular.
    pub user: Option<UserId>,
    pub login: Option<LoginId>,
    /// The API token that was shown instead of a login's.
    pub token: Option<Uuid>,
    pub address: Option<IpAddr>,
    pub request_id: Option<Uuid>,
}

impl By {
    const fn nobody(via: Via) -> Self {
        Self {
            via,
            user: None,
            login: None,
            token: None,
            address: None,
            request_id: None,
        }
    }

    /// Whoever has a terminal on the server.
    #[must_use]
    pub const fn command_line() -> Self {
        Self::nobody(Via::CommandLine)
    }

    /// The server, by itself or as its settings say.
    #[must_use]
    pub const fn server() -> Self {
        Self::nobody(Via::Server)
    }

    /// A stranger's request.
    #[must_use]
    pub const fn stranger(address: IpAddr, request_id: Option<Uuid>) -> Self {
        let mut by = Self::nobody(Via::Api);
        by.address = Some(address);
        by.request_id = request_id;
        by
    }

    /// Somebody who was refused.
    #[must_use]
    pub const fn refused(address: Option<IpAddr>) -> Self {
        let mut by = Self::nobody(Via::Api);
        by.address = address;
        by
    }

    /// The same request, of somebody who has proved to be this user.
    #[must_use]
    pub const fn proved(mut self, user: UserId, login: Option<LoginId>) -> Self {
        self.user = Some(user);
        self.login = login;
        self
    }
}

/// To whom or what something was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    kind: &'static str,
    id: String,
}

impl Target {
    /// Any thing: its kind is a word such as `role`, its id has no secret.
    pub fn of(kind: &'static str, id: impl fmt::Display) -> Self {
        let id = id.to_string();
        Self { kind, id }
    }

    /// A user. What is done to somebody's logins, tokens or second factor is done to the user.
    #[must_use]
    pub fn user(id: UserId) -> Self {
        Self::of("user", id)
    }

    /// A room.
    #[must_use]
    pub fn room(id: &RoomId) -> Self {
        Self::of("room", id)
    }
}

/// SHA-256, written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What stands before the first entry.
    pub const ZERO: Self = Self([0; 32]);

    /// Reads what a database keeps.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u32> = text
            .chars()
            .map(|digit| digit.to_digit(16))
            .collect::<Option<_>>()?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => u8::try_from(high * 16 + low).ok(),
                _ => None,
            })
            .collect::<Option<_>>()?;
        Self::from_bytes(&bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// One line of the log, as it is kept.
///
/// Words are text here: a database may hold those of a later version.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Entry {
    /// From 1, without a hole.
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub via: String,
    pub actor_id: Option<UserId>,
    pub login_id: Option<LoginId>,
    pub token_id: Option<Uuid>,
    pub act: String,
    pub target_kind: Option<String>,
    pub target_id: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<Uuid>,
    /// A JSON object; this very text is sealed.
    pub details: String,
}

impl Entry {
    /// An entry about to be kept. `details` is an object, or null for none.
    #[must_use]
    pub fn new(
        (seq, at): (i64, DateTime<Utc>),
        by: &By,
        act: &'static str,
        target: Option<Target>,
        details: &Value,
    ) -> Self {
        let (target_kind, target_id) = target
            .map(|target| (target.kind.to_owned(), target.id))
            .unzip();
        Self {
            seq,
            at,
            via: by.via.as_str().to_owned(),
            actor_id: by.user,
            login_id: by.login,
            token_id: by.token,
            act: act.to_owned(),
            target_kind,
            target_id,
            address: by.address.map(|address| address.to_string()),
            request_id: by.request_id,
            details: match details {
                Value::Null => "{}".to_owned(),
                details => details.to_string(),
            },
        }
    }

    /// The bytes that an entry's hash is of: a fixed word, the hash before, then each column, all as
    /// text.
    ///
    /// Each is `LENGTH:TEXT,` with the length in bytes, and `-,` if it is absent, so that no two
    /// entries have the same bytes. Ids are in lower case with hyphens, the time is in UTC with six
    /// digits and a `Z`.
    #[must_use]
    pub fn canonical(&self, before: &Hash) -> Vec<u8> {
        let text = |value: &dyn fmt::Display| Some(value.to_string());
        let columns = [
            text(&"parlor audit 1"),
            text(before),
            text(&self.seq),
            text(&self.at.to_rfc3339_opts(SecondsFormat::Micros, true)),
            text(&self.via),
            self.actor_id.and_then(|id| text(&id)),
            self.login_id.and_then(|id| text(&id)),
            self.token_id.and_then(|id| text(&id)),
            text(&self.act),
            self.target_kind.clone(),
            self.target_id.clone(),
            self.address.clone(),
            self.request_id.and_then(|id| text(&id)),
            text(&self.details),
        ];
        let mut bytes = Vec::with_capacity(512);
        for column in columns {
            match column {
                Some(text) => {
                    bytes.extend_from_slice(text.len().to_string().as_bytes());
                    bytes.push(b':');
                    bytes.extend_from_slice(text.as_bytes());
                }
                None => bytes.push(b'-'),
            }
            bytes.push(b',');
        }
        bytes
    }

    /// The hash that seals this entry and, through the one before, all earlier ones.
    #[must_use]
    pub fn seal(&self, before: &Hash) -> Hash {
        Hash(Sha256::digest(self.canonical(before)).into())
    }
}

#[cfg(test)]
mod tests;
