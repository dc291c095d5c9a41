//! What libav asks every 100 ms whether to go on: the stop signal, the deadline
//! of the stage under way, and what became of them. Pure; polled from `ffi`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The stop signal: the only thing that travels against the flow of frames.
///
/// Clones are one signal. Once requested it stays requested; every blocking
/// call of this crate that was given it returns within about 100 ms.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A signal that nobody has given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the signal was given.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Why libav was told to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Stopped,
    Expired,
    Redirected,
}

/// State that the interrupt callback reads: atomics only, since libav asks
/// hundreds of times in a handshake.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Stop,
    /// The owner's own reason to end, apart from the caller's stop signal.
    abandoned: AtomicBool,
    started: Instant,
    /// Microseconds after `started`; 0 stands for none.
    deadline: AtomicU64,
    verdict: AtomicU8,
    /// While closing, only the deadline counts: with the stop signal still in
    /// force libav would not send TEARDOWN, and the camera would go on holding
    /// the session.
    closing: AtomicBool,
}

impl Watch {
    pub(crate) fn new(stop: Stop) -> Self {
        Self {
            stop,
            abandoned: AtomicBool::new(false),
            started: Instant::now(),
            deadline: AtomicU64::new(0),
            verdict: AtomicU8::new(0),
            closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_deadline(&self, after: Duration) {
        let at = self.started.elapsed().saturating_add(after).as_micros();
        self.deadline.store(
            u64::try_from(at).unwrap_or(u64::MAX).max(1),
            Ordering::Release,
        );
    }

    pub(crate) fn clear_deadline(&self) {
        self.deadline.store(0, Ordering::Release);
    }

    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    pub(crate) fn begin_closing(&self, grace: Duration) {
        self.set_deadline(grace);
        self.closing.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_requested() || self.abandoned.load(Ordering::Acquire)
    }

    /// Whether the call under way must return; remembers the first reason.
    pub(crate) fn must_end(&self) -> bool {
        if !self.closing.load(Ordering::Acquire) && self.is_stopped() {
            self.judge(Verdict::Stopped);
            return true;
        }
        let deadline = self.deadline.load(Ordering::Acquire);
        if deadline != 0 && self.started.elapsed().as_micros() >= u128::from(deadline) {
            self.judge(Verdict::Expired);
            return true;
        }
        false
    }

    pub(crate) fn judge(&self, verdict: Verdict) {
        let code = match verdict {
            Verdict::Stopped => 1,
            Verdict::Expired => 2,
            Verdict::Redirected => 3,
        };
        let _ = self
            .verdict
            .compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        match self.verdict.load(Ordering::Acquire) {
            1 => Some(Verdict::Stopped),
            2 => Some(Verdict::Expired),
            3 => Some(Verdict::Redirected),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_to_end_is_the_one_remembered() {
        let stop = Stop::new();
        let watch = Watch::new(stop.clone());
        assert!(!watch.must_end());
        watch.set_deadline(Duration::ZERO);
        while !watch.must_end() {}
        stop.request();
        assert!(watch.must_end());
        assert_eq!(watch.verdict(), Some(Verdict::Expired));
    }

    #[test]
    fn closing_is_not_cut_short_by_the_stop_that_led_to_it() {
        let stop = Stop::new();
        stop.request();
        let watch = Watch::new(stop);
        watch.begin_closing(Duration::from_secs(60));
        assert!(!watch.must_end());
        watch.begin_closing(Duration::ZERO);
        while !watch.must_end() {}
    }
}
