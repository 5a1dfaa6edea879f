//! What the words mean: users, rooms and messages, checked where they are made.
//!
//! Nothing here reads a file, a socket, a database or the clock. A value that exists is valid.

pub mod ids;
pub mod message;
pub mod policy;
pub mod room;
pub mod user;

/// Why a value was refused, for the one who wrote it.
///
/// `code` is for programs and never changes; `message` completes a sentence that begins with the
/// field's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct Invalid {
    /// The field as the client spells it.
    pub field: &'static str,
    /// A stable word for programs, such as `password_too_long`.
    pub code: &'static str,
    /// What the value must be, for people.
    pub message: String,
}

impl Invalid {
    /// Says why `field` was refused.
    pub fn new(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            code,
            message: message.into(),
        }
    }
}

/// Folds a name so that two spellings of it compare equal.
///
/// Folded here and not in SQL, because SQLite's `lower()` knows ASCII only.
#[must_use]
pub fn fold_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Checks a text that people wrote: its length in characters, and that it prints.
fn printable(
    field: &'static str,
    text: &str,
    chars: std::ops::RangeInclusive<usize>,
) -> Result<(), Invalid> {
    let (min, max) = (*chars.start(), *chars.end());
    let length = text.chars().count();
    if length < min {
        let message = if min == 1 {
            "must not be empty".to_owned()
        } else {
            format!("must have at least {min} characters")
        };
        return Err(Invalid::new(field, "too_short", message));
    }
    if length > max {
        return Err(Invalid::new(
            field,
            "too_long",
            format!("must have at most {max} characters"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new(
            field,
            "control_character",
            "must not hold control characters",
        ));
    }
    Ok(())
}
