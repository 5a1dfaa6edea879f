//! What `parlor` can be told to do on the command line.

mod audit;
mod conformance;
mod database;
mod flaky;
mod health;
mod keys;
mod serve;
mod user;

use std::{
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use clap::{Parser, Subcommand};

use crate::{
    config::{Config, Settings},
    metrics::Metrics,
    store::{Store, StoreOptions},
};

/// A realtime chat server that keeps every message.
///
/// Without a command it serves. Every setting is read from a flag, from the environment variable
/// named beside it, or from the file .env in the current directory, in this order.
#[derive(Debug, Parser)]
#[command(version, after_long_help = Settings::SECRETS_HELP)]
pub struct Cli {
    #[command(flatten)]
    pub settings: Settings,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM or SIGINT; the default.
    Serve,
    /// Make the database, or bring its tables up to date, and stop.
    Migrate,
    /// Make and change users. A running server acts on it within a second.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Look after the audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Show and change the keys that sign tokens. A running server acts on it within a second.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Look at the settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask a server whether it is ready: 0 if it is, 1 if it is not or nobody answers.
    Health(health::Health),
    /// Copy the SQLite database to FILE, while it is served or not.
    Backup {
        /// Must not exist yet.
        file: PathBuf,
    },
    /// Put a copy that `backup` made in place of the SQLite database, and start a new history so
    /// that clients load theirs anew. The server must not run.
    ///
    /// PostgreSQL is restored with its own tools; then run `parlor restore --renew-epoch`.
    Restore {
        #[arg(
            required_unless_present = "renew_epoch",
            conflicts_with = "renew_epoch"
        )]
        file: Option<PathBuf>,
        /// Only start a new history, after the database was restored in another way.
        #[arg(long)]
        renew_epoch: bool,
    },
    /// Try on a running server what every Parlor promises, and print a table. Fails if a promise is
    /// broken.
    Conformance(Box<conformance::Conformance>),
    /// Stand before a server as a network that delays, cuts, doubles, reorders and stalls, for those
    /// who write clients.
    Flaky(Box<flaky::FlakyArgs>),
}

/// Looks at the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check every setting, and print what they come to, without secrets.
    Check,
}

impl Command {
    /// Whether it runs for long and logs, rather than answers and ends.
    #[must_use]
    pub fn serves(&self) -> bool {
        matches!(self, Self::Serve)
    }

    /// Does it.
    ///
    /// # Errors
    /// In words for whoever typed the command.
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        match self {
            Self::Serve => serve::serve(config).await,
            Self::Migrate => database::migrate(&config).await,
            Self::User(command) => user::run(command, &config).await,
            Self::Audit(command) => audit::run(command, &config).await,
            Self::Keys(command) => keys::run(command, &config).await,
            Self::Config(ConfigCommand::Check) => say(&config.to_string()),
            Self::Health(health) => health.ask(&config).await,
            Self::Backup { file } => database::backup(&config, &file).await,
            Self::Restore {
                file: Some(file), ..
            } => database::restore(&config, &file).await,
            Self::Restore { file: None, .. } => database::renew_epoch(&config).await,
            Self::Conformance(asked) => conformance::run(*asked).await,
            Self::Flaky(asked) => flaky::run(*asked).await,
        }
    }
}

/// How a command opens the database: beside a server that may be using it.
fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        url: config.store.url.clone(),
        max_connections: 2,
        allow_unsafe: config.store.allow_unsafe,
        acquire_timeout: Duration::from_secs(10),
        busy_timeout: Duration::from_secs(10),
        mail: config.mail.is_on(),
    }
}

async fn open_store(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open(&store_options(config), Metrics::new()?).await?)
}

/// Answers on standard output. A reader that went away, such as `head`, is no failure.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = out
        .write_all(text.trim_end().as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_tells_of_every_setting() {
        let help = Cli::command().render_long_help().to_string();
        for line in Config::default().to_string().lines() {
            let (name, _) = line.split_once('=').unwrap();
            assert!(help.contains(name), "--help does not tell of {name}");
        }
    }

    #[test]
    fn the_committed_env_file_sets_what_there_is_and_no_secret() {
        let env = include_str!("../.env");
        let help = Cli::command().render_long_help().to_string();
        let lines = env
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            let (name, _) = line.split_once('=').unwrap();
            assert!(
                help.contains(&format!("[env: {name}")),
                "{name} is no plain setting"
            );
        }
    }

    #[test]
    fn no_password_is_taken_as_an_argument() {
        for line in [
            &["parlor", "user", "create", "ann", "--password", "x"][..],
            &["parlor", "user", "password", "ann", "--password=x"],
            &["parlor", "--jwt-secret=x"],
            &["parlor", "--admin-password=x"],
        ] {
            assert!(Cli::try_parse_from(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn settings_may_stand_on_either_side_of_the_command() {
        for line in [
            ["parlor", "--port=1", "serve"],
            ["parlor", "serve", "--port=1"],
        ] {
            assert_eq!(Cli::try_parse_from(line).unwrap().settings.port, "1");
        }
    }
}
