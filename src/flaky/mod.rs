//! A proxy that is as bad as networks are, for those who write clients.
//!
//! It stands before a Parlor and passes on what comes, late, cut, twice, out of turn or not at all,
//! as it is set. What it does follows from a seed: the same connection, by number, meets the same.

mod faults;
mod log;
mod pipe;
mod shadow;
mod tunnel;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::remote::{Place, Stream};

pub use faults::{Chance, Faults, Span};
pub use log::{Counted, Happening, Log};

/// Between two attempts to accept when the process has no descriptors left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Where the proxy stands, and what it does.
pub struct Options {
    pub upstream: Place,
    /// Address to listen on; port 0 takes a free one.
    pub listen: String,
    /// Speaks TLS to its clients.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    pub faults: Faults,
    /// Everything that is left to chance follows from it.
    pub seed: u64,
    /// Connections at once; the next one waits.
    pub connections: usize,
}

/// What all connections share.
struct Shared {
    upstream: Place,
    tls: Option<TlsAcceptor>,
    faults: Faults,
    seed: u64,
    log: Log,
    /// The highest number of a connection that has reached the server.
    reached: watch::Sender<u64>,
    /// A connection waits to be overtaken.
    held: AtomicBool,
}

/// A proxy that listens.
pub struct Flaky {
    listener: TcpListener,
    shared: Arc<Shared>,
    seats: Arc<Semaphore>,
}

impl Flaky {
    /// Listens, and says so by [`address`](Self::address).
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn bind(options: Options, log: Log) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(&options.listen).await?,
            shared: Arc::new(Shared {
                upstream: options.upstream,
                tls: options.tls.map(TlsAcceptor::from),
                faults: options.faults,
                seed: options.seed,
                log,
                reached: watch::Sender::new(0),
                held: AtomicBool::new(false),
            }),
            seats: Arc::new(Semaphore::new(options.connections)),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then ends every connection and gives what was counted.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Vec<Counted> {
        let mut tunnels = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        let mut number = 0;
        loop {
            let seat = self.seats.clone().acquire_owned();
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = async { (seat.await, self.listener.accept().await) } => accepted,
            };
            let (Ok(seat), Ok((tcp, _))) = accepted else {
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            };
            number += 1;
            let shared = self.shared.clone();
            tunnels.spawn(async move {
                let _seat = seat;
                serve(&shared, number, tcp).await;
            });
            while tunnels.try_join_next().is_some() {}
        }
        tunnels.shutdown().await;
        self.shared.log.counted()
    }
}

async fn serve(shared: &Shared, number: u64, tcp: TcpStream) {
    // Without it small frames wait for each other, which is no fault that was asked for.
    let _slower = tcp.set_nodelay(true);
    let stream = match &shared.tls {
        None => Stream::Plain(tcp),
        Some(acceptor) => match acceptor.accept(tcp).await {
            Ok(tls) => Stream::Tls(Box::new(tls.into())),
            Err(error) => return shared.log.note(number, &format!("no TLS: {error}")),
        },
    };
    tunnel::Tunnel::new(shared, number).run(stream).await;
}
