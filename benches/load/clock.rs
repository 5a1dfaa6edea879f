//! Nanoseconds since the generator first asked.

use std::{sync::LazyLock, time::Instant};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What time it is, in nanoseconds; enough for centuries.
pub fn now() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Seconds as nanoseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a span of seconds"
)]
pub fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}
