//! One sender, everybody in his room hears: with a window, or at a rate.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Watch, until};
use crate::{clock, measure::Span, plan::Plan, swarm::Swarm};

/// The one who sends.
const SENDER: usize = 0;
/// How long a turn may wait when nothing is due.
const TURN: Duration = Duration::from_millis(50);

pub fn run(plan: Plan) -> anyhow::Result<Value> {
    let audience = plan.audience(plan.sockets - plan.deaf);
    let mut load = Load {
        swarm: Swarm::joined(plan)?,
        audience,
        sent: 0,
        start: clock::now(),
        latest: 0,
    };
    let warm = load.start + clock::nanoseconds(load.swarm.plan.warmup);
    let mut watch = Watch::new();
    while clock::now() < warm {
        load.turn(&mut watch)?;
    }
    let (span, sent) = (Span::begin(&mut load.swarm), load.sent);
    while !span.is_over(&load.swarm) {
        load.turn(&mut watch)?;
    }
    let mut report = span.report(&mut load.swarm);
    let seconds = report["seconds"].as_f64().unwrap_or(1.0);
    report["messages_per_second"] = json!((load.sent - sent) as f64 / seconds);
    report["late_max_ms"] = json!(load.latest as f64 / 1e6);
    Ok(report)
}

struct Load {
    swarm: Swarm,
    /// Who hears one message.
    audience: u64,
    sent: u64,
    start: u64,
    /// The most that a message was sent after it was due, in nanoseconds.
    latest: u64,
}

impl Load {
    fn turn(&mut self, watch: &mut Watch) -> anyhow::Result<()> {
        let wait = match self.swarm.plan.rate {
            None => self.fill(),
            Some(rate) => self.keep_pace(1e9 / rate),
        };
        self.swarm.turn(wait)?;
        watch.check(self.swarm.tally.deliveries)
    }

    /// Sends a whole window at once when everybody has heard the one before.
    ///
    /// One at a time, as places become free, how many a server finds together would tell how far
    /// this program is behind it, and not what the server makes of them.
    fn fill(&mut self) -> Duration {
        if self.swarm.tally.deliveries / self.audience < self.sent {
            return TURN;
        }
        for _ in 0..self.swarm.plan.window {
            self.swarm.say(SENDER, clock::now());
            self.sent += 1;
        }
        self.swarm.flush(SENDER);
        TURN
    }

    /// Sends what is due; one each `interval` nanoseconds.
    fn keep_pace(&mut self, interval: f64) -> Duration {
        loop {
            let due = self.start + clock::nanoseconds(self.sent as f64 * interval / 1e9);
            let now = clock::now();
            if due > now {
                self.swarm.flush(SENDER);
                return until(due).min(TURN);
            }
            self.latest = self.latest.max(now - due);
            self.swarm.say(SENDER, due);
            self.sent += 1;
        }
    }
}
