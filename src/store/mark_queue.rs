//! Read marks on their way into the database: many in one transaction.
//!
//! Everybody in a room reads each message within a second. A transaction for each mark would keep
//! the database from the messages, of which SQLite writes no two at once.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use anyhow::anyhow;

use super::{Store, StoreError};
use crate::domain::ids::{RoomId, Seq, UserId};

/// The most marks of one transaction.
const BATCH: usize = 256;

/// The most marks that wait; beyond it the client is told to come again.
const MAX_WAITING: usize = 4_096;

/// How far a user has read in a room.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) user: UserId,
    pub(super) room: RoomId,
    pub(super) seq: Seq,
}

/// A mark and what became of it.
struct Ticket {
    mark: Mark,
    state: AtomicU8,
}

const WAITING: u8 = 0;
const STORED: u8 = 1;
const FAILED: u8 = 2;

/// The marks that wait, and whose turn it is to store them.
#[derive(Default)]
pub(super) struct MarkQueue {
    waiting: Mutex<VecDeque<Arc<Ticket>>>,
    turn: tokio::sync::Mutex<()>,
}

impl MarkQueue {
    /// A thread that panicked left the queue whole: every change to it is one call.
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Arc<Ticket>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, mark: Mark) -> Result<Arc<Ticket>, StoreError> {
        let mut waiting = self.waiting();
        if waiting.len() >= MAX_WAITING {
            return Err(StoreError::Unavailable(anyhow!(
                "{MAX_WAITING} read marks wait to be stored"
            )));
        }
        let ticket = Arc::new(Ticket {
            mark,
            state: AtomicU8::new(WAITING),
        });
        waiting.push_back(ticket.clone());
        Ok(ticket)
    }

    /// The next batch, with `own` in it: whoever took it out before may have been dropped since.
    fn take(&self, own: &Arc<Ticket>) -> Vec<Arc<Ticket>> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(BATCH);
        let mut batch: Vec<_> = waiting.drain(..count).collect();
        if !batch.iter().any(|ticket| Arc::ptr_eq(ticket, own)) {
            waiting.retain(|ticket| !Arc::ptr_eq(ticket, own));
            batch.push(own.clone());
        }
        batch
    }
}

impl Store {
    /// Stores a mark together with those that wait: whoever comes first stores them for all.
    pub(super) async fn store_mark(&self, mark: Mark) -> Result<(), StoreError> {
        let queue = &self.inner.marks;
        let own = queue.push(mark)?;
        let _turn = queue.turn.lock().await;
        match own.state.load(Ordering::Acquire) {
            STORED => return Ok(()),
            FAILED => return Err(StoreError::Unavailable(anyhow!("the batch was not stored"))),
            _ => {}
        }
        let batch = queue.take(&own);
        let stored = self.raise_marks(highest(&batch)).await;
        let state = if stored.is_ok() { STORED } else { FAILED };
        for ticket in batch {
            ticket.state.store(state, Ordering::Release);
        }
        stored
    }
}

/// The highest mark of each user and room, in one order: two nodes must not deadlock.
fn highest(batch: &[Arc<Ticket>]) -> Vec<Mark> {
    let mut marks: BTreeMap<(UserId, &RoomId), Seq> = BTreeMap::new();
    for ticket in batch {
        let Mark { user, room, seq } = &ticket.mark;
        let highest = marks.entry((*user, room)).or_default();
        *highest = (*highest).max(*seq);
    }
    let mark = |((user, room), seq): ((UserId, &RoomId), Seq)| Mark {
        user,
        room: room.clone(),
        seq,
    };
    marks.into_iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(user: UserId, room: &str, seq: Seq) -> Mark {
        let room = RoomId::parse(room).unwrap();
        Mark { user, room, seq }
    }

    #[test]
    fn a_batch_has_one_mark_for_a_user_and_room() {
        let queue = MarkQueue::default();
        let (ann, ben) = (UserId::new(), UserId::new());
        queue.push(mark(ann, "tea", 3)).unwrap();
        queue.push(mark(ben, "tea", 1)).unwrap();
        queue.push(mark(ann, "tea", 7)).unwrap();
        let own = queue.push(mark(ann, "tea", 5)).unwrap();
        let batch = queue.take(&own);
        assert_eq!(batch.len(), 4);
        let told: Vec<_> = highest(&batch)
            .into_iter()
            .map(|mark| (mark.user, mark.seq))
            .collect();
        assert_eq!(told, [(ann, 7), (ben, 1)]);
        assert_eq!(queue.take(&own).len(), 1, "it stores its own in any case");
    }

    #[test]
    fn the_queue_has_an_end() {
        let queue = MarkQueue::default();
        let ann = UserId::new();
        for seq in 0..MAX_WAITING as Seq {
            queue.push(mark(ann, "tea", seq)).unwrap();
        }
        assert!(queue.push(mark(ann, "tea", 1)).is_err());
        let own = queue.waiting().back().unwrap().clone();
        let batch = queue.take(&own);
        assert_eq!(batch.len(), BATCH + 1, "whose turn it is, is in the batch");
        assert_eq!(queue.waiting().len(), MAX_WAITING - BATCH - 1);
        queue.push(mark(ann, "tea", 1)).unwrap();
    }
}
