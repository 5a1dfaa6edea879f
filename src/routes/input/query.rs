use std::{ops::RangeInclusive, str::FromStr};

use super::Form;
use crate::domain::Invalid;

/// A number of the query, within bounds; absent or empty it is `default`.
pub fn number<T>(
    form: &mut Form,
    field: &'static str,
    text: Option<&str>,
    bounds: RangeInclusive<T>,
    default: T,
) -> T
where
    T: FromStr + PartialOrd + std::fmt::Display + Copy,
{
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return default;
    };
    match text.parse() {
        Ok(number) if bounds.contains(&number) => number,
        _ => {
            let (from, to) = (bounds.start(), bounds.end());
            form.refuse(Invalid::new(
                field,
                "out_of_range",
                format!("must be a whole number from {from} to {to}"),
            ));
            default
        }
    }
}

/// A yes or no of the query; absent or empty it is `None`.
pub fn flag(form: &mut Form, field: &'static str, text: Option<&str>) -> Option<bool> {
    match text {
        None | Some("") => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => {
            form.refuse(Invalid::new(field, "invalid_flag", "must be true or false"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_outside_of_its_bounds_is_refused_not_clamped() {
        for (text, expected, fine) in [
            (None, 20, true),
            (Some(""), 20, true),
            (Some("100"), 100, true),
            (Some("0"), 20, false),
            (Some("101"), 20, false),
            (Some("-1"), 20, false),
            (Some("9999999999999999999999"), 20, false),
            (Some("1e2"), 20, false),
        ] {
            let mut form = Form::default();
            assert_eq!(
                number(&mut form, "limit", text, 1..=100_u32, 20),
                expected,
                "{text:?}"
            );
            assert_eq!(form.check().is_ok(), fine, "{text:?}");
        }
    }

    #[test]
    fn a_flag_is_true_or_false() {
        let mut form = Form::default();
        assert_eq!(flag(&mut form, "active", Some("false")), Some(false));
        assert_eq!(flag(&mut form, "active", None), None);
        assert!(form.check().is_ok());
        let mut form = Form::default();
        assert_eq!(flag(&mut form, "active", Some("yes")), None);
        assert!(form.check().is_err());
    }
}
