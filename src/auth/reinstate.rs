//! Who was switched off until a time may come in again when it is over.

use std::{pin::pin, time::Duration};

use crate::store::Store;

/// How late somebody may be let in again.
const EVERY: Duration = Duration::from_secs(1);

/// Switches accounts on whose time has come, until `stop`.
pub async fn reinstate(store: Store, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let mut is_told = false;
    loop {
        match store.reinstate_due().await {
            Ok(users) => {
                is_told = false;
                for id in users {
                    tracing::info!(user.id = %id, "the account is active again");
                }
            }
            // Once, or the log would have a line each second while the database is away.
            Err(error) if !is_told => {
                is_told = true;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "nobody can be switched on again now"
                );
            }
            Err(_) => {}
        }
        if tokio::time::timeout(EVERY, &mut stop).await.is_ok() {
            return;
        }
    }
}
