//! Counters that end a socket whose client sends what nobody can mean.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Frames that are not JSON within [`BAD_WINDOW`] end the socket.
const MAX_BAD: usize = 10;
const BAD_WINDOW: Duration = Duration::from_secs(60);

/// Frames of any kind a second, for each message a second that a user may send.
const FRAMES_PER_MESSAGE: u32 = 50;
/// Seconds' worth of frames that may come at once.
const BURST_SECONDS: f32 = 5.0;

/// When the last frames came that were not JSON. Most sockets never send one, and keep a pointer.
#[derive(Default)]
pub struct BadFrames(Option<Box<Times>>);

/// The oldest first.
#[derive(Default)]
struct Times(VecDeque<Instant>);

impl BadFrames {
    /// Counts one more; true if it ends the socket.
    pub fn one_too_many(&mut self) -> bool {
        let now = Instant::now();
        let Times(times) = &mut **self.0.get_or_insert_default();
        times.retain(|at| now.duration_since(*at) < BAD_WINDOW);
        times.push_back(now);
        times.len() >= MAX_BAD
    }
}

/// How many frames a socket may still send: a bucket that fills up with time.
pub struct Flood {
    left: f32,
    at: Instant,
}

impl Flood {
    /// A full bucket, for a user who may send so many messages a second.
    pub fn new(messages_per_second: u32) -> Self {
        Self {
            left: frames_a_second(messages_per_second) * BURST_SECONDS,
            at: Instant::now(),
        }
    }

    /// Counts one more frame, of whatever kind, of a user who may send so many messages a second;
    /// true if it ends the socket. 0 is without limit.
    pub fn one_too_many(&mut self, messages_per_second: u32) -> bool {
        let rate = frames_a_second(messages_per_second);
        if rate == 0.0 {
            return false;
        }
        let now = Instant::now();
        let gained = now.duration_since(self.at).as_secs_f32() * rate;
        self.at = now;
        self.left = (self.left + gained).min(rate * BURST_SECONDS) - 1.0;
        self.left < 0.0
    }
}

fn frames_a_second(messages_a_second: u32) -> f32 {
    messages_a_second.saturating_mul(FRAMES_PER_MESSAGE) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenth_bad_frame_is_one_too_many() {
        let mut bad = BadFrames::default();
        assert!((1..MAX_BAD).all(|_| !bad.one_too_many()));
        assert!(bad.one_too_many());
    }

    #[test]
    fn a_flood_is_told_from_a_burst() {
        let mut flood = Flood::new(20);
        assert!((0..5_000).all(|_| !flood.one_too_many(20)));
        assert!((0..5_000).any(|_| flood.one_too_many(20)));
        let mut unlimited = Flood::new(0);
        assert!((0..100_000).all(|_| !unlimited.one_too_many(0)));
    }
}
