//! The log: one line an event, as JSON for programs or as text for people.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogConfig, LogFormat};

/// Starts the log. Only the first call in a process counts, so every test may call it.
///
/// The log goes to standard error: what a command answers goes to standard output.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::registry().with(filter);
    let started = match config.format {
        LogFormat::Json => log
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    // All spans, because the request's id is in the outermost.
                    .with_current_span(false)
                    .with_span_list(true)
                    .with_writer(std::io::stderr),
            )
            .try_init(),
        LogFormat::Pretty => log
            .with(
                fmt::layer()
                    .with_ansi(std::io::stderr().is_terminal())
                    .with_writer(std::io::stderr),
            )
            .try_init(),
    };
    // An error says that there is a log already.
    drop(started);
}
