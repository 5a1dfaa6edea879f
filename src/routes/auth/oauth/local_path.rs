//! Where a page wants its user back after a sign-in: one of our own pages, whatever is asked for.

use url::Url;

use crate::domain::Invalid;

/// The longest, in bytes.
const MAX: usize = 500;

/// A place of this server that begins with one slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(String);

impl LocalPath {
    /// Checks a place.
    ///
    /// # Errors
    /// Anything that some browser could take for another site, or that is too long.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        // Browsers read "\" as "/", drop tabs and newlines, and take what follows "//" for a host.
        let plain = text.starts_with('/')
            && !text.contains("//")
            && text.len() <= MAX
            && !text.contains(|c: char| c == '\\' || c.is_control() || c.is_whitespace());
        let here = || {
            let base = Url::parse("https://parlor.invalid").ok()?;
            let place = base.join(text).ok()?;
            let path = place.path().to_owned();
            (place.origin() == base.origin() && !path.starts_with("//")).then_some(())
        };
        if plain && here().is_some() {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "return_to",
                "invalid_path",
                "must be a path of this server, such as /rooms/general",
            ))
        }
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for good in ["/", "/rooms/general", "/rooms/a?x=1&y=%20#top"] {
            assert!(LocalPath::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "rooms",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/..//evil.example",
            "/.//evil.example",
            "/%0d%0a\r\nLocation: x",
            " /rooms",
            &format!("/{}", "x".repeat(500)),
        ] {
            assert!(LocalPath::parse(bad).is_err(), "{bad:?}");
        }
    }
}
