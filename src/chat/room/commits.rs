//! Publishing in a room: to the journal, and from its commits to everyone present.

use std::{collections::BTreeMap, sync::Arc, time::Duration, time::Instant};

use actix::prelude::*;
use bytes::{Bytes, BytesMut};

use super::Room;
use crate::{
    chat::{
        Refusal,
        author::{Answers, Author},
        hub::{BATCH_BYTES, Task},
        journal::{Entry, Ticket},
    },
    domain::{
        ids::{Rev, Seq},
        message::{Draft, Message, Receipt},
    },
    protocol::{
        frame,
        server::{MessageBody, ServerFrame},
    },
    store::StoreError,
};

/// Messages of one room that may wait for their commit: half as many more as one transaction takes,
/// so that the next one is full when it ends, and a fifth of all that may wait.
const MAX_IN_FLIGHT: usize = 768;
/// Rows that are read at once to fill a hole.
const HOLE_PAGE: u16 = 500;
/// How often a hole is read again before the room is started anew.
const HOLE_TRIES: u32 = 5;
/// How long until a hole is read again.
const HOLE_WAIT: Duration = Duration::from_millis(500);

/// Asks the room to say something.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Publish {
    pub draft: Draft,
    pub author: Author,
}

/// The journal made messages durable, or refused them.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Committed {
    /// The whole batch; `places` says which of it are this room's.
    pub drafts: Arc<[Draft]>,
    /// In the order of `rev`.
    pub places: Vec<(usize, Receipt)>,
    /// How many of the room's messages were answered.
    pub settled: usize,
}

impl Committed {
    /// Nothing of a batch, to be added to.
    pub fn nothing(drafts: Arc<[Draft]>) -> Self {
        Self {
            drafts,
            places: Vec::new(),
            settled: 0,
        }
    }
}

/// Reads from the store what was committed behind the room's back.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CatchUp;

/// Messages on their way to the journal, and from there to everybody, in the order of `rev`.
#[derive(Default)]
pub struct Commits {
    in_flight: usize,
    /// What came in this turn, and goes to the journal in one piece.
    outgoing: Vec<Entry>,
    early: BTreeMap<Rev, (Seq, Bytes)>,
    reading: bool,
    tries: u32,
}

impl Commits {
    pub fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.early.is_empty() && !self.reading
    }
}

impl Room {
    /// Gives the journal what came in this turn.
    pub(super) fn hand_over(&mut self) {
        let entries = std::mem::take(&mut self.commits.outgoing);
        if entries.is_empty() {
            return;
        }
        if let Err(refused) = self.parts.journal.append(entries) {
            self.commits.in_flight = self.commits.in_flight.saturating_sub(refused.len());
            refuse(refused);
        }
    }

    /// Broadcasts what is next in order, as one message a hub; reads a hole from the store first.
    fn broadcast(&mut self, context: &mut Context<Self>) {
        let mut frames = Vec::new();
        while let Some(entry) = self.commits.early.first_entry() {
            match *entry.key() - self.rev {
                ..=0 => drop(entry.remove()),
                1 => {
                    let (seq, frame) = entry.remove();
                    self.rev += 1;
                    self.head = self.head.max(seq);
                    frames.push(frame);
                }
                _ => break,
            }
        }
        let mut rest = frames.as_slice();
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(chunk_length(rest));
            let rev = self.rev - Rev::try_from(later.len()).unwrap_or(0);
            let count = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            let frames = join(chunk);
            self.tell_hubs(frames.len(), || Task::Broadcast {
                frames: frames.clone(),
                count,
                rev,
            });
            rest = later;
        }
        if !self.commits.early.is_empty() {
            self.read_hole(context);
        }
    }

    /// Reads what lies behind the last broadcast.
    fn read_hole(&mut self, context: &mut Context<Self>) {
        if std::mem::replace(&mut self.commits.reading, true) {
            return;
        }
        let (store, id, after) = (self.parts.store.clone(), self.id.clone(), self.rev);
        let read = async move {
            store
                .messages_changed(&id, after, Rev::MAX, HOLE_PAGE)
                .await
        };
        context.spawn(
            fut::wrap_future::<_, Self>(read)
                .map(|read, room, context| room.fill_hole(read, context)),
        );
    }

    fn fill_hole(&mut self, read: Result<Vec<Message>, StoreError>, context: &mut Context<Self>) {
        self.commits.reading = false;
        match read {
            Ok(messages) if messages.is_empty() && !self.commits.early.is_empty() => {
                tracing::error!(room.id = %self.id, "a committed message is not in the store");
                context.stop();
            }
            Ok(messages) => {
                self.commits.tries = 0;
                let full = messages.len() >= usize::from(HOLE_PAGE);
                for message in &messages {
                    let frame = frame::text(&ServerFrame::Message(message.into()));
                    self.commits.early.insert(message.rev, (message.seq, frame));
                }
                // Revs are committed in order, so one that no row has any more is superseded:
                // nothing is left to wait for.
                if let Some(first) = messages.first() {
                    self.rev = self.rev.max(first.rev - 1);
                }
                self.broadcast(context);
                if full {
                    self.read_hole(context);
                }
            }
            Err(fault) if self.commits.tries < HOLE_TRIES => {
                tracing::warn!(%fault, room.id = %self.id, "committed messages could not be read");
                self.commits.tries += 1;
                context.run_later(HOLE_WAIT, Self::read_hole);
            }
            Err(fault) => {
                tracing::error!(%fault, room.id = %self.id, "the room is started anew");
                context.stop();
            }
        }
    }
}

impl Handler<Publish> for Room {
    type Result = ();

    fn handle(&mut self, Publish { draft, author }: Publish, context: &mut Self::Context) {
        let ticket = Ticket {
            author,
            room: self.address(context),
            since: Instant::now(),
        };
        let entry = Entry { draft, ticket };
        let full = self.commits.in_flight >= MAX_IN_FLIGHT || !self.has_room_in_hubs();
        if full || !self.parts.journal.reserve(&entry.draft) {
            return refuse(vec![entry]);
        }
        self.commits.in_flight += 1;
        self.commits.outgoing.push(entry);
        if self.commits.outgoing.len() == 1 {
            // After the mailbox. One by one they would wake the journal's thread, which would commit
            // the first by itself while the others are on their way.
            context.spawn(
                fut::ready(()).map(|(), room: &mut Self, _: &mut Context<Self>| room.hand_over()),
            );
        }
    }
}

impl Handler<Committed> for Room {
    type Result = ();

    fn handle(&mut self, committed: Committed, context: &mut Self::Context) {
        self.commits.in_flight = self.commits.in_flight.saturating_sub(committed.settled);
        for (at, receipt) in committed.places {
            if let Some(draft) = committed.drafts.get(at)
                && receipt.rev > self.rev
            {
                let frame = frame::text(&ServerFrame::Message(body(draft, &receipt)));
                self.commits.early.insert(receipt.rev, (receipt.seq, frame));
            }
        }
        self.broadcast(context);
    }
}

impl Handler<CatchUp> for Room {
    type Result = ();

    fn handle(&mut self, _: CatchUp, context: &mut Self::Context) {
        self.read_hole(context);
    }
}

/// Tells the authors to try again.
fn refuse(entries: Vec<Entry>) {
    let mut answers = Answers::default();
    for Entry { draft, ticket } in entries {
        answers.add(ticket.author, &draft, Err(Refusal::Overloaded));
    }
    answers.send();
}

fn body<'a>(draft: &'a Draft, receipt: &Receipt) -> MessageBody<'a> {
    MessageBody {
        id: receipt.id,
        room_id: &draft.room_id,
        seq: receipt.seq,
        rev: receipt.rev,
        sender_id: draft.sender.id,
        sender_name: &draft.sender.full_name,
        user: &draft.sender,
        content: draft.content.as_str(),
        created_at: receipt.created_at,
        client_message_id: draft.client_message_id.as_ref(),
    }
}

/// How many frames go together, at least one: what a hub joins anyway, and never so much that it
/// fills a socket's budget by itself.
fn chunk_length(frames: &[Bytes]) -> usize {
    let mut bytes = 0;
    let fits = frames.iter().take_while(|frame| {
        bytes += frame.len();
        bytes <= BATCH_BYTES
    });
    fits.count().max(1)
}

fn join(frames: &[Bytes]) -> Bytes {
    if let [only] = frames {
        return only.clone();
    }
    let mut joined = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum());
    frames
        .iter()
        .for_each(|frame| joined.extend_from_slice(frame));
    joined.freeze()
}
