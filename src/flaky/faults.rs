//! What may go wrong, how often, and the dice that decide.

use std::{str::FromStr, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// How likely something is: from 0, never, to 1, always.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chance(f64);

impl FromStr for Chance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(chance @ 0.0..=1.0) => Ok(Self(chance)),
            _ => Err("must be a number from 0 to 1".to_owned()),
        }
    }
}

/// A time between two others, in milliseconds; one number is that and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    from: u64,
    to: u64,
}

impl Span {
    /// From so many milliseconds to so many.
    #[must_use]
    pub const fn ms(from: u64, to: u64) -> Self {
        Self { from, to }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) if from <= to && to <= 3_600_000 => Ok(Self { from, to }),
            _ => Err("must be milliseconds such as 50 or 20..200, at most an hour".to_owned()),
        }
    }
}

/// What may go wrong. By default nothing does.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// How late each frame is, in either direction.
    pub delay: Option<Span>,
    /// Of each frame, in either direction: the connection is cut before, in or after it.
    pub cut: Chance,
    /// How long after its opening every socket is cut.
    pub cut_after: Option<Span>,
    /// Of each connection: it is cut before anything is read.
    pub refuse: Chance,
    /// Of each `message` with a `client_message_id`: it is sent twice.
    pub double_frames: Chance,
    /// Of each socket: a second one is opened by the same request, and hears the same.
    pub double_connections: Chance,
    /// Of each connection: it is held until a later one has reached the server, if none is held yet.
    pub reorder: Chance,
    /// How long it is held at most.
    pub reorder_wait: Option<Span>,
    /// Of each frame from the server: nothing is read from the server for a while.
    pub stall: Chance,
    /// For how long.
    pub stall_for: Option<Span>,
    /// Bytes of the buffer that the server's frames wait in, so that a stall is soon felt there.
    pub receive_buffer: Option<u32>,
}

/// What decides for one connection, or for one direction of it.
pub struct Dice(StdRng);

impl Dice {
    /// The dice of a connection by its number; `part` tells those of its directions apart.
    pub fn new(seed: u64, connection: u64, part: u8) -> Self {
        let mut bytes = [0; 32];
        let words = [seed, connection, u64::from(part), 0];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        Self(StdRng::from_seed(bytes))
    }

    /// Whether it happens this time.
    pub fn hits(&mut self, chance: Chance) -> bool {
        self.0.random_bool(chance.0)
    }

    /// A time within the span; none is no time at all.
    pub fn time(&mut self, span: Option<Span>) -> Duration {
        let Some(Span { from, to }) = span else {
            return Duration::ZERO;
        };
        Duration::from_millis(self.0.random_range(from..=to))
    }

    /// One of so many.
    pub fn one_of(&mut self, count: u8) -> u8 {
        self.0.random_range(0..count.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_and_spans_are_read_or_refused() {
        assert_eq!("0.25".parse(), Ok(Chance(0.25)));
        for wrong in ["", "-0.1", "1.1", "NaN", "often"] {
            assert!(wrong.parse::<Chance>().is_err(), "{wrong}");
        }
        assert_eq!("50".parse(), Ok(Span::ms(50, 50)));
        assert_eq!("20..200".parse(), Ok(Span::ms(20, 200)));
        for wrong in ["", "200..20", "-1", "1..", "9999999", "a..b"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_same_seed_decides_the_same() {
        let throw = |seed, connection, part| {
            let mut dice = Dice::new(seed, connection, part);
            (0..64).map(|_| dice.hits(Chance(0.5))).collect::<Vec<_>>()
        };
        assert_eq!(throw(1, 2, 3), throw(1, 2, 3));
        for other in [throw(2, 2, 3), throw(1, 3, 3), throw(1, 2, 4)] {
            assert_ne!(throw(1, 2, 3), other);
        }
    }
}
