//! Whether a password is one of the first that somebody would try.

use zxcvbn::{Score, zxcvbn};

use crate::domain::Invalid;

/// Below it a password is found within a million guesses: what strangers may make in years, and
/// whoever stole the hashes in days. More would refuse eight random characters, which are counted as
/// digits.
const ENOUGH: Score = Score::Two;

/// How much of a password is looked at in one go. The time grows much faster than the length, and
/// faster still with many characters that may stand for letters.
const WINDOW: usize = 32;

/// The server's own name, which everybody knows.
const OURS: &str = "parlor";

/// Most of the names that are looked for in a password.
const MAX_NAMES: usize = 16;

/// Refuses a password that is too easy to guess, also by somebody who knows these names of its
/// owner. It takes some milliseconds, at worst about what hashing takes.
///
/// # Errors
/// It is easy.
pub(super) fn check(password: &str, names: &[String]) -> Result<(), Invalid> {
    let mut known = vec![OURS];
    for name in names {
        known.push(name);
        let parts = name.split(|c: char| !c.is_alphanumeric());
        known.extend(parts.filter(|part| part.chars().count() > 2));
    }
    known.truncate(MAX_NAMES);
    let enough = |part: &str| zxcvbn(part, &known).score() >= ENOUGH;
    // As strong as its strongest part: all of it takes more guesses than a part of it.
    let length = password.chars().count();
    let start: String = password.chars().take(WINDOW).collect();
    let end: String = password
        .chars()
        .skip(length.saturating_sub(WINDOW))
        .collect();
    if enough(&start) || (length > WINDOW && enough(&end)) {
        return Ok(());
    }
    Err(Invalid::new(
        "password",
        "password_too_common",
        "is too easy to guess; take some words that do not belong together, and no names or dates",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(password: &str) -> bool {
        let names = ["ada.l", "countess@example.org", "Ada Lovelace"].map(str::to_owned);
        check(password, &names).is_err()
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for common in [
            "Password1",
            "Passw0rd",
            "Qwerty123",
            "Welcome1",
            "Letmein1",
            "Iloveyou1",
            "Summer2026",
            "Admin123",
            "Changeme1",
            "Tr0ub4dour",
            "abcDEF123",
            "Aa111111",
            "Parlor2026",
        ] {
            assert!(is_refused(common), "{common}");
        }
        for fine in [
            "Correct-Horse-1",
            "Engine-1843",
            "Admin-Secret-1",
            "xK7#pQ2v",
        ] {
            assert!(!is_refused(fine), "{fine}");
        }
    }

    #[test]
    fn names_of_the_owner_are_no_secrets() {
        for own in [
            "Lovelace1",
            "Countess1",
            "Countess@example.org1",
            "Ada.l2026",
        ] {
            assert!(is_refused(own), "{own}");
        }
        let name = ["Zoe Quorvax".to_owned()];
        assert!(check("Quorvax1", &name).is_err());
        assert!(check("Quorvax1", &[]).is_ok(), "it is no word");
    }

    #[test]
    fn more_of_the_same_makes_none_better_and_one_strong_part_is_enough() {
        assert!(is_refused(&format!("Aa1{}", "a".repeat(68))));
        assert!(!is_refused(&format!("{}Correct-Horse-1", "a".repeat(56))));
        assert!(!is_refused(&format!("Correct-Horse-1{}", "a".repeat(56))));
    }

    /// Any text may be sent, and the longest must not take for ever.
    #[test]
    fn no_text_is_too_much_for_it() {
        for text in [
            "",
            "\0",
            "ßİﬀ\u{301}😀𝔸",
            "4@8({[<369 1!|0$5+7%2",
            "2001-01-01",
        ] {
            let long: String = text.chars().cycle().take(71).collect();
            let _ = check(&long, std::slice::from_ref(&long));
        }
    }
}
