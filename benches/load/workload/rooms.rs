//! Many rooms with one message on its way in each; the members of a room send in turn.

use std::time::Duration;

use serde_json::Value;

use super::Watch;
use crate::{clock, measure::Span, plan::Plan, swarm::Swarm};

pub fn run(plan: Plan) -> anyhow::Result<Value> {
    let members = plan.members();
    let audience = plan.audience(members);
    let mut swarm = Swarm::joined(plan)?;
    swarm.tally.audience = audience;
    swarm.tally.finished = (0..swarm.plan.rooms).collect();
    let mut turns = vec![0; swarm.plan.rooms];
    let mut watch = Watch::new();

    let warm = clock::now() + clock::nanoseconds(swarm.plan.warmup);
    while clock::now() < warm {
        turn(&mut swarm, &mut turns, members, &mut watch)?;
    }
    let span = Span::begin(&mut swarm);
    while !span.is_over(&swarm) {
        turn(&mut swarm, &mut turns, members, &mut watch)?;
    }
    Ok(span.report(&mut swarm))
}

fn turn(
    swarm: &mut Swarm,
    turns: &mut [usize],
    members: usize,
    watch: &mut Watch,
) -> anyhow::Result<()> {
    for room in std::mem::take(&mut swarm.tally.finished) {
        let speaker = room * members + turns[room] % members;
        turns[room] += 1;
        swarm.say(speaker, clock::now());
        swarm.flush(speaker);
    }
    swarm.turn(Duration::from_millis(50))?;
    watch.check(swarm.tally.deliveries)
}
