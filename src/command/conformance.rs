//! `parlor conformance`: what every Parlor promises, tried on a running one.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;

use super::say;
use crate::{
    config::password_from_environment,
    conformance::{self, CHECKS, Known, Options, Report},
    remote::Trust,
};

/// What to try, and on which server.
#[derive(Debug, Args)]
pub struct Conformance {
    /// Scheme, host and port, such as wss://localhost:8080. Not needed with --list.
    #[arg(required_unless_present = "list")]
    address: Option<String>,
    /// Sign in as this user, with the password in PARLOR_PASSWORD; up to four of them are used.
    /// Without any users, some are registered, and deleted in the end.
    #[arg(long = "user", value_name = "NAME")]
    named: Vec<String>,
    /// Take users from a file, or - for standard input: lines of NAME PASSWORD or token TOKEN.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Talk in this room. By default a room is made, which stays.
    #[arg(long)]
    room: Option<String>,
    /// Try these checks alone, separated by commas.
    #[arg(long, value_name = "CHECKS", value_delimiter = ',')]
    only: Vec<String>,
    /// Seconds that the server may take for what it does by the clock; a check that needs more is
    /// skipped.
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    patience: u64,
    /// Print one JSON object in the end, and no table.
    #[arg(long)]
    json: bool,
    /// Print the checks and what each promises, and stop.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    trusted: Trusted,
}

/// Whose certificates are believed; by default those that the system knows.
#[derive(Debug, Args)]
pub struct Trusted {
    /// Believe the authorities in this file (PEM) and no other, such as certs/ca.pem.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Believe every certificate: whoever is in between reads along.
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
}

impl Trusted {
    pub(super) fn trust(self) -> Trust {
        match self.ca {
            Some(file) => Trust::File(file),
            None if self.insecure => Trust::Anybody,
            None => Trust::System,
        }
    }
}

impl Conformance {
    fn known(&self) -> anyhow::Result<Vec<Known>> {
        let mut known = match &self.users {
            Some(file) => conformance::read_users(file)?,
            None => Vec::new(),
        };
        if self.named.is_empty() {
            return Ok(known);
        }
        let password = password_from_environment()
            .map_err(|problem| anyhow::anyhow!("{} {}", problem.setting, problem.reason))?
            .context("set PARLOR_PASSWORD for --user, or name users by --users FILE")?;
        for name in &self.named {
            known.push(Known::Password {
                name: name.clone(),
                password: password.clone(),
            });
        }
        Ok(known)
    }
}

pub(super) async fn run(asked: Conformance) -> anyhow::Result<()> {
    if asked.list {
        let line = |check: &conformance::Check| format!("{:<18} {}", check.name, check.promise);
        let lines: Vec<_> = CHECKS.iter().map(line).collect();
        return say(&lines.join("\n"));
    }
    let known = asked.known()?;
    let options = Options {
        address: asked.address.unwrap_or_default(),
        trust: asked.trusted.trust(),
        users: known,
        room: asked.room,
        only: asked.only,
        patience: Duration::from_secs(asked.patience),
    };
    let mut unheard = None;
    let report = conformance::run(&options, |row| {
        if !asked.json {
            unheard = say(&row.to_string()).err().or(unheard.take());
        }
    })
    .await?;
    if let Some(error) = unheard {
        return Err(error);
    }
    if asked.json {
        say(&serde_json::to_string_pretty(&report)?)?;
    } else {
        say(&foot(&report))?;
    }
    if !report.holds() {
        bail!(
            "{} does not keep what a Parlor promises, or nothing was checked",
            report.server
        );
    }
    Ok(())
}

fn foot(report: &Report) -> String {
    let mut foot = report.summary();
    if !report.left_behind.is_empty() {
        foot = format!("{foot}\nleft behind: {}", report.left_behind.join(", "));
    }
    foot
}
