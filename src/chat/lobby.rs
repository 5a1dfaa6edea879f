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
    room::RoomParts,
};
use crate::{domain::ids::RoomId, store::Store};

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

/// What rooms need is there; they can be opened from now on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct EquipRooms(pub RoomParts);

/// The registry of what is alive.
pub struct Lobby {
    store: Store,
    room_parts: Option<Arc<RoomParts>>,
    hubs: Vec<AddHub>,
    rooms: HashMap<RoomId, Slot>,
    next_key: u64,
    people: People,
    /// The server stops, and its actors with it.
    closing: bool,
}

impl Lobby {
    /// Starts the lobby on this thread.
    pub fn start_with(store: Store, max_sessions_per_user: usize) -> Addr<Self> {
        Self::create(|context| {
            context.set_mailbox_capacity(MAILBOX);
            Self {
                store,
                room_parts: None,
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

impl Handler<EquipRooms> for Lobby {
    type Result = ();

    fn handle(&mut self, EquipRooms(parts): EquipRooms, _: &mut Self::Context) {
        self.room_parts = Some(Arc::new(parts));
    }
}
