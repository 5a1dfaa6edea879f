use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{domain::Invalid, error::ApiError};

/// One field of a JSON body as it came.
///
/// It keeps apart what serde's `Option` throws together: in an update an absent field stays, while
/// `null` clears it. A value of the wrong type is kept too, so that it is told with all the other
/// wrong fields.
#[derive(Default)]
pub enum Given<T> {
    #[default]
    Absent,
    Null,
    WrongType,
    Value(T),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(source)?;
        if value.is_null() {
            return Ok(Self::Null);
        }
        Ok(serde_json::from_value(value).map_or(Self::WrongType, Self::Value))
    }
}

impl<T> Given<T> {
    /// Whether the body names the field, with whatever value.
    pub fn is_named(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

/// Collects everything that is wrong with a request, so that its author mends it in one go.
#[derive(Default)]
pub struct Form {
    wrong: Vec<Invalid>,
}

impl Form {
    /// Notes a wrong field.
    pub fn refuse(&mut self, invalid: Invalid) {
        self.wrong.push(invalid);
    }

    /// A field that must be there; `None` if it is wrong, and then [`Self::check`] fails.
    pub fn required<T, V>(
        &mut self,
        field: &'static str,
        given: Given<T>,
        parse: impl FnOnce(T) -> Result<V, Invalid>,
    ) -> Option<V> {
        if matches!(given, Given::Absent | Given::Null) {
            self.refuse(Invalid::new(field, "required", "is required"));
        }
        self.value(field, given, parse)
    }

    /// A field that may be left out or `null`.
    pub fn optional<T, V>(
        &mut self,
        field: &'static str,
        given: Given<T>,
        parse: impl FnOnce(T) -> Result<V, Invalid>,
    ) -> Option<V> {
        self.value(field, given, parse)
    }

    /// A field of an update that every user has: absent it stays, `null` is refused.
    pub fn change<T, V>(
        &mut self,
        field: &'static str,
        given: Given<T>,
        parse: impl FnOnce(T) -> Result<V, Invalid>,
    ) -> Option<V> {
        if matches!(given, Given::Null) {
            self.refuse(Invalid::new(field, "required", "cannot be cleared"));
        }
        self.value(field, given, parse)
    }

    /// A field of an update that may be empty: absent it stays, `null` clears it.
    pub fn clearable<T, V>(
        &mut self,
        field: &'static str,
        given: Given<T>,
        parse: impl FnOnce(T) -> Result<V, Invalid>,
    ) -> Option<Option<V>> {
        if matches!(given, Given::Null) {
            return Some(None);
        }
        self.value(field, given, parse).map(Some)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// All the fields that were wrong.
    pub fn check(self) -> Result<(), ApiError> {
        if self.wrong.is_empty() {
            Ok(())
        } else {
            Err(self.into_error())
        }
    }

    /// The refusal, once it is known that there is one.
    pub fn into_error(self) -> ApiError {
        ApiError::Invalid(self.wrong)
    }

    fn value<T, V>(
        &mut self,
        field: &'static str,
        given: Given<T>,
        parse: impl FnOnce(T) -> Result<V, Invalid>,
    ) -> Option<V> {
        let parsed = match given {
            Given::Absent | Given::Null => return None,
            Given::WrongType => Err(Invalid::new(
                field,
                "wrong_type",
                "has a value of the wrong type",
            )),
            Given::Value(value) => parse(value),
        };
        parsed
            .map_err(|invalid| self.refuse(Invalid { field, ..invalid }))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::user::{FullName, PhoneNumber, Username};

    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Body {
        username: Given<String>,
        full_name: Given<String>,
        phone_number: Given<String>,
    }

    fn body(json: &str) -> Body {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn all_wrong_fields_are_told_at_once() {
        let body = body(r#"{"username": 7, "full_name": "\u0000", "unknown": 1}"#);
        let mut form = Form::default();
        form.required("username", body.username, |text| Username::parse(&text));
        form.required("full_name", body.full_name, |text| FullName::parse(&text));
        form.required("phone_number", body.phone_number, |text| {
            PhoneNumber::parse(&text)
        });
        let Err(ApiError::Invalid(wrong)) = form.check() else {
            panic!("it must be refused")
        };
        let told: Vec<_> = wrong
            .iter()
            .map(|wrong| (wrong.field, wrong.code))
            .collect();
        assert_eq!(
            told,
            [
                ("username", "wrong_type"),
                ("full_name", "control_character"),
                ("phone_number", "required")
            ]
        );
    }

    #[test]
    fn in_an_update_absent_stays_and_null_clears() {
        let mut form = Form::default();
        let parse = |text: String| PhoneNumber::parse(&text);
        assert_eq!(
            form.clearable("phone_number", body("{}").phone_number, parse),
            None
        );
        let cleared = body(r#"{"phone_number": null}"#).phone_number;
        assert_eq!(form.clearable("phone_number", cleared, parse), Some(None));
        let kept = body(r#"{"full_name": null}"#).full_name;
        assert_eq!(
            form.change("full_name", kept, |text| FullName::parse(&text)),
            None
        );
        assert!(form.check().is_err(), "everybody has a name");
    }
}
