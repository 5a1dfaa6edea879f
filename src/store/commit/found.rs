//! Messages that are stored already, as a retry is compared with them.

use chrono::{DateTime, Utc};

use super::Outcome;
use crate::domain::{
    ids::{MessageId, Rev, Seq, UserId},
    message::{Draft, Receipt},
};

/// The columns of [`Found`], of an alias `m`.
macro_rules! found_columns {
    () => {
        "m.id, m.room_id, m.seq, m.rev, m.sender_id, m.client_message_id, m.content_hash, \
         m.created_at"
    };
}
pub(super) use found_columns;

/// A stored message, as far as a retry must know it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Found {
    pub(super) id: MessageId,
    room_id: String,
    seq: Seq,
    rev: Rev,
    pub(super) sender_id: UserId,
    pub(super) client_message_id: Option<String>,
    content_hash: Vec<u8>,
    created_at: DateTime<Utc>,
}

impl Found {
    /// What a draft with this message's id or client id is: the same again, or another one.
    pub(super) fn answer(&self, draft: &Draft) -> Outcome {
        let same =
            self.room_id == draft.room_id.as_str() && self.content_hash == draft.content_hash.0;
        if same {
            Outcome::Committed(self.receipt(true))
        } else {
            Outcome::Conflict
        }
    }

    pub(super) fn receipt(&self, duplicate: bool) -> Receipt {
        Receipt {
            id: self.id,
            seq: self.seq,
            rev: self.rev,
            created_at: self.created_at,
            duplicate,
        }
    }
}
