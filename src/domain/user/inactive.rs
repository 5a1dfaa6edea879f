//! Accounts that are switched off: why, and until when.

use chrono::{DateTime, Utc};

use super::super::{Invalid, ONE_LINE, printable, text_schema};

/// What is said of an account that is switched off; nothing of one that is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inactive {
    /// For admins.
    pub reason: Option<String>,
    /// When the account is switched on again; `None`: when somebody does it.
    pub until: Option<DateTime<Utc>>,
}

/// Why an account is switched off: at most 500 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InactiveReason(String);

text_schema!(
    InactiveReason,
    0,
    500,
    ONE_LINE,
    "Why an account is switched off; admins read it."
);

impl InactiveReason {
    /// Checks a reason.
    ///
    /// # Errors
    /// Over 500 characters, or control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        printable("inactive_reason", text, 0..=500)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads until when an account is to be switched off.
///
/// # Errors
/// No time of RFC 3339, or one that is over.
pub fn parse_until(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Invalid> {
    let refuse = |code, message: &str| Err(Invalid::new("inactive_until", code, message));
    match DateTime::parse_from_rfc3339(text) {
        Err(_) => refuse(
            "invalid_time",
            "must be a time of RFC 3339, such as 2026-11-21T07:32:47Z",
        ),
        Ok(until) if until.to_utc() <= now => refuse("not_in_future", "must lie in the future"),
        // Finer than what the databases keep.
        Ok(until) => Ok(chrono::SubsecRound::trunc_subsecs(until.to_utc(), 6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_500() {
        assert!(InactiveReason::parse(&"é".repeat(500)).is_ok());
        for bad in ["a\0", "a\nb", &"x".repeat(501)] {
            assert!(InactiveReason::parse(bad).is_err());
        }
    }

    #[test]
    fn until_lies_in_the_future() {
        let now = DateTime::UNIX_EPOCH;
        let read = |text| parse_until(text, now).map_err(|wrong| wrong.code);
        assert!(read("1970-01-01T00:00:00.1Z").is_ok());
        assert_eq!(read("1970-01-01T01:00:00+01:00"), Err("not_in_future"));
        assert_eq!(read("tomorrow"), Err("invalid_time"));
    }
}
