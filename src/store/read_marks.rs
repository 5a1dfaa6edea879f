//! Read marks: how far each user has read in each room.
//!
//! A mark never falls and never passes the head. Who has none in a room has read what was said
//! there before the account was made: where that is, is looked for once, by halving, because times
//! have no index. Then it is kept as a mark.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;

use super::{
    Store, StoreError,
    backend::{in_transaction, on_reader},
    mark_queue::Mark,
    rows::{self, ReadRoomRow, room_columns},
};
use crate::domain::{
    ids::{RoomId, Seq, UserId},
    room::{ReadRoom, Room},
    user::User,
};

/// Whose marks: the user, and when the account was made.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    pub id: UserId,
    pub since: DateTime<Utc>,
}

impl From<&User> for Reader {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            since: user.created_at,
        }
    }
}

/// What became of a mark that somebody wanted to raise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedMark {
    pub room: Room,
    /// Where it stands now.
    pub read: Seq,
    /// Whether it stood lower before.
    pub rose: bool,
}

/// Rooms as `$1`, whose account is from `$2`, has read them. `read` is NULL where the account is in
/// the middle of what was said, and there is no mark yet.
macro_rules! read_rooms {
    () => {
        concat!(
            "SELECT ",
            room_columns!(),
            ", CASE WHEN k.seq IS NOT NULL THEN k.seq
                    WHEN created_at >= $2 THEN 0
                    WHEN last_message_at IS NULL OR last_message_at <= $2 THEN last_seq
               END AS read
             FROM chat_rooms LEFT JOIN read_marks k ON k.room_id = id AND k.user_id = $1 "
        )
    };
}

/// Marks where `$2` is in the rooms that `$1` has no mark in.
///
/// Each step halves what is left of every room. A message that is gone was there early.
macro_rules! begin {
    ($rooms:literal) => {
        concat!(
            "INSERT INTO read_marks (user_id, room_id, seq)
    WITH RECURSIVE search (room_id, low, high) AS (
        SELECT id, CAST(0 AS BIGINT), last_seq FROM (
            SELECT id, last_seq FROM chat_rooms
            WHERE last_message_at > $2 AND created_at < $2
                AND NOT EXISTS (
                    SELECT 1 FROM read_marks k WHERE k.user_id = $1 AND k.room_id = id) ",
            $rooms,
            ") AS unmarked
        UNION ALL
        SELECT s.room_id,
            CASE WHEN m.created_at > $2 THEN s.low ELSE (s.low + s.high + 1) / 2 END,
            CASE WHEN m.created_at > $2 THEN (s.low + s.high + 1) / 2 - 1 ELSE s.high END
        FROM search s
        LEFT JOIN chat_messages m ON m.room_id = s.room_id AND m.seq = (s.low + s.high + 1) / 2
        WHERE s.low < s.high)
    SELECT $1, room_id, low FROM search WHERE low = high
    ON CONFLICT (user_id, room_id) DO NOTHING"
        )
    };
}

const BEGIN_SEVERAL: &str = begin!("ORDER BY last_message_at DESC LIMIT $3");
const BEGIN_ONE: &str = begin!("AND id = $3");

/// Keeps where an account began, in rooms where nobody asked yet.
macro_rules! begin_marks {
    ($store:ident, $sql:ident, $reader:ident, $rooms:expr) => {{
        in_transaction!($store, tx => {
            sqlx::query($sql)
                .bind($reader.id)
                .bind($reader.since)
                .bind($rooms)
                .execute(&mut *tx)
                .await?;
            Ok::<_, StoreError>(())
        })?;
        Ok(())
    }};
}

impl Store {
    /// Up to `limit` rooms and how far `reader` has read them, the one where somebody spoke last
    /// first; a silent one stands where it was made.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_rooms(
        &self,
        reader: &Reader,
        limit: i64,
    ) -> Result<Vec<ReadRoom>, StoreError> {
        const SQL: &str = concat!(
            read_rooms!(),
            "ORDER BY COALESCE(last_message_at, created_at) DESC, id LIMIT $3"
        );
        let limit = limit.max(0);
        let list = async || {
            self.read("select", "chat_rooms", async {
                let rows: Vec<ReadRoomRow> = on_reader!(self, db => {
                    sqlx::query_as(SQL).bind(reader.id).bind(reader.since).bind(limit)
                        .fetch_all(db).await?
                });
                Ok(rows)
            })
            .await
        };
        let mut rooms = list().await?;
        if rooms.iter().any(|room| room.read.is_none()) {
            let store = self.clone();
            let reader = *reader;
            self.write("insert", "read_marks", async move {
                begin_marks!(store, BEGIN_SEVERAL, reader, limit)
            })
            .await?;
            rooms = list().await?;
        }
        rows::all(rooms)
    }

    /// Finds a room, and how far `reader` has read it.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_read_room(
        &self,
        reader: &Reader,
        id: &RoomId,
    ) -> Result<Option<ReadRoom>, StoreError> {
        const SQL: &str = concat!(read_rooms!(), "WHERE id = $3");
        let find = async || {
            self.read("select", "chat_rooms", async {
                let row: Option<ReadRoomRow> = on_reader!(self, db => {
                    sqlx::query_as(SQL).bind(reader.id).bind(reader.since).bind(id.as_str())
                        .fetch_optional(db).await?
                });
                Ok(row)
            })
            .await
        };
        let mut room = find().await?;
        if room.as_ref().is_some_and(|room| room.read.is_none()) {
            let store = self.clone();
            let (reader, id) = (*reader, id.clone());
            self.write("insert", "read_marks", async move {
                begin_marks!(store, BEGIN_ONE, reader, id.as_str())
            })
            .await?;
            room = find().await?;
        }
        room.map(ReadRoom::try_from).transpose()
    }

    /// Raises a mark to `seq`, or to the head if that is less; a greater one stays. `None` if there
    /// is no such room.
    ///
    /// # Errors
    /// `Unavailable`, also if too many marks wait to be stored.
    pub async fn raise_read_mark(
        &self,
        reader: &Reader,
        id: &RoomId,
        seq: Seq,
    ) -> Result<Option<RaisedMark>, StoreError> {
        let Some(ReadRoom { room, read }) = self.find_read_room(reader, id).await? else {
            return Ok(None);
        };
        let seq = seq.min(room.head);
        let rose = seq > read;
        if rose {
            let mark = Mark {
                user: reader.id,
                room: id.clone(),
                seq,
            };
            self.store_mark(mark).await?;
        }
        let read = read.max(seq);
        Ok(Some(RaisedMark { room, read, rose }))
    }

    /// Raises several marks in one transaction; no two of them may be of one user and room.
    pub(super) async fn raise_marks(&self, marks: Vec<Mark>) -> Result<(), StoreError> {
        let store = self.clone();
        self.write("upsert", "read_marks", async move {
            in_transaction!(store, tx => {
                let mut sql =
                    QueryBuilder::new("INSERT INTO read_marks (user_id, room_id, seq) ");
                sql.push_values(&marks, |mut row, mark| {
                    row.push_bind(mark.user)
                        .push_bind(mark.room.as_str())
                        .push_bind(mark.seq);
                });
                sql.push(
                    " ON CONFLICT (user_id, room_id) DO UPDATE SET seq = excluded.seq
                      WHERE excluded.seq > read_marks.seq",
                );
                // Each length is another statement; none is worth keeping.
                sql.build().persistent(false).execute(&mut *tx).await?;
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        })
        .await
    }
}

impl TryFrom<ReadRoomRow> for ReadRoom {
    type Error = StoreError;

    fn try_from(row: ReadRoomRow) -> Result<Self, StoreError> {
        let room = Room::try_from(row.room)?;
        // Somebody spoke between the marks and the list. Too little is put right by the next list;
        // too much would hide what nobody has read.
        let read = row.read.unwrap_or(0).min(room.head);
        Ok(Self { room, read })
    }
}
