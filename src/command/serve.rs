//! `parlor serve`: until somebody says stop.

use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;

pub(super) async fn serve(config: Config) -> anyhow::Result<()> {
    let _stop = stop_requested()?;
    drop(config);
    anyhow::bail!("serving is not built yet")
}

/// Waits for SIGTERM or SIGINT. Listens from this call on, not only once it is awaited.
fn stop_requested() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
    })
}
