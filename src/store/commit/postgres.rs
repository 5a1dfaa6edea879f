//! The statements of a batch in PostgreSQL.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Outcome,
    found::{Found, found_columns},
    sqlite::number,
};
use crate::domain::{
    ids::{ClientMessageId, Rev, RoomId, Seq},
    message::{Draft, Receipt},
};

/// Numbers the drafts of known rooms and inserts them, `bytes` at most in one statement.
pub(super) async fn write(
    tx: &mut PgConnection,
    drafts: &[&Draft],
    at: DateTime<Utc>,
    bytes: usize,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut counts: BTreeMap<&RoomId, i64> = BTreeMap::new();
    for draft in drafts {
        *counts.entry(&draft.room_id).or_default() += 1;
    }
    let (rooms, counts): (Vec<&str>, Vec<i64>) = counts
        .iter()
        .map(|(room, count)| (room.as_str(), *count))
        .unzip();
    if rooms.len() > 1 {
        lock_rooms(tx, &rooms).await?;
    }
    let numbers: Vec<(String, Seq, Rev)> = sqlx::query_as(
        "UPDATE chat_rooms r
         SET last_seq = r.last_seq + v.n, last_rev = r.last_rev + v.n, last_message_at = $3
         FROM UNNEST($1::text[], $2::int8[]) AS v (id, n)
         WHERE r.id = v.id
         RETURNING r.id, r.last_seq - v.n, r.last_rev - v.n",
    )
    .bind(&rooms)
    .bind(counts)
    .bind(at)
    .fetch_all(&mut *tx)
    .await?;
    let numbers: HashMap<String, (Seq, Rev)> = numbers
        .into_iter()
        .map(|(room, seq, rev)| (room, (seq, rev)))
        .collect();
    let mut last: HashMap<&RoomId, (Seq, Rev)> = drafts
        .iter()
        .filter_map(|draft| Some((&draft.room_id, *numbers.get(draft.room_id.as_str())?)))
        .collect();
    let (outcomes, mut rows) = number(drafts, &mut last, at);
    // Two nodes that insert the same client ids wait for each other in one order.
    rows.sort_by_key(|(draft, _)| (draft.sender.id, draft.client_message_id.as_ref()));
    let mut rest = rows.as_slice();
    while let Some(rows) = statement(&mut rest, bytes) {
        insert(tx, rows, at).await?;
    }
    Ok(outcomes)
}

/// Splits off the rows that fit into one statement, at least one.
fn statement<'s, 'd>(
    rest: &mut &'s [(&'d Draft, Receipt)],
    bytes: usize,
) -> Option<&'s [(&'d Draft, Receipt)]> {
    /// The columns of fixed length, and the length before each of the nine values.
    const FIXED: usize = 120;
    let mut left = bytes;
    let fitting = rest.iter().take_while(|(draft, _)| {
        let name = draft.client_message_id.as_ref();
        let texts = draft.content.as_str().len()
            + draft.room_id.as_str().len()
            + name.map_or(0, |name| name.as_str().len());
        let fits = left.checked_sub(FIXED + texts);
        left = fits.unwrap_or_default();
        fits.is_some()
    });
    let (rows, others) = rest.split_at_checked(fitting.count().max(1))?;
    *rest = others;
    Some(rows)
}

/// Waits for whoever writes in these rooms, in one order: two nodes must not deadlock.
pub(super) async fn lock_rooms(tx: &mut PgConnection, rooms: &[&str]) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT id FROM chat_rooms WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE")
        .bind(rooms)
        .execute(tx)
        .await
        .map(|_| ())
}

async fn insert(
    tx: &mut PgConnection,
    rows: &[(&Draft, Receipt)],
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let column = |value: fn(&Draft) -> Uuid| -> Vec<Uuid> {
        rows.iter().map(|(draft, _)| value(draft)).collect()
    };
    let texts = |value: fn(&Draft) -> Option<&str>| -> Vec<Option<&str>> {
        rows.iter().map(|(draft, _)| value(draft)).collect()
    };
    let hashes: Vec<&[u8]> = rows
        .iter()
        .map(|(draft, _)| draft.content_hash.0.as_slice())
        .collect();
    let seqs: Vec<Seq> = rows.iter().map(|(_, receipt)| receipt.seq).collect();
    let revs: Vec<Rev> = rows.iter().map(|(_, receipt)| receipt.rev).collect();
    sqlx::query(
        "INSERT INTO chat_messages (room_id, seq, rev, id, sender_id, client_message_id, content,
         content_hash, created_at)
         SELECT v.*, $9 FROM UNNEST($1::text[], $2::int8[], $3::int8[], $4::uuid[], $5::uuid[],
         $6::text[], $7::text[], $8::bytea[]) AS v",
    )
    .bind(texts(|draft| Some(draft.room_id.as_str())))
    .bind(seqs)
    .bind(revs)
    .bind(column(|draft| draft.id.0))
    .bind(column(|draft| draft.sender.id.0))
    .bind(texts(|draft| {
        draft
            .client_message_id
            .as_ref()
            .map(ClientMessageId::as_str)
    }))
    .bind(texts(|draft| Some(draft.content.as_str())))
    .bind(hashes)
    .bind(at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Finds the messages that have the drafts' client ids.
pub(super) async fn find_by_key(
    connection: &mut PgConnection,
    drafts: &[&Draft],
) -> Result<Vec<Found>, sqlx::Error> {
    let (senders, names): (Vec<Uuid>, Vec<&str>) = drafts
        .iter()
        .filter_map(|draft| {
            Some((
                draft.sender.id.0,
                draft.client_message_id.as_ref()?.as_str(),
            ))
        })
        .unzip();
    sqlx::query_as(concat!(
        "SELECT ",
        found_columns!(),
        " FROM UNNEST($1::uuid[], $2::text[]) AS wanted (sender, name)
          JOIN chat_messages m ON m.sender_id = wanted.sender AND m.client_message_id = wanted.name"
    ))
    .bind(senders)
    .bind(names)
    // Planned each time: a plan from when the table was small would read all of it for ever.
    .persistent(false)
    .fetch_all(connection)
    .await
}

/// Finds the messages that have the drafts' own ids.
pub(super) async fn find_by_id(
    connection: &mut PgConnection,
    drafts: &[&Draft],
) -> Result<Vec<Found>, sqlx::Error> {
    let ids: Vec<Uuid> = drafts.iter().map(|draft| draft.id.0).collect();
    sqlx::query_as(concat!(
        "SELECT ",
        found_columns!(),
        " FROM chat_messages m WHERE m.id = ANY($1)"
    ))
    .bind(ids)
    .persistent(false)
    .fetch_all(connection)
    .await
}
