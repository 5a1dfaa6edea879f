//! `parlor flaky`: a proxy that is as bad as networks are.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
use clap::Args;

use super::{conformance::Trusted, say, serve::stop_requested};
use crate::{
    clock,
    flaky::{Chance, Faults, Flaky, Log, Options, Span},
    remote::Place,
    tls,
};

/// Where to stand, and what to do.
#[derive(Debug, Args)]
pub struct FlakyArgs {
    /// The server: scheme, host and port, such as wss://localhost:8080.
    #[arg(long, value_name = "ADDRESS")]
    upstream: String,
    /// Where clients connect, by ws:// and http://; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9080")]
    listen: String,
    /// Speak TLS to clients, with this certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    #[command(flatten)]
    trusted: Trusted,
    /// What is left to chance follows from this number. [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Connections at once; the next one waits.
    #[arg(long, default_value = "1000")]
    connections: usize,
    /// Tell only what was counted, in the end.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    faults: FaultArgs,
}

/// What goes wrong. A chance is a number from 0 to 1, a time milliseconds such as 50 or 20..200.
#[derive(Debug, Args)]
#[command(next_help_heading = "Faults")]
struct FaultArgs {
    /// How late each frame is, in either direction.
    #[arg(long, value_name = "MS")]
    delay: Option<Span>,
    /// Chance of each frame that the connection is cut before, in or after it.
    #[arg(long, value_name = "CHANCE", default_value = "0")]
    cut: Chance,
    /// How long after its opening every socket is cut.
    #[arg(long, value_name = "MS")]
    cut_after: Option<Span>,
    /// Chance of each connection that it is cut at once.
    #[arg(long, value_name = "CHANCE", default_value = "0")]
    refuse: Chance,
    /// Chance of each message with a client_message_id that it is sent twice.
    #[arg(long, value_name = "CHANCE", default_value = "0")]
    double_frames: Chance,
    /// Chance of each socket that it is opened twice, and all that is repeatable said on both.
    #[arg(long, value_name = "CHANCE", default_value = "0")]
    double_connections: Chance,
    /// Chance of each connection that it is held until a later one has reached the server.
    #[arg(long, value_name = "CHANCE", default_value = "0")]
    reorder: Chance,
    /// How long it is held at most.
    #[arg(long, value_name = "MS", default_value = "1000")]
    reorder_wait: Span,
    /// Chance of each frame from the server that no more is read there for a while.
    #[arg(long, value_name = "CHANCE", default_value = "0")]
    stall: Chance,
    /// For how long.
    #[arg(long, value_name = "MS", default_value = "500..3000")]
    stall_for: Span,
    /// Bytes of the buffer for what the server sends; a small one makes stalls felt there.
    #[arg(long, value_name = "BYTES")]
    receive_buffer: Option<u32>,
}

impl From<FaultArgs> for Faults {
    fn from(args: FaultArgs) -> Self {
        Self {
            delay: args.delay,
            cut: args.cut,
            cut_after: args.cut_after,
            refuse: args.refuse,
            double_frames: args.double_frames,
            double_connections: args.double_connections,
            reorder: args.reorder,
            reorder_wait: Some(args.reorder_wait),
            stall: args.stall,
            stall_for: Some(args.stall_for),
            receive_buffer: args.receive_buffer,
        }
    }
}

pub(super) async fn run(asked: FlakyArgs) -> anyhow::Result<()> {
    let stop = stop_requested()?;
    let upstream = Place::parse(&asked.upstream, &asked.trusted.trust())?;
    let (server, seed) = (upstream.address(), asked.seed.unwrap_or_else(rand::random));
    let tls = match asked.cert.zip(asked.key) {
        Some((cert, key)) => Some(Arc::new(tls::config_of(&cert, &key)?)),
        None => None,
    };
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    let options = Options {
        upstream,
        listen: asked.listen.clone(),
        tls,
        faults: asked.faults.into(),
        seed,
        connections: asked.connections.max(1),
    };
    let quiet = asked.quiet;
    let log = Log::new(move |line| {
        if !quiet {
            let time = clock::now().format("%H:%M:%S%.3f");
            // Whoever reads no more is told no more; the proxy goes on.
            let _unread = say(&format!("{time} {line}"));
        }
    });
    let flaky = Flaky::bind(options, log)
        .await
        .with_context(|| format!("cannot listen on {}", asked.listen))?;
    let address = flaky.address()?;
    say(&format!("{server} is now at {scheme}://{address}"))?;
    say(&format!("The seed is {seed}"))?;
    let counted = flaky.run_until(stop).await;
    for (what, times) in counted {
        say(&format!("{}: {times}", what.as_str()))?;
    }
    Ok(())
}
