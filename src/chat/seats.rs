//! How many sockets may be open at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Places for open sockets, on all worker threads together.
pub struct Seats {
    max: usize,
    taken: Arc<AtomicUsize>,
}

/// One socket's place; free again when it is dropped.
pub struct Seat(Arc<AtomicUsize>);

impl Seats {
    /// Free places: as many as are set, 0 for any number, but never more than `most`.
    pub fn new(set: usize, most: usize) -> Self {
        Self {
            max: if set == 0 { most } else { set.min(most) },
            taken: Arc::default(),
        }
    }

    /// Whether none is left at this moment.
    pub fn are_taken(&self) -> bool {
        self.taken() >= self.max
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes a place: looking and counting are one step, or a storm would come in between.
    pub fn take(&self) -> Option<Seat> {
        let one_more = |taken| (taken < self.max).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()
            .map(|_| Seat(self.taken.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
