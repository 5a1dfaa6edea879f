//! One server a database.

use super::{LockError, Store};

/// The right to serve this database, until it is dropped.
#[derive(Debug)]
pub struct ServeLock {}

impl Store {
    /// Takes the right to serve this database.
    ///
    /// # Errors
    /// [`LockError::Held`] while another process has it.
    pub async fn lock_exclusively(&self) -> Result<ServeLock, LockError> {
        Err(LockError::Held)
    }
}

impl ServeLock {
    /// Waits until another process has the lock: stop serving then. For ever with SQLite.
    pub async fn lost(&self) {
        std::future::pending::<()>().await;
    }
}
