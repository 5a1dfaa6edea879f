//! The command line: reads the settings, does what was asked, and tells what went wrong.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use clap::Parser;
use parlor::{
    command::{Cli, Command},
    config::{Config, LogConfig, LogFormat, Secrets},
    telemetry, tls,
};
use tokio::signal::unix::{SignalKind, signal};

/// It gives memory back: after ten thousand sockets glibc's kept all that they had needed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What was asked for could not be done.
const FAILURE: u8 = 1;

/// The settings or the command line are wrong; nothing was tried. The same as clap's own.
const MISUSE: u8 = 2;

/// SIGXFSZ on every system that Parlor is built for; tokio has no name for it.
const FILE_SIZE_EXCEEDED: i32 = 25;

fn main() -> ExitCode {
    if let Err(error) = read_dotenv() {
        return fail(MISUSE, &in_words(&error));
    }
    let cli = Cli::parse();
    // Before the settings are read: how many sockets there may be depends on it. A limit that
    // cannot be raised is the limit.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let config = match Config::from_settings(&cli.settings, &Secrets::from_environment()) {
        Ok(config) => config,
        Err(error) => return fail(MISUSE, &error),
    };
    let command = cli.command.unwrap_or(Command::Serve);
    telemetry::init(&log_of(&command, &config));
    tls::install_crypto();
    match actix_web::rt::System::new().block_on(run(command, config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILURE, &in_words(&error)),
    }
}

async fn run(command: Command, config: Config) -> anyhow::Result<()> {
    // Whoever listens to it is not killed by it: a file that may not grow is an I/O error then,
    // which the store knows how to survive.
    let _heard = signal(SignalKind::from_raw(FILE_SIZE_EXCEEDED))?;
    command.run(config).await
}

/// Puts what `.env` in the current directory says into the environment, unless it is there already.
///
/// Runs before any other thread: the environment is not safe to change later.
fn read_dotenv() -> anyhow::Result<()> {
    match dotenvy::from_path(".env") {
        Ok(()) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        // Only the name on the line that is wrong is told: its value may be a secret.
        Err(dotenvy::Error::LineParse(line, _)) => {
            let name = line.split('=').next().unwrap_or_default().trim();
            Err(anyhow!(
                "cannot read .env: what is set for {name:?} is not well quoted"
            ))
        }
        Err(error) => Err(error).context("cannot read .env"),
    }
}

/// A command that answers and ends logs only what goes wrong.
fn log_of(command: &Command, config: &Config) -> LogConfig {
    if command.serves() {
        return config.log.clone();
    }
    LogConfig {
        filter: "warn".to_owned(),
        format: LogFormat::Pretty,
    }
}

/// An error and its causes, without those that only repeat what was said.
fn in_words(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .fold(String::new(), |said, cause| match said.as_str() {
            "" => cause,
            _ if said.contains(&cause) => said,
            _ => format!("{said}: {cause}"),
        })
}

fn fail(code: u8, reason: &dyn Display) -> ExitCode {
    // With nowhere to write to, the exit code has to do.
    let _ = writeln!(io::stderr(), "parlor: {reason}");
    ExitCode::from(code)
}
