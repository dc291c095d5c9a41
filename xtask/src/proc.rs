//! What `/proc` tells about processes: descent, processor time, memory.
//!
//! What lives here: reading and adding up. What does not: when to look, which
//! is `bench`'s. A process that ends while it is looked at counts as absent.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// The fields of `/proc/<pid>/stat` that are used here; times in clock ticks.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time of the process and of the children it waited for.
    ticks: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name, in parentheses, may itself hold spaces and parentheses; the
    /// numbers are counted from the last one (proc(5)).
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |n: usize| fields.get(n)?.parse::<u64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            ticks: number(11)? + number(12)? + number(13)? + number(14)?,
        })
    }
}

/// `root` and all its living descendants; empty where `root` does not exist.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let parents: BTreeMap<u32, u32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, Stat::read(pid)?.parent)))
        .collect();
    descendants(root, &parents)
}

fn descendants(root: u32, parents: &BTreeMap<u32, u32>) -> Vec<u32> {
    if !parents.contains_key(&root) {
        return Vec::new();
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        let children = parents.iter().filter(|&(_, &of)| of == parent);
        family.extend(children.map(|(&pid, _)| pid));
        next += 1;
    }
    family
}

/// User and system time of processes, each with the children it waited for.
/// For a whole tree nothing is counted twice: a child is either in the list, or
/// it was waited for.
pub(crate) fn processor_time(pids: &[u32]) -> Duration {
    let ticks: u64 = pids
        .iter()
        .filter_map(|&pid| Stat::read(pid))
        .map(|stat| stat.ticks)
        .sum();
    let a_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_nanos(ticks.saturating_mul(1_000_000_000 / a_second))
}

/// The most memory a process had resident at any time (`VmHWM`), in bytes.
/// Pages that it shares with other processes count in full.
pub(crate) fn peak_resident(pid: u32) -> Option<u64> {
    kibibytes(
        &fs::read_to_string(format!("/proc/{pid}/status")).ok()?,
        "VmHWM:",
    )
}

/// What a process has resident now of the files that it maps, in bytes, so that
/// pages which several processes map can be counted once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Resident {
    /// Unchanged pages, by path.
    files: BTreeMap<String, u64>,
}

impl Resident {
    pub(crate) fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps")).ok()?;
        Some(Self::parse(&text))
    }

    /// Every mapping is a line of its place and path, then lines `Name: N kB`
    /// (proc(5)).
    fn parse(text: &str) -> Self {
        let mut found = Self::default();
        let (mut path, mut resident) = ("", 0);
        for line in text.lines() {
            if let Some(kib) = field(line, "Rss:") {
                resident = kib * 1024;
            } else if let Some(kib) = field(line, "Anonymous:") {
                let rest = resident.saturating_sub(kib * 1024);
                if rest > 0 {
                    *found.files.entry(path.to_owned()).or_default() += rest;
                }
            } else if line
                .split(' ')
                .next()
                .is_some_and(|place| place.contains('-'))
            {
                path = line.split_ascii_whitespace().nth(5).unwrap_or_default();
            }
        }
        found
    }

    /// How much adding up what each has resident exceeds what they have together: of
    /// each file all but the share of the process that has most of it.
    pub(crate) fn counted_twice(all: &[Self]) -> u64 {
        let mut files: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (path, bytes) in all.iter().flat_map(|one| &one.files) {
            let (sum, most) = files.entry(path).or_default();
            *sum += bytes;
            *most = (*most).max(*bytes);
        }
        files.values().map(|(sum, most)| sum - most).sum()
    }
}

fn field(line: &str, name: &str) -> Option<u64> {
    let number = line.strip_prefix(name)?.trim().strip_suffix("kB")?;
    number.trim().parse().ok()
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let number = text.lines().find_map(|line| field(line, name))?;
    Some(number * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a) b) c) S 7 42 42 0 -1 4194304 1 2 3 4 100 20 3 4 20 0 5 0 1 2 3";
        assert_eq!(
            Stat::parse(line),
            Some(Stat {
                parent: 7,
                ticks: 127
            })
        );
        assert_eq!(Stat::parse("42 (cut) S 7"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn a_tree_holds_children_of_children_and_no_strangers() {
        let parents = BTreeMap::from([(1, 0), (5, 1), (6, 5), (7, 6), (8, 1), (9, 5)]);
        assert_eq!(descendants(5, &parents), [5, 6, 9, 7]);
        assert_eq!(descendants(8, &parents), [8]);
        assert_eq!(descendants(4, &parents), Vec::<u32>::new());
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let text = "Name:\tcat\nVmHWM:\t    2048 kB\nVmRSS:  3 kB\n";
        assert_eq!(kibibytes(text, "VmHWM:"), Some(2048 * 1024));
        assert_eq!(kibibytes(text, "VmPeak:"), None);
    }

    #[test]
    fn a_file_that_two_processes_map_counts_once() {
        let smaps = |own: u32, library: u32| {
            format!(
                "7f00-7f10 r-xp 00000000 fe:00 12 /lib/a.so\nRss: {library} kB\nAnonymous: 4 kB\n\
                 7f20-7f30 rw-p 00000000 00:00 0\nRss: {own} kB\nAnonymous: {own} kB\n"
            )
        };
        let both = [
            Resident::parse(&smaps(10, 104)),
            Resident::parse(&smaps(20, 54)),
        ];
        assert_eq!(Resident::counted_twice(&both), 50 * 1024);
    }

    #[test]
    fn this_process_is_seen() {
        let own = std::process::id();
        assert!(tree(own).contains(&own));
        assert!(peak_resident(own).unwrap() > 100_000);
        let now = Resident::read(own).unwrap();
        assert!(!now.files.is_empty());
    }
}
