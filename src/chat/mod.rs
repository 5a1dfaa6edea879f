//! What is alive: sessions, rooms and the actors between them.
//!
//! ```text
//! Session ──Publish──► Room ──Append──► Journal ──one transaction──► Store
//!    ▲                  │  ▲                │
//!  Outbox ◄── Hub ◄─────┘  └── Committed ───┤
//!              ▲──────────── Replies ───────┘
//! ```

mod audience;
mod author;
mod connection;
mod hub;
mod incoming;
mod journal;
mod lobby;
mod mailbox;
mod outbox;
mod reader;
mod room;
mod seats;
mod session;
pub mod socket;
pub mod transport;
pub mod upgrade;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::{Addr, prelude::SendError};
use ipnet::IpNet;
use tokio::sync::{Semaphore, oneshot};

use self::{
    author::Author,
    hub::LocalHub,
    journal::{Journal, JournalHandle},
    lobby::{
        AddHub, CheckKeys, CloseAll, Drain, EquipRooms, FindRoom, Lobby, Online, OpenRoom, Revoke,
        TellRead,
    },
    room::{Crash, Publish, RoomParts, WhoIsHere},
    seats::Seats,
};
use crate::{
    auth::{Authenticator, Change, Refusals},
    config::{ChatTiming, LimitsConfig},
    domain::{
        ids::{ClientMessageId, MessageId, RoomId, Seq, UserId},
        message::{Content, Draft, Receipt},
        user::Profile,
    },
    error::ApiError,
    limits::Limits,
    metrics::Metrics,
    protocol::code::{CloseCode, ErrorCode},
    store::Store,
};

/// Replays that read from the store at once.
const REPLAYS: usize = 16;
/// How often a room that ended meanwhile is opened again.
const TRIES: u32 = 3;

/// Everything that sessions need of the world; one for all of them.
pub struct ChatParts {
    lobby: Addr<Lobby>,
    store: Store,
    authenticator: Authenticator,
    limits: Limits,
    messages_per_second: u32,
    /// How long one `typing` of a user counts.
    typing: Duration,
    seats: Seats,
    timing: ChatTiming,
    replays: Semaphore,
    /// No socket comes in any more.
    draining: AtomicBool,
    metrics: Metrics,
    refusals: Refusals,
    /// Peers whose `X-Forwarded-For` is believed.
    trusted_proxies: Vec<IpNet>,
}

impl ChatParts {
    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

/// The way into the chat for everything that is not a socket.
#[derive(Clone)]
pub struct Chat {
    parts: Arc<ChatParts>,
    journal: JournalHandle,
}

/// Why a message was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such room.
    NotFound,
    /// The sender may not write there.
    Forbidden,
    /// The `client_message_id` belongs to another message of this sender.
    Conflict,
    /// The server has more work than it queues; the same can be tried again.
    Overloaded,
    /// The database cannot be reached; nothing was stored.
    Unavailable,
}

impl Refusal {
    /// The word for programs.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NotFound => ErrorCode::NotFound,
            Self::Forbidden => ErrorCode::Forbidden,
            Self::Conflict => ErrorCode::ClientMessageIdConflict,
            Self::Overloaded => ErrorCode::Overloaded,
            Self::Unavailable => ErrorCode::Unavailable,
        }
    }

    /// What people are told.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotFound => "Room not found",
            Self::Forbidden => "You may not write in this room",
            Self::Conflict => "Another message of yours has this client_message_id",
            Self::Overloaded => "The server has too much to do; try the same again",
            Self::Unavailable => "Nothing can be stored now; try the same again",
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound("Room"),
            Refusal::Forbidden => Self::Forbidden(refusal.text()),
            Refusal::Conflict => Self::Conflict {
                code: refusal.code(),
                message: refusal.text(),
            },
            Refusal::Overloaded => Self::Overloaded {
                retry_after: Duration::from_secs(1),
            },
            Refusal::Unavailable => {
                Self::Unavailable(anyhow::anyhow!("the journal could not commit the message"))
            }
        }
    }
}

/// What the chat needs to start.
pub struct ChatSettings<'a> {
    pub store: Store,
    pub epoch: String,
    pub authenticator: Authenticator,
    pub limits: Limits,
    pub limits_config: &'a LimitsConfig,
    /// What the system allows, whatever is set.
    pub most_sockets: usize,
    pub timing: ChatTiming,
    pub metrics: Metrics,
    pub refusals: Refusals,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Chat {
    /// Starts the lobby and the journal on this thread.
    #[must_use]
    pub fn start(settings: ChatSettings<'_>) -> Self {
        let ChatSettings {
            store,
            epoch,
            authenticator,
            limits,
            limits_config,
            most_sockets,
            timing,
            metrics,
            refusals,
            trusted_proxies,
        } = settings;
        let lobby = Lobby::start_with(store.clone(), limits_config.max_connections_per_user);
        let journal = Journal::start(store.clone(), lobby.clone(), metrics.clone());
        lobby.do_send(EquipRooms(RoomParts {
            store: store.clone(),
            journal: journal.clone(),
            lobby: lobby.clone(),
            epoch: epoch.into(),
            timing: timing.clone(),
            metrics: metrics.clone(),
        }));
        let parts = ChatParts {
            lobby,
            store,
            authenticator,
            limits,
            messages_per_second: limits_config.messages_per_second,
            typing: limits_config.typing,
            seats: Seats::new(limits_config.max_connections, most_sockets),
            timing,
            replays: Semaphore::new(REPLAYS),
            draining: AtomicBool::new(false),
            metrics,
            refusals,
            trusted_proxies,
        };
        Self {
            parts: Arc::new(parts),
            journal,
        }
    }

    /// Starts the hub of this worker thread.
    fn start_hub(&self) -> LocalHub {
        let heartbeat = self.parts.timing.heartbeat;
        let hub = LocalHub::start(heartbeat, self.parts.metrics.clone());
        let arbiter = actix::Arbiter::current();
        self.parts.lobby.do_send(AddHub {
            id: hub.id,
            hub: hub.addr.clone(),
            arbiter,
        });
        hub
    }

    /// Says something in a room; answers after the commit.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing is stored then.
    pub async fn publish(
        &self,
        sender: Arc<Profile>,
        room: &RoomId,
        content: Content,
        client_message_id: Option<ClientMessageId>,
    ) -> Result<Receipt, Refusal> {
        let draft = Draft {
            id: MessageId::new(),
            room_id: room.clone(),
            sender,
            content_hash: content.hash(),
            content,
            client_message_id,
        };
        for _ in 0..TRIES {
            let opened = self.parts.lobby.send(OpenRoom(room.clone())).await;
            let room = opened.unwrap_or(Err(Refusal::Unavailable))?;
            let (answer, wait) = oneshot::channel();
            let publish = Publish {
                draft: draft.clone(),
                author: Author::Request(answer),
            };
            match room.try_send(publish) {
                Ok(()) => {
                    // No answer: the room ended before it read the message, and nothing is stored.
                    if let Ok(answer) = wait.await {
                        return answer;
                    }
                }
                Err(SendError::Full(_)) => break,
                Err(SendError::Closed(_)) => {}
            }
        }
        Err(Refusal::Overloaded)
    }

    /// How many users are online in each live room.
    pub async fn online(&self) -> HashMap<RoomId, u32> {
        self.parts.lobby.send(Online).await.unwrap_or_default()
    }

    /// Who is online in a room, by user name.
    pub async fn members(&self, room: &RoomId) -> Vec<Profile> {
        match self.parts.lobby.send(FindRoom(room.clone())).await {
            Ok(Some(room)) => room.send(WhoIsHere).await.unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// How many sockets are open.
    #[must_use]
    pub fn sessions_online(&self) -> i64 {
        self.parts.metrics.sessions.get()
    }

    /// How many sockets have a place.
    #[must_use]
    pub fn seats_taken(&self) -> usize {
        self.parts.seats.taken()
    }

    /// Lets open sockets know of a change: they look again who is behind them, or take what their
    /// role grants now.
    pub fn revoke(&self, change: &Change) {
        self.parts.lobby.do_send(Revoke(change.clone()));
    }

    /// Makes open sockets look whether the keys of their tokens still count.
    pub fn check_keys(&self) {
        self.parts.lobby.do_send(CheckKeys);
    }

    /// Tells a user's open sockets how far he has read in a room. One that is behind is not told.
    pub fn tell_read(&self, user: UserId, room_id: RoomId, seq: Seq) {
        let told = TellRead { user, room_id, seq };
        // The next list of rooms tells it again.
        let _full = self.parts.lobby.try_send(told);
    }

    /// Lets no socket in any more, and asks those that are to come back, spread over `within`.
    pub fn drain(&self, within: Duration) {
        self.parts.draining.store(true, Ordering::Release);
        self.parts.lobby.do_send(Drain { within });
    }

    /// Closes every socket.
    pub fn close_all(&self) {
        self.parts.lobby.do_send(CloseAll(CloseCode::Shutdown));
    }

    /// Waits until every message that was taken is committed or refused.
    pub async fn settle(&self) {
        self.journal.settle().await;
    }

    /// Ends a live room as a crash would. For fault tests.
    pub async fn kill_room(&self, room: &RoomId) {
        if let Ok(Some(room)) = self.parts.lobby.send(FindRoom(room.clone())).await {
            room.do_send(Crash);
        }
    }
}
