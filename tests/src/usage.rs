//! What processes use, as `/proc` tells (proc(5)).

use std::{collections::BTreeMap, fs, time::Duration};

use rustix::param::clock_ticks_per_second;

/// What one process holds at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Open descriptors by what they lead to, sockets and pipes without their
    /// numbers.
    pub descriptors: BTreeMap<String, usize>,
    /// Threads.
    pub threads: usize,
    /// Memory of its own, in kilobytes (`RssAnon`).
    pub memory: u64,
}

/// What a process holds now.
pub fn holdings(pid: u32) -> Holdings {
    let mut descriptors = BTreeMap::new();
    for entry in list(pid, "fd") {
        // One may be closed between the listing and this.
        let target = fs::read_link(entry).unwrap_or_default();
        let target = target.to_string_lossy().into_owned();
        let name = target.split(":[").next().unwrap_or_default().to_owned();
        *descriptors.entry(name).or_default() += 1;
    }
    Holdings {
        descriptors,
        threads: list(pid, "task").len(),
        memory: memory(pid),
    }
}

impl Holdings {
    /// Open descriptors of all kinds.
    pub fn descriptors(&self) -> usize {
        self.descriptors.values().sum()
    }
}

/// The processor time, user's and system's, that a process took so far, with that
/// of all its children that have ended.
pub fn processor_time(pid: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name stands in brackets and may hold anything. Fields 14 to 17.
    let (_, rest) = text.rsplit_once(')').unwrap_or_default();
    let numbers = rest.split_whitespace().skip(11).take(4);
    let ticks: u64 = numbers.filter_map(|n| n.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1_000 / clock_ticks_per_second())
}

fn memory(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

fn list(pid: u32, folder: &str) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(format!("/proc/{pid}/{folder}"));
    let entries = entries.into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
