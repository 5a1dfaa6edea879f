//! Rooms.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, later};
use crate::domain::{
    ids::{RoomId, UserId},
    room::{Room, RoomName, Topic},
};

impl Store {
    /// Keeps a new room.
    ///
    /// # Errors
    /// `Conflict` if the id is taken.
    pub async fn insert_room(
        &self,
        _id: &RoomId,
        _name: &RoomName,
        _topic: Option<&Topic>,
        _by: UserId,
    ) -> Result<Room, StoreError> {
        later()
    }

    /// Finds a room.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_room(&self, _id: &RoomId) -> Result<Option<Room>, StoreError> {
        later()
    }

    /// Up to `limit` rooms, the one where somebody spoke last first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_rooms(&self, _limit: i64) -> Result<Vec<Room>, StoreError> {
        later()
    }

    /// How many rooms a user made at or after a time.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn count_rooms_created_since(
        &self,
        _by: UserId,
        _at: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        later()
    }
}
