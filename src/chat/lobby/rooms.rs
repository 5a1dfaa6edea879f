//! Live rooms by name: opened when somebody needs them, retired when nobody does.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicU32},
};

use actix::prelude::*;
use tokio::sync::oneshot;

use super::Lobby;
use crate::{
    chat::{
        Refusal,
        hub::{RoomKey, Task, ToHub},
        room::{Beginning, CatchUp, Retire, Room, RoomAddr, read_online},
    },
    domain::{self, ids::RoomId},
    store::StoreError,
};

/// The live room, started if need be.
#[derive(Message)]
#[rtype(result = "Result<RoomAddr, Refusal>")]
pub struct OpenRoom(pub RoomId);

/// The live room, if there is one.
#[derive(Message)]
#[rtype(result = "Option<RoomAddr>")]
pub struct FindRoom(pub RoomId);

/// How many users are online in each live room.
#[derive(Message)]
#[rtype(result = "HashMap<RoomId, u32>")]
pub struct Online;

/// A room has been idle for long.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RetireMe {
    pub room_id: RoomId,
    pub key: RoomKey,
}

/// A room's actor is gone although nobody retired it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RoomEnded {
    pub room_id: RoomId,
    pub key: RoomKey,
}

/// Messages of a room were committed after its actor had gone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Missed {
    pub room_id: RoomId,
}

type Opened = Result<RoomAddr, Refusal>;
/// Who waits for a room. Bounded: a session or request waits for one room at a time.
type Waiters = Vec<oneshot::Sender<Opened>>;

/// Where a room is in its life.
pub enum Slot {
    /// It is read from the store. `restarted`: the one before it died.
    Opening { waiters: Waiters, restarted: bool },
    Live {
        room: RoomAddr,
        key: RoomKey,
        online: Arc<AtomicU32>,
    },
    /// It was asked whether it can end.
    Retiring {
        room: RoomAddr,
        key: RoomKey,
        online: Arc<AtomicU32>,
        waiters: Waiters,
    },
    /// It died; whoever opens it next gets a new one.
    Died,
}

impl Lobby {
    /// Reads a room from the store and starts its actor.
    fn open(&mut self, id: RoomId, waiters: Waiters, restarted: bool, context: &mut Context<Self>) {
        self.rooms
            .insert(id.clone(), Slot::Opening { waiters, restarted });
        let (store, wanted) = (self.store.clone(), id.clone());
        let find = async move { store.find_room(&wanted).await };
        context.spawn(
            fut::wrap_future::<_, Self>(find).map(move |found, lobby, _| lobby.opened(id, found)),
        );
    }

    fn opened(&mut self, id: RoomId, found: Result<Option<domain::room::Room>, StoreError>) {
        let Some(Slot::Opening { waiters, restarted }) = self.rooms.remove(&id) else {
            return;
        };
        let opened = match found {
            Ok(Some(room)) => self.start_room(room, restarted),
            Ok(None) => Err(Refusal::NotFound),
            Err(fault) => {
                tracing::warn!(%fault, room.id = %id, "a room could not be opened");
                Err(Refusal::Unavailable)
            }
        };
        if opened.is_err() && restarted {
            self.rooms.insert(id, Slot::Died);
        }
        answer(waiters, &opened);
    }

    fn start_room(&mut self, room: domain::room::Room, restarted: bool) -> Opened {
        let parts = self.room_parts.clone().ok_or(Refusal::Unavailable)?;
        self.next_key += 1;
        let key = RoomKey(self.next_key);
        let online = Arc::new(AtomicU32::new(0));
        let id = room.id.clone();
        let beginning = Beginning {
            key,
            id: room.id,
            head: room.head,
            rev: room.rev,
            online: online.clone(),
            restarted,
        };
        let arbiter = self.arbiter_for(key);
        let room = Arc::new(Room::start_on(&arbiter, beginning, parts));
        self.rooms.insert(
            id,
            Slot::Live {
                room: room.clone(),
                key,
                online,
            },
        );
        Ok(room)
    }

    /// Rooms take turns over the worker threads; without one they live beside the lobby.
    fn arbiter_for(&self, RoomKey(key): RoomKey) -> ArbiterHandle {
        let turn = key.checked_rem(self.hubs.len() as u64).unwrap_or(0);
        let hub = usize::try_from(turn)
            .ok()
            .and_then(|turn| self.hubs.get(turn));
        hub.map_or_else(Arbiter::current, |hub| hub.arbiter.clone())
    }

    fn retired(&mut self, id: RoomId, ended: bool, context: &mut Context<Self>) {
        let Some(Slot::Retiring {
            room,
            key,
            online,
            waiters,
        }) = self.rooms.remove(&id)
        else {
            return;
        };
        if !ended {
            answer(waiters, &Ok(room.clone()));
            self.rooms.insert(id, Slot::Live { room, key, online });
        } else if !waiters.is_empty() {
            self.open(id, waiters, false, context);
        }
    }
}

impl Handler<OpenRoom> for Lobby {
    type Result = ResponseFuture<Opened>;

    fn handle(&mut self, OpenRoom(id): OpenRoom, context: &mut Self::Context) -> Self::Result {
        let (answer, wait) = oneshot::channel();
        match self.rooms.get_mut(&id) {
            Some(Slot::Live { room, .. }) if room.connected() => {
                drop(answer.send(Ok(room.clone())));
            }
            Some(Slot::Opening { waiters, .. } | Slot::Retiring { waiters, .. }) => {
                waiters.push(answer);
            }
            // Its end was not told yet, but it no longer hears.
            Some(Slot::Live { .. } | Slot::Died) => self.open(id, vec![answer], true, context),
            None => self.open(id, vec![answer], false, context),
        }
        Box::pin(async { wait.await.unwrap_or(Err(Refusal::Unavailable)) })
    }
}

impl Handler<FindRoom> for Lobby {
    type Result = Option<RoomAddr>;

    fn handle(&mut self, FindRoom(id): FindRoom, _: &mut Self::Context) -> Self::Result {
        match self.rooms.get(&id) {
            Some(Slot::Live { room, .. }) => Some(room.clone()),
            _ => None,
        }
    }
}

impl Handler<Online> for Lobby {
    type Result = MessageResult<Online>;

    fn handle(&mut self, _: Online, _: &mut Self::Context) -> Self::Result {
        let online = |(id, slot): (&RoomId, &Slot)| match slot {
            Slot::Live { online, .. } => Some((id.clone(), read_online(online))),
            _ => None,
        };
        MessageResult(self.rooms.iter().filter_map(online).collect())
    }
}

impl Handler<RetireMe> for Lobby {
    type Result = ();

    fn handle(&mut self, RetireMe { room_id, key }: RetireMe, context: &mut Self::Context) {
        match self.rooms.remove(&room_id) {
            Some(Slot::Live {
                room,
                key: live,
                online,
            }) if live == key => {
                let ask = room.send(Retire);
                let slot = Slot::Retiring {
                    room,
                    key,
                    online,
                    waiters: Vec::new(),
                };
                self.rooms.insert(room_id.clone(), slot);
                context.spawn(fut::wrap_future::<_, Self>(ask).map(
                    move |ended, lobby, context| {
                        lobby.retired(room_id, ended.unwrap_or(true), context);
                    },
                ));
            }
            Some(other) => drop(self.rooms.insert(room_id, other)),
            None => {}
        }
    }
}

impl Handler<RoomEnded> for Lobby {
    type Result = ();

    fn handle(&mut self, RoomEnded { room_id, key }: RoomEnded, _: &mut Self::Context) {
        if self.closing {
            // The worker threads end, and the rooms on them.
            return;
        }
        tracing::warn!(room.id = %room_id, "a room's actor died");
        for hub in &self.hubs {
            hub.hub.do_send(ToHub {
                room: key,
                task: Task::Dissolve,
            });
        }
        if let Some(Slot::Live { key: live, .. }) = self.rooms.get(&room_id)
            && *live == key
        {
            self.rooms.insert(room_id, Slot::Died);
        }
    }
}

impl Handler<Missed> for Lobby {
    type Result = ();

    fn handle(&mut self, Missed { room_id }: Missed, _: &mut Self::Context) {
        if let Some(Slot::Live { room, .. }) = self.rooms.get(&room_id) {
            room.do_send(CatchUp);
        }
    }
}

fn answer(waiters: Waiters, opened: &Opened) {
    for waiter in waiters {
        // Whoever no longer waits has gone.
        let _gone = waiter.send(opened.clone());
    }
}
