//! The span that counts: from a moment after the warm-up to the end.

use serde_json::{Value, json};

use crate::{clock, process::Meter, swarm::Swarm};

/// What was at its beginning.
pub struct Span {
    at: u64,
    deliveries: u64,
    bytes: u64,
    acks: u64,
    server: Meter,
    own: Meter,
}

impl Span {
    /// Begins: durations are noted from now on.
    pub fn begin(swarm: &mut Swarm) -> Self {
        swarm.tally.measuring = true;
        Self {
            at: clock::now(),
            deliveries: swarm.tally.deliveries,
            bytes: swarm.tally.bytes,
            acks: swarm.tally.acks,
            server: Meter::start(&swarm.plan.pid),
            own: Meter::own(),
        }
    }

    /// Not while nothing came: then the workload's watch ends it, with an error.
    pub fn is_over(&self, swarm: &Swarm) -> bool {
        let came = swarm.tally.deliveries > self.deliveries;
        came && clock::now() - self.at >= clock::nanoseconds(swarm.plan.seconds)
    }

    /// Ends, and says what happened meanwhile.
    pub fn report(&self, swarm: &mut Swarm) -> Value {
        let tally = &mut swarm.tally;
        tally.measuring = false;
        let seconds = (clock::now() - self.at) as f64 / 1e9;
        let (server, own) = (self.server.seconds(), self.own.seconds());
        let deliveries = (tally.deliveries - self.deliveries) as f64;
        let acks = (tally.acks - self.acks) as f64;
        // Never divided by nothing: an unknown pid gives no processor time.
        let used = server.max(1e-9);
        json!({
            "seconds": seconds,
            "deliveries_per_second": deliveries / seconds,
            "deliveries_per_cpu_second": deliveries / used,
            "bytes_per_delivery": (tally.bytes - self.bytes) as f64 / deliveries,
            "acks_per_second": acks / seconds,
            "acks_per_cpu_second": acks / used,
            "server_cpu_percent": server / seconds * 100.0,
            "generator_cpu_percent": own / seconds * 100.0,
            "latency_ms": tally.latency.report(),
            "ack_ms": tally.ack_latency.report(),
            "sockets": swarm.plan.sockets,
            "ended": tally.ended,
            "fault": tally.fault,
        })
    }
}
