//! How often each duration was seen, in little memory.

use serde_json::{Value, json};

/// Buckets for each power of two: an error below 1.6 %.
const FINE: usize = 64;
/// Powers of two, up to 2^63.
const POWERS: usize = 64;

/// Counts of nanoseconds.
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Self {
            buckets: vec![0; FINE * POWERS],
            count: 0,
            max: 0,
        }
    }

    pub fn add(&mut self, nanoseconds: u64) {
        self.buckets[bucket(nanoseconds)] += 1;
        self.count += 1;
        self.max = self.max.max(nanoseconds);
    }

    /// The value that the given share of all is not above, in nanoseconds.
    fn quantile(&self, share: f64) -> u64 {
        let wanted = self.count as f64 * share;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if *count > 0 && seen as f64 >= wanted {
                return lower_bound(index).min(self.max);
            }
        }
        self.max
    }

    /// Quantiles in milliseconds, and the curve that a plot needs.
    pub fn report(&self) -> Value {
        let at = |share| self.quantile(share) as f64 / 1e6;
        let shares = [
            0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1.0,
        ];
        let curve: Vec<_> = shares.iter().map(|share| (share, at(*share))).collect();
        json!({
            "count": self.count,
            "p50": at(0.5),
            "p90": at(0.9),
            "p99": at(0.99),
            "p999": at(0.999),
            "max": self.max as f64 / 1e6,
            "curve": curve,
        })
    }
}

fn bucket(value: u64) -> usize {
    let power = 63 - (value | 63).leading_zeros() as usize;
    // Below 64 each value has a bucket; above, the six bits behind the first one say which.
    if power < 6 {
        return usize::try_from(value).unwrap_or(0);
    }
    let shift = power - 6;
    let fine = usize::try_from(value >> shift).unwrap_or(0) & (FINE - 1);
    (shift + 1) * FINE + fine
}

fn lower_bound(index: usize) -> u64 {
    let (power, fine) = (index / FINE, (index % FINE) as u64);
    match power {
        0 => fine,
        _ => (FINE as u64 + fine) << (power - 1),
    }
}
