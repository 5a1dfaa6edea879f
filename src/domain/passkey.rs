//! Passkeys: a name for each, chosen by its owner.

use super::{Invalid, ONE_LINE_NOT_BLANK, printable, text_schema};

/// What a user calls a passkey: 1 to 100 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyName(Box<str>);

text_schema!(
    PasskeyName,
    1,
    Self::MAX,
    ONE_LINE_NOT_BLANK,
    "What a user calls a passkey: 1 to 100 characters on one line."
);

impl PasskeyName {
    /// The longest, in characters.
    pub const MAX: usize = 100;

    /// Checks a name; white space around it is not kept.
    ///
    /// # Errors
    /// It is blank, too long or does not print.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        printable("name", text, 1..=Self::MAX)?;
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_prints() {
        assert_eq!(
            PasskeyName::parse(" Ada's key ").unwrap().as_str(),
            "Ada's key"
        );
        for bad in ["", "  ", "a\nb", &"x".repeat(101)] {
            assert!(PasskeyName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
