//! `parlor serve`: until somebody says stop.

use std::io::Write;

use tokio::signal::unix::{SignalKind, signal};

use crate::{config::Config, startup::Application};

pub(super) async fn serve(config: Config) -> anyhow::Result<()> {
    let stop = stop_requested()?;
    let ca = config
        .server
        .https
        .then(|| config.server.cert_path.with_file_name("ca.pem"));
    let host = config.server.host.clone();
    // Behind a proxy the address that browsers use is not the one that the proxy needs.
    let tells_address = config.server.public_url.is_some();
    let application = Application::build(config).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Parlor is at {}", application.origin())?;
    if tells_address {
        writeln!(out, "It listens on {host}, port {}", application.port())?;
    }
    if let Some(ca) = ca.filter(|ca| ca.exists()) {
        writeln!(out, "Its certificate is made here: trust {}", ca.display())?;
    }
    if let Some(address) = application.setup_address() {
        writeln!(
            out,
            "There is no admin yet. Whoever opens this address makes the first one:\n  \
             {address}\n\
             Or set ADMIN_EMAIL and ADMIN_PASSWORD and start again, or run\n  \
             PARLOR_PASSWORD=... parlor user create NAME --role admin"
        )?;
    }
    out.flush()?;
    drop(out);
    application.run_until_stopped(stop).await
}

/// Waits for SIGTERM or SIGINT. Listens from this call on, not only once it is awaited.
pub(super) fn stop_requested() -> anyhow::Result<impl Future<Output = ()>> {
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
