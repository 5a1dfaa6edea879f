//! What every Parlor promises its clients, tried on one that runs.
//!
//! Each check is a small conversation with the server. It passes, fails with what was seen, or says
//! that it could not be tried: nothing is called passed that was not seen.

#![expect(
    clippy::indexing_slicing,
    reason = "of JSON by name alone: what is not there is null, and no panic"
)]

mod book;
mod cast;
mod checks;
mod member;
mod report;
mod stage;
mod talking;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use secrecy::SecretString;

use crate::remote::{Place, Trust};
use cast::Cast;

pub use checks::{CHECKS, Check};
pub use report::{Report, Row, Verdict};

/// How long one check may take, whatever it waits for.
const CHECK_LIMIT: Duration = Duration::from_secs(240);

/// Somebody who exists on the server already.
#[derive(Clone, Debug)]
pub enum Known {
    /// Signs in by user name or e-mail address.
    Password {
        name: String,
        password: SecretString,
    },
    /// Is signed in.
    Token(SecretString),
}

/// What to try, and on which server.
#[derive(Clone, Debug)]
pub struct Options {
    /// `wss://…`
    pub address: String,
    pub trust: Trust,
    /// Without any, users are registered and deleted again.
    pub users: Vec<Known>,
    /// Without one, a user makes a room.
    pub room: Option<String>,
    /// Names of checks; all if empty.
    pub only: Vec<String>,
    /// The longest that the server may take for what it does by the clock, such as a heartbeat; a
    /// check that needs longer is skipped.
    pub patience: Duration,
}

/// Tries the server, and tells each row when it is known.
///
/// # Errors
/// The checks could not begin: a name is unknown, nobody answers, or nobody is let in.
pub async fn run(options: &Options, mut told: impl FnMut(&Row)) -> anyhow::Result<Report> {
    let wanted = checks::named(&options.only)?;
    let place = Place::parse(&options.address, &options.trust)?;
    let cast = Cast::gather(&place, options).await?;
    let mut report = Report::new(place.address(), cast.stage.room.clone());
    for check in wanted {
        let began = Instant::now();
        let outcome = tokio::time::timeout(CHECK_LIMIT, (check.run)(&cast.stage)).await;
        let row = Row::new(check, outcome.ok(), began.elapsed());
        told(&row);
        report.rows.push(row);
    }
    report.left_behind = cast.leave().await;
    Ok(report)
}

/// Reads users from lines: `NAME PASSWORD`, or `token TOKEN`.
///
/// # Errors
/// The number of a line that is neither; the line itself may be a secret.
pub fn users_from(text: &str) -> anyhow::Result<Vec<Known>> {
    let mut users = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        users.push(match line.split_once(char::is_whitespace) {
            Some(("token", token)) => Known::Token(SecretString::from(token.trim())),
            Some((name, password)) => Known::Password {
                name: name.to_owned(),
                password: SecretString::from(password.trim()),
            },
            None => {
                anyhow::bail!("line {number} of the users is neither NAME PASSWORD nor token TOKEN")
            }
        });
    }
    Ok(users)
}

/// What `--users FILE` names; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or a line of it.
pub fn read_users(file: &PathBuf) -> anyhow::Result<Vec<Known>> {
    use anyhow::Context;
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    };
    users_from(&text.with_context(|| format!("cannot read {}", file.display()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_from_lines_and_a_bad_one_is_not_repeated() {
        let users = users_from("# two\nann Secret 1\n\ntoken abc.def\n").unwrap();
        assert!(matches!(
            users.as_slice(),
            [Known::Password { name, .. }, Known::Token(_)] if name == "ann"
        ));
        let error = users_from("ann x\nsecret").unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("secret"));
    }
}
