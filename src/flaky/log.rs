//! What happened: told at once, and counted.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    Connection,
    Socket,
    Unreachable,
    Delay,
    Cut,
    Refusal,
    DoubledFrame,
    DoubledConnection,
    Reordering,
    Stall,
}

impl Happening {
    /// Everything that is counted.
    pub const ALL: [Self; 10] = [
        Self::Connection,
        Self::Socket,
        Self::Unreachable,
        Self::Delay,
        Self::Cut,
        Self::Refusal,
        Self::DoubledFrame,
        Self::DoubledConnection,
        Self::Reordering,
        Self::Stall,
    ];

    /// The word for many of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connections",
            Self::Socket => "sockets",
            Self::Unreachable => "unreachable",
            Self::Delay => "delays",
            Self::Cut => "cuts",
            Self::Refusal => "refusals",
            Self::DoubledFrame => "doubled frames",
            Self::DoubledConnection => "doubled connections",
            Self::Reordering => "reorderings",
            Self::Stall => "stalls",
        }
    }
}

/// How often something happened.
pub type Counted = (Happening, u64);

/// Who is told.
type Teller = Box<dyn Fn(&str) + Send + Sync>;

/// Tells and counts.
pub struct Log {
    tell: Teller,
    counts: Mutex<BTreeMap<Happening, u64>>,
}

impl Log {
    /// Tells each line to this.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            tell: Box::new(tell),
            counts: Mutex::default(),
        }
    }

    /// Counts without a word: for what happens to every frame.
    pub(super) fn count(&self, what: Happening) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(what).or_default() += 1;
    }

    /// Counts, and tells of which connection.
    pub(super) fn tell(&self, connection: u64, what: Happening, how: &str) {
        self.count(what);
        self.note(connection, how);
    }

    /// Tells of a connection what is no fault.
    pub(super) fn note(&self, connection: u64, how: &str) {
        (self.tell)(&format!("#{connection} {how}"));
    }

    /// Everything that was counted, 0 included.
    #[must_use]
    pub fn counted(&self) -> Vec<Counted> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |what| (what, counts.get(&what).copied().unwrap_or(0));
        Happening::ALL.into_iter().map(count).collect()
    }
}
