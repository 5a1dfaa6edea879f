//! Rooms: what they are called and how far they have come.

use chrono::{DateTime, Utc};

use super::{
    Invalid,
    ids::{Rev, RoomId, Seq},
    printable,
};

/// The rooms that exist after the first start: slug and name.
pub const FIRST_ROOMS: [(&str, &str); 3] = [
    ("general", "General"),
    ("random", "Random"),
    ("help", "Help"),
];

/// A room as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    pub id: RoomId,
    pub name: String,
    pub topic: Option<String>,
    /// The `seq` of the newest message; 0 in a room where nobody has spoken.
    pub head: Seq,
    /// The number of the newest durable change.
    pub rev: Rev,
    pub last_message_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// What a room is called: 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

impl RoomName {
    /// Checks a room's name; white space around it is dropped.
    ///
    /// # Errors
    /// Empty, over 100 characters, or with control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        printable("name", text, 1..=100)?;
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a room is about: at most 250 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic(String);

impl Topic {
    /// Checks a topic; white space around it is dropped.
    ///
    /// # Errors
    /// Over 250 characters, or with control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        printable("topic", text, 0..=250)?;
        Ok(Self(text.to_owned()))
    }

    /// The topic.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
