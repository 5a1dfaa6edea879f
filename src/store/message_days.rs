//! How many messages each day had, without reading millions of them at every question.
//!
//! The ids of messages are in order of time, so the unique index on them counts a day without
//! looking at one row. A day that is over is counted once and kept. Of the present day only what is
//! new since the last question is counted.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use sqlx::QueryBuilder;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    Store, StoreError,
    backend::{in_transaction, on_reader},
};
use crate::{clock, domain::ids::MessageId};

/// A message gets its id before it is committed; this much later none is on its way any more.
const SETTLED_AFTER: Duration = Duration::from_secs(300);

/// So many days are counted before they are kept.
const CHUNK: usize = 31;

/// The messages of one day, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MessageDay {
    pub day: NaiveDate,
    pub messages: i64,
}

/// What is counted of the days that are not over: at most two.
///
/// Whoever counts holds it, so that many questions at once count once.
#[derive(Default)]
pub(super) struct Running(Mutex<BTreeMap<NaiveDate, Counted>>);

/// The messages from the beginning of a day until a time.
#[derive(Clone, Copy)]
struct Counted {
    until: DateTime<Utc>,
    messages: i64,
}

impl Store {
    /// How many messages each of the last `days` days had, the present one last.
    ///
    /// # Errors
    /// `Unavailable`, also when so much was never counted before that it takes too long: what was
    /// counted is kept, and the next call goes on.
    pub async fn messages_per_day(&self, days: u16) -> Result<Vec<MessageDay>, StoreError> {
        let now = clock::now();
        let today = now.date_naive();
        let first = today
            .checked_sub_days(Days::new(u64::from(days.saturating_sub(1))))
            .unwrap_or(today);
        let mut running = self.inner.running.0.lock().await;
        running.retain(|day, _| *day >= first);
        let mut known = self.kept_days(first).await?;
        let begin = self.first_message_day().await?.unwrap_or(today);
        let mut over = Vec::new();
        for day in first.iter_days().take_while(|day| *day <= today) {
            if known.contains_key(&day) || day < begin {
                continue;
            }
            let (messages, is_over) = self.count_day(day, now, &mut running).await?;
            known.insert(day, messages);
            if is_over {
                over.push(MessageDay { day, messages });
            }
            if over.len() >= CHUNK {
                self.keep_days(std::mem::take(&mut over)).await?;
            }
        }
        if !over.is_empty() {
            self.keep_days(over).await?;
        }
        let messages = |day| known.get(&day).copied().unwrap_or(0);
        let all = first.iter_days().take_while(|day| *day <= today);
        Ok(all
            .map(|day| MessageDay {
                day,
                messages: messages(day),
            })
            .collect())
    }

    /// Counts a day, from where it was left; tells whether that is for ever.
    async fn count_day(
        &self,
        day: NaiveDate,
        now: DateTime<Utc>,
        running: &mut BTreeMap<NaiveDate, Counted>,
    ) -> Result<(i64, bool), StoreError> {
        let (start, end) = (midnight(day), midnight(day) + TimeDelta::days(1));
        let settled = (now - SETTLED_AFTER).clamp(start, end);
        let counted = running.entry(day).or_insert(Counted {
            until: start,
            messages: 0,
        });
        if settled > counted.until {
            counted.messages += self.count_messages(counted.until..settled).await?;
            counted.until = settled;
        }
        // A clock that was set back must not count anything twice.
        let rest = self.count_messages(counted.until..end).await?;
        let messages = counted.messages + rest;
        let is_over = settled == end;
        if is_over {
            running.remove(&day);
        }
        Ok((messages, is_over))
    }

    async fn count_messages(&self, time: Range<DateTime<Utc>>) -> Result<i64, StoreError> {
        const SQL: &str = "SELECT count(*) FROM chat_messages WHERE id >= $1 AND id < $2";
        if time.is_empty() {
            return Ok(0);
        }
        let (from, to) = (first_id(time.start), first_id(time.end));
        self.read("count", "chat_messages", async {
            Ok(on_reader!(self, db => {
                sqlx::query_scalar(SQL).bind(from).bind(to).fetch_one(db).await?
            }))
        })
        .await
    }

    /// The day of the oldest message.
    async fn first_message_day(&self) -> Result<Option<NaiveDate>, StoreError> {
        const SQL: &str = "SELECT id FROM chat_messages ORDER BY id LIMIT 1";
        self.read("select", "chat_messages", async {
            let id: Option<MessageId> =
                on_reader!(self, db => sqlx::query_scalar(SQL).fetch_optional(db).await?);
            Ok(id.map(|id| made_at(id).date_naive()))
        })
        .await
    }

    async fn kept_days(&self, first: NaiveDate) -> Result<BTreeMap<NaiveDate, i64>, StoreError> {
        const SQL: &str = "SELECT day, messages FROM message_days WHERE day >= $1";
        self.read("select", "message_days", async {
            let rows: Vec<MessageDay> =
                on_reader!(self, db => sqlx::query_as(SQL).bind(first).fetch_all(db).await?);
            Ok(rows
                .into_iter()
                .map(|row| (row.day, row.messages))
                .collect())
        })
        .await
    }

    async fn keep_days(&self, days: Vec<MessageDay>) -> Result<(), StoreError> {
        let store = self.clone();
        self.write("insert", "message_days", async move {
            in_transaction!(store, tx => {
                let mut sql = QueryBuilder::new("INSERT INTO message_days (day, messages) ");
                sql.push_values(&days, |mut row, day| {
                    row.push_bind(day.day).push_bind(day.messages);
                });
                sql.push(" ON CONFLICT (day) DO NOTHING");
                sql.build().persistent(false).execute(&mut *tx).await?;
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        })
        .await
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The least id that a message of this millisecond can have (RFC 9562, section 5.7).
fn first_id(time: DateTime<Utc>) -> MessageId {
    let millis = time.timestamp_millis().max(0);
    MessageId(Uuid::from_u128(u128::from(millis.unsigned_abs()) << 80))
}

/// When an id was made.
fn made_at(id: MessageId) -> DateTime<Utc> {
    let millis = i64::try_from(id.0.as_u128() >> 80).unwrap_or_default();
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_lies_in_its_day() {
        let id = MessageId::new();
        let day = made_at(id).date_naive();
        assert!((clock::now() - made_at(id)).abs() < TimeDelta::minutes(1));
        assert!(first_id(midnight(day)) <= id);
        assert!(id < first_id(midnight(day) + TimeDelta::days(1)));
    }
}
