//! What is alive: sessions, rooms and the actors between them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::{
    domain::{
        ids::{ClientMessageId, RoomId},
        message::{Content, Receipt},
        user::Profile,
    },
    error::ApiError,
    protocol::code::ErrorCode,
};

/// The way into the chat for everything that is not a socket.
#[derive(Clone)]
pub struct Chat {}

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

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound("Room"),
            Refusal::Forbidden => Self::Forbidden("You may not write in this room"),
            Refusal::Conflict => Self::Conflict {
                code: ErrorCode::ClientMessageIdConflict,
                message: "Another message of yours has this client_message_id",
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

impl Chat {
    /// Says something in a room; answers after the commit.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing is stored then.
    pub async fn publish(
        &self,
        _sender: Arc<Profile>,
        _room: &RoomId,
        _content: Content,
        _client_message_id: Option<ClientMessageId>,
    ) -> Result<Receipt, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// How many users are online in each live room.
    pub async fn online(&self) -> HashMap<RoomId, u32> {
        HashMap::new()
    }

    /// Who is online in a room, by user name.
    pub async fn members(&self, _room: &RoomId) -> Vec<Profile> {
        Vec::new()
    }

    /// How many sockets are open.
    #[must_use]
    pub fn sessions_online(&self) -> i64 {
        0
    }
}
