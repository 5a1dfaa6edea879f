//! Rooms.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Store, StoreError, Unique,
    audit::record,
    backend::{in_transaction, on_reader},
    rows::{RoomRow, room_columns},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        ids::{RoomId, UserId},
        room::{Room, RoomName, Topic},
    },
};

impl Store {
    /// Keeps a new room.
    ///
    /// # Errors
    /// `Conflict` if the id is taken.
    pub async fn insert_room(
        &self,
        id: &RoomId,
        name: &RoomName,
        topic: Option<&Topic>,
        creator: UserId,
        by: &By,
    ) -> Result<Room, StoreError> {
        const SQL: &str = concat!(
            "INSERT INTO chat_rooms (id, name, topic, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO NOTHING
             RETURNING ",
            room_columns!()
        );
        let (store, by) = (self.clone(), *by);
        let (id, name, topic) = (id.clone(), name.clone(), topic.cloned());
        self.write("insert", "chat_rooms", async move {
            let row: Option<RoomRow> = in_transaction!(store, tx => {
                let row = sqlx::query_as(SQL)
                    .bind(id.as_str())
                    .bind(name.as_str())
                    .bind(topic.as_ref().map(Topic::as_str))
                    .bind(creator)
                    .bind(clock::now())
                    .fetch_optional(&mut *tx)
                    .await?;
                if row.is_some() {
                    let details = json!({ "name": name.as_str() });
                    record!(tx, &by, Act::RoomCreate, Target::room(&id), details);
                }
                Ok::<_, StoreError>(row)
            })?;
            row.ok_or(StoreError::Conflict(Unique::Room))?.try_into()
        })
        .await
    }

    /// Finds a room.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_room(&self, id: &RoomId) -> Result<Option<Room>, StoreError> {
        const SQL: &str = concat!("SELECT ", room_columns!(), " FROM chat_rooms WHERE id = $1");
        self.read("select", "chat_rooms", async {
            let row: Option<RoomRow> = on_reader!(self, db => {
                sqlx::query_as(SQL).bind(id.as_str()).fetch_optional(db).await?
            });
            row.map(Room::try_from).transpose()
        })
        .await
    }

    /// How many rooms a user made at or after a time.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn count_rooms_created_since(
        &self,
        by: UserId,
        at: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        const SQL: &str =
            "SELECT count(*) FROM chat_rooms WHERE created_by = $1 AND created_at >= $2";
        self.read("select", "chat_rooms", async {
            Ok(on_reader!(self, db => {
                sqlx::query_scalar(SQL).bind(by).bind(at).fetch_one(db).await?
            }))
        })
        .await
    }
}
