//! What a client is told of a limit: the fields `RateLimit` and `RateLimit-Policy`.

use std::time::Duration;

use governor::{Quota, middleware::StateSnapshot};

/// A limit's name and size, the same in every answer (draft-ietf-httpapi-ratelimit-headers,
/// version 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A word from a closed set.
    pub name: &'static str,
    /// How many at once.
    pub quota: u32,
    /// In how many seconds as many again are allowed.
    pub window: u64,
}

impl Policy {
    pub(super) fn new(name: &'static str, quota: Quota) -> Self {
        Self {
            name,
            quota: quota.burst_size().get(),
            window: whole_seconds(quota.burst_size_replenished_in()).max(1),
        }
    }

    /// The item of `RateLimit-Policy`, such as `"login";q=10;w=60`.
    #[must_use]
    pub fn item(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.quota, self.window)
    }
}

/// What is left of a limit now that one more was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub policy: Policy,
    /// How many more would be allowed at once.
    pub remaining: u32,
    /// In how many seconds nothing will count any more.
    pub reset: u64,
}

impl Left {
    pub(super) fn after(policy: Policy, state: &StateSnapshot) -> Self {
        let remaining = state.remaining_burst_capacity();
        let used = policy.quota.saturating_sub(remaining);
        let reset = state.quota().replenish_interval().saturating_mul(used);
        Self {
            policy,
            remaining,
            reset: whole_seconds(reset),
        }
    }

    /// The item of `RateLimit`, such as `"login";r=9;t=6`.
    #[must_use]
    pub fn item(&self) -> String {
        format!(
            "\"{}\";r={};t={}",
            self.policy.name, self.remaining, self.reset
        )
    }
}

/// Too many of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    pub policy: Policy,
    /// When one more will be allowed.
    pub wait: Duration,
}

impl Exhausted {
    /// The wait as the socket tells it, at least 1.
    #[must_use]
    pub fn wait_ms(&self) -> u64 {
        u64::try_from(self.wait.as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }

    /// The item of `RateLimit`, such as `"login";r=0;t=6`.
    #[must_use]
    pub fn item(&self) -> String {
        let wait = whole_seconds(self.wait).max(1);
        format!("\"{}\";r=0;t={wait}", self.policy.name)
    }
}

/// One more was counted; `None` where there is no limit.
pub type Counted = Result<Option<Left>, Exhausted>;

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
