//! Reads texts as values and remembers all that was wrong.

use std::{borrow::Cow, fmt, ops::RangeInclusive, str::FromStr, time::Duration};

/// One setting that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The environment variable's name.
    pub setting: Cow<'static, str>,
    /// Completes a sentence that begins with the name; never holds a secret.
    pub reason: String,
}

impl Problem {
    /// Says why `setting` cannot be used.
    pub fn new(setting: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self {
            setting: setting.into(),
            reason: reason.into(),
        }
    }
}

/// Every setting that is wrong: an operator mends them all at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "one setting is wrong:")?,
            count => write!(f, "{count} settings are wrong:")?,
        }
        for problem in &self.0 {
            write!(f, "\n  {} {}", problem.setting, problem.reason)?;
        }
        Ok(())
    }
}

/// Reads settings. A wrong one is remembered and its default goes on, so that the rest is read too.
/// A blank one means the default: that is how `.env` files and containers unset things.
#[derive(Default)]
pub(super) struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn refuse(
        &mut self,
        setting: impl Into<Cow<'static, str>>,
        reason: impl Into<String>,
    ) {
        self.problems.push(Problem::new(setting, reason));
    }

    pub(super) fn extend(&mut self, problems: &[Problem]) {
        self.problems.extend_from_slice(problems);
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(ConfigError(self.problems))
        }
    }

    /// A whole number in `range`.
    pub(super) fn number<T>(
        &mut self,
        setting: &'static str,
        text: &str,
        range: RangeInclusive<T>,
        default: T,
    ) -> T
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let text = text.trim();
        if text.is_empty() {
            return default;
        }
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let (from, to) = range.into_inner();
                self.refuse(
                    setting,
                    format!("must be a whole number from {from} to {to}, not {text:?}"),
                );
                default
            }
        }
    }

    /// A whole number of seconds in `range`.
    pub(super) fn seconds(
        &mut self,
        setting: &'static str,
        text: &str,
        range: RangeInclusive<u32>,
        default: Duration,
    ) -> Duration {
        let default = u32::try_from(default.as_secs()).unwrap_or(u32::MAX);
        let seconds = self.number(setting, text, range, default);
        Duration::from_secs(seconds.into())
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        setting: &'static str,
        text: &str,
        words: &[(&str, T)],
        default: T,
    ) -> T {
        let text = text.trim();
        if text.is_empty() {
            return default;
        }
        let known = words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text));
        if let Some((_, value)) = known {
            return *value;
        }
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        self.refuse(
            setting,
            format!("must be {}, not {text:?}", words.join(" or ")),
        );
        default
    }

    /// `true` or `false`, also as `1` or `0`.
    pub(super) fn flag(&mut self, setting: &'static str, text: &str, default: bool) -> bool {
        match text.trim() {
            "1" => true,
            "0" => false,
            text => self.word(setting, text, &[("true", true), ("false", false)], default),
        }
    }

    /// Values separated by commas.
    pub(super) fn list<T>(
        &mut self,
        setting: &'static str,
        text: Option<&str>,
        parse: impl Fn(&str) -> Option<T>,
        what: &str,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for item in text.unwrap_or_default().split(',').map(str::trim) {
            if item.is_empty() {
                continue;
            }
            match parse(item) {
                Some(value) => values.push(value),
                None => self.refuse(setting, format!("must hold {what}, not {item:?}")),
            }
        }
        values
    }
}
