//! What was found, for people and for programs.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::checks::Check;

/// Why a check did not pass.
#[derive(Clone, Debug)]
pub enum Stop {
    /// The promise is broken.
    Failed(String),
    /// The promise was not put to the test.
    Skipped(String),
    /// The load was taken without a limit being met, so nothing is known of what happens at one.
    Unlimited(String),
}

/// What a check came to: what was seen, or why it ended before.
pub type Checked<T = String> = Result<T, Stop>;

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Passed,
    Failed,
    Skipped,
    /// Nobody met a limit, so what happens beyond one is not known.
    Unlimited,
}

impl Verdict {
    /// The word in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Skipped => "skipped",
            Self::Unlimited => "unlimited",
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub check: &'static str,
    pub promise: &'static str,
    pub verdict: Verdict,
    /// What was seen, or the reason.
    pub seen: String,
    pub milliseconds: u128,
}

impl Row {
    /// `None` is a check that did not end.
    #[must_use]
    pub fn new(check: &Check, outcome: Option<Checked>, took: Duration) -> Self {
        let (verdict, seen) = match outcome {
            Some(Ok(seen)) => (Verdict::Passed, seen),
            Some(Err(Stop::Failed(why))) => (Verdict::Failed, why),
            Some(Err(Stop::Skipped(why))) => (Verdict::Skipped, format!("not checked: {why}")),
            Some(Err(Stop::Unlimited(why))) => (Verdict::Unlimited, why),
            None => (
                Verdict::Failed,
                "the check did not come to an end".to_owned(),
            ),
        };
        Self {
            check: check.name,
            promise: check.promise,
            verdict,
            seen,
            milliseconds: took.as_millis(),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = self.verdict.as_str();
        write!(f, "{:<18} {verdict:<9} {}", self.check, self.seen)
    }
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub server: String,
    pub room: String,
    pub rows: Vec<Row>,
    /// What the checks made and could not take away.
    pub left_behind: Vec<String>,
}

impl Report {
    /// Nothing found yet.
    #[must_use]
    pub fn new(server: String, room: String) -> Self {
        Self {
            server,
            room,
            rows: Vec::new(),
            left_behind: Vec::new(),
        }
    }

    /// How many checks came to this.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        let meant = |row: &&Row| row.verdict == verdict;
        self.rows.iter().filter(meant).count()
    }

    /// No promise was seen broken, and one at least was put to the test.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.count(Verdict::Failed) == 0 && self.count(Verdict::Passed) > 0
    }

    /// The line below the table.
    #[must_use]
    pub fn summary(&self) -> String {
        format!(
            "{} passed, {} failed, {} skipped, {} unlimited",
            self.count(Verdict::Passed),
            self.count(Verdict::Failed),
            self.count(Verdict::Skipped),
            self.count(Verdict::Unlimited),
        )
    }
}
