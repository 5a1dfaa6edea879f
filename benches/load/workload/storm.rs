//! All are cut off, miss a message, come back at once and resume.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use super::Watch;
use crate::{clock, plan::Plan, process::Meter, swarm::Swarm, wire::Protocol};

pub fn run(plan: Plan) -> anyhow::Result<Value> {
    ensure!(plan.protocol == Protocol::Durable, "peers cannot resume");
    let seen = be_cut_off(plan.clone())?;

    let all_at_once = Plan {
        handshakes: plan.sockets,
        ..plan
    };
    let mut swarm = Swarm::new(all_at_once)?;
    let (start, used) = (clock::now(), Meter::start(&swarm.plan.pid));
    swarm.join_all(&seen)?;
    let joined = clock::now() - start;
    // Each has missed exactly one message, and is live when it has that.
    until_all_heard(&mut swarm)?;
    let live = clock::now() - start;
    let cpu = used.seconds();
    Ok(json!({
        "sockets": swarm.tally.ready,
        "joined_seconds": joined as f64 / 1e9,
        "live_seconds": live as f64 / 1e9,
        "resumed": swarm.tally.deliveries,
        "server_cpu_seconds": cpu,
        "join_ms": swarm.tally.join_latency.report(),
    }))
}

/// Joins, lets one message be said in each room, and is gone without a word. Returns how far each
/// client knew its room before that message.
fn be_cut_off(plan: Plan) -> anyhow::Result<Vec<u64>> {
    let mut swarm = Swarm::joined(plan)?;
    let seen = swarm.connections.iter().map(|client| client.rev).collect();
    for speaker in (0..swarm.plan.sockets).step_by(swarm.plan.members()) {
        swarm.say(speaker, clock::now());
        swarm.flush(speaker);
    }
    until_all_heard(&mut swarm)?;
    Ok(seen)
}

fn until_all_heard(swarm: &mut Swarm) -> anyhow::Result<()> {
    let all = swarm.plan.sockets as u64;
    let mut watch = Watch::new();
    while swarm.tally.deliveries < all {
        swarm.turn(Duration::from_millis(50))?;
        watch.check(swarm.tally.deliveries)?;
    }
    Ok(())
}
