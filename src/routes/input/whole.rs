use serde::{Deserialize, Deserializer};

/// A whole number, however it is written: to JSON `2` and `2.0` are the same, and programs whose
/// only numbers are floating ones write either.
pub struct Whole(pub i64);

/// Up to here floating numbers tell each whole one from the next: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(source)?;
        let floating = || {
            let number = number.as_f64()?;
            let is_whole = number.fract() == 0.0 && number.abs() <= EXACT;
            is_whole.then_some(number as i64)
        };
        let whole = number.as_i64().or_else(floating);
        whole
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("no whole number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let read = |text| {
            serde_json::from_str::<Whole>(text)
                .map(|whole| whole.0)
                .ok()
        };
        for (text, number) in [
            ("2", 2),
            ("2.0", 2),
            ("20e-1", 2),
            ("-1", -1),
            ("9007199254740993", 9_007_199_254_740_993),
        ] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in [
            "2.5",
            "1e300",
            "18446744073709551615",
            "\"2\"",
            "true",
            "null",
            "[2]",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
