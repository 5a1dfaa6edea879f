//! Who published a message, and how they are told what became of it.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    Refusal,
    hub::{HubAddr, HubId, Replies, Reply},
};
use crate::{
    domain::{
        ids::{ClientMessageId, SessionId},
        message::{Draft, Receipt},
    },
    protocol::{client::Ref, frame, server::ServerFrame},
};

/// Who hears what became of a message.
pub enum Author {
    /// A socket, through the hub of its thread.
    Session {
        hub_id: HubId,
        hub: HubAddr,
        session: SessionId,
        reference: Option<Ref>,
    },
    /// A request that waits.
    Request(oneshot::Sender<Result<Receipt, Refusal>>),
}

/// Answers to authors, collected so that each hub gets one message.
#[derive(Default)]
pub struct Answers {
    hubs: HashMap<HubId, (HubAddr, Vec<Reply>)>,
}

impl Answers {
    /// Adds the answer to one message.
    pub fn add(&mut self, author: Author, draft: &Draft, result: Result<Receipt, Refusal>) {
        match author {
            // A request that no longer waits has a client that is gone.
            Author::Request(waiter) => drop(waiter.send(result)),
            Author::Session {
                hub_id,
                hub,
                session,
                reference,
            } => {
                let frame = match result {
                    Ok(receipt) => frame::text(&ServerFrame::ack(
                        &draft.room_id,
                        draft.client_message_id.as_ref(),
                        &receipt,
                        reference.as_ref(),
                    )),
                    Err(refusal) => refused(
                        refusal,
                        draft.client_message_id.as_ref(),
                        reference.as_ref(),
                    ),
                };
                let (_, replies) = self.hubs.entry(hub_id).or_insert_with(|| (hub, Vec::new()));
                replies.push(Reply { session, frame });
            }
        }
    }

    /// Sends them all. Bounded: a session has at most 32 publishes in flight.
    pub fn send(self) {
        for (hub, replies) in self.hubs.into_values() {
            hub.do_send(Replies(replies));
        }
    }
}

/// The `error` frame for a message that was refused.
pub fn refused(refusal: Refusal, id: Option<&ClientMessageId>, reference: Option<&Ref>) -> Bytes {
    frame::text(&ServerFrame::Error {
        error: refusal.text(),
        code: refusal.code(),
        client_message_id: id.map(ClientMessageId::as_str),
        retry_after_ms: refusal.retry_after().map(|wait| wait.as_millis() as u64),
        reference,
    })
}

impl Refusal {
    /// When to try the same again, if that can help. Spread, so that many do not come at once.
    pub fn retry_after(self) -> Option<Duration> {
        matches!(self, Self::Overloaded | Self::Unavailable)
            .then(|| Duration::from_millis(rand::random_range(250..1_000)))
    }
}
