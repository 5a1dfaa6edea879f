//! `OIDC_<NAME>_ISSUER` and its kin: settings whose names an operator makes up.

use std::{collections::BTreeMap, ffi::OsString};

use secrecy::SecretString;

use crate::config::Problem;

const PREFIX: &str = "OIDC_";

/// The longest name that an issuer may have in settings, in bytes.
const MAX_NAME: usize = 32;

/// What is set for one issuer, as text; a blank value is as good as none.
#[derive(Clone, Debug, Default)]
pub struct IssuerTexts {
    pub issuer: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
    pub label: Option<String>,
}

/// All issuers by their names in settings.
pub type IssuersFound = BTreeMap<String, IssuerTexts>;

/// Picks the issuers out of the environment.
pub fn find(
    variables: impl Iterator<Item = (OsString, OsString)>,
    problems: &mut Vec<Problem>,
) -> IssuersFound {
    let mut found = IssuersFound::new();
    for (variable, value) in variables {
        // A name that is not UTF-8 is none of ours.
        let Some(variable) = variable.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let Ok(value) = value.into_string() else {
            problems.push(Problem::new(shown(variable), "must be UTF-8"));
            continue;
        };
        let value = Some(value).filter(|text| !text.trim().is_empty());
        match part(variable) {
            Some((name, part)) => {
                let texts = found.entry(name.to_owned()).or_default();
                match part {
                    Part::Issuer => texts.issuer = value,
                    Part::ClientId => texts.client_id = value,
                    Part::ClientSecret => texts.client_secret = value.map(SecretString::from),
                    Part::Label => texts.label = value,
                }
            }
            None => problems.push(Problem::new(
                shown(variable),
                "is no setting: there are OIDC_<NAME>_ISSUER, _CLIENT_ID, _CLIENT_SECRET and \
                 _LABEL, with a NAME of A-Z, 0-9 and single underscores",
            )),
        }
    }
    // All blank means that an env file has the lines and nobody filled them in.
    found.retain(|_, texts| {
        texts.issuer.is_some()
            || texts.client_id.is_some()
            || texts.client_secret.is_some()
            || texts.label.is_some()
    });
    found
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Issuer,
    ClientId,
    ClientSecret,
    Label,
}

/// The issuer's name in a variable's, and what of it is set.
fn part(variable: &str) -> Option<(&str, Part)> {
    let rest = variable.strip_prefix(PREFIX)?;
    let (name, part) = [
        ("_ISSUER", Part::Issuer),
        ("_CLIENT_ID", Part::ClientId),
        ("_CLIENT_SECRET", Part::ClientSecret),
        ("_LABEL", Part::Label),
    ]
    .into_iter()
    .find_map(|(suffix, part)| Some((rest.strip_suffix(suffix)?, part)))?;
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    (name.len() <= MAX_NAME && name.split('_').all(word)).then_some((name, part))
}

/// A variable's name as it can stand in a line of a log.
fn shown(variable: &str) -> String {
    variable.escape_debug().take(80).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn look(variables: &[(&str, &str)]) -> (IssuersFound, Vec<String>) {
        let mut problems = Vec::new();
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let found = find(variables, &mut problems);
        let names = problems
            .into_iter()
            .map(|problem| problem.setting.into_owned());
        (found, names.collect())
    }

    #[test]
    fn each_name_is_an_issuer() {
        let (found, problems) = look(&[
            ("PATH", "/bin"),
            ("OIDC_HOME_ISSUER", "https://home.example"),
            ("OIDC_HOME_CLIENT_ID", "parlor"),
            ("OIDC_HOME_CLIENT_SECRET", "hush"),
            ("OIDC_CLIENT_ID_CLIENT_ID", "odd but clear"),
            ("OIDC_UNUSED_ISSUER", " "),
        ]);
        assert_eq!(problems, [""; 0]);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["CLIENT_ID", "HOME"]);
        let secret = found["HOME"].client_secret.as_ref().unwrap();
        assert_eq!(secret.expose_secret(), "hush");
        assert!(!format!("{found:?}").contains("hush"));
    }

    #[test]
    fn a_misspelt_name_is_told() {
        let wrong = [
            "OIDC_HOME_ISSUR",
            "OIDC_ISSUER",
            "OIDC__ISSUER",
            "OIDC_home_ISSUER",
            "OIDC_A__B_LABEL",
            "OIDC_\n_LABEL",
        ];
        let set: Vec<_> = wrong.iter().map(|name| (*name, "x")).collect();
        let (found, problems) = look(&set);
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(problems.len(), wrong.len(), "{problems:?}");
        assert!(!problems.iter().any(|name| name.contains('\n')));
    }
}
