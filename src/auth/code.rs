//! What somebody types at the second step: the code of an app, or one of the codes kept for the day
//! when the app is gone.

use sha2::{Digest, Sha256};

use crate::domain::Invalid;

/// How many recovery codes one is given.
pub const RECOVERY_CODES: usize = 10;

/// RFC 4648, in small letters.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Letters of a recovery code, five bits each: 80 bits, far too many to guess, so that one round of
/// SHA-256 keeps them.
const LETTERS: usize = 16;

/// A code as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// Six digits of an authenticator app.
    Totp(String),
    /// The hash of a recovery code.
    Recovery([u8; 32]),
}

impl Code {
    /// Reads a code; spaces and hyphens, which make it readable, do not count.
    ///
    /// # Errors
    /// It is neither kind.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bare: String = text
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '-')
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        if bare.len() == 6 && bare.bytes().all(|digit| digit.is_ascii_digit()) {
            return Ok(Self::Totp(bare));
        }
        if bare.len() == LETTERS && bare.bytes().all(|letter| BASE32.contains(&letter)) {
            return Ok(Self::Recovery(hash(&bare)));
        }
        Err(Invalid::new(
            "code",
            "invalid_code",
            "must be the six digits of an authenticator app, or a recovery code",
        ))
    }
}

/// A recovery code that was just made, to be shown once.
pub struct RecoveryCode {
    /// Four groups of four letters.
    pub text: String,
    /// What is kept.
    pub hash: [u8; 32],
}

impl RecoveryCode {
    /// A whole set.
    #[must_use]
    pub fn set() -> Vec<Self> {
        (0..RECOVERY_CODES).map(|_| Self::generate()).collect()
    }

    fn generate() -> Self {
        let mut random = [0_u8; LETTERS];
        rand::fill(&mut random);
        // 32 letters: each is as likely as any other.
        let letters = random.iter().filter_map(|byte| {
            let letter = BASE32.get(usize::from(byte % 32))?;
            Some(char::from(*letter))
        });
        let bare: String = letters.collect();
        let mut text = String::with_capacity(LETTERS + 3);
        for (place, letter) in bare.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        Self {
            hash: hash(&bare),
            text,
        }
    }
}

fn hash(bare: &str) -> [u8; 32] {
    Sha256::digest(bare.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_known_however_they_are_typed() {
        for text in ["123456", " 123 456 ", "123-456"] {
            assert_eq!(Code::parse(text), Ok(Code::Totp("123456".into())));
        }
        let made = RecoveryCode::generate();
        for text in [
            made.text.clone(),
            made.text.to_uppercase(),
            made.text.replace('-', " "),
            made.text.replace('-', ""),
        ] {
            assert_eq!(Code::parse(&text), Ok(Code::Recovery(made.hash)), "{text}");
        }
        for bad in [
            "",
            "12345",
            "1234567",
            "12345a",
            "١٢٣٤٥٦",
            "abcd-efgh-ijkl-mno1",
        ] {
            assert_eq!(Code::parse(bad).unwrap_err().code, "invalid_code", "{bad}");
        }
    }

    #[test]
    fn no_two_recovery_codes_are_alike() {
        let set = RecoveryCode::set();
        let hashes: std::collections::HashSet<_> = set.iter().map(|code| code.hash).collect();
        assert_eq!(hashes.len(), RECOVERY_CODES);
        assert!(set.iter().all(|code| code.text.len() == 19));
    }
}
