//! Reading messages. They are written by [`Store::commit_batch`] alone.

use super::{
    Store, StoreError,
    backend::{Backend, on_reader},
    rows::{self, MessageRow, message_select},
};
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
        room: &RoomId,
        before: Seq,
        limit: u16,
    ) -> Result<Vec<Message>, StoreError> {
        const SQL: &str = concat!(
            message_select!(),
            "WHERE m.room_id = $1 AND m.seq < $2 ORDER BY m.seq DESC LIMIT $3"
        );
        let mut page = self.page(SQL, room, before, limit).await?;
        page.reverse();
        Ok(page)
    }

    /// Up to `limit` messages newer than `after`, oldest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn messages_after(
        &self,
        room: &RoomId,
        after: Seq,
        limit: u16,
    ) -> Result<Vec<Message>, StoreError> {
        const SQL: &str = concat!(
            message_select!(),
            "WHERE m.room_id = $1 AND m.seq > $2 ORDER BY m.seq LIMIT $3"
        );
        self.page(SQL, room, after, limit).await
    }

    async fn page(
        &self,
        sql: &'static str,
        room: &RoomId,
        cursor: Seq,
        limit: u16,
    ) -> Result<Vec<Message>, StoreError> {
        self.read("select", "chat_messages", async {
            let rows: Vec<MessageRow> = on_reader!(self, db => {
                sqlx::query_as(sql)
                    .bind(room.as_str())
                    .bind(cursor)
                    .bind(i64::from(limit))
                    .fetch_all(db)
                    .await?
            });
            rows::all(rows)
        })
        .await
    }

    /// Up to `limit` messages whose last change is newer than `after` and not newer than `upto`, in
    /// the order of their changes.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn messages_changed(
        &self,
        room: &RoomId,
        after: Rev,
        upto: Rev,
        limit: u16,
    ) -> Result<Vec<Message>, StoreError> {
        const SQL: &str = concat!(
            message_select!(),
            "WHERE m.room_id = $1 AND m.rev > $2 AND m.rev <= $3 ORDER BY m.rev LIMIT $4"
        );
        self.read("select", "chat_messages", async {
            let rows: Vec<MessageRow> = on_reader!(self, db => {
                sqlx::query_as(SQL)
                    .bind(room.as_str())
                    .bind(after)
                    .bind(upto)
                    .bind(i64::from(limit))
                    .fetch_all(db)
                    .await?
            });
            rows::all(rows)
        })
        .await
    }

    /// Finds a message.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        Ok(self.find_messages(&[id]).await?.pop())
    }

    /// Finds messages, in no order; what is not there is left out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_messages(&self, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        const ONE: &str = concat!(message_select!(), "WHERE m.id = $1");
        const ANY: &str = concat!(message_select!(), "WHERE m.id = ANY($1)");
        self.read("select", "chat_messages", async {
            let rows: Vec<MessageRow> = match &self.inner.backend {
                // One statement each: SQLite has no arrays, and a look-up costs microseconds.
                Backend::Sqlite { readers, .. } => {
                    let mut found = Vec::with_capacity(ids.len());
                    let mut connection = readers.acquire().await?;
                    for id in ids {
                        let row = sqlx::query_as(ONE).bind(id);
                        found.extend(row.fetch_optional(&mut *connection).await?);
                    }
                    found
                }
                Backend::Postgres { pool, .. } => {
                    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
                    sqlx::query_as(ANY).bind(ids).fetch_all(pool).await?
                }
            };
            rows::all(rows)
        })
        .await
    }
}
