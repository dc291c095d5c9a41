//! How long a camera may be silent, by the pace of its own stream, and how much of it
//! has been played. Pure.

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

/// By so much may time stamps run ahead of the packets' arrival: what is more is a jump,
/// after which a stream is no nearer to its end.
const AHEAD: f64 = 10.0;

/// How much of a stream has come.
#[derive(Default)]
pub(crate) struct Played {
    pub(crate) seconds: f64,
    /// The furthest stamp, and when it came.
    furthest: Option<(i64, Instant)>,
}

impl Played {
    /// A packet of this time stamp came, in units of `base` (a fraction of a second).
    pub(crate) fn packet(&mut self, stamp: i64, base: (i32, i32), arrival: Instant) {
        let Some((furthest, came)) = self.furthest else {
            self.furthest = Some((stamp, arrival));
            return;
        };
        #[allow(clippy::cast_precision_loss)] // a recording has no 2^53 ticks
        let step =
            stamp.saturating_sub(furthest) as f64 * f64::from(base.0) / f64::from(base.1.max(1));
        let waited = arrival.saturating_duration_since(came).as_secs_f64();
        if step.abs() > waited + AHEAD {
            self.furthest = Some((stamp, arrival));
        } else if step > 0.0 {
            self.seconds += step;
            self.furthest = Some((stamp, arrival));
        }
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

    fn played(stamps: &[i64]) -> f64 {
        let mut played = Played::default();
        let now = Instant::now();
        for stamp in stamps {
            played.packet(*stamp, (1, 90_000), now);
        }
        played.seconds
    }

    #[test]
    fn pictures_that_come_out_of_order_are_played_once_and_jumps_are_not_played() {
        let frame = 3_600;
        assert!((played(&[0, 3, 1, 2, 6, 4, 5].map(|n| n * frame)) - 0.24).abs() < 1e-9);
        let day = 86_400 * 90_000;
        for jump in [day, -day] {
            let stamps = [0, frame, jump, jump + frame];
            assert!((played(&stamps) - 0.08).abs() < 1e-9);
        }
    }

    #[test]
    fn one_long_pause_does_not_make_the_next_stall_harder_to_see() {
        let mut waits = vec![0.04; 50];
        waits.push(7.0);
        assert_eq!(paced(&waits), Duration::from_secs(8));
    }
}
