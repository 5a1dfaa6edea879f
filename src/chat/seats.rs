//! How many sockets may be open at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Places for open sockets, on all worker threads together.
pub struct Seats {
    /// 0 is without limit.
    max: usize,
    taken: Arc<AtomicUsize>,
}

/// One socket's place; free again when it is dropped.
pub struct Seat(Arc<AtomicUsize>);

impl Seats {
    /// Free places.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            taken: Arc::default(),
        }
    }

    /// Whether none is left at this moment.
    pub fn are_taken(&self) -> bool {
        self.max > 0 && self.taken.load(Ordering::Relaxed) >= self.max
    }

    /// Takes a place: looking and counting are one step, or a storm would come in between.
    pub fn take(&self) -> Option<Seat> {
        let max = if self.max == 0 { usize::MAX } else { self.max };
        let one_more = |taken| (taken < max).then_some(taken + 1);
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
