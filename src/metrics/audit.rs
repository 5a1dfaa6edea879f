//! Where the audit log stands, for whoever keeps the numbers in another place.

use std::sync::{Mutex, PoisonError};

use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

/// The number of the last entry, and its hash as the label of one series.
pub struct AuditNumbers {
    entries: IntGauge,
    head: IntGaugeVec,
    /// The one hash that has a series.
    shown: Mutex<String>,
}

impl AuditNumbers {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let entries = Opts::new("api_audit_entries", "Entries in the audit log");
        let head = Opts::new(
            "api_audit_head_info",
            "The hash of the audit log's last entry, always 1",
        );
        Ok(Self {
            entries: IntGauge::with_opts(entries)?,
            head: IntGaugeVec::new(head, &["hash"])?,
            shown: Mutex::default(),
        })
    }

    pub(super) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.entries.clone()))?;
        registry.register(Box::new(self.head.clone()))
    }

    /// Shows another head in place of the one before.
    pub fn set(&self, entries: i64, hash: &str) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        self.entries.set(entries);
        if *shown != hash {
            // Without it there is nothing to remove.
            let _first = self.head.remove_label_values(&[&*shown]);
            hash.clone_into(&mut shown);
        }
        self.head.with_label_values(&[hash]).set(1);
    }
}
