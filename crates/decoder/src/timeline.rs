//! From the stream's time stamps to seconds since its first picture: monotonic,
//! whatever the camera's clock does. Pure.

use std::time::{Duration, Instant};

/// Time stamps further than this from what the arrival says are a jump of the
/// camera's clock, not a pause.
const JUMP: f64 = 10.0;

/// Follows one stream's pictures in output order.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// Seconds a unit of the time base.
    unit: f64,
    /// Interval to assume where neither time stamps nor arrival tell.
    nominal: f64,
    /// Arrival says something about a live stream and nothing about a file.
    live: bool,
    last: Option<Last>,
    /// Pictures since then that nobody decoded.
    skipped: u32,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    pts: Option<i64>,
    arrival: Instant,
    time: f64,
}

impl Timeline {
    pub(crate) fn new(time_base: (i32, i32), frame_rate: Option<f64>, live: bool) -> Self {
        let unit = f64::from(time_base.0.max(1)) / f64::from(time_base.1.max(1));
        let nominal = frame_rate
            .filter(|r| r.is_finite() && *r > 0.1)
            .map_or(0.04, |r| 1.0 / r);
        Self {
            unit,
            nominal,
            live,
            last: None,
            skipped: 0,
        }
    }

    /// There is a picture that is not decoded.
    pub(crate) fn skip(&mut self) {
        self.skipped = self.skipped.saturating_add(1);
    }

    /// The time of the next picture in the stream.
    pub(crate) fn next(&mut self, pts: Option<i64>, arrival: Instant) -> Duration {
        let time = match self.last {
            None => 0.0,
            Some(last) => last.time + self.step(last, pts, arrival),
        };
        self.last = Some(Last { pts, arrival, time });
        self.skipped = 0;
        Duration::from_secs_f64(time)
    }

    fn step(&self, last: Last, pts: Option<i64>, arrival: Instant) -> f64 {
        let nominal = self.nominal * f64::from(self.skipped.saturating_add(1));
        let waited = if self.live {
            arrival
                .saturating_duration_since(last.arrival)
                .as_secs_f64()
        } else {
            nominal
        };
        #[allow(clippy::cast_precision_loss)] // a difference of neighbours is small
        let told = match (last.pts, pts) {
            (Some(before), Some(now)) => now.checked_sub(before).map(|d| d as f64 * self.unit),
            _ => None,
        };
        match told {
            Some(step) if step > 0.0 && (!self.live || (step - waited).abs() < JUMP) => step,
            // No stamp, the same stamp again, or a clock that jumped.
            _ => waited,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn seconds(stamps: &[Option<i64>], every: Duration) -> Vec<f64> {
        let start = Instant::now();
        let mut line = Timeline::new((1, 90_000), Some(25.0), true);
        (0_u32..)
            .zip(stamps)
            .map(|(i, pts)| line.next(*pts, start + every * i).as_secs_f64())
            .collect()
    }

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    #[test]
    fn the_streams_own_clock_counts_where_it_is_sound() {
        let got = seconds(&[Some(9_000), Some(12_600), Some(16_200)], 35 * MS);
        assert!(close(&got, &[0.0, 0.04, 0.08]), "{got:?}");
    }

    #[test]
    fn a_missing_or_jumping_stamp_is_bridged_by_arrival() {
        let day = 86_400 * 90_000;
        let got = seconds(
            &[None, Some(0), Some(3_600), Some(day), Some(day + 3_600)],
            40 * MS,
        );
        assert!(close(&got, &[0.0, 0.04, 0.08, 0.12, 0.16]), "{got:?}");
        let back = seconds(&[Some(day), Some(3_600), Some(7_200)], 40 * MS);
        assert!(close(&back, &[0.0, 0.04, 0.08]), "{back:?}");
    }

    #[test]
    fn a_night_stream_of_one_frame_in_five_seconds_keeps_its_pace() {
        let got = seconds(&[Some(0), Some(450_000), Some(900_000)], 5_000 * MS);
        assert!(close(&got, &[0.0, 5.0, 10.0]), "{got:?}");
    }

    #[test]
    fn pictures_that_are_skipped_take_their_time_in_a_file_without_stamps() {
        let now = Instant::now();
        let mut line = Timeline::new((1, 1_000), Some(10.0), false);
        line.next(None, now);
        for _ in 0..4 {
            line.skip();
        }
        let got = [line.next(None, now), line.next(None, now)].map(|t| t.as_secs_f64());
        assert!(close(&got, &[0.5, 0.6]), "{got:?}");
    }

    #[test]
    fn a_file_is_read_faster_than_it_was_recorded_and_keeps_its_times() {
        let now = Instant::now();
        let mut line = Timeline::new((1, 1_000), Some(10.0), false);
        let got: Vec<_> = [0, 100, 20_000]
            .map(|t| line.next(Some(t), now).as_secs_f64())
            .into_iter()
            .collect();
        assert!(close(&got, &[0.0, 0.1, 20.0]), "{got:?}");
    }
}
