//! Accounts that were switched off until a time, and whose time has come.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Store, StoreError,
    audit::record,
    auth_changes::announce,
    backend::{in_transaction, on_reader},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        ids::{LoginId, UserId},
    },
};

/// How many are switched on in one transaction.
const BATCH: i64 = 100;

impl Store {
    /// Switches accounts on again that were off until now or earlier; returns whose.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn reinstate_due(&self) -> Result<Vec<UserId>, StoreError> {
        const ANY: &str = "SELECT EXISTS (SELECT 1 FROM users
             WHERE inactive_until IS NOT NULL AND inactive_until <= $1)";
        const DUE: &str = "SELECT id, inactive_until FROM users
             WHERE inactive_until IS NOT NULL AND inactive_until <= $1 LIMIT $2";
        const ON: &str = "UPDATE users
             SET active = TRUE, inactive_reason = NULL, inactive_until = NULL, updated_at = $2
             WHERE id = $1 AND inactive_until <= $2";
        let now = clock::now();
        // Nearly always there is none, and then nobody who writes waits for this.
        let any: bool = self
            .read("select", "users", async {
                Ok(on_reader!(self, db => sqlx::query_scalar(ANY).bind(now).fetch_one(db).await?))
            })
            .await?;
        if !any {
            return Ok(Vec::new());
        }
        let store = self.clone();
        self.write("update", "users", async move {
            let on = in_transaction!(store, tx => {
                let due: Vec<(UserId, DateTime<Utc>)> =
                    sqlx::query_as(DUE).bind(now).bind(BATCH).fetch_all(&mut *tx).await?;
                let mut on = Vec::new();
                for (id, until) in due {
                    let changed = sqlx::query(ON).bind(id).bind(now).execute(&mut *tx).await?;
                    // Somebody may have said otherwise in the meantime.
                    if changed.rows_affected() == 1 {
                        announce!(tx, id, None::<LoginId>, now);
                        on.push((id, until));
                    }
                }
                for (id, until) in &on {
                    let details = json!({ "until": until });
                    record!(tx, &By::server(), Act::UserActivate, Target::user(*id), details);
                }
                Ok::<_, StoreError>(on)
            })?;
            Ok(on.into_iter().map(|(id, _)| id).collect())
        })
        .await
    }
}
