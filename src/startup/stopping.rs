//! The way down: nothing that was acknowledged is lost, and nobody waits longer than was set.

use std::time::{Duration, Instant};

use actix_server::{Server, ServerHandle};

use crate::routes::State;

/// How often it is looked whether all sockets are gone.
const LOOK: Duration = Duration::from_millis(20);

/// Asks the sockets to go, settles the journal, and closes those that stay.
///
/// Half of the time is the clients', to come back elsewhere; each later step gets half of the rest.
pub async fn close_sockets(state: &State, deadline: Instant) {
    let hints = left(deadline) / 2;
    state.readiness.drain();
    state.chat.drain(hints);
    gone(state, hints).await;
    settle(state, left(deadline) / 2).await;
    state.chat.close_all();
    gone(state, left(deadline) / 2).await;
    // What came in at the last moment.
    settle(state, left(deadline) / 2).await;
}

/// Lets the worker threads answer what they have begun, and ends them.
pub async fn end_workers(handle: &ServerHandle, server: Server, deadline: Instant) {
    // The server hears that it is to stop only while it is polled.
    let stopped = async { tokio::join!(handle.stop(true), server).1 };
    match tokio::time::timeout(left(deadline), stopped).await {
        Ok(Ok(())) => tracing::info!("stopped"),
        Ok(Err(fault)) => tracing::error!(%fault, "the server ended badly"),
        Err(_) => tracing::warn!("requests were still open when the time to stop was over"),
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

async fn settle(state: &State, patience: Duration) {
    if tokio::time::timeout(patience, state.chat.settle())
        .await
        .is_err()
    {
        tracing::warn!("messages were still on their way to the database");
    }
}

/// Waits until no socket is open.
async fn gone(state: &State, patience: Duration) {
    let deadline = Instant::now() + patience;
    while state.chat.sessions_online() > 0 && Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
}
