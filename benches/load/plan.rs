//! What the generator is told to do.

use std::{net::SocketAddrV4, path::PathBuf};

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};

use crate::{stamp, wire::Protocol};

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Workload {
    /// One sender, everybody in his room hears.
    Fanout,
    /// Many rooms, in each one message on its way; the members send in turn.
    Rooms,
    /// Each socket has a window of its own of messages that are not acknowledged yet.
    Senders,
    /// Nobody says anything: memory and idle processor time.
    Idle,
    /// All are cut off, miss a message, and come back at once.
    Storm,
    /// One HTTP request after the other on each of the sockets.
    Rest,
}

/// Loads a chat server on loopback and tells what it saw as one line of JSON.
#[derive(Clone, Debug, Parser)]
pub struct Plan {
    #[arg(value_enum)]
    pub workload: Workload,
    /// What the server speaks.
    #[arg(long, value_enum, default_value = "raw")]
    pub protocol: Protocol,
    /// Where the server is: loopback only.
    #[arg(long)]
    pub address: SocketAddrV4,
    /// Processes whose processor time and memory are the server's, their children included.
    #[arg(long, value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// A file with a bearer token in each line: Parlor's users. The first one is the sender's.
    #[arg(long)]
    pub tokens: Option<PathBuf>,
    /// The certificate to believe: then it is TLS, to `localhost`.
    #[arg(long)]
    pub ca: Option<PathBuf>,
    #[arg(long, default_value_t = 1000)]
    pub sockets: usize,
    /// Rooms that the sockets are spread over.
    #[arg(long, default_value_t = 1)]
    pub rooms: usize,
    /// Messages on their way at once.
    #[arg(long, default_value_t = 16)]
    pub window: u64,
    /// Messages a second instead of a window; latency counts from when each was due.
    #[arg(long)]
    pub rate: Option<f64>,
    /// Bytes of a message's content; `live` frames have none.
    #[arg(long, default_value_t = stamp::LENGTH)]
    pub content: usize,
    /// Seconds to measure.
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Seconds before.
    #[arg(long, default_value_t = 0.5)]
    pub warmup: f64,
    /// Addresses to come from, 127.0.0.1 and up: one has ports for 28,000 sockets.
    #[arg(long, default_value_t = 1)]
    pub sources: u32,
    /// Handshakes at once.
    #[arg(long, default_value_t = 64)]
    pub handshakes: usize,
    /// Sockets that join and read nothing from then on.
    #[arg(long, default_value_t = 0)]
    pub deaf: usize,
    /// Never sleeps: on one machine, waking a client that sleeps is the server's work, which it is not
    /// between two.
    #[arg(long)]
    pub awake: bool,
    /// Ids of messages are UUIDv4 instead of UUIDv7, which is in order of time.
    #[arg(long)]
    pub random_ids: bool,
    /// What `rest` asks for.
    #[arg(long, default_value = "/")]
    pub path: String,
    /// What `rest` posts; without it, it gets.
    #[arg(long)]
    pub body: Option<String>,
}

impl Plan {
    /// The users' tokens; none for peers.
    ///
    /// # Errors
    /// The file cannot be read, or is needed and empty.
    pub fn tokens(&self) -> anyhow::Result<Vec<String>> {
        ensure!(self.address.ip().is_loopback(), "loopback only");
        let Some(path) = &self.tokens else {
            ensure!(!self.protocol.is_parlor(), "Parlor wants --tokens");
            return Ok(Vec::new());
        };
        let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        let tokens: Vec<_> = text.lines().map(str::to_owned).collect();
        ensure!(tokens.len() > 1, "at least two users");
        Ok(tokens)
    }

    /// Sockets of a room: the first room has the first ones.
    pub fn members(&self) -> usize {
        self.sockets.div_ceil(self.rooms)
    }

    /// Who hears one message in a room with so many sockets: of typing not the sender.
    pub fn audience(&self, members: usize) -> u64 {
        let silent = usize::from(self.protocol == Protocol::Live);
        (members - silent) as u64
    }
}
