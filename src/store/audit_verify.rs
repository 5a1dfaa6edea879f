//! Walking the chain of the audit log, from its beginning to its head.

use super::{AuditHead, AuditQuery, SealedEntry, Store, StoreError};
use crate::domain::audit::Hash;

/// Entries that are read at once.
const PAGE: i64 = 1_000;

/// What became of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry is sealed by the next, up to this one.
    Whole(AuditHead),
    /// The first entry that is not what it was.
    Broken { seq: i64, why: &'static str },
}

impl Store {
    /// Walks the whole chain, a page at a time; `noted` is the hash of a head from earlier, which
    /// must still be in it.
    ///
    /// The last entries can be cut off so that what is left is whole: only a head that was noted
    /// elsewhere tells.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn verify_audit(&self, noted: Option<Hash>) -> Result<Verdict, StoreError> {
        let broken = |seq, why| Ok(Verdict::Broken { seq, why });
        let head = match self.audit_head().await {
            Err(StoreError::NotFound) => return broken(0, "the head is gone"),
            head => head?,
        };
        let mut chain = Chain {
            seen_noted: noted.is_none_or(|noted| noted == Hash::ZERO),
            ..Chain::default()
        };
        let mut page_size = PAGE;
        loop {
            let page = self
                .audit_after(&AuditQuery::default(), chain.last.seq, page_size)
                .await;
            let page = match page {
                // Somebody wrote what is no entry; one by one it is found.
                Err(StoreError::Internal(_)) if page_size > 1 => {
                    page_size = 1;
                    continue;
                }
                Err(StoreError::Internal(_)) => {
                    return broken(chain.last.seq + 1, "it cannot be read");
                }
                page => page?,
            };
            if page.is_empty() {
                break;
            }
            for entry in &page {
                if let Err(why) = chain.add(entry) {
                    return broken(chain.last.seq + 1, why);
                }
                if entry.entry.seq == head.seq && entry.hash != head.hash {
                    return broken(head.seq, "the head has another hash");
                }
                chain.seen_noted |= Some(entry.hash) == noted;
            }
        }
        let last = chain.last;
        if last.seq < head.seq {
            return broken(last.seq + 1, "it is gone, although the head counts it");
        }
        // Read behind the entries: whoever adds one raises the head in the same transaction.
        if self.audit_head().await?.seq < last.seq {
            return broken(last.seq, "the head does not count it");
        }
        if !chain.seen_noted {
            return broken(last.seq + 1, "the noted head is not in the chain");
        }
        Ok(Verdict::Whole(last))
    }
}

/// The chain as far as it was walked.
struct Chain {
    last: AuditHead,
    seen_noted: bool,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            last: AuditHead {
                seq: 0,
                hash: Hash::ZERO,
            },
            seen_noted: false,
        }
    }
}

impl Chain {
    /// Goes on to the next entry.
    fn add(&mut self, next: &SealedEntry) -> Result<(), &'static str> {
        if next.entry.seq != self.last.seq + 1 {
            return Err("it is gone");
        }
        if next.prev_hash != self.last.hash {
            return Err("it does not seal the entry before");
        }
        if next.entry.seal(&next.prev_hash) != next.hash {
            return Err("it was changed");
        }
        self.last = AuditHead {
            seq: next.entry.seq,
            hash: next.hash,
        };
        Ok(())
    }
}
