//! Everything at once for a while: what is promised is kept, and nothing grows.
//!
//! `script/soak` runs it; an ordinary run of the tests leaves it out.

#![expect(
    clippy::print_stdout,
    reason = "who waits for minutes may see how far it is"
)]

mod load;

use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::load::{Load, Tally};
use crate::harness::{Home, LIMIT, Server, TestDatabase};

/// Without `SOAK_SECONDS`.
const SECONDS: u64 = 60;
/// Longer than rooms live on without members.
const CALM: Duration = Duration::from_secs(90);
/// How often it is measured again while memory may still be given back.
const LOOK: Duration = Duration::from_millis(250);
/// What may come on top of a tenth, in KiB: the journal's memory of what was said.
const SLACK: u64 = 8 * 1024;
/// And with SQLite, where each of ten readers and the writer fills 16 MiB of pages as the database
/// grows.
const PAGES: u64 = 11 * 16 * 1024;

/// What must be the same before and after.
#[derive(Debug)]
struct Shape {
    /// In KiB.
    memory: u64,
    descriptors: usize,
    threads: u64,
    outbox_bytes: f64,
    connections: f64,
}

impl Shape {
    /// Waits until nobody is there and no room lives, and measures.
    async fn of(server: &Server) -> Self {
        server.calm(CALM).await;
        let api = server.api();
        Self {
            memory: server.status("VmRSS"),
            descriptors: server.descriptors(),
            threads: server.status("Threads"),
            outbox_bytes: api.metric("chat_outbox_bytes").await,
            connections: api.metric("api_active_connections").await,
        }
    }

    fn is_like(&self, before: &Self, slack: u64) -> bool {
        self.memory <= before.memory + before.memory / 10 + slack
            && self.descriptors <= before.descriptors + 4
            && self.threads <= before.threads + 2
            && self.outbox_bytes == 0.0
            && self.connections <= before.connections + 4.0
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long the load lasts is no setting of the server"
)]
fn seconds() -> u64 {
    let set = std::env::var("SOAK_SECONDS").ok();
    set.map_or(SECONDS, |text| {
        text.parse().expect("SOAK_SECONDS is a number")
    })
}

async fn run(load: &Load, server: &Server, length: Duration) -> Tally {
    let tally = load.run(server, Instant::now() + length).await;
    println!("{:>4} s: {tally:?}", length.as_secs());
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes a minute or more: script/soak"]
async fn nothing_grows_and_nothing_is_lost() {
    let home = Home::new().await;
    let sqlite = matches!(home.database, TestDatabase::Sqlite(_));
    let slack = if sqlite { SLACK + PAGES } else { SLACK };
    let settings = [
        ("RUST_LOG", "warn,actix_http=off"),
        ("ENABLE_HTTPS", "false"),
        ("DB_MAX_CONNECTIONS", "10"),
    ];
    let server = Server::with(&home, &settings).await;
    let load = Load::prepare(&home, &server).await;
    let length = Duration::from_secs(seconds());
    // Caches fill, and buffers are made that stay.
    run(&load, &server, length / 3).await;
    let before = Shape::of(&server).await;
    println!("before {before:?}");
    let tally = run(&load, &server, length).await;
    assert!(tally.has_everything(), "{tally:?}");

    let deadline = Instant::now() + LIMIT;
    let mut after = Shape::of(&server).await;
    // The allocator gives back what is free when it likes to.
    while !after.is_like(&before, slack) && Instant::now() < deadline {
        sleep(LOOK).await;
        after = Shape::of(&server).await;
    }
    println!("after  {after:?}");
    assert!(after.is_like(&before, slack), "{before:?} became {after:?}");
    let output = server.output();
    assert!(
        !output.contains("panicked") && !output.contains("\"ERROR\""),
        "{output}"
    );
}
