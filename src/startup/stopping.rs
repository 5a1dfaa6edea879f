//! The way down: nothing that was acknowledged is lost, and nobody waits longer than was set.

use std::time::{Duration, Instant};

use actix_server::{Server, ServerHandle};

use crate::routes::State;

/// How often it is looked whether all sockets are gone.
const LOOK: Duration = Duration::from_millis(20);

/// Stops in order: not ready, sockets asked to go, journal settled, sockets closed, workers ended.
pub async fn stop(state: &State, handle: &ServerHandle, server: Server) {
    let began = Instant::now();
    let within = state.config.server.shutdown;
    state.readiness.drain();
    state.chat.drain(within / 2);
    gone(state, within / 2).await;
    settle(state, within.saturating_sub(began.elapsed()) / 2).await;
    state.chat.close_all();
    gone(state, within.saturating_sub(began.elapsed()) / 2).await;
    // What came in at the last moment.
    settle(state, within.saturating_sub(began.elapsed()) / 2).await;
    // The server hears that it is to stop only while it is polled.
    let stopped = async { tokio::join!(handle.stop(true), server).1 };
    match tokio::time::timeout(within.saturating_sub(began.elapsed()), stopped).await {
        Ok(Ok(())) => tracing::info!("stopped"),
        Ok(Err(fault)) => tracing::error!(%fault, "the server ended badly"),
        Err(_) => tracing::warn!("requests were still open when the time to stop was over"),
    }
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
