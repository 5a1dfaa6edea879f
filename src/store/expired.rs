//! What has run out and is of no use to anybody.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, backend::in_transaction};

/// Tables whose rows end by themselves, and how those rows go.
const TABLES: [(&str, &str); 4] = [
    (
        "sign_in_tickets",
        "DELETE FROM sign_in_tickets WHERE expires_at < $1",
    ),
    (
        "oauth_states",
        "DELETE FROM oauth_states WHERE expires_at < $1",
    ),
    (
        "oauth_codes",
        "DELETE FROM oauth_codes WHERE expires_at < $1",
    ),
    (
        "used_ceremonies",
        "DELETE FROM used_ceremonies WHERE expires_at < $1",
    ),
];

impl Store {
    /// Forgets tickets, sign-ins with providers and answered ceremonies that ran out before a time.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn prune_expired(&self, before: DateTime<Utc>) -> Result<(), StoreError> {
        for (table, sql) in TABLES {
            let store = self.clone();
            self.write("delete", table, async move {
                in_transaction!(store, tx => {
                    sqlx::query(sql).bind(before).execute(&mut *tx).await?;
                    Ok::<_, StoreError>(())
                })?;
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}
