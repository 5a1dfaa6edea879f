//! What processes used, from /proc.

use std::{fs, path::Path};

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

fn tasks(pid: u32) -> Vec<std::path::PathBuf> {
    let folder = fs::read_dir(format!("/proc/{pid}/task"));
    let entries = folder.into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Seconds that the first number of `schedstat` stands for: time on a processor.
fn scheduled(task: &Path) -> f64 {
    let text = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    let first = text
        .split(' ')
        .next()
        .and_then(|word| word.parse::<f64>().ok());
    first.unwrap_or(0.0) / 1e9
}

/// Processor time of all living threads, in seconds.
pub fn processor_time(pids: &[u32]) -> f64 {
    let pids = with_children(pids);
    let tasks = pids.into_iter().flat_map(tasks);
    tasks.map(|task| scheduled(&task)).sum()
}

/// The generator's own processor time, in seconds.
pub fn own_time() -> f64 {
    processor_time(&[std::process::id()])
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
