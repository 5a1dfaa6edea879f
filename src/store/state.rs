//! What the database says of itself: the epoch, whether it is there, and its first rows.

use std::time::Duration;

use serde_json::Value;

use super::{
    Store, StoreError,
    audit::record,
    backend::{in_transaction, limited, on_reader},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By},
        room::FIRST_ROOMS,
    },
};

/// How long readiness waits for the database.
const PING_LIMIT: Duration = Duration::from_secs(1);

impl Store {
    /// Asks the database something cheap; at most a second.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        // A table, because SQLite answers without its file when none is named.
        const SQL: &str = "SELECT count(*) FROM store_state WHERE name = 'epoch'";
        self.read("select", "store_state", async {
            limited(PING_LIMIT, async {
                on_reader!(self, db => { let _: i64 = sqlx::query_scalar(SQL).fetch_one(db).await?; });
                Ok(())
            })
            .await
        })
        .await
    }

    /// The name of this database's history. A restored database has another one, so that clients
    /// do not take its `rev` for the one they know.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn epoch(&self) -> Result<String, StoreError> {
        const SQL: &str = "SELECT value FROM store_state WHERE name = 'epoch'";
        self.read("select", "store_state", async {
            let epoch: Option<String> =
                on_reader!(self, db => sqlx::query_scalar(SQL).fetch_optional(db).await?);
            epoch.ok_or(StoreError::NotFound)
        })
        .await
    }

    /// Starts a new history, as after a restore, and has the audit log say so; returns its name.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn renew_epoch(&self, by: By) -> Result<String, StoreError> {
        const SQL: &str = "INSERT INTO store_state (name, value) VALUES ('epoch', $1)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        let store = self.clone();
        self.write("upsert", "store_state", async move {
            let epoch = new_epoch();
            in_transaction!(store, tx => {
                sqlx::query(SQL).bind(&epoch).execute(&mut *tx).await?;
                record!(tx, &by, Act::DatabaseRestore, None, Value::Null);
                Ok::<_, StoreError>(())
            })?;
            Ok(epoch)
        })
        .await
    }

    /// Makes the epoch if it is missing, and the first rooms if there is none.
    pub(super) async fn make_first_rows(&self) -> Result<(), StoreError> {
        const EPOCH: &str = "INSERT INTO store_state (name, value) VALUES ('epoch', $1)
            ON CONFLICT (name) DO NOTHING";
        const ROOM: &str = "INSERT INTO chat_rooms (id, name, created_at) VALUES ($1, $2, $3)
            ON CONFLICT (id) DO NOTHING";
        let store = self.clone();
        self.write("insert", "store_state", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                let made = sqlx::query(EPOCH).bind(new_epoch()).execute(&mut *tx).await?;
                let any: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM chat_rooms)")
                    .fetch_one(&mut *tx).await?;
                // Each room has its own microsecond, so that lists have them in this order.
                for (place, (id, name)) in FIRST_ROOMS.iter().enumerate() {
                    if !any && made.rows_affected() == 1 {
                        let at = at - chrono::TimeDelta::microseconds(place as i64);
                        sqlx::query(ROOM).bind(*id).bind(*name).bind(at).execute(&mut *tx).await?;
                    }
                }
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        })
        .await
    }
}

fn new_epoch() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
