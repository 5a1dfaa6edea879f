//! What processes used, from /proc.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

/// The processes and their children, for servers that are started by a script.
fn with_children(pids: &[u32]) -> Vec<u32> {
    let mut all = pids.to_vec();
    let mut at = 0;
    while let Some(pid) = all.get(at).copied() {
        at += 1;
        for task in tasks(pid) {
            let children = fs::read_to_string(task.join("children")).unwrap_or_default();
            for child in children.split_whitespace().flat_map(str::parse) {
                if !all.contains(&child) {
                    all.push(child);
                }
            }
        }
    }
    all
}

fn tasks(pid: u32) -> Vec<PathBuf> {
    let folder = fs::read_dir(format!("/proc/{pid}/task"));
    let entries = folder.into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Seconds that the first number of `schedstat` stands for: time on a processor. `None` if the
/// thread has just ended.
fn scheduled(task: &Path) -> Option<f64> {
    let text = fs::read_to_string(task.join("schedstat")).ok()?;
    let nanoseconds: f64 = text.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// Counts processor time from one moment on.
pub struct Meter {
    pids: Vec<u32>,
    /// By thread: one that has ended since must not take its whole life off the sum.
    before: HashMap<PathBuf, f64>,
}

impl Meter {
    pub fn start(pids: &[u32]) -> Self {
        Self {
            pids: pids.to_vec(),
            before: threads(pids),
        }
    }

    /// Of the generator itself.
    pub fn own() -> Self {
        Self::start(&[std::process::id()])
    }

    /// Seconds of all threads since the start; what those did that have ended is not in it.
    pub fn seconds(&self) -> f64 {
        let now = threads(&self.pids);
        now.into_iter()
            .map(|(thread, used)| used - self.before.get(&thread).copied().unwrap_or(0.0))
            .sum()
    }
}

/// Seconds that each living thread has run.
fn threads(pids: &[u32]) -> HashMap<PathBuf, f64> {
    let tasks = with_children(pids).into_iter().flat_map(tasks);
    tasks
        .filter_map(|task| Some((task.clone(), scheduled(&task)?)))
        .collect()
}

/// The number in kB behind a word at the start of a line.
fn kilobytes(path: &str, word: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Memory at one moment, in KiB.
pub struct Memory {
    /// Resident in the server.
    resident: u64,
    /// The server's proportional share.
    proportional: u64,
    /// What the kernel has in slabs: sockets of both ends, and everything else.
    slab: u64,
    /// What TCP holds in buffers, in pages, of both ends.
    tcp_pages: u64,
}

impl Memory {
    pub fn of(pids: &[u32]) -> Self {
        let pids = with_children(pids);
        let sum = |file: &str, word: &str| {
            pids.iter()
                .map(|pid| kilobytes(&format!("/proc/{pid}/{file}"), word))
                .sum()
        };
        Self {
            resident: sum("status", "VmRSS:"),
            proportional: sum("smaps_rollup", "Pss:"),
            slab: kilobytes("/proc/meminfo", "Slab:"),
            tcp_pages: tcp_pages(),
        }
    }

    pub fn report(&self) -> Value {
        json!({
            "resident_kib": self.resident,
            "proportional_kib": self.proportional,
            "kernel_slab_kib": self.slab,
            "kernel_tcp_pages": self.tcp_pages,
        })
    }
}

fn tcp_pages() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("TCP:"));
    let words = line.unwrap_or_default().split_whitespace();
    words.last().and_then(|word| word.parse().ok()).unwrap_or(0)
}
