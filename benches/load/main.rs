//! The load generator of `script/bench`: one thread, epoll, hand-rolled client frames, so that it is
//! not what is measured. It says in one line of JSON what it saw, its own processor time included.
//!
//! It talks to loopback only.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a fault of the generator may end it, and its line is what it is for"
)]

mod clock;
mod connection;
mod frame;
mod histogram;
mod measure;
mod plan;
mod process;
mod stamp;
mod swarm;
mod tally;
mod transport;
mod wire;
mod workload;

use clap::Parser;

use self::plan::{Plan, Workload};

fn main() -> anyhow::Result<()> {
    let plan = Plan::parse();
    let report = match plan.workload {
        Workload::Fanout => workload::fanout::run(plan)?,
        Workload::Rooms => workload::rooms::run(plan)?,
        Workload::Senders => workload::senders::run(plan)?,
        Workload::Idle => workload::idle::run(plan)?,
        Workload::Storm => workload::storm::run(plan)?,
        Workload::Rest => workload::rest::run(plan)?,
    };
    println!("{report}");
    Ok(())
}
