//! People as others vouch for them.

use super::{
    Invalid,
    user::{Email, FullName, Username},
};

/// How many user names are tried one after the other before chance picks one.
const NUMBERED: u32 = 9;

/// The longest part of a user name that comes from a provider: it leaves room for a number.
const MAX_STEM: usize = 40;

/// An issuer's own name for a person, which never changes: 1 to 255 printable characters (OpenID
/// Connect Core 1.0, section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// Checks an issuer's name for a person.
    ///
    /// # Errors
    /// Empty, over 255 characters, or with control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::printable("subject", text, 1..=255)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Somebody as an issuer vouches for him.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who vouches; with the subject it names one person for ever.
    pub issuer: String,
    pub subject: Subject,
    /// What the person is called there; may be anything.
    pub login: Option<String>,
    /// The name for people; may be anything.
    pub name: Option<String>,
    pub email: Option<ProvidedEmail>,
}

/// An address that a provider told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvidedEmail {
    pub address: Email,
    /// The provider says that the address was proved to be the person's.
    pub verified: bool,
}

impl Person {
    /// The name that others read, as near to the provider's as it can be.
    #[must_use]
    pub fn full_name(&self) -> FullName {
        let names = [self.name.as_deref(), self.login.as_deref()];
        let readable = |name: &str| {
            let plain: String = name
                .trim()
                .chars()
                .filter(|c| !c.is_control())
                .take(100)
                .collect();
            FullName::parse(&plain).ok()
        };
        names
            .into_iter()
            .flatten()
            .find_map(readable)
            .unwrap_or_else(FullName::unknown)
    }

    /// User names for a new account, the nearest to the provider's first. `chance` is for the last
    /// of them, when all that are easy to remember are taken.
    pub fn usernames(&self, chance: impl FnMut() -> u32) -> impl Iterator<Item = Username> {
        let stem = self.stem();
        let plain = Username::parse(&stem).ok();
        let numbers = (2..=NUMBERED).chain(std::iter::repeat_with(chance));
        let numbered = numbers.filter_map(move |number| {
            let name = format!("{stem}-{number}");
            Username::parse(&name).ok()
        });
        plain.into_iter().chain(numbered)
    }

    /// What of the provider's names can stand in a user name. The address comes last: it is nobody
    /// else's business, and user names are seen by all.
    fn stem(&self) -> String {
        let address = self.email.as_ref().map(|email| email.address.as_str());
        [self.login.as_deref(), self.name.as_deref(), address]
            .into_iter()
            .flatten()
            .map(|name| slug(name.split('@').next().unwrap_or(name)))
            .find(|stem| stem.len() >= 3)
            .unwrap_or_else(|| "user".to_owned())
    }
}

/// What of a name can stand in a user name, with hyphens for the rest.
fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(MAX_STEM);
    for letter in name.chars() {
        if slug.len() == MAX_STEM {
            break;
        }
        if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.') {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(login: Option<&str>, name: Option<&str>, email: Option<&str>) -> Person {
        Person {
            issuer: "https://issuer.example".into(),
            subject: Subject::parse("1").unwrap(),
            login: login.map(str::to_owned),
            name: name.map(str::to_owned),
            email: email.map(|address| ProvidedEmail {
                address: Email::parse(address).unwrap(),
                verified: true,
            }),
        }
    }

    fn first(person: &Person) -> String {
        let name = person.usernames(|| 0).next().unwrap();
        name.as_str().to_owned()
    }

    #[test]
    fn a_user_name_comes_from_the_best_name_there_is() {
        let mail = Some("private@example.org");
        for (login, name, email, expected) in [
            (Some("octocat"), Some("Octo Cat"), mail, "octocat"),
            (Some("ada@corp.example"), None, mail, "ada"),
            (None, Some("  Ada  Lovelace "), mail, "Ada-Lovelace"),
            (Some("李"), Some("李雷"), mail, "private"),
            (Some("x"), None, None, "user"),
            (Some("<script>"), None, None, "script"),
            (Some("..."), Some("../../etc"), None, "etc"),
        ] {
            assert_eq!(first(&person(login, name, email)), expected);
        }
        let long = "x".repeat(500);
        assert_eq!(first(&person(Some(&long), None, None)).len(), 40);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let ada = person(Some("ada"), None, None);
        let names: Vec<_> = ada.usernames(|| 4711).take(10).collect();
        let names: Vec<_> = names.iter().map(Username::as_str).collect();
        assert_eq!(names[..3], ["ada", "ada-2", "ada-3"]);
        assert_eq!(names[9], "ada-4711");
        let reserved = person(Some("deleted"), None, None);
        assert_eq!(
            first(&reserved),
            "deleted-2",
            "the tombstone's name is nobody's"
        );
    }

    #[test]
    fn everybody_has_a_name_that_can_be_read() {
        let name = |name: &str| person(Some("ada"), Some(name), None).full_name();
        assert_eq!(name(" Ada\u{7} Lovelace ").as_str(), "Ada Lovelace");
        assert_eq!(name(" \n ").as_str(), "ada");
        assert_eq!(name(&"ä".repeat(300)).as_str().chars().count(), 100);
        assert_eq!(person(None, None, None).full_name().as_str(), "New user");
    }
}
