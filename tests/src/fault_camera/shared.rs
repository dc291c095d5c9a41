//! What the threads of one camera share: how it is set up, what goes wrong now,
//! what was seen, and its end.

use std::{
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant, SystemTime},
};

use crate::fault_camera::{
    clip::TICKS,
    faults::{Act, At, Close, Faults},
    link::Link,
    program::float,
    seen::Seen,
    setup::{Clock, Setup},
};

/// Between two bytes of what drips.
const DRIP_EVERY: Duration = Duration::from_millis(400);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) setup: Setup,
    pub(crate) started: Instant,
    started_at: SystemTime,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) faults: Faults,
    pub(crate) seen: Seen,
    pub(crate) links: Vec<Weak<Link>>,
    pub(crate) over: bool,
}

impl Shared {
    pub(crate) fn new(setup: Setup) -> Self {
        let faults = setup.faults.clone();
        Self {
            setup,
            started: Instant::now(),
            started_at: SystemTime::now(),
            state: Mutex::new(State {
                faults,
                ..State::default()
            }),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whoever waits, after a change.
    pub(crate) fn wake(&self) {
        self.changed.notify_all();
    }

    /// Waits so long, or until something changed; false when all is over.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let state = self.state();
        if state.over {
            return false;
        }
        let waited = self.changed.wait_timeout(state, time);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.over
    }

    /// Sends these bytes, one every 0.4 s while that is what goes wrong, and what is left
    /// at once when it is over.
    pub(crate) fn drip(
        &self,
        link: &Link,
        bytes: &[u8],
        drips: impl Fn() -> bool,
    ) -> io::Result<()> {
        for (sent, byte) in bytes.iter().enumerate() {
            if !drips() {
                return link.send(&bytes[sent..]);
            }
            link.send(&[*byte])?;
            let next = Instant::now() + DRIP_EVERY;
            while drips()
                && let left = next.saturating_duration_since(Instant::now())
                && !left.is_zero()
            {
                if !self.wait(left) || !link.is_open() {
                    return Err(io::ErrorKind::NotConnected.into());
                }
            }
        }
        Ok(())
    }

    /// Takes off the list what is to happen at this point.
    pub(crate) fn acts(&self, point: At) -> Vec<Act> {
        let cues = &mut self.state().faults.cues;
        let (now, later) = cues.drain(..).partition(|(at, _)| *at == point);
        *cues = later;
        let now: Vec<(At, Act)> = now;
        now.into_iter().map(|(_, act)| act).collect()
    }

    /// Ends all connections.
    pub(crate) fn hang_up(&self, how: Close) {
        let links: Vec<_> = {
            let mut state = self.state();
            state.links.retain(|link| link.strong_count() > 0);
            state.links.iter().filter_map(Weak::upgrade).collect()
        };
        for link in links {
            link.close(how);
        }
        self.wake();
    }

    /// The camera's time at the program's beginning, for a session whose first
    /// picture is due at `tick` and was sent at `start`.
    pub(crate) fn clock_base(&self, start: Instant, tick: u64) -> SystemTime {
        match self.setup.clock {
            Clock::Fixed(base) => base,
            Clock::Offset(seconds) => {
                let now = self.started_at + start.duration_since(self.started);
                let magnitude = Duration::from_secs(seconds.unsigned_abs());
                let moved = if seconds < 0 {
                    now - magnitude
                } else {
                    now + magnitude
                };
                moved - self.duration(tick)
            }
        }
    }

    /// How long so many ticks of the program take at the camera's speed.
    pub(crate) fn duration(&self, ticks: u64) -> Duration {
        Duration::from_secs_f64(float(ticks) / f64::from(TICKS) / self.setup.speed)
    }
}
