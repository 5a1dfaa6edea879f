//! The journal's transaction: many messages, all or none, each once.

use std::sync::Arc;

use super::{Store, StoreError, later};
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
    /// It may be stored: ask [`Store::resolve_batch`] before anything else is committed.
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
    pub async fn commit_batch(&self, _drafts: Arc<[Draft]>) -> Result<Vec<Outcome>, CommitError> {
        later().map_err(CommitError::Failed)
    }

    /// Tells which drafts of a batch with unknown outcome are stored: `None` is not and never will
    /// be.
    ///
    /// # Errors
    /// `Unavailable`: still unknown.
    pub async fn resolve_batch(
        &self,
        _drafts: Arc<[Draft]>,
    ) -> Result<Vec<Option<Receipt>>, StoreError> {
        later()
    }
}
