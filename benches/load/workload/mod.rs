//! What is done to a server, each in a file.

pub mod fanout;
pub mod idle;
pub mod rest;
pub mod rooms;
pub mod senders;
pub mod storm;

use std::time::Duration;

use anyhow::ensure;

use crate::clock;

/// Seconds without any progress after which a workload gives up.
const PATIENCE: f64 = 10.0;

/// Ends a workload in which nothing moves any more: a message was lost.
struct Watch {
    seen: u64,
    at: u64,
}

impl Watch {
    fn new() -> Self {
        Self {
            seen: 0,
            at: clock::now(),
        }
    }

    fn check(&mut self, progress: u64) -> anyhow::Result<()> {
        let now = clock::now();
        if progress != self.seen {
            (self.seen, self.at) = (progress, now);
        }
        let idle = now - self.at;
        ensure!(idle < clock::nanoseconds(PATIENCE), "stalled at {progress}");
        Ok(())
    }
}

/// How long to wait for sockets when the next message is due at `due`.
///
/// epoll counts milliseconds: what is nearer is waited for without sleeping.
fn until(due: u64) -> Duration {
    let left = Duration::from_nanos(due.saturating_sub(clock::now()));
    left.saturating_sub(Duration::from_millis(1))
}
