//! `parlor conformance` on its door, the command line.

use std::{process::ExitStatus, time::Duration};

use serde_json::Value;
use tokio::time::timeout;

use super::Home;

/// Above what the longest run may take on a busy machine.
const KIT_LIMIT: Duration = Duration::from_secs(600);

/// What `parlor conformance --json` said.
pub struct Findings {
    pub status: ExitStatus,
    pub report: Value,
    pub text: String,
}

impl Findings {
    /// Runs it.
    pub async fn of(home: &Home, args: &[&str]) -> Self {
        Self::with(home, args, &[]).await
    }

    /// Runs it with more of the environment.
    pub async fn with(home: &Home, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = home.command(&[&["conformance", "--json"], args].concat());
        command.envs(environment.iter().copied());
        let output = timeout(KIT_LIMIT, command.output())
            .await
            .expect("the kit ends")
            .expect("the kit starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        Self {
            status: output.status,
            report: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            text,
        }
    }

    /// The verdict of a check, and what was seen.
    #[track_caller]
    pub fn verdict(&self, check: &str) -> (&str, &str) {
        let rows = self.report["rows"].as_array();
        let row = rows.and_then(|rows| rows.iter().find(|row| row["check"] == check));
        let row = row.unwrap_or_else(|| panic!("no row of {check}: {}", self.text));
        let text = |name: &str| row[name].as_str().expect("a text");
        (text("verdict"), text("seen"))
    }

    /// The names of the checks that came to this.
    pub fn checks(&self, verdict: &str) -> Vec<&str> {
        let rows = self.report["rows"].as_array().expect("rows");
        let meant = rows.iter().filter(|row| row["verdict"] == verdict);
        meant.filter_map(|row| row["check"].as_str()).collect()
    }

    /// Checks that everything that was asked for passed.
    #[track_caller]
    pub fn all_passed(&self) {
        let rows = self.report["rows"].as_array();
        let count = rows.map_or(0, Vec::len);
        assert!(
            count > 0 && self.checks("passed").len() == count,
            "{}",
            self.text
        );
        assert!(self.status.success(), "{}", self.text);
    }
}
