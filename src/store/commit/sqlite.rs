//! The statements of a batch in SQLite.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{
    Outcome,
    found::{Found, found_columns},
};
use crate::domain::{
    ids::{ClientMessageId, Rev, RoomId, Seq},
    message::{Draft, Receipt},
};

/// The most rows of one statement. Chunks are powers of two, so that seven prepared statements do.
const CHUNK: usize = 64;

/// Splits off the greatest chunk that has a prepared statement.
fn chunk<'s, T>(rest: &mut &'s [T]) -> Option<&'s [T]> {
    let length = (1_usize << rest.len().checked_ilog2()?).min(CHUNK);
    let (first, others) = rest.split_at_checked(length)?;
    *rest = others;
    Some(first)
}

/// Numbers the drafts of known rooms and inserts them.
pub(super) async fn write(
    tx: &mut SqliteConnection,
    drafts: &[&Draft],
    at: DateTime<Utc>,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut counts: HashMap<&RoomId, i64> = HashMap::new();
    for draft in drafts {
        *counts.entry(&draft.room_id).or_default() += 1;
    }
    let mut last: HashMap<&RoomId, (Seq, Rev)> = HashMap::with_capacity(counts.len());
    for (room, count) in counts {
        let numbers: Option<(Seq, Rev)> = sqlx::query_as(
            "UPDATE chat_rooms
             SET last_seq = last_seq + $2, last_rev = last_rev + $2, last_message_at = $3
             WHERE id = $1
             RETURNING last_seq - $2, last_rev - $2",
        )
        .bind(room.as_str())
        .bind(count)
        .bind(at)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(numbers) = numbers {
            last.insert(room, numbers);
        }
    }
    let (outcomes, rows) = number(drafts, &mut last, at);
    let mut rest = rows.as_slice();
    while let Some(rows) = chunk(&mut rest) {
        insert(tx, rows).await?;
    }
    Ok(outcomes)
}

/// Gives each draft the next numbers of its room; a draft of an unknown room gets no row.
pub(super) fn number<'a>(
    drafts: &[&'a Draft],
    last: &mut HashMap<&RoomId, (Seq, Rev)>,
    at: DateTime<Utc>,
) -> (Vec<Outcome>, Vec<(&'a Draft, Receipt)>) {
    let mut rows = Vec::with_capacity(drafts.len());
    let outcomes = drafts
        .iter()
        .map(|&draft| match last.get_mut(&draft.room_id) {
            Some((seq, rev)) => {
                *seq += 1;
                *rev += 1;
                let receipt = Receipt {
                    id: draft.id,
                    seq: *seq,
                    rev: *rev,
                    created_at: at,
                    duplicate: false,
                };
                rows.push((draft, receipt));
                Outcome::Committed(receipt)
            }
            None => Outcome::UnknownRoom,
        })
        .collect();
    (outcomes, rows)
}

async fn insert(tx: &mut SqliteConnection, rows: &[(&Draft, Receipt)]) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO chat_messages (room_id, seq, rev, id, sender_id, client_message_id, content,
         content_hash, created_at) ",
    );
    query.push_values(rows, |mut row, (draft, receipt)| {
        let name = draft.client_message_id.as_ref();
        row.push_bind(draft.room_id.as_str())
            .push_bind(receipt.seq)
            .push_bind(receipt.rev)
            .push_bind(receipt.id)
            .push_bind(draft.sender.id)
            .push_bind(name.map(ClientMessageId::as_str))
            .push_bind(draft.content.as_str())
            .push_bind(draft.content_hash.0.as_slice())
            .push_bind(receipt.created_at);
    });
    query.build().execute(tx).await?;
    Ok(())
}

/// Finds the messages that have the drafts' client ids.
pub(super) async fn find_by_key(
    connection: &mut SqliteConnection,
    drafts: &[&Draft],
) -> Result<Vec<Found>, sqlx::Error> {
    let keys: Vec<_> = drafts
        .iter()
        .filter_map(|draft| Some((draft.sender.id, draft.client_message_id.as_ref()?)))
        .collect();
    let mut found = Vec::new();
    let mut rest = keys.as_slice();
    while let Some(keys) = chunk(&mut rest) {
        let mut query = QueryBuilder::<Sqlite>::new("WITH wanted (sender, name) AS (");
        query.push_values(keys, |mut row, (sender, name)| {
            row.push_bind(*sender).push_bind(name.as_str());
        });
        // CROSS JOIN keeps SQLite from reading all messages and looking each up among the wanted.
        query.push(concat!(
            ") SELECT ",
            found_columns!(),
            " FROM wanted CROSS JOIN chat_messages m
              ON m.sender_id = wanted.sender AND m.client_message_id = wanted.name"
        ));
        found.extend(query.build_query_as().fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

/// Finds the messages that have the drafts' own ids.
pub(super) async fn find_by_id(
    connection: &mut SqliteConnection,
    drafts: &[&Draft],
) -> Result<Vec<Found>, sqlx::Error> {
    let mut found = Vec::new();
    let mut rest = drafts;
    while let Some(drafts) = chunk(&mut rest) {
        let mut query = QueryBuilder::<Sqlite>::new(concat!(
            "SELECT ",
            found_columns!(),
            " FROM chat_messages m WHERE m.id IN ("
        ));
        let mut ids = query.separated(", ");
        for draft in drafts {
            ids.push_bind(draft.id);
        }
        query.push(")");
        found.extend(query.build_query_as().fetch_all(&mut *connection).await?);
    }
    Ok(found)
}
