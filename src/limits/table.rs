//! A table of keys and how much each did lately, that no crowd of keys makes grow for ever.

use std::{
    hash::Hash,
    sync::atomic::{AtomicU32, Ordering},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
};

use super::{
    quota::{Counted, Exhausted, Left, Policy},
    slots::Slots,
};

/// How many keys have an entry of their own; about 5 MiB.
const CAPACITY: usize = 65_536;

/// How many checks go by between two looks at the table's size.
const CHECKS_BETWEEN_LOOKS: u32 = 1_024;

type Limiter<K> = RateLimiter<K, Slots<K>, DefaultClock, StateInformationMiddleware>;

pub(super) struct Table<K: Clone + Eq + Hash> {
    limiter: Limiter<K>,
    policy: Policy,
    checks: AtomicU32,
    #[cfg(test)]
    capacity: usize,
}

impl<K: Clone + Eq + Hash> Table<K> {
    /// An empty one. `name` is what clients are told of the limit.
    pub(super) fn new(name: &'static str, quota: Quota) -> Self {
        Self::with_capacity(name, quota, CAPACITY)
    }

    fn with_capacity(name: &'static str, quota: Quota, capacity: usize) -> Self {
        Self {
            limiter: RateLimiter::new(quota, Slots::new(capacity), DefaultClock::default()),
            policy: Policy::new(name, quota),
            checks: AtomicU32::new(0),
            #[cfg(test)]
            capacity,
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
        self.capacity + CHECKS_BETWEEN_LOOKS as usize + super::slots::SHARED as usize
    }

    /// Counts one of `key`; an error says how long to wait.
    pub(super) fn check(&self, key: &K) -> Counted {
        let before = self.checks.fetch_add(1, Ordering::Relaxed);
        if before.is_multiple_of(CHECKS_BETWEEN_LOOKS) {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(key) {
            Ok(state) => Ok(Some(Left::after(self.policy, &state))),
            Err(refused) => Err(Exhausted {
                policy: self.policy,
                wait: refused.wait_time_from(self.limiter.clock().now()),
            }),
        }
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

    /// Else a crowd of made-up keys takes everybody's limit away.
    #[test]
    fn who_was_there_before_a_crowd_keeps_what_is_his() {
        let two = NonZeroU32::MIN.saturating_add(1);
        let table = Table::with_capacity("some", Quota::per_hour(two), 2_000);
        let first = 0..500_u32;
        for key in first.clone() {
            assert!(table.check(&key).is_ok());
        }
        for key in 1_000..100_000 {
            let _ = table.check(&key);
        }
        assert!(table.check(&999_999).is_err(), "the table is full");
        for key in first {
            assert!(table.check(&key).is_ok(), "{key} has one more");
            assert!(table.check(&key).is_err(), "{key} has no third");
        }
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
