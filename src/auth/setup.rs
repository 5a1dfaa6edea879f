//! Who may make the first admin: whoever reads what the server prints at its start.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// The token of the first run: 256 random bits, made anew at every start that finds no admin, and
/// kept in memory alone. Cloning shares it.
#[derive(Clone)]
pub struct Setup {
    token: Option<Arc<SecretString>>,
}

impl Setup {
    /// One with a fresh token.
    #[must_use]
    pub fn open() -> Self {
        let mut random = [0_u8; 32];
        rand::fill(&mut random);
        let token = SecretString::from(BASE64_URL_SAFE_NO_PAD.encode(random));
        Self {
            token: Some(Arc::new(token)),
        }
    }

    /// One that no token opens.
    #[must_use]
    pub fn closed() -> Self {
        Self { token: None }
    }

    /// The token, for the terminal and for nothing else; `None` if an admin was there at the start.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.expose_secret())
    }

    /// Whether `given` is the token. How long it takes does not tell how much of it was right.
    #[must_use]
    pub fn is_token(&self, given: &str) -> bool {
        self.token()
            .is_some_and(|token| bool::from(given.as_bytes().ct_eq(token.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_opens() {
        let setup = Setup::open();
        let token = setup.token().unwrap().to_owned();
        assert!(setup.is_token(&token));
        assert_ne!(Setup::open().token(), Some(token.as_str()));
        for wrong in ["", &token[1..], &format!("{token}A")] {
            assert!(!setup.is_token(wrong), "{wrong:?}");
            assert!(!Setup::closed().is_token(wrong), "{wrong:?}");
        }
        assert!(!Setup::closed().is_token(&token));
    }
}
