//! The registry of what is alive: rooms by name, sessions by user. Never on a message's way.

mod people;
mod rooms;

use std::{collections::HashMap, sync::Arc};

use actix::prelude::*;

use self::{people::People, rooms::Slot};
pub use self::{
    people::{CheckKeys, CloseAll, Drain, Register, Revoke, SessionEnded, TellRead, TooMany},
    rooms::{FindRoom, Missed, Online, OpenRoom, RetireMe, RoomEnded},
};
use super::{
    hub::{HubAddr, HubId},
    journal::JournalHandle,
    room::RoomParts,
};
use crate::{config::ChatTiming, domain::ids::RoomId, metrics::Metrics, store::Store};

/// Requests that wait for the lobby; whoever asks waits with them beyond it.
const MAILBOX: usize = 8_192;

/// A worker thread is ready: it delivers to its sockets, and rooms may live on it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AddHub {
    pub id: HubId,
    pub hub: HubAddr,
    pub arbiter: ArbiterHandle,
}

/// The journal is there; rooms can be opened from now on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct UseJournal(pub JournalHandle);

/// The registry of what is alive.
pub struct Lobby {
    store: Store,
    epoch: Arc<str>,
    timing: ChatTiming,
    metrics: Metrics,
    journal: Option<JournalHandle>,
    hubs: Vec<AddHub>,
    rooms: HashMap<RoomId, Slot>,
    next_key: u64,
    people: People,
    /// The server stops, and its actors with it.
    closing: bool,
}

impl Lobby {
    /// Starts the lobby on this thread.
    pub fn start_with(
        store: Store,
        epoch: Arc<str>,
        timing: ChatTiming,
        max_sessions_per_user: usize,
        metrics: Metrics,
    ) -> Addr<Self> {
        Self::create(|context| {
            context.set_mailbox_capacity(MAILBOX);
            Self {
                store,
                epoch,
                timing,
                metrics,
                journal: None,
                hubs: Vec::new(),
                rooms: HashMap::new(),
                next_key: 0,
                people: People::new(max_sessions_per_user),
                closing: false,
            }
        })
    }

    fn hub(&self, id: HubId) -> Option<&HubAddr> {
        self.hubs
            .iter()
            .find(|hub| hub.id == id)
            .map(|hub| &hub.hub)
    }

    fn room_parts(&self, lobby: Addr<Self>) -> Option<RoomParts> {
        Some(RoomParts {
            store: self.store.clone(),
            journal: self.journal.clone()?,
            lobby,
            epoch: self.epoch.clone(),
            timing: self.timing.clone(),
            metrics: self.metrics.clone(),
        })
    }
}

impl Actor for Lobby {
    type Context = Context<Self>;
}

impl Handler<AddHub> for Lobby {
    type Result = ();

    fn handle(&mut self, hub: AddHub, _: &mut Self::Context) {
        tracing::debug!(hub = ?hub.id, "a worker thread is ready");
        self.hubs.push(hub);
    }
}

impl Handler<UseJournal> for Lobby {
    type Result = ();

    fn handle(&mut self, UseJournal(journal): UseJournal, _: &mut Self::Context) {
        self.journal = Some(journal);
    }
}
