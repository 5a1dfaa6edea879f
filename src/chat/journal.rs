//! The one writer of messages: it collects what waits while a commit runs, and commits that.
//!
//! No timer: a lone message is committed at once, and under load the next batch grows while the
//! previous one is on its way to the disk. Answers and broadcasts come after COMMIT only.

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix::prelude::*;
use lru::LruCache;
use tokio::sync::oneshot;

use super::{
    Refusal,
    author::{Answers, Author},
    lobby::{Lobby, Missed},
    room::{Committed, Room, RoomAddr},
};
use crate::{
    domain::{
        ids::{ClientMessageId, RoomId, UserId},
        message::{ContentHash, Draft, Receipt},
    },
    metrics::Metrics,
    store::{CommitError, Outcome, Store},
};

/// Messages a transaction at most.
const BATCH: usize = 512;
/// Messages that may wait for their commit.
const MAX_WAITING: usize = 4_096;
/// Bytes of content that may wait for their commit: 8 MiB.
const MAX_WAITING_BYTES: usize = 8 * 1024 * 1024;
/// Committed messages that are remembered, so that most retries need no look-up.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(16_383);
/// How long messages wait behind a commit whose outcome is not known yet.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long until the outcome is asked for again while the database is away.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Messages for the next commit, each with a place reserved for it.
#[derive(Message)]
#[rtype(result = "()")]
struct Append(Vec<Entry>);

/// A message that is to be stored.
pub struct Entry {
    pub draft: Draft,
    pub ticket: Ticket,
}

/// Who and what waits for a commit.
pub struct Ticket {
    pub author: Author,
    /// Broadcasts it; has a place reserved for it until it is settled.
    pub room: RoomAddr,
    pub since: Instant,
}

/// Answers once everything that waits is committed or refused.
#[derive(Message)]
#[rtype(result = "()")]
struct Settle;

/// The way to the journal: it says no when enough waits.
#[derive(Clone)]
pub struct JournalHandle {
    journal: Addr<Journal>,
    waiting: Arc<Waiting>,
}

impl JournalHandle {
    /// Keeps a place for a message until it is settled; false if too much waits already.
    pub fn reserve(&self, draft: &Draft) -> bool {
        self.waiting.reserve(draft.content.as_str().len())
    }

    /// Hands messages over that have their places, in order; gives them back, without their places,
    /// if the journal takes none any more.
    pub fn append(&self, entries: Vec<Entry>) -> Result<(), Vec<Entry>> {
        self.journal.try_send(Append(entries)).map_err(|refused| {
            let Append(entries) = refused.into_inner();
            for entry in &entries {
                self.waiting.release(entry.draft.content.as_str().len());
            }
            entries
        })
    }

    /// Waits until everything that was handed over is settled.
    pub async fn settle(&self) {
        // A journal that is gone has nothing left to settle.
        let _gone = self.journal.send(Settle).await;
    }
}

/// How much waits for the journal: at the rooms, in its mailbox and its queue.
#[derive(Default)]
struct Waiting {
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

impl Waiting {
    fn reserve(&self, bytes: usize) -> bool {
        let messages = self.messages.fetch_add(1, Ordering::Relaxed);
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = messages < MAX_WAITING && before + bytes <= MAX_WAITING_BYTES;
        if !fits {
            self.release(bytes);
        }
        fits
    }

    fn release(&self, bytes: usize) {
        self.messages.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What is remembered of a committed message.
struct Remembered {
    room_id: RoomId,
    content_hash: ContentHash,
    receipt: Receipt,
}

/// What became of each message of a batch.
type Results = Vec<Result<Receipt, Refusal>>;

/// The one writer of messages.
pub struct Journal {
    store: Store,
    lobby: Addr<Lobby>,
    queue: VecDeque<Entry>,
    waiting: Arc<Waiting>,
    committing: bool,
    recent: LruCache<(UserId, ClientMessageId), Remembered>,
    settled: Vec<oneshot::Sender<()>>,
    metrics: Metrics,
}

impl Actor for Journal {
    type Context = Context<Self>;
}

impl Journal {
    /// Starts the journal on this thread.
    pub fn start(store: Store, lobby: Addr<Lobby>, metrics: Metrics) -> JournalHandle {
        let waiting = Arc::new(Waiting::default());
        let shared = waiting.clone();
        let journal = Self::create(|context| {
            // One more than can be reserved, for `Settle`.
            context.set_mailbox_capacity(MAX_WAITING + 1);
            Self {
                store,
                lobby,
                queue: VecDeque::new(),
                waiting: shared,
                committing: false,
                recent: LruCache::new(REMEMBERED),
                settled: Vec::new(),
                metrics,
            }
        });
        JournalHandle { journal, waiting }
    }

    /// Commits what waits.
    fn commit_next(&mut self, context: &mut Context<Self>) {
        self.committing = !self.queue.is_empty();
        if !self.committing {
            self.settled
                .drain(..)
                .for_each(|waiter| waiter.send(()).unwrap_or_default());
            return;
        }
        let count = self.queue.len().min(BATCH);
        let (drafts, tickets) = self
            .queue
            .drain(..count)
            .map(|a| (a.draft, a.ticket))
            .unzip();
        let (drafts, tickets): (Vec<Draft>, Vec<Ticket>) = (drafts, tickets);
        let drafts: Arc<[Draft]> = drafts.into();
        self.metrics.commit_batch_size.observe(count as f64);
        let commit = commit(self.store.clone(), drafts.clone());
        context.spawn(
            fut::wrap_future::<_, Self>(commit).map(
                move |results, journal, context| match results {
                    Some(results) => {
                        journal.conclude(tickets, &drafts, results);
                        journal.commit_next(context);
                    }
                    None => journal.find_out(tickets, drafts, context),
                },
            ),
        );
    }

    /// Asks what became of a batch until the database answers. What waits behind it is refused
    /// after [`PATIENCE`].
    fn find_out(
        &mut self,
        tickets: Vec<Ticket>,
        drafts: Arc<[Draft]>,
        context: &mut Context<Self>,
    ) {
        let patience = context.run_interval(PATIENCE, |journal, _| journal.refuse_waiting());
        let resolve = resolve(self.store.clone(), drafts.clone());
        context.spawn(fut::wrap_future::<_, Self>(resolve).map(
            move |results, journal, context| {
                context.cancel_future(patience);
                journal.conclude(tickets, &drafts, results);
                journal.commit_next(context);
            },
        ));
    }

    fn refuse_waiting(&mut self) {
        let (drafts, tickets) = self.queue.drain(..).map(|a| (a.draft, a.ticket)).unzip();
        let (drafts, tickets): (Vec<Draft>, Vec<Ticket>) = (drafts, tickets);
        let results = vec![Err(Refusal::Unavailable); drafts.len()];
        self.conclude(tickets, &drafts.into(), results);
    }

    /// Answers every author of a batch and tells the rooms.
    fn conclude(&mut self, tickets: Vec<Ticket>, drafts: &Arc<[Draft]>, results: Results) {
        // By life: a room that died and the one that took its place may both be in a batch.
        let mut rooms: HashMap<*const Addr<Room>, (RoomAddr, &RoomId, Committed)> = HashMap::new();
        let mut answers = Answers::default();
        for (at, (ticket, result)) in tickets.into_iter().zip(results).enumerate() {
            let Some(draft) = drafts.get(at) else { break };
            self.waiting.release(draft.content.as_str().len());
            let (_, _, committed) = rooms.entry(Arc::as_ptr(&ticket.room)).or_insert_with(|| {
                let nothing = Committed::nothing(drafts.clone());
                (ticket.room, &draft.room_id, nothing)
            });
            committed.settled += 1;
            if let Ok(receipt) = result {
                self.remember(draft, receipt);
                if !receipt.duplicate {
                    self.metrics.messages.inc();
                    committed.places.push((at, receipt));
                }
            }
            self.metrics
                .publish_seconds
                .observe(ticket.since.elapsed().as_secs_f64());
            answers.add(ticket.author, draft, result);
        }
        for (room, id, mut committed) in rooms.into_values() {
            if room.connected() {
                committed.places.sort_by_key(|(_, receipt)| receipt.rev);
                // Bounded by what a room may have in flight.
                room.do_send(committed);
            } else {
                // The room died meanwhile; the one that took its place reads what it missed.
                self.lobby.do_send(Missed {
                    room_id: id.clone(),
                });
            }
        }
        answers.send();
    }

    fn remember(&mut self, draft: &Draft, receipt: Receipt) {
        if let Some(id) = &draft.client_message_id {
            let remembered = Remembered {
                room_id: draft.room_id.clone(),
                content_hash: draft.content_hash,
                receipt: Receipt {
                    duplicate: true,
                    ..receipt
                },
            };
            self.recent.put((draft.sender.id, id.clone()), remembered);
        }
    }

    /// What a retry is answered without asking the database.
    fn recall(&mut self, draft: &Draft) -> Option<Result<Receipt, Refusal>> {
        let id = draft.client_message_id.clone()?;
        let known = self.recent.get(&(draft.sender.id, id))?;
        let same = known.room_id == draft.room_id && known.content_hash == draft.content_hash;
        Some(if same {
            Ok(known.receipt)
        } else {
            Err(Refusal::Conflict)
        })
    }
}

impl Handler<Append> for Journal {
    type Result = ();

    fn handle(&mut self, Append(entries): Append, context: &mut Self::Context) {
        for Entry { draft, ticket } in entries {
            match self.recall(&draft) {
                Some(result) => self.conclude(vec![ticket], &vec![draft].into(), vec![result]),
                None => self.queue.push_back(Entry { draft, ticket }),
            }
        }
        if !self.committing && !self.queue.is_empty() {
            self.committing = true;
            // After the mailbox: what came together is committed together.
            context.spawn(
                fut::ready(()).map(|(), journal: &mut Self, context| journal.commit_next(context)),
            );
        }
    }
}

impl Handler<Settle> for Journal {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Settle, context: &mut Self::Context) -> Self::Result {
        let (done, wait) = oneshot::channel();
        self.settled.push(done);
        if !self.committing {
            self.commit_next(context);
        }
        Box::pin(async {
            // An error means that the journal is gone, and with it what waited.
            let _gone = wait.await;
        })
    }
}

/// What became of each message; `None` if COMMIT itself failed and some may be stored.
async fn commit(store: Store, drafts: Arc<[Draft]>) -> Option<Results> {
    match store.commit_batch(drafts.clone()).await {
        Ok(outcomes) => Some(outcomes.into_iter().map(settle).collect()),
        Err(CommitError::Failed(fault)) => {
            tracing::warn!(%fault, messages = drafts.len(), "a batch was not committed");
            Some(vec![Err(Refusal::Unavailable); drafts.len()])
        }
        Err(CommitError::Unknown(fault)) => {
            tracing::warn!(%fault, messages = drafts.len(), "the outcome of a commit is unknown");
            None
        }
    }
}

fn settle(outcome: Outcome) -> Result<Receipt, Refusal> {
    match outcome {
        Outcome::Committed(receipt) => Ok(receipt),
        Outcome::Conflict => Err(Refusal::Conflict),
        Outcome::UnknownRoom => Err(Refusal::NotFound),
        Outcome::Refused => Err(Refusal::Forbidden),
    }
}

async fn resolve(store: Store, drafts: Arc<[Draft]>) -> Results {
    loop {
        match store.resolve_batch(drafts.clone()).await {
            Ok(found) => {
                return found
                    .into_iter()
                    .map(|row| row.ok_or(Refusal::Unavailable))
                    .collect();
            }
            Err(fault) => tracing::warn!(%fault, "the outcome of a commit is still unknown"),
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}
