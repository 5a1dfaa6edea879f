//! Copies of an SQLite database.

use std::path::Path;

use super::{BackupError, Store, StoreOptions};

impl Store {
    /// Writes a copy of the database to `file` while it is in use. SQLite only.
    ///
    /// The copy has no epoch: whoever starts a server on it makes a new one.
    ///
    /// # Errors
    /// `file` exists, cannot be written, or the database is PostgreSQL.
    pub async fn backup(&self, _file: &Path) -> Result<(), BackupError> {
        Err(BackupError::NotSqlite)
    }
}

/// Replaces an SQLite database by a copy that [`Store::backup`] made, under a new epoch.
///
/// The present database, if any, is kept beside it under a name that ends in `.replaced`. It must
/// not be served meanwhile: the lock is held.
///
/// # Errors
/// A server runs on it, or `file` is no sound copy; nothing was changed then.
pub async fn restore(_options: &StoreOptions, _file: &Path) -> Result<(), BackupError> {
    Err(BackupError::NotSqlite)
}
