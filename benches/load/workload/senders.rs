//! Everybody sends; each socket has a window of messages that are not acknowledged yet.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use super::Watch;
use crate::{clock, measure::Span, plan::Plan, swarm::Swarm, tally::Refused, wire::Protocol};

pub fn run(plan: Plan) -> anyhow::Result<Value> {
    ensure!(
        plan.protocol == Protocol::Durable,
        "only durable messages are acknowledged"
    );
    let mut senders = Senders {
        swarm: Swarm::joined(plan)?,
        waiting: Vec::new(),
        watch: Watch::new(),
    };
    let swarm = &mut senders.swarm;
    swarm.tally.patient = true;
    for socket in 0..swarm.plan.sockets {
        for _ in 0..swarm.plan.window {
            swarm.tally.acked.push(socket);
        }
    }
    let warm = clock::now() + clock::nanoseconds(swarm.plan.warmup);
    while clock::now() < warm {
        senders.turn()?;
    }
    let refused = senders.swarm.tally.refusals;
    let span = Span::begin(&mut senders.swarm);
    while !span.is_over(&senders.swarm) {
        senders.turn()?;
    }
    let mut report = span.report(&mut senders.swarm);
    report["refused"] = json!(senders.swarm.tally.refusals - refused);
    Ok(report)
}

struct Senders {
    swarm: Swarm,
    /// Refused messages whose time to be sent again has not come.
    waiting: Vec<Refused>,
    watch: Watch,
}

impl Senders {
    fn turn(&mut self) -> anyhow::Result<()> {
        let now = clock::now();
        self.waiting.append(&mut self.swarm.tally.refused);
        let again = self.waiting.extract_if(.., |refused| refused.again <= now);
        let again = again.map(|refused| (refused.socket, refused.sent));
        let mut sending: Vec<_> = again.collect();
        let acked = std::mem::take(&mut self.swarm.tally.acked);
        sending.extend(acked.into_iter().map(|socket| (socket, now)));
        for (socket, sent) in &sending {
            self.swarm.say(*socket, *sent);
        }
        // One write for all that a socket sends at once, as one packet brought their acks.
        for (socket, _) in sending {
            self.swarm.flush(socket);
        }
        let most = if self.waiting.is_empty() { 50 } else { 1 };
        self.swarm.turn(Duration::from_millis(most))?;
        self.watch.check(self.swarm.tally.acks)
    }
}
