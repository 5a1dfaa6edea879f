//! Rooms: what they are called and how far they have come.

use chrono::{DateTime, Utc};

use super::{
    Invalid, ONE_LINE, ONE_LINE_NOT_BLANK,
    ids::{Rev, RoomId, Seq},
    printable, text_schema,
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

/// A room as one user has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRoom {
    pub room: Room,
    /// The `seq` up to which the user has read; never above the head.
    pub read: Seq,
}

/// What a room is called: 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

text_schema!(
    RoomName,
    1,
    100,
    ONE_LINE_NOT_BLANK,
    "What a room is called. White space around it is dropped."
);

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

text_schema!(
    Topic,
    0,
    250,
    ONE_LINE,
    "What a room is about. White space around it is dropped."
);

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
