//! Failed guesses at a secret, and how long the next one has to wait.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lru::LruCache;

/// How many keys are remembered, those that failed last; about 5 MiB.
const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(65_535);

/// Who failed no more for so long begins anew. Long enough that waiting for it brings fewer guesses
/// than waiting for each of them.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(6 * 3_600);

/// Keys that guessed wrong: after some free failures each further one doubles the wait.
pub(super) struct Guesses {
    failures: Mutex<LruCache<u64, Failures>>,
    /// Failures in a row that cost nothing.
    free: u32,
    /// The wait after the first one that is not free.
    first: Duration,
    longest: Duration,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Guesses {
    pub(super) fn new(free: u32, first: Duration, longest: Duration) -> Self {
        Self {
            failures: Mutex::new(LruCache::sparse(CAPACITY)),
            free,
            first,
            longest,
        }
    }

    /// How long `key` has still to wait; zero if it may guess now.
    pub(super) fn wait(&self, key: u64, now: Instant) -> Duration {
        let failures = self.lock().peek(&key).copied();
        let Some(failures) = failures.filter(|failures| failures.counts(now)) else {
            return Duration::ZERO;
        };
        let until = failures.last + self.penalty(failures.count);
        until.saturating_duration_since(now)
    }

    /// Notes a wrong guess.
    pub(super) fn failed(&self, key: u64, now: Instant) {
        let mut all = self.lock();
        let before = all.get(&key).filter(|failures| failures.counts(now));
        let count = before.map_or(0, |failures| failures.count);
        let failures = Failures {
            count: count.saturating_add(1),
            last: now,
        };
        all.put(key, failures);
    }

    /// Forgets the failures of who knew it in the end.
    pub(super) fn succeeded(&self, key: u64) {
        self.lock().pop(&key);
    }

    /// The most keys that are remembered.
    #[cfg(test)]
    pub(super) const MOST: usize = CAPACITY.get();

    /// How many keys are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn penalty(&self, count: u32) -> Duration {
        let Some(beyond) = count.checked_sub(self.free) else {
            return Duration::ZERO;
        };
        let times = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
        self.first.saturating_mul(times).min(self.longest)
    }

    /// A thread that panicked left the map whole: every change to it is one call.
    fn lock(&self) -> MutexGuard<'_, LruCache<u64, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    fn counts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) < FORGOTTEN_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_failure_beyond_the_free_ones_doubles_the_wait() {
        let guesses = Guesses::new(3, 6 * SECOND, 60 * SECOND);
        let now = Instant::now();
        let waits: Vec<_> = (0..9)
            .map(|_| {
                guesses.failed(1, now);
                guesses.wait(1, now).as_secs()
            })
            .collect();
        assert_eq!(waits, [0, 0, 6, 12, 24, 48, 60, 60, 60]);
        assert_eq!(guesses.wait(1, now + 59 * SECOND), SECOND);
        assert_eq!(guesses.wait(1, now + 60 * SECOND), Duration::ZERO);
        assert_eq!(guesses.wait(2, now), Duration::ZERO, "another one");
        guesses.succeeded(1);
        assert_eq!(guesses.wait(1, now), Duration::ZERO);
    }

    #[test]
    fn failures_of_long_ago_do_not_count() {
        let guesses = Guesses::new(1, SECOND, 3_600 * SECOND);
        let now = Instant::now();
        for _ in 0..100 {
            guesses.failed(1, now);
        }
        assert_eq!(guesses.wait(1, now), 3_600 * SECOND);
        let later = now + FORGOTTEN_AFTER;
        guesses.failed(1, later);
        assert_eq!(guesses.wait(1, later), SECOND, "it began anew");
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let guesses = Guesses::new(1, SECOND, SECOND);
        let now = Instant::now();
        for key in 0..200_000 {
            guesses.failed(key, now);
        }
        assert_eq!(guesses.len(), CAPACITY.get());
        assert_eq!(guesses.wait(199_999, now), SECOND, "the last ones are kept");
    }
}
