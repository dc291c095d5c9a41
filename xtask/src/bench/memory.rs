//! The peak memory of a program and its children, watched from outside.
//!
//! What lives here: a thread that looks at `/proc` while others work. What does
//! not: reading `/proc` (`proc`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::proc::{self, Resident};

/// A process's peak is kept by the kernel while it lives: this is only how late
/// the last look before its end may be.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Looking at every mapping makes the kernel walk the page tables, which costs more.
const ADD_UP_EVERY: Duration = Duration::from_secs(1);

/// Peaks in bytes, over all processes of the tree.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peaks {
    /// Each process's own peak (VmHWM), added up.
    resident: u64,
    /// The same, pages of files that several of them map counted once.
    together: u64,
}

impl Peaks {
    pub(crate) fn resident_mb(self) -> f64 {
        megabytes(self.resident)
    }

    pub(crate) fn together_mb(self) -> f64 {
        megabytes(self.together)
    }
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Looks until it is told to stop.
pub(crate) struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Peaks>,
}

impl Watch {
    /// Watches `root` and all its descendants.
    pub(crate) fn start(root: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let thread = thread::spawn(move || look(root, &until));
        Self { over, thread }
    }

    /// Ends the watch and gives what was seen.
    pub(crate) fn finish(self) -> Peaks {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn look(root: u32, over: &AtomicBool) -> Peaks {
    // The last value of each counts, not the largest: between fork and exec a
    // child shows its parent's memory.
    let mut resident = BTreeMap::new();
    // Libraries are mapped from start to end, so any look will do.
    let mut twice = 0;
    let mut added_up = None::<Instant>;
    loop {
        let last = over.load(Ordering::Relaxed);
        let family = proc::tree(root);
        for &pid in &family {
            if let Some(bytes) = proc::peak_resident(pid) {
                resident.insert(pid, bytes);
            }
        }
        if added_up.is_none_or(|at| at.elapsed() >= ADD_UP_EVERY) {
            added_up = Some(Instant::now());
            let now: Vec<Resident> = family
                .iter()
                .filter_map(|&pid| Resident::read(pid))
                .collect();
            if now.len() > 1 {
                twice = Resident::counted_twice(&now);
            }
        }
        if last {
            let resident = resident.values().sum();
            return Peaks {
                resident,
                together: u64::saturating_sub(resident, twice),
            };
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;
    use crate::tied::{self, Tied};

    #[test]
    fn children_count_too() {
        // The inner program reads to the end of what we hold open.
        let mut command = tied::piped("sh");
        command.args(["-c", "cat; true"]).stdin(Stdio::piped());
        let mut program = Tied::spawn(&mut command).unwrap();
        let input = program.take_stdin();
        while proc::tree(program.id()).len() < 2 {
            thread::yield_now();
        }
        let peaks = Watch::start(program.id()).finish();
        let alone = proc::peak_resident(program.id()).unwrap();
        assert!(peaks.resident > alone);
        assert!(peaks.together > 0);
        drop(input);
    }
}
