//! How long a camera may be silent, by the pace of its own stream. Pure.

use std::time::{Duration, Instant};

/// What silence means for a live stream: it adapts to the stream's own rate.
pub(crate) struct Pace {
    first_packet: Duration,
    /// What was waited for a first packet before that.
    pub(crate) before: Duration,
    silence: Duration,
    pub(crate) last: Option<Instant>,
    waited: f64,
    interval: f64,
}

impl Pace {
    pub(crate) fn new(first_packet: Duration, silence: Duration) -> Self {
        Self {
            first_packet,
            before: Duration::ZERO,
            silence,
            last: None,
            waited: 0.0,
            interval: 0.0,
        }
    }

    /// How long the next packet may take: a stream that sends a picture every
    /// five seconds is not silent after eight.
    pub(crate) fn allowed(&self) -> Duration {
        if self.last.is_none() {
            return self.first_packet;
        }
        self.silence
            .max(Duration::from_secs_f64((3.0 * self.interval).min(120.0)))
    }

    /// Silence that is allowed at any rate of frames.
    pub(crate) fn silence(&self) -> Duration {
        self.silence
    }

    pub(crate) fn arrived(&mut self, now: Instant) {
        if let Some(last) = self.last {
            let waited = now.saturating_duration_since(last).as_secs_f64();
            // Quick to learn that a stream is slow, slow to forget it; one pause alone
            // does not make it slow.
            self.interval = waited
                .min(self.waited)
                .max(self.interval * 0.9 + waited * 0.1);
            self.waited = waited;
        }
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paced(waits: &[f64]) -> Duration {
        let mut pace = Pace::new(Duration::from_secs(9), Duration::from_secs(8));
        let mut now = Instant::now();
        pace.arrived(now);
        for wait in waits {
            now += Duration::from_secs_f64(*wait);
            pace.arrived(now);
        }
        pace.allowed()
    }

    #[test]
    fn a_night_stream_of_one_frame_in_five_seconds_may_be_silent_for_longer() {
        assert_eq!(paced(&[0.04; 50]), Duration::from_secs(8));
        assert!(paced(&[5.0, 5.0]) >= Duration::from_secs(15));
        assert!(paced(&[60.0; 5]) <= Duration::from_secs(120));
    }

    #[test]
    fn one_long_pause_does_not_make_the_next_stall_harder_to_see() {
        let mut waits = vec![0.04; 50];
        waits.push(7.0);
        assert_eq!(paced(&waits), Duration::from_secs(8));
    }
}
