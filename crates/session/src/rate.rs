//! Frames per second, lately. Pure.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Long enough for a camera of one frame a second to read 1.0.
const WINDOW: Duration = Duration::from_secs(3);

pub(crate) struct Rate {
    seen: VecDeque<(Instant, usize)>,
}

impl Rate {
    pub(crate) fn new() -> Self {
        Self {
            seen: VecDeque::new(),
        }
    }

    /// Counts `frames` at `now`; the rate over the last three seconds.
    pub(crate) fn add(&mut self, now: Instant, frames: usize) -> f64 {
        self.seen.push_back((now, frames));
        while self.seen.len() > 2
            && self
                .seen
                .front()
                .is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
        {
            self.seen.pop_front();
        }
        let Some((first, _)) = self.seen.front() else {
            return 0.0;
        };
        let span = now.duration_since(*first).as_secs_f64();
        let counted: usize = self.seen.iter().skip(1).map(|(_, n)| n).sum();
        #[allow(clippy::cast_precision_loss)] // a few hundred frames
        let rate = if span > 0.0 {
            counted as f64 / span
        } else {
            0.0
        };
        (rate * 10.0).round() / 10.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_reads_its_own_rate() {
        let start = Instant::now();
        let mut rate = Rate::new();
        let last = (0..500)
            .map(|i| rate.add(start + Duration::from_millis(40) * i, 1))
            .last();
        assert_eq!(last, Some(25.0));
    }
}
