use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether the server still wants new work. Cloning shares the answer.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    draining: Arc<AtomicBool>,
}

impl Readiness {
    /// Turns `/health/ready` off for good: the server has begun to stop.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the server has begun to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}
