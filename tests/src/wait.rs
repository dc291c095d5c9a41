//! Waiting for something to become true, by asking again until a deadline; and how
//! long something took on a machine that may stand still meanwhile.

use std::{
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long anything may take before a test gives up: far more than it should,
/// so that a loaded machine fails no test.
pub const DEADLINE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(40);

/// Asks `look` until it gives something.
///
/// # Panics
/// After [`DEADLINE`], naming `what` was waited for.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            start.elapsed() < DEADLINE,
            "{what} did not happen within {DEADLINE:?}"
        );
        tokio::time::sleep(PAUSE).await;
    }
}

/// Does several things side by side and gives what came of each, in their order.
pub async fn together<F: Future>(all: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    futures_util::future::join_all(all).await
}

/// Measures time without that in which the whole machine stood still: a virtual one is
/// halted by its host now and then, for a second even, and no promise covers that.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    start: Instant,
    /// Standstills before it, in nanoseconds.
    before: u64,
}

/// How long all standstills were that were seen so far, in nanoseconds.
static STOOD_STILL: AtomicU64 = AtomicU64::new(0);
/// How often it was looked whether there was one.
static LOOKS: AtomicU64 = AtomicU64::new(0);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// A thread that does nothing but sleep is not as late as that for want of a core.
const STANDSTILL: Duration = Duration::from_millis(100);

impl Stopwatch {
    /// Begins to measure.
    pub fn start() -> Self {
        static LOOKOUT: Once = Once::new();
        LOOKOUT.call_once(|| {
            thread::spawn(look_out);
        });
        Self {
            before: stood_still(),
            start: Instant::now(),
        }
    }

    /// What it took until now.
    pub fn elapsed(&self) -> Duration {
        let all = self.start.elapsed();
        all.saturating_sub(Duration::from_nanos(stood_still() - self.before))
    }
}

/// In all until now, in nanoseconds. The lookout sees a standstill when it wakes from it.
fn stood_still() -> u64 {
    let looks = LOOKS.load(Ordering::Acquire);
    while LOOKS.load(Ordering::Acquire) < looks + 2 {
        thread::sleep(LOOK);
    }
    STOOD_STILL.load(Ordering::Acquire)
}

fn look_out() {
    loop {
        let start = Instant::now();
        thread::sleep(LOOK);
        let late = start.elapsed().saturating_sub(LOOK);
        if late >= STANDSTILL {
            eprintln!("the machine stood still for {late:?}");
            let late = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
            STOOD_STILL.fetch_add(late, Ordering::AcqRel);
        }
        LOOKS.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};

    use super::*;

    #[test]
    fn a_standstill_is_not_measured_and_work_is() {
        let watch = Stopwatch::start();
        let halt = format!("kill -STOP {0}; sleep 0.6; kill -CONT {0}", id());
        let start = Instant::now();
        let halted = Command::new("sh").args(["-c", &halt]).status();
        assert!(halted.expect("there is a shell").success());
        assert!(start.elapsed() >= Duration::from_millis(600));
        let stood = watch.elapsed();
        assert!(stood < Duration::from_millis(400), "{stood:?}");
        let watch = Stopwatch::start();
        thread::sleep(Duration::from_millis(300));
        assert!(watch.elapsed() >= Duration::from_millis(250));
    }
}
