//! What happens to a batch until each of its drafts has an answer.

use std::collections::{HashMap, hash_map::Entry};

use chrono::{DateTime, Utc};

use super::{CommitError, Outcome, found::Found, postgres, sqlite};
use crate::{
    clock,
    domain::{
        ids::{MessageId, UserId},
        message::{Draft, Receipt},
    },
    store::{
        Store, StoreError,
        backend::{Backend, Stopped, in_transaction},
        error::{Kind, kind},
    },
};

/// How often a transaction is tried again that met an earlier message or another transaction.
const ATTEMPTS: usize = 8;

/// A draft's name among its sender's.
type Key<'a> = (UserId, &'a str);

/// Drafts, by their place in the batch, and what became of them so far.
pub(super) struct Batch<'a> {
    drafts: &'a [Draft],
    outcomes: Vec<Option<Outcome>>,
    /// Messages that were there before, by their client's id.
    earlier: HashMap<Key<'a>, Found>,
    /// One time for all: they become durable together.
    at: DateTime<Utc>,
    /// A part is on disk already, so an error can no longer mean that nothing is.
    committed: bool,
}

impl<'a> Batch<'a> {
    pub(super) fn new(drafts: &'a [Draft]) -> Self {
        Self {
            drafts,
            outcomes: vec![None; drafts.len()],
            earlier: HashMap::new(),
            at: clock::now(),
            committed: false,
        }
    }

    pub(super) async fn commit(mut self, store: &Store) -> Result<Vec<Outcome>, CommitError> {
        let mut waiting: Vec<usize> = (0..self.drafts.len()).collect();
        while !waiting.is_empty() {
            let (first, repeats) = self.split(waiting);
            self.settle(store, first).await?;
            waiting = self.answer_repeats(repeats);
        }
        // Each has an answer now; one without would have been neither stored nor refused.
        self.outcomes
            .into_iter()
            .map(|outcome| {
                outcome.ok_or_else(|| CommitError::Unknown(anyhow::anyhow!("no answer")))
            })
            .collect()
    }

    /// Sets apart the drafts whose client id stands earlier in the batch: each with the earlier one.
    fn split(&self, waiting: Vec<usize>) -> (Vec<usize>, Vec<(usize, usize)>) {
        let mut leaders = HashMap::with_capacity(waiting.len());
        let mut first = Vec::with_capacity(waiting.len());
        let mut repeats = Vec::new();
        for place in waiting {
            match self.key(place).map(|key| leaders.entry(key)) {
                Some(Entry::Occupied(leader)) => repeats.push((place, *leader.get())),
                Some(Entry::Vacant(free)) => {
                    free.insert(place);
                    first.push(place);
                }
                None => first.push(place),
            }
        }
        (first, repeats)
    }

    /// Answers the repeats whose first one tells what they are; returns the others, which are the
    /// first of their name now.
    fn answer_repeats(&mut self, repeats: Vec<(usize, usize)>) -> Vec<usize> {
        let mut waiting = Vec::new();
        for (place, leader) in repeats {
            let (Some(draft), Some(first)) = (self.drafts.get(place), self.drafts.get(leader))
            else {
                continue;
            };
            let same = draft.room_id == first.room_id && draft.content_hash == first.content_hash;
            let earlier = self.key(place).and_then(|key| self.earlier.get(&key));
            let answer = match (earlier, self.outcomes.get(leader).copied().flatten()) {
                (Some(found), _) => found.answer(draft),
                (None, Some(Outcome::Committed(receipt))) if same => Outcome::Committed(Receipt {
                    duplicate: true,
                    ..receipt
                }),
                (None, Some(Outcome::Committed(_))) => Outcome::Conflict,
                (None, Some(refusal)) if same => refusal,
                _ => {
                    waiting.push(place);
                    continue;
                }
            };
            self.set(place, answer);
        }
        waiting
    }

    /// Gives each of these drafts an answer; all of them have names of their own.
    async fn settle(&mut self, store: &Store, places: Vec<usize>) -> Result<(), CommitError> {
        let mut parts = vec![places];
        while let Some(part) = parts.pop() {
            // The later half comes to lie below the earlier one, so that the order is kept.
            parts.extend(self.settle_part(store, part).await?.into_iter().flatten());
        }
        Ok(())
    }

    /// Commits one part; returns its halves if one of its drafts is at fault and it is not known
    /// which.
    async fn settle_part(
        &mut self,
        store: &Store,
        mut part: Vec<usize>,
    ) -> Result<Option<[Vec<usize>; 2]>, CommitError> {
        for _ in 0..ATTEMPTS {
            if part.is_empty() {
                return Ok(None);
            }
            let drafts: Vec<&Draft> = part.iter().filter_map(|&i| self.drafts.get(i)).collect();
            let error = match write(store, &drafts, self.at).await {
                Ok(outcomes) => {
                    for (&place, outcome) in part.iter().zip(outcomes) {
                        self.committed |= matches!(outcome, Outcome::Committed(_));
                        self.set(place, outcome);
                    }
                    return Ok(None);
                }
                Err(Stopped::AtCommit(cause)) => return Err(CommitError::Unknown(cause)),
                Err(Stopped::Before(error)) => error,
            };
            match (kind(&error), part.as_slice()) {
                (Kind::Collision, _) => {}
                (Kind::Unique, _) => {
                    let found = find(store, &drafts)
                        .await
                        .map_err(|error| self.failed(error))?;
                    part = self.answer_earlier(found, part);
                }
                (Kind::Lasting, [_, _, ..]) => {
                    let later = part.split_off(part.len() / 2);
                    return Ok(Some([later, part]));
                }
                (Kind::Lasting, single) => {
                    for &place in single {
                        tracing::warn!(%error, "the database refused a message");
                        self.set(place, Outcome::Refused);
                    }
                    return Ok(None);
                }
                (Kind::Unavailable | Kind::Internal, _) => return Err(self.failed(error)),
            }
        }
        let tired = anyhow::anyhow!("a batch met other messages {ATTEMPTS} times");
        Err(self.failed(StoreError::Unavailable(tired)))
    }

    /// Answers the drafts that are stored already; returns the others.
    fn answer_earlier(&mut self, found: Vec<Found>, part: Vec<usize>) -> Vec<usize> {
        let mut by_id: HashMap<MessageId, Found> = HashMap::new();
        let mut by_key: HashMap<(UserId, String), Found> = HashMap::new();
        for row in found {
            if let Some(name) = &row.client_message_id {
                by_key.insert((row.sender_id, name.clone()), row.clone());
            }
            by_id.insert(row.id, row);
        }
        let mut others = Vec::with_capacity(part.len());
        for place in part {
            let Some(draft) = self.drafts.get(place) else {
                continue;
            };
            let key = self.key(place);
            let row = key
                .and_then(|(sender, name)| by_key.get(&(sender, name.to_owned())))
                .or_else(|| by_id.get(&draft.id));
            match row {
                Some(row) => {
                    self.set(place, row.answer(draft));
                    if let Some(key) = key {
                        self.earlier.insert(key, row.clone());
                    }
                }
                None => others.push(place),
            }
        }
        others
    }

    fn key(&self, place: usize) -> Option<Key<'a>> {
        let draft = self.drafts.get(place)?;
        let name = draft.client_message_id.as_ref()?;
        Some((draft.sender.id, name.as_str()))
    }

    fn set(&mut self, place: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(place) {
            *slot = Some(outcome);
        }
    }

    fn failed(&self, error: impl Into<StoreError>) -> CommitError {
        let error = error.into();
        if self.committed {
            CommitError::Unknown(error.into())
        } else {
            CommitError::Failed(error)
        }
    }
}

/// Writes drafts in one transaction; answers each at its place.
async fn write(
    store: &Store,
    drafts: &[&Draft],
    at: DateTime<Utc>,
) -> Result<Vec<Outcome>, Stopped<sqlx::Error>> {
    match &store.inner.backend {
        Backend::Sqlite { writer, .. } => in_transaction!(sqlite writer, tx => {
            sqlite::write(tx, drafts, at).await
        }),
        Backend::Postgres {
            pool,
            statement_bytes,
            ..
        } => in_transaction!(postgres pool, tx => {
            postgres::write(tx, drafts, at, *statement_bytes).await
        }),
    }
}

/// Looks for messages with the drafts' ids or client ids, where nothing newer can be missed.
async fn find(store: &Store, drafts: &[&Draft]) -> Result<Vec<Found>, sqlx::Error> {
    match &store.inner.backend {
        Backend::Sqlite { writer, .. } => {
            let mut connection = writer.acquire().await?;
            let mut found = sqlite::find_by_key(&mut connection, drafts).await?;
            found.extend(sqlite::find_by_id(&mut connection, drafts).await?);
            Ok(found)
        }
        Backend::Postgres { pool, .. } => {
            let mut connection = pool.acquire().await?;
            let mut found = postgres::find_by_key(&mut connection, drafts).await?;
            found.extend(postgres::find_by_id(&mut connection, drafts).await?);
            Ok(found)
        }
    }
}
