//! The one place that asks what time it is.

use chrono::{DateTime, SubsecRound, Utc};

/// The time, truncated to microseconds: what both databases keep.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
