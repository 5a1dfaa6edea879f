//! Reading messages. They are written by [`Store::commit_batch`] alone.

use super::{Store, StoreError, later};
use crate::domain::{
    ids::{MessageId, Rev, RoomId, Seq},
    message::Message,
};

impl Store {
    /// Up to `limit` messages older than `before`, oldest first.
    ///
    /// `before` is exclusive, so the first `seq` of one page is the cursor of the next.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn messages_before(
        &self,
        _room: &RoomId,
        _before: Seq,
        _limit: u16,
    ) -> Result<Vec<Message>, StoreError> {
        later()
    }

    /// Up to `limit` messages newer than `after`, oldest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn messages_after(
        &self,
        _room: &RoomId,
        _after: Seq,
        _limit: u16,
    ) -> Result<Vec<Message>, StoreError> {
        later()
    }

    /// Up to `limit` messages whose last change is newer than `after` and not newer than `upto`, in
    /// the order of their changes.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn messages_changed(
        &self,
        _room: &RoomId,
        _after: Rev,
        _upto: Rev,
        _limit: u16,
    ) -> Result<Vec<Message>, StoreError> {
        later()
    }

    /// Finds a message.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_message(&self, _id: MessageId) -> Result<Option<Message>, StoreError> {
        later()
    }

    /// Finds messages, in no order; what is not there is left out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_messages(&self, _ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        later()
    }
}
