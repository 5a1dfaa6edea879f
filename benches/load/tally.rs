//! What came over all sockets together.

use crate::histogram::Histogram;

/// One room's part.
#[derive(Default)]
pub struct RoomTally {
    /// Payloads that came to any member.
    pub deliveries: u64,
    /// When each was sent, for frames that cannot say it themselves.
    pub sent: Vec<u64>,
}

/// A message to send again.
pub struct Refused {
    pub socket: usize,
    /// When it was sent first: its `ack` is counted from there.
    pub sent: u64,
    /// Not before.
    pub again: u64,
}

pub struct Tally {
    /// Sockets that have joined, at this moment.
    pub ready: usize,
    /// Sockets that ended.
    pub ended: usize,
    pub deliveries: u64,
    /// All that came, whatever it was.
    pub bytes: u64,
    /// Durations are noted only while this is set.
    pub measuring: bool,
    pub latency: Histogram,
    pub ack_latency: Histogram,
    /// From the first packet of a socket until it has joined.
    pub join_latency: Histogram,
    pub acks: u64,
    /// Sockets whose message was acknowledged and that have not been told to send anew.
    pub acked: Vec<usize>,
    /// Messages that the server was too busy for, and wants to have again; see [`Tally::patient`].
    pub refused: Vec<Refused>,
    pub refusals: u64,
    /// Whether the workload sends refused messages again.
    pub patient: bool,
    pub rooms: Vec<RoomTally>,
    /// Rooms where everybody has heard the last payload, see [`Tally::audience`].
    pub finished: Vec<usize>,
    /// Deliveries of one payload; 0 while nobody wants to know about `finished`.
    pub audience: u64,
    /// What went wrong first.
    pub fault: Option<String>,
}

impl Tally {
    pub fn new(rooms: usize) -> Self {
        Self {
            ready: 0,
            ended: 0,
            deliveries: 0,
            bytes: 0,
            measuring: false,
            latency: Histogram::new(),
            ack_latency: Histogram::new(),
            join_latency: Histogram::new(),
            acks: 0,
            acked: Vec::new(),
            refused: Vec::new(),
            refusals: 0,
            patient: false,
            rooms: (0..rooms).map(|_| RoomTally::default()).collect(),
            finished: Vec::new(),
            audience: 0,
            fault: None,
        }
    }

    pub fn delivered(&mut self, room: usize, sent: u64, now: u64) {
        self.deliveries += 1;
        if self.measuring {
            self.latency.add(now.saturating_sub(sent));
        }
        let tally = &mut self.rooms[room];
        tally.deliveries += 1;
        if self.audience > 0 && tally.deliveries.is_multiple_of(self.audience) {
            self.finished.push(room);
        }
    }

    /// Takes the answer to a message that was sent at `sent`.
    pub fn acknowledged(&mut self, socket: usize, sent: u64, now: u64) {
        self.acks += 1;
        self.acked.push(socket);
        if self.measuring {
            self.ack_latency.add(now.saturating_sub(sent));
        }
    }

    /// Keeps the first fault only: the others follow from it.
    pub fn failed(&mut self, what: impl Into<String>) {
        self.fault.get_or_insert_with(|| what.into());
    }
}
