//! Messages: what may be said, and what becomes of it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    Invalid,
    ids::{ClientMessageId, MessageId, Rev, RoomId, Seq},
    text_schema,
    user::Profile,
};

/// What somebody said: 1 to 4000 characters, no control characters but newline and tab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Content(String);

text_schema!(
    Content,
    1,
    Self::MAX_CHARS,
    PRINTABLE,
    "What somebody says: not blank, and no control characters but newline and tab."
);

/// The pattern of a [`Content`]: one character at least that is no white space, and no control
/// characters but newline and tab.
const PRINTABLE: &str = concat!(
    r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$",
);

impl Content {
    /// The longest content, in characters.
    pub const MAX_CHARS: usize = 4000;

    /// Checks what somebody wants to say. Nothing is trimmed: it is kept as it was written.
    ///
    /// # Errors
    /// Blank, over 4000 characters, or control characters other than newline and tab.
    pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        let refuse = |message: &str| Err(Invalid::new("content", "invalid_content", message));
        if text.trim().is_empty() {
            return refuse("must not be blank");
        }
        if text.len() > Self::MAX_CHARS && text.chars().count() > Self::MAX_CHARS {
            return refuse("must have at most 4000 characters");
        }
        if text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
        {
            return refuse("must not hold control characters other than newline and tab");
        }
        Ok(Self(text))
    }

    /// What was said.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A fingerprint of the content, by which a retry is told from another message.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        ContentHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

/// SHA-256 of a message's first content; an edit leaves it as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash(pub [u8; 32]);

/// A message on its way to the journal.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Made before the commit, so that one whose outcome is unknown can be looked for.
    pub id: MessageId,
    pub room_id: RoomId,
    pub sender: std::sync::Arc<Profile>,
    pub content: Content,
    pub content_hash: ContentHash,
    pub client_message_id: Option<ClientMessageId>,
}

/// What the journal answers for one message: where it stands for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub id: MessageId,
    pub seq: Seq,
    pub rev: Rev,
    pub created_at: DateTime<Utc>,
    /// The same message was committed before: by this client's first try.
    pub duplicate: bool,
}

/// A message as it is stored and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    pub room_id: RoomId,
    pub seq: Seq,
    pub rev: Rev,
    pub sender: Profile,
    pub content: String,
    pub client_message_id: Option<ClientMessageId>,
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_kept_as_written_within_its_bounds() {
        let kept = " two\nlines\tand a tab ";
        assert_eq!(Content::parse(kept).unwrap().as_str(), kept);
        assert!(Content::parse("ß".repeat(4000)).is_ok());
        for bad in [
            String::new(),
            " \n\t".into(),
            "ß".repeat(4001),
            "bell \u{7}".into(),
        ] {
            assert_eq!(Content::parse(bad).unwrap_err().code, "invalid_content");
        }
    }
}
