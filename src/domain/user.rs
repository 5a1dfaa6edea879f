//! People: their names, addresses, roles and what a password must be.

mod guessable;
mod inactive;
#[cfg(test)]
mod sample;
mod schemas;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

pub use inactive::{Inactive, InactiveReason, parse_until};

use super::{Invalid, fold_case, ids::UserId, permission::Permissions, printable};

pub use super::role::Role;

/// Who is behind an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(description = "Who is behind an account.")]
pub enum UserKind {
    /// Somebody who signs in.
    #[default]
    Person,
    /// A program, which has tokens and signs in nowhere.
    Service,
}

impl UserKind {
    /// The word for it, on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }
}

/// A user as the server knows one; what others may see of it is the route's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// Shared by his messages, and by sockets that were let in by one answer of the cache.
    pub profile: Arc<Profile>,
    pub email: Option<String>,
    /// Whether somebody who reads mail at this address said so.
    pub email_verified: bool,
    pub phone_number: Option<String>,
    pub bio: Option<String>,
    pub avatar_url: Option<String>,
    pub role: Role,
    /// What the role grants.
    pub permissions: Permissions,
    pub kind: UserKind,
    pub active: bool,
    pub inactive: Inactive,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What a room's members see of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Profile {
    pub id: UserId,
    pub username: String,
    pub full_name: String,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text!(
    /// A short name to sign in and be mentioned with: 3 to 50 of `A-Za-z0-9_.-`.
    Username
);
text!(
    /// An e-mail address that could exist, at most 254 bytes (RFC 5321, section 4.5.3.1.3).
    Email
);
text!(
    /// The name that others read: 1 to 100 characters.
    FullName
);
text!(
    /// A telephone number: 3 to 32 of digits, spaces and `+-().`, with at least 3 digits.
    PhoneNumber
);
text!(
    /// What somebody says of himself: at most 500 characters.
    Bio
);
text!(
    /// The `https` address of a picture, at most 500 bytes.
    AvatarUrl
);

impl Username {
    /// Checks a user name.
    ///
    /// # Errors
    /// Anything but 3 to 50 of `A-Za-z0-9_.-`, and `deleted`, the name on a tombstone.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if !(3..=50).contains(&text.len()) || !text.bytes().all(known) {
            return Err(Invalid::new(
                "username",
                "invalid_username",
                "must be 3 to 50 letters, digits, dots, hyphens or underscores",
            ));
        }
        if text.eq_ignore_ascii_case("deleted") {
            return Err(Invalid::new("username", "invalid_username", "is reserved"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The form that must be unique.
    #[must_use]
    pub fn key(&self) -> String {
        fold_case(&self.0)
    }
}

impl Email {
    /// Checks an address's form; whether it can be reached only a mail tells.
    ///
    /// # Errors
    /// No address by RFC 5321, or longer than 254 bytes.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let options = email_address::Options::default()
            .with_required_tld()
            .without_display_text()
            .without_domain_literal();
        let valid = text.len() <= 254
            && !text.chars().any(|c| c.is_control() || c.is_whitespace())
            && email_address::EmailAddress::parse_with_options(text, options).is_ok();
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "email",
                "invalid_email",
                "must be an e-mail address",
            ))
        }
    }

    /// The form that must be unique.
    #[must_use]
    pub fn key(&self) -> String {
        fold_case(&self.0)
    }
}

impl FullName {
    /// Checks a display name; white space around it is dropped.
    ///
    /// # Errors
    /// Empty, over 100 characters, or with control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        printable("full_name", text, 1..=100)?;
        Ok(Self(text.to_owned()))
    }

    /// The name of somebody who has told none.
    #[must_use]
    pub fn unknown() -> Self {
        Self("New user".to_owned())
    }
}

impl PhoneNumber {
    /// Checks a telephone number's form.
    ///
    /// # Errors
    /// Anything but 3 to 32 of digits, spaces and `+-().`, or fewer than 3 digits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let known = |byte: u8| byte.is_ascii_digit() || b" +-().".contains(&byte);
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if text.len() > 32 || digits < 3 || !text.bytes().all(known) {
            return Err(Invalid::new(
                "phone_number",
                "invalid_phone_number",
                "must be 3 to 32 digits, spaces or one of +-().",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Bio {
    /// Checks a self-description; it may have lines.
    ///
    /// # Errors
    /// Over 500 characters, or control characters other than newline.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        printable("bio", &text.replace('\n', " "), 0..=500)?;
        Ok(Self(text.to_owned()))
    }
}

impl AvatarUrl {
    /// Checks a picture's address.
    ///
    /// # Errors
    /// No absolute `https` address, or longer than 500 bytes.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        // The parser drops or escapes what PostgreSQL cannot store, and adds slashes that a browser
        // does not: to it, `https:ann.png` is a file of the page's own site.
        let begins = text
            .get(..8)
            .is_some_and(|start| start.eq_ignore_ascii_case("https://"));
        let valid = begins
            && text.len() <= 500
            && !text.chars().any(|c| c.is_control() || c.is_whitespace())
            && url::Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host());
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "avatar_url",
                "invalid_avatar_url",
                "must be an https address",
            ))
        }
    }
}

/// A password that may be set: long enough, and short enough for bcrypt to take whole. Whether it is
/// easy to guess is still to be looked at, which takes time; who hashes it does so.
#[derive(Clone, Debug)]
pub struct NewPassword {
    text: SecretString,
    /// What else is known of its owner.
    names: Vec<String>,
}

impl NewPassword {
    /// bcrypt reads 72 bytes and ends the text with a zero byte; more would be cut off silently.
    pub const MAX_BYTES: usize = 71;

    /// Checks a password that somebody wants to have.
    ///
    /// # Errors
    /// Under 8 characters, over 71 bytes, a control character, or no digit, upper- or lower-case
    /// letter.
    pub fn parse(text: SecretString) -> Result<Self, Invalid> {
        let refuse = |code, message: &str| Err(Invalid::new("password", code, message));
        let plain = text.expose_secret();
        if plain.len() > Self::MAX_BYTES {
            return refuse("password_too_long", "must have at most 71 bytes");
        }
        if plain.chars().count() < 8 {
            return refuse("password_too_short", "must have at least 8 characters");
        }
        if plain.chars().any(char::is_control) {
            return refuse("control_character", "must not hold control characters");
        }
        let has = |kind: fn(char) -> bool| plain.chars().any(kind);
        if !(has(|c| c.is_ascii_digit()) && has(char::is_uppercase) && has(char::is_lowercase)) {
            return refuse(
                "password_too_weak",
                "must have a digit, an upper-case and a lower-case letter",
            );
        }
        Ok(Self {
            text,
            names: Vec::new(),
        })
    }

    /// The password of somebody with these names, who must not choose one of them.
    #[must_use]
    pub fn of<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.names.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Refuses what is too easy to guess. It takes some milliseconds: not on a thread that serves.
    ///
    /// # Errors
    /// It is common, a pattern, or made of its owner's names.
    pub fn check_guessable(&self) -> Result<(), Invalid> {
        guessable::check(self.text.expose_secret(), &self.names)
    }

    /// The password itself, to be hashed and forgotten.
    #[must_use]
    pub fn into_secret(self) -> SecretString {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Result<NewPassword, &'static str> {
        NewPassword::parse(SecretString::from(text)).map_err(|invalid| invalid.code)
    }

    #[test]
    fn a_password_is_strong_and_never_cut() {
        assert!(password("Secret123").is_ok());
        assert!(password(&format!("Aa1{}", "x".repeat(68))).is_ok());
        assert_eq!(password("Aa1bcde").err(), Some("password_too_short"));
        assert_eq!(
            password(&format!("Aa1{}", "x".repeat(69))).err(),
            Some("password_too_long")
        );
        assert_eq!(password("Aa1\0bcdefg").err(), Some("control_character"));
        for weak in ["alllower1", "ALLUPPER1", "NoDigitsHere"] {
            assert_eq!(password(weak).err(), Some("password_too_weak"), "{weak}");
        }
    }

    #[test]
    fn names_are_unique_without_regard_to_case() {
        assert_eq!(Username::parse("Ann.Lee").unwrap().key(), "ann.lee");
        assert_eq!(
            Email::parse("Ann@Example.ORG").unwrap().key(),
            "ann@example.org"
        );
        for bad in ["ab", "a b c", "ann@x", &"x".repeat(51), "Deleted"] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
        for bad in [
            "",
            "ann",
            "ann@",
            "@x.org",
            "Ann <a@x.org>",
            "a@b",
            "a\n@x.org",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_picture_has_an_address_that_can_be_stored() {
        assert!(AvatarUrl::parse("https://example.org/ann.png").is_ok());
        for bad in [
            "",
            "ann.png",
            "http://example.org/",
            "https:00",
            "https:/example.org/ann.png",
            "https:\\\\example.org",
            "javascript:alert(1)",
            "https://example.org/\0",
            " https://example.org/",
        ] {
            assert!(AvatarUrl::parse(bad).is_err(), "{bad:?}");
        }
    }
}
