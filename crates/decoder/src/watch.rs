//! What libav asks every 100 ms whether to go on: the stop signal, the deadline
//! of the stage under way, and what became of them; and whether it still asks. Pure;
//! polled from `ffi`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// libav asks ten times as often: after so long, this process did not run.
const HALTED: Duration = Duration::from_secs(1);

/// The stop signal: the only thing that travels against the flow of frames.
///
/// Clones are one signal. Once requested it stays requested; every blocking
/// call of this crate that was given it returns within about 100 ms.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Signal>);

#[derive(Debug)]
struct Signal {
    requested: AtomicBool,
    started: Instant,
    /// When the call under way was begun, or last looked up, by the thread that reads
    /// and the one that decodes. Microseconds after `started`; 0 stands for none.
    calls: [AtomicU64; 2],
}

impl Default for Signal {
    fn default() -> Self {
        Self {
            requested: AtomicBool::new(false),
            started: Instant::now(),
            calls: Default::default(),
        }
    }
}

impl Signal {
    /// A mark of this moment.
    fn now(&self) -> u64 {
        micros(self.started.elapsed()).max(1)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Who calls libav.
#[derive(Clone, Copy, Debug)]
enum Caller {
    Reader,
    Decoder,
}

impl Stop {
    /// A signal that nobody has given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal.
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::Release);
    }

    /// Whether the signal was given.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::Acquire)
    }

    /// For how long the call into libav that is under way has neither returned nor asked
    /// whether to go on; zero where there is none. A watchdog's question: a call can
    /// only be told to end when it asks. Of several streams that were given one signal,
    /// the last call of any counts.
    pub fn stuck_for(&self) -> Duration {
        let now = self.0.started.elapsed();
        let marks = self.0.calls.iter();
        let stuck = marks.map(|mark| match mark.load(Ordering::Acquire) {
            0 => Duration::ZERO,
            since => now.saturating_sub(Duration::from_micros(since)),
        });
        stuck.max().unwrap_or_default()
    }

    /// A call begins, until what this returns is dropped.
    fn calling(&self, caller: Caller) -> Call {
        self.0.calls[caller as usize].store(self.0.now(), Ordering::Release);
        Call(self.clone(), caller)
    }

    fn reader_looked_up(&self) {
        let mark = &self.0.calls[Caller::Reader as usize];
        if mark.load(Ordering::Acquire) != 0 {
            mark.store(self.0.now(), Ordering::Release);
        }
    }
}

/// A call into libav under way.
#[derive(Debug)]
pub(crate) struct Call(Stop, Caller);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.0.calls[self.1 as usize].store(0, Ordering::Release);
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
    /// When the deadline was set, or libav asked last. Microseconds after `started`.
    asked: AtomicU64,
    verdict: AtomicU8,
    /// Microseconds that the call may take from the first sign of what it waits for; 0
    /// stands for no more than the deadline.
    grace: AtomicU64,
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
            asked: AtomicU64::new(0),
            verdict: AtomicU8::new(0),
            grace: AtomicU64::new(0),
            closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_deadline(&self, after: Duration) {
        self.grace.store(0, Ordering::Release);
        self.set_end(after);
    }

    /// The same, but the call may take this long from the first sign of what it waits
    /// for ([`Watch::first_sign`]).
    pub(crate) fn set_deadlines(&self, after: Duration, from_first_sign: Duration) {
        self.set_end(after);
        self.grace.store(micros(from_first_sign), Ordering::Release);
    }

    /// What the call waits for has begun to arrive. Said again it changes nothing.
    pub(crate) fn first_sign(&self) {
        let grace = self.grace.swap(0, Ordering::AcqRel);
        if grace > 0 {
            let after = self.started.elapsed() + Duration::from_micros(grace);
            self.deadline.fetch_max(micros(after), Ordering::AcqRel);
        }
    }

    fn set_end(&self, after: Duration) {
        let now = self.started.elapsed();
        self.asked.store(micros(now), Ordering::Release);
        let at = micros(now.saturating_add(after)).max(1);
        self.deadline.store(at, Ordering::Release);
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

    /// A call begins that will not wait for anybody, and so will not ask.
    pub(crate) fn decoding(&self) -> Call {
        self.stop.calling(Caller::Decoder)
    }

    /// A call begins that asks whether to go on.
    pub(crate) fn reading(&self) -> Call {
        self.stop.calling(Caller::Reader)
    }

    /// Whether the call under way must return; remembers the first reason.
    pub(crate) fn must_end(&self) -> bool {
        self.stop.reader_looked_up();
        if !self.closing.load(Ordering::Acquire) && self.is_stopped() {
            self.judge(Verdict::Stopped);
            return true;
        }
        let deadline = self.deadline.load(Ordering::Acquire);
        if deadline != 0 && self.now_of(deadline) >= deadline {
            self.judge(Verdict::Expired);
            return true;
        }
        false
    }

    /// The time for a deadline. While this process was halted the camera could not be
    /// heard: that is not counted, once.
    fn now_of(&self, deadline: u64) -> u64 {
        let now = micros(self.started.elapsed());
        let unasked = now.saturating_sub(self.asked.swap(now, Ordering::AcqRel));
        if u128::from(unasked) < HALTED.as_micros() {
            return now;
        }
        let later = deadline.saturating_add(unasked);
        let _ =
            self.deadline
                .compare_exchange(deadline, later, Ordering::AcqRel, Ordering::Acquire);
        now - unasked
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
    fn what_begins_to_arrive_has_its_own_time_to_be_complete() {
        let watch = Watch::new(Stop::new());
        watch.set_deadlines(Duration::ZERO, Duration::from_secs(60));
        watch.first_sign();
        assert!(!watch.must_end());
        // Once only: signs that go on are no completion.
        watch.set_deadline(Duration::ZERO);
        watch.first_sign();
        while !watch.must_end() {}
    }

    #[test]
    fn time_in_which_the_process_was_halted_does_not_count() {
        let watch = Watch::new(Stop::new());
        watch.set_deadline(HALTED / 2);
        std::thread::sleep(HALTED);
        assert!(!watch.must_end());
        // Asked as usual, it does.
        while !watch.must_end() {
            std::thread::sleep(HALTED / 10);
        }
    }

    #[test]
    fn a_call_that_neither_asks_nor_returns_is_seen_to_be_stuck() {
        let stop = Stop::new();
        let watch = Watch::new(stop.clone());
        assert_eq!(stop.stuck_for(), Duration::ZERO);
        let call = watch.decoding();
        let reading = watch.reading();
        while stop.stuck_for() < Duration::from_millis(20) {
            // That the other thread asks is no excuse.
            watch.must_end();
        }
        drop((call, reading));
        assert_eq!(stop.stuck_for(), Duration::ZERO);
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
