//! The audit log: each act is written in the transaction that does it.

use super::{Store, StoreError, backend::in_transaction};
use crate::domain::audit::{Act, By, Hash, Refusal, Target};

/// Takes the next number and holds the head until the transaction ends, so that entries come one
/// after the other.
pub(super) const NEXT: &str = "UPDATE audit_head SET seq = seq + 1 RETURNING seq, hash";
pub(super) const SEAL: &str = "UPDATE audit_head SET hash = $1";
pub(super) const INSERT: &str = "INSERT INTO audit_entries (seq, at, via, actor_id, login_id,
        token_id, act, target_kind, target_id, address, request_id, details, prev_hash, hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

/// Writes an audit entry within a transaction of either database:
/// `record!(tx, &by, Act::UserDelete, Target::user(id), json!({}))`.
///
/// It must be the last of the transaction: until COMMIT everybody else waits for the head, and
/// nobody who holds the head may wait for another lock. Several in a row are fine. Never a password,
/// a token or an address of mail in the details.
macro_rules! record {
    ($tx:ident, $by:expr, $act:expr, $target:expr, $details:expr) => {{
        let (seq, before): (i64, Vec<u8>) = sqlx::query_as($crate::store::audit::NEXT)
            .fetch_one(&mut *$tx)
            .await?;
        let before = $crate::store::audit::hash(&before)?;
        // Read behind the lock: later entries have later times.
        let at = $crate::clock::now();
        let target: Option<$crate::domain::audit::Target> = $target.into();
        let entry =
            $crate::domain::audit::Entry::new((seq, at), $by, $act.as_str(), target, &$details);
        let hash = entry.seal(&before);
        sqlx::query($crate::store::audit::INSERT)
            .bind(entry.seq)
            .bind(entry.at)
            .bind(entry.via)
            .bind(entry.actor_id)
            .bind(entry.login_id)
            .bind(entry.token_id)
            .bind(entry.act)
            .bind(entry.target_kind)
            .bind(entry.target_id)
            .bind(entry.address)
            .bind(entry.request_id)
            .bind(entry.details)
            .bind(before.0.as_slice())
            .bind(hash.0.as_slice())
            .execute(&mut *$tx)
            .await?;
        sqlx::query($crate::store::audit::SEAL)
            .bind(hash.0.as_slice())
            .execute(&mut *$tx)
            .await?;
    }};
}

pub(super) use record;

/// Reads a hash as the database keeps it.
pub(super) fn hash(bytes: &[u8]) -> Result<Hash, StoreError> {
    Hash::from_bytes(bytes).ok_or_else(|| {
        StoreError::Internal(anyhow::anyhow!(
            "a hash of the audit log is not of 32 bytes"
        ))
    })
}

/// What was refused to somebody, summed.
#[derive(Clone, Debug)]
pub struct RefusalSum {
    pub by: By,
    pub kind: Refusal,
    pub target: Option<Target>,
    pub details: serde_json::Value,
}

impl Store {
    /// Keeps sums of refusals, all or none.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn record_refusals(&self, sums: Vec<RefusalSum>) -> Result<(), StoreError> {
        let store = self.clone();
        self.write("insert", "audit_entries", async move {
            in_transaction!(store, tx => {
                for sum in sums {
                    record!(tx, &sum.by, sum.kind, sum.target, sum.details);
                }
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        })
        .await
    }

    /// Keeps an act that changes nothing else in the database.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn record(
        &self,
        by: By,
        act: Act,
        target: Option<Target>,
        details: serde_json::Value,
    ) -> Result<(), StoreError> {
        let store = self.clone();
        self.write("insert", "audit_entries", async move {
            in_transaction!(store, tx => {
                record!(tx, &by, act, target, details);
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        })
        .await
    }
}
