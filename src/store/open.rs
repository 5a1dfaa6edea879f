//! Opening a database: connections, tables and first rows.

use std::time::Duration;

use super::{OpenError, Store, StoreError, later};
use crate::metrics::Metrics;

/// Which database, and how patiently.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `sqlite://` with a path, or `postgres://…`.
    pub url: String,
    /// The most connections of PostgreSQL, or readers of SQLite beside its one writer.
    pub max_connections: u32,
    /// Opens a PostgreSQL server that runs with `fsync=off`.
    pub allow_unsafe: bool,
    /// How long an operation waits for a connection.
    pub acquire_timeout: Duration,
    /// How long SQLite waits for another process that writes.
    pub busy_timeout: Duration,
}

impl Store {
    /// Opens a database and brings it up to date: folder and file (SQLite), tables, the epoch and
    /// the first rooms.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(_options: &StoreOptions, _metrics: Metrics) -> Result<Self, OpenError> {
        Err(OpenError::Address)
    }

    /// Brings the tables up to date and closes the database again.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn migrate_only(_options: &StoreOptions) -> Result<(), OpenError> {
        Err(OpenError::Address)
    }

    /// Asks the database something cheap; at most a second.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        later()
    }

    /// The name of this database's history. A restored database has another one, so that clients
    /// do not take its `rev` for the one they know.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn epoch(&self) -> Result<String, StoreError> {
        later()
    }

    /// Starts a new history, as after a restore; returns its name.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn renew_epoch(&self) -> Result<String, StoreError> {
        later()
    }

    /// Closes every connection, after what runs on it.
    pub async fn close(&self) {}
}
