//! What became of a batch whose COMMIT was not answered.

use std::collections::{BTreeSet, HashMap};

use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};

use super::{found::Found, postgres, sqlite};
use crate::{
    clock,
    domain::{
        ids::MessageId,
        message::{Draft, Receipt},
    },
    store::{
        Store, StoreError,
        backend::{Backend, LIMIT, Stopped, in_transaction, limited},
        open::set_up,
    },
};

/// Looks for the drafts where the lost transaction has certainly ended.
pub(super) async fn resolve(
    store: &Store,
    drafts: &[Draft],
) -> Result<Vec<Option<Receipt>>, StoreError> {
    let wanted: Vec<&Draft> = drafts.iter().collect();
    let found = match &store.inner.backend {
        Backend::Sqlite { writer, .. } => {
            let found: Result<Vec<Found>, Stopped<sqlx::Error>> = in_transaction!(sqlite writer, tx => {
                // A commit whose fsync failed can lie whole in the log, unseen, and come back
                // after a crash. This write goes to the same place in the log, so once it is
                // committed, what was not found can never be.
                sqlx::query(
                    "INSERT INTO store_state (name, value) VALUES ('resolved_at', $1)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )
                .bind(clock::now())
                .execute(&mut *tx)
                .await?;
                sqlite::find_by_id(tx, &wanted).await
            });
            found.map_err(|stopped| match stopped {
                Stopped::Before(error) => StoreError::from(error),
                Stopped::AtCommit(cause) => StoreError::Unavailable(cause),
            })?
        }
        Backend::Postgres { options, .. } => limited(LIMIT, find(options, &wanted)).await?,
    };
    let found: HashMap<MessageId, Found> = found.into_iter().map(|row| (row.id, row)).collect();
    Ok(drafts
        .iter()
        .map(|draft| found.get(&draft.id).map(|row| row.receipt(false)))
        .collect())
}

/// On a new connection, because the old one may still be waiting for its answer. The lost
/// transaction holds its rooms' rows until it has ended, so whoever gets their locks sees all that
/// it left.
async fn find(options: &PgConnectOptions, drafts: &[&Draft]) -> Result<Vec<Found>, sqlx::Error> {
    let rooms: BTreeSet<&str> = drafts.iter().map(|draft| draft.room_id.as_str()).collect();
    let rooms: Vec<&str> = rooms.into_iter().collect();
    let mut connection = PgConnection::connect_with(options).await?;
    set_up(&mut connection).await?;
    let mut tx = connection.begin().await?;
    postgres::lock_rooms(&mut tx, &rooms).await?;
    let found = postgres::find_by_id(&mut tx, drafts).await?;
    tx.rollback().await?;
    connection.close().await?;
    Ok(found)
}
