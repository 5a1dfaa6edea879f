//! Where the keys of a table are counted: each by itself as long as there is room.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::atomic::{AtomicBool, Ordering},
};

use governor::{
    nanos::Nanos,
    state::{
        StateStore,
        keyed::{DefaultKeyedStateStore, ShrinkableKeyedStateStore},
    },
};

/// How many entries all new keys share while the table is full.
pub(super) const SHARED: u64 = 1_024;

pub(super) struct Slots<K: Clone + Eq + Hash> {
    own: DefaultKeyedStateStore<K>,
    shared: DefaultKeyedStateStore<u64>,
    hasher: RandomState,
    capacity: usize,
    full: AtomicBool,
}

impl<K: Clone + Eq + Hash> Slots<K> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            own: DefaultKeyedStateStore::default(),
            shared: DefaultKeyedStateStore::default(),
            hasher: RandomState::new(),
            capacity,
            full: AtomicBool::new(false),
        }
    }
}

impl<K: Clone + Eq + Hash> StateStore for Slots<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // Who has an entry keeps it, however many come after him.
        if self.full.load(Ordering::Relaxed) && !self.own.contains_key(key) {
            let slot = self.hasher.hash_one(key) % SHARED;
            self.shared.measure_and_replace(&slot, f)
        } else {
            self.own.measure_and_replace(key, f)
        }
    }
}

impl<K: Clone + Eq + Hash> ShrinkableKeyedStateStore<K> for Slots<K> {
    /// Drops the keys that did nothing lately once there are many, and sees whether there is room
    /// for new ones.
    fn retain_recent(&self, drop_below: Nanos) {
        if self.own.len() > self.capacity / 2 {
            self.own.retain_recent(drop_below);
        }
        let full = self.own.len() >= self.capacity;
        self.full.store(full, Ordering::Relaxed);
    }

    fn len(&self) -> usize {
        self.own.len() + self.shared.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
