//! Nobody says anything: what open sockets cost.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    clock,
    plan::Plan,
    process::{Memory, Meter},
    swarm::Swarm,
};

/// One of so many sockets comes before the others: what a server needs for whoever is the first, such as
/// pages of the database, is not what one more costs.
const FIRST: usize = 100;

pub fn run(plan: Plan) -> anyhow::Result<Value> {
    let mut swarm = Swarm::new(plan)?;
    let (warmup, seconds) = (swarm.plan.warmup, swarm.plan.seconds);
    let pids = swarm.plan.pid.clone();
    let first = swarm.plan.sockets / FIRST;
    swarm.join(first, &[])?;
    rest(&mut swarm, warmup)?;
    let before = Memory::of(&pids).report();
    let (start, used) = (clock::now(), Meter::start(&pids));
    swarm.join_all(&[])?;
    let joined = (clock::now() - start) as f64 / 1e9;
    let join_cpu = used.seconds();

    let counted = (swarm.plan.sockets - first) as f64;
    rest(&mut swarm, warmup)?;
    let (start, used) = (clock::now(), Meter::start(&pids));
    rest(&mut swarm, seconds)?;
    let seconds = (clock::now() - start) as f64 / 1e9;
    let idle = used.seconds();
    Ok(json!({
        "sockets": swarm.tally.ready,
        "measured_sockets": counted,
        "joins_per_second": counted / joined,
        "join_cpu_microseconds": join_cpu * 1e6 / counted,
        "idle_cpu_percent": idle / seconds * 100.0,
        "before": before,
        "after": Memory::of(&pids).report(),
    }))
}

/// Only answers what the server asks, for so many seconds.
fn rest(swarm: &mut Swarm, seconds: f64) -> anyhow::Result<()> {
    let until = clock::now() + clock::nanoseconds(seconds);
    while clock::now() < until {
        swarm.turn(Duration::from_millis(100))?;
    }
    Ok(())
}
