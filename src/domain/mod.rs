//! What the words mean: users, rooms and messages, checked where they are made.
//!
//! Nothing here reads a file, a socket, a database or the clock. A value that exists is valid.

pub mod api_token;
pub mod audit;
pub mod identity;
pub mod ids;
pub mod job;
pub mod mail;
pub mod message;
pub mod passkey;
pub mod permission;
pub mod policy;
pub mod role;
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

/// Says in the language of JSON Schema what the text of a type must be.
macro_rules! text_schema {
    ($name:ident, $min:expr, $max:expr, $pattern:expr, $about:literal) => {
        impl utoipa::ToSchema for $name {}

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .description(Some($about))
                    .min_length(Some($min))
                    .max_length(Some($max))
                    .pattern(Some($pattern))
                    .into()
            }
        }
    };
}
use text_schema;

/// The pattern of a text of one line: no control characters.
pub const ONE_LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// The same, with one character at least that is no white space.
const ONE_LINE_NOT_BLANK: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u001f\u007f-\u009f]*$",
);

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
