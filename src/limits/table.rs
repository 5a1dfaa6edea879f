//! A table of keys and how much each did lately, that no crowd of keys makes grow for ever.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use super::quota::{Counted, Exhausted, Left, Policy};

/// How many keys have an entry of their own; about 5 MiB.
const CAPACITY: usize = 65_536;

/// How many entries all other keys share while the table is full.
const SHARED: u64 = 1_024;

/// How many checks go by between two looks at the table's size.
const CHECKS_BETWEEN_LOOKS: u32 = 1_024;

/// A key with an entry of its own, or one of those that share.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Slot<K> {
    Own(K),
    Shared(u64),
}

type Limiter<K> =
    RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>;

pub(super) struct Table<K: Clone + Eq + Hash> {
    limiter: Limiter<Slot<K>>,
    policy: Policy,
    hasher: RandomState,
    capacity: usize,
    checks: AtomicU32,
    full: AtomicBool,
}

impl<K: Clone + Eq + Hash> Table<K> {
    /// An empty one. `name` is what clients are told of the limit.
    pub(super) fn new(name: &'static str, quota: Quota) -> Self {
        Self::with_capacity(name, quota, CAPACITY)
    }

    fn with_capacity(name: &'static str, quota: Quota, capacity: usize) -> Self {
        Self {
            limiter: RateLimiter::keyed(quota).with_middleware(),
            policy: Policy::new(name, quota),
            hasher: RandomState::new(),
            capacity,
            checks: AtomicU32::new(0),
            full: AtomicBool::new(false),
        }
    }

    pub(super) fn policy(&self) -> Policy {
        self.policy
    }

    /// How many entries it has.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.limiter.len()
    }

    /// The most entries that it may have: the table is looked at now and then.
    #[cfg(test)]
    pub(super) fn bound(&self) -> usize {
        self.capacity + CHECKS_BETWEEN_LOOKS as usize + SHARED as usize
    }

    /// Counts one of `key`; an error says how long to wait.
    pub(super) fn check(&self, key: &K) -> Counted {
        let before = self.checks.fetch_add(1, Ordering::Relaxed);
        if before.is_multiple_of(CHECKS_BETWEEN_LOOKS) {
            self.tidy();
        }
        let slot = if self.full.load(Ordering::Relaxed) {
            Slot::Shared(self.hasher.hash_one(key) % SHARED)
        } else {
            Slot::Own(key.clone())
        };
        match self.limiter.check_key(&slot) {
            Ok(state) => Ok(Some(Left::after(self.policy, &state))),
            Err(refused) => Err(Exhausted {
                policy: self.policy,
                wait: refused.wait_time_from(self.limiter.clock().now()),
            }),
        }
    }

    /// Drops the keys that did nothing lately, and sees whether there is room for new ones.
    fn tidy(&self) {
        if self.limiter.len() > self.capacity / 2 {
            self.limiter.retain_recent();
        }
        let full = self.limiter.len() >= self.capacity;
        self.full.store(full, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use super::*;

    #[test]
    fn a_crowd_of_keys_does_not_make_it_grow() {
        let table = Table::with_capacity("some", Quota::per_hour(NonZeroU32::MIN), 2_000);
        for key in 0..200_000_u32 {
            let _ = table.check(&key);
        }
        assert_eq!(table.bound(), 4_048);
        assert!(table.len() <= table.bound(), "{} entries", table.len());
        assert!(
            table.check(&999_999).is_err(),
            "a full table is strict, not open"
        );
    }

    #[test]
    fn a_refusal_tells_how_long_to_wait() {
        let table = Table::new("some", Quota::per_minute(NonZeroU32::MIN));
        assert!(table.check(&1).is_ok());
        let refused = table.check(&1).unwrap_err();
        let wait = refused.wait;
        assert!(
            wait > Duration::from_secs(50) && wait <= Duration::from_secs(60),
            "{wait:?}"
        );
        assert_eq!(refused.item(), "\"some\";r=0;t=60");
        assert_eq!(refused.policy.item(), "\"some\";q=1;w=60");
    }

    #[test]
    fn what_is_left_is_told() {
        let three = NonZeroU32::MIN.saturating_add(2);
        let table = Table::new("some", Quota::per_minute(three));
        let items = [(); 3].map(|()| table.check(&1).unwrap().unwrap().item());
        let told = [
            "\"some\";r=2;t=20",
            "\"some\";r=1;t=40",
            "\"some\";r=0;t=60",
        ];
        assert_eq!(items, told);
    }
}
