//! The journal's transaction: many messages, all or none, each once.

mod batch;
mod found;
mod postgres;
mod resolve;
mod sqlite;

use std::sync::Arc;

use self::batch::Batch;
use super::{Store, StoreError};
use crate::domain::message::{Draft, Receipt};

/// What became of one draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on disk, now or since an earlier try.
    Committed(Receipt),
    /// Its `client_message_id` belongs to another message of this sender.
    Conflict,
    /// There is no such room.
    UnknownRoom,
    /// The database will never take it, such as from a sender whom it does not know.
    Refused,
}

/// Why a batch was not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Certainly nothing of it is stored.
    #[error("the batch was not committed")]
    Failed(#[source] StoreError),
    /// It may be stored, whole or in part: ask [`Store::resolve_batch`] before anything else is
    /// committed.
    #[error("whether the batch was committed is unknown")]
    Unknown(#[source] anyhow::Error),
}

impl Store {
    /// Commits messages in their order, in one transaction unless one of them is at fault; answers
    /// each at its place, after the commit is on disk.
    ///
    /// At most 512 at a time are meant.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn commit_batch(&self, drafts: Arc<[Draft]>) -> Result<Vec<Outcome>, CommitError> {
        let store = self.clone();
        self.task("commit", "chat_messages", async move {
            Batch::new(&drafts).commit(&store).await
        })
        .await
        .unwrap_or_else(|stopped| Err(CommitError::Unknown(stopped.into())))
    }

    /// Tells which drafts of a batch with unknown outcome are stored: `None` is not and never will
    /// be.
    ///
    /// # Errors
    /// `Unavailable`: still unknown.
    pub async fn resolve_batch(
        &self,
        drafts: Arc<[Draft]>,
    ) -> Result<Vec<Option<Receipt>>, StoreError> {
        let store = self.clone();
        self.write("resolve", "chat_messages", async move {
            resolve::resolve(&store, &drafts).await
        })
        .await
    }
}

/// Writes drafts in a transaction that a test ends as it likes.
#[cfg(test)]
pub(super) async fn write_in_postgres(
    tx: &mut sqlx::PgConnection,
    drafts: &[&Draft],
) -> Result<Vec<Outcome>, sqlx::Error> {
    postgres::write(tx, drafts, crate::clock::now(), usize::MAX).await
}
