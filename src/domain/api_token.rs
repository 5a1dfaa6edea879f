//! API tokens: what a program shows instead of a login's token.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{
    Invalid,
    ids::{ApiTokenId, UserId},
    permission::Permissions,
    printable, text_schema,
};

/// What every API token begins with: it tells them from a login's, and lets scanners find one that
/// was published by mistake.
const PREFIX: &str = "parlor_";

/// How long the text of one is: the prefix, and 32 bytes in base64.
const LENGTH: usize = PREFIX.len() + 43;

/// The text of a token that was just made. It is shown once.
pub struct TokenText(SecretString);

impl TokenText {
    /// Writes 32 random bytes as a token.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        let text = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random));
        Self(text.into())
    }

    /// What the store knows it by.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.expose_secret()).into())
    }

    /// The text, for its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The SHA-256 of a token's text. The text has 256 random bits, so nothing slower is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of what somebody shows, if it looks like an API token.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let is_one = text.len() == LENGTH && text.starts_with(PREFIX);
        is_one.then(|| Self(Sha256::digest(text).into()))
    }
}

/// What its owner calls a token: 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    /// Checks a name; white space around it is dropped.
    ///
    /// # Errors
    /// Empty, over 100 characters, or with control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        printable("name", text, 1..=100)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_schema!(
    TokenName,
    1,
    100,
    super::ONE_LINE_NOT_BLANK,
    "What a token is called. White space around it is dropped."
);

/// A token as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    pub id: ApiTokenId,
    /// As whom it acts.
    pub user_id: UserId,
    pub name: String,
    pub scopes: Permissions,
    pub created_at: DateTime<Utc>,
    /// `None`: not by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// To the minute; `None` if it never was.
    pub last_used_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_prefix_and_its_length() {
        let made = TokenText::new([7; 32]);
        assert_eq!(made.expose().len(), LENGTH);
        assert_eq!(TokenHash::of(made.expose()), Some(made.hash()));
        let longer = format!("{}A", made.expose());
        for other in ["", "parlor_", "eyJhbGciOiJIUzI1NiJ9.e30.x", &longer] {
            assert_eq!(TokenHash::of(other), None, "{other}");
        }
    }
}
