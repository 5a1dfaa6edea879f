//! The place on disk where one server lives: its folder and its database.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Output,
};

use tempfile::TempDir;
use tokio::{process::Command, time::timeout};

use super::{ADMIN_EMAIL, ADMIN_PASSWORD, LIMIT, TestDatabase};

/// A folder and a database; servers come and go, it stays.
pub struct Home {
    /// Before the folder, which may hold the database's file.
    pub database: TestDatabase,
    directory: TempDir,
}

impl Home {
    /// An empty folder and an empty database.
    pub async fn new() -> Self {
        let directory = TempDir::new().expect("a temporary folder");
        let database = TestDatabase::create(directory.path()).await;
        Self {
            database,
            directory,
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Where a server here has its data: beside the database's file, or where the default says.
    pub fn data(&self) -> PathBuf {
        match self.database {
            TestDatabase::Sqlite(_) => self.path().to_owned(),
            TestDatabase::Postgres { .. } => self.path().join("data"),
        }
    }

    /// Where a server here has its certificate.
    pub fn certificate(&self) -> PathBuf {
        self.path().join("certs/cert.pem")
    }

    /// Where a server here has its key.
    pub fn key(&self) -> PathBuf {
        self.path().join("certs/key.pem")
    }

    /// The certificate that a client trusts.
    pub fn ca(&self) -> PathBuf {
        self.path().join("certs/ca.pem")
    }

    /// A `parlor` command that runs here, with cheap hashes and without limits.
    pub fn command<A: AsRef<OsStr>>(&self, args: &[A]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command
            .args(args)
            .env_clear()
            .current_dir(self.path())
            .envs([
                ("PORT", "0"),
                ("RUST_LOG", "info"),
                ("LOG_FORMAT", "json"),
                ("BCRYPT_COST", "4"),
                ("ADMIN_EMAIL", ADMIN_EMAIL),
                ("ADMIN_PASSWORD", ADMIN_PASSWORD),
                ("LOGIN_ATTEMPTS_PER_MINUTE", "0"),
                ("REGISTRATIONS_PER_MINUTE", "0"),
                ("MESSAGES_PER_SECOND", "0"),
                ("MAX_CONNECTIONS_PER_USER", "0"),
                ("SOCKETS_PER_MINUTE", "0"),
                ("ROOM_MESSAGES_PER_SECOND", "0"),
                ("JOINS_PER_MINUTE", "0"),
                ("ROOM_JOINS_PER_SECOND", "0"),
                ("RESETS_PER_HOUR", "0"),
                ("REFRESHES_PER_MINUTE", "0"),
                ("OAUTH_REQUESTS_PER_MINUTE", "0"),
                ("REQUESTS_PER_SECOND", "0"),
                ("TYPING_PER_SECOND", "0"),
                ("ROOM_TYPING_PER_SECOND", "0"),
                ("SHUTDOWN_SECONDS", "1"),
            ])
            .env("DATABASE_URL", self.database.url())
            .env("SSL_CERT_PATH", self.certificate())
            .env("SSL_KEY_PATH", self.key())
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a `parlor` command here to its end.
    pub async fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Output {
        finish(self.command(args)).await
    }
}

/// Runs a command to its end, or ends it after a while.
pub async fn finish(mut command: Command) -> Output {
    timeout(LIMIT, command.output())
        .await
        .expect("the command ends")
        .expect("the command starts")
}
