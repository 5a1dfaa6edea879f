//! Who is online in a room: users, not sockets.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use actix::prelude::*;

use super::Room;
use crate::{
    clock,
    domain::{ids::UserId, user::Profile},
    protocol::server::{Notice, ServerFrame},
};

/// One user in a room, with every socket of his.
struct Here {
    profile: Arc<Profile>,
    sessions: u32,
    /// Runs while he has no socket here: when it ends, he has left.
    grace: Option<SpawnHandle>,
}

#[derive(Clone, Copy)]
enum Change {
    Joined,
    Left,
}

/// Who is online in a room.
pub struct Presence {
    users: HashMap<UserId, Here>,
    /// The number of users, for the rooms list.
    online: Arc<AtomicU32>,
    /// The number changed, and will be told soon.
    untold: bool,
}

impl Presence {
    pub fn new(online: Arc<AtomicU32>) -> Self {
        Self {
            users: HashMap::new(),
            online,
            untold: false,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    pub fn online(&self) -> u32 {
        u32::try_from(self.users.len()).unwrap_or(u32::MAX)
    }

    /// How many are online once `user` is here.
    pub fn online_with(&self, user: UserId) -> u32 {
        self.online() + u32::from(!self.users.contains_key(&user))
    }

    /// Everybody online, by user name.
    pub fn profiles(&self) -> Vec<Profile> {
        let mut profiles: Vec<Profile> = self
            .users
            .values()
            .map(|here| Profile::clone(&here.profile))
            .collect();
        profiles.sort_by(|a, b| a.username.cmp(&b.username));
        profiles
    }

    pub fn clear(&mut self) {
        self.users.clear();
        self.publish();
    }

    fn publish(&self) {
        self.online.store(self.online(), Ordering::Relaxed);
    }
}

impl Room {
    /// A socket of `user` came; others hear of it if it is his first.
    pub(super) fn arrive(&mut self, user: &Arc<Profile>, context: &mut Context<Self>) {
        let presence = &mut self.presence;
        if let Some(here) = presence.users.get_mut(&user.id) {
            here.sessions += 1;
            here.profile = user.clone();
            if let Some(grace) = here.grace.take() {
                context.cancel_future(grace);
            }
            return;
        }
        let here = Here {
            profile: user.clone(),
            sessions: 1,
            grace: None,
        };
        presence.users.insert(user.id, here);
        presence.publish();
        self.tell_change(user, Change::Joined, context);
    }

    /// A socket of `user` went; after his last, he has left: at once if he meant it, and after a
    /// while if his connection was lost.
    pub(super) fn depart(&mut self, user: UserId, meant: bool, context: &mut Context<Self>) {
        let Some(here) = self.presence.users.get_mut(&user) else {
            return;
        };
        here.sessions = here.sessions.saturating_sub(1);
        if here.sessions > 0 {
            return;
        }
        if meant {
            return self.gone(user, context);
        }
        let grace = self.parts.timing.lost_grace;
        here.grace = Some(context.run_later(grace, move |room, context| room.gone(user, context)));
    }

    fn gone(&mut self, user: UserId, context: &mut Context<Self>) {
        let Some(here) = self.presence.users.remove(&user) else {
            return;
        };
        if let Some(grace) = here.grace {
            context.cancel_future(grace);
        }
        self.presence.publish();
        self.tell_change(&here.profile, Change::Left, context);
    }

    /// Small rooms hear of everyone; large ones only of the number, now and then: a thousand joins
    /// must not be a million frames.
    fn tell_change(&mut self, user: &Profile, change: Change, context: &mut Context<Self>) {
        if self.presence.online() > self.parts.timing.presence_above || !self.has_room_in_hubs() {
            return self.tell_presence_soon(context);
        }
        let room_id = self.id.clone();
        let frame = match change {
            Change::Joined => ServerFrame::UserJoined(Notice::joined(&room_id, user, clock::now())),
            Change::Left => ServerFrame::UserLeft(Notice::left(&room_id, user, clock::now())),
        };
        self.notify(&frame, None, false);
    }

    fn tell_presence_soon(&mut self, context: &mut Context<Self>) {
        if !std::mem::replace(&mut self.presence.untold, true) {
            let interval = self.parts.timing.presence_interval;
            context.run_later(interval, |room, _| room.tell_presence());
        }
    }

    /// Tells a large room how many are online.
    fn tell_presence(&mut self) {
        self.presence.untold = false;
        let room_id = self.id.clone();
        let online = self.presence.online();
        self.notify(
            &ServerFrame::Presence {
                room_id: &room_id,
                online,
            },
            None,
            true,
        );
    }
}
