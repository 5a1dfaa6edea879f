use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::chat::Chat;

/// Places for connections that speak HTTP, on all worker threads together.
///
/// They and the sockets share the descriptors of the process. Whoever gets no place is sent away:
/// without one descriptor left, nobody could be accepted at all, nor a file be opened.
#[derive(Clone)]
pub struct Places {
    /// Of HTTP and sockets together.
    max: usize,
    taken: Arc<AtomicUsize>,
    chat: Chat,
}

/// One connection's place; free again when it is dropped.
pub struct Place(Arc<AtomicUsize>);

impl Places {
    /// Free places, less those that the chat's sockets take.
    #[must_use]
    pub fn new(max: usize, chat: Chat) -> Self {
        Self {
            max,
            taken: Arc::default(),
            chat,
        }
    }

    /// How many there are, sockets and all.
    #[must_use]
    pub fn max(&self) -> usize {
        self.max
    }

    /// Takes a place, if one is left.
    #[must_use]
    pub fn take(&self) -> Option<Place> {
        let max = self.for_http();
        let one_more = |taken| (taken < max).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()
            .map(|_| Place(self.taken.clone()))
    }

    /// Whether most of them are taken: idle connections should go then.
    #[must_use]
    pub fn are_scarce(&self) -> bool {
        self.taken.load(Ordering::Relaxed) > self.for_http() / 4 * 3
    }

    fn for_http(&self) -> usize {
        self.max.saturating_sub(self.chat.seats_taken())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
