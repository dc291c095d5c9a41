//! The score over time, in memory that does not grow with it. Pure.

use std::time::Duration;

use bestshot_gallery::manifest::CurvePoint;

use crate::describe::seconds;

/// Most spans of time; when there are more, neighbours become one.
const SPANS: usize = 256;
/// How long a span is at first.
const FIRST: Duration = Duration::from_millis(50);

/// Least, mean and greatest score of equal spans of time, from 0 on.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    span: Duration,
    spans: Vec<Span>,
    changes: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    count: u64,
    low: f64,
    sum: f64,
    high: f64,
}

impl Curve {
    pub(crate) const fn new() -> Self {
        Self {
            span: FIRST,
            spans: Vec::new(),
            changes: 0,
        }
    }

    /// A frame's score at its time.
    pub(crate) fn add(&mut self, time: Duration, score: f64) {
        while self.place(time) >= SPANS {
            self.span *= 2;
            let pairs = self.spans.chunks(2);
            let merged = pairs.map(|pair| pair.iter().fold(Span::default(), Span::with));
            self.spans = merged.collect();
        }
        let place = self.place(time);
        if self.spans.len() <= place {
            self.spans.resize(place + 1, Span::default());
        }
        let one = Span {
            count: 1,
            low: score,
            sum: score,
            high: score,
        };
        self.spans[place] = self.spans[place].with(&one);
        self.changes += 1;
    }

    /// Grows with every change.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    /// The spans that have any frame, in their order.
    pub(crate) fn points(&self) -> Vec<CurvePoint> {
        let full = self
            .spans
            .iter()
            .zip(0_u32..)
            .filter(|(span, _)| span.count > 0);
        full.map(|(span, place)| CurvePoint {
            stream_time: seconds(self.span * place),
            low: rounded(span.low),
            #[expect(
                clippy::cast_precision_loss,
                reason = "counts of frames are far below 2^53"
            )]
            mean: rounded(span.sum / span.count as f64),
            high: rounded(span.high),
        })
        .collect()
    }

    fn place(&self, time: Duration) -> usize {
        usize::try_from(time.as_nanos() / self.span.as_nanos()).unwrap_or(usize::MAX)
    }
}

impl Span {
    fn with(self, other: &Self) -> Self {
        match (self.count, other.count) {
            (_, 0) => self,
            (0, _) => *other,
            _ => Self {
                count: self.count + other.count,
                low: self.low.min(other.low),
                sum: self.sum + other.sum,
                high: self.high.max(other.high),
            },
        }
    }
}

/// A picture of it shows no more.
fn rounded(score: f64) -> f64 {
    (score * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_point_is_what_its_frames_are(
            frames in prop::collection::vec((1_u64..3_000, 0.0..1.0_f64), 1..600),
        ) {
            let mut curve = Curve::new();
            let mut time = Duration::ZERO;
            let mut all = Vec::new();
            for (step, score) in frames {
                time += Duration::from_millis(step);
                curve.add(time, score);
                all.push((time.as_secs_f64(), score));
            }
            let points = curve.points();
            prop_assert!(points.len() <= SPANS);
            prop_assert!(curve.span == FIRST || curve.span.as_secs_f64() * 128.0 <= time.as_secs_f64() + 1e-9);
            let ends = points.iter().skip(1).map(|p| p.stream_time).chain([f64::INFINITY]);
            for (point, end) in points.iter().zip(ends) {
                let inside = all.iter().filter(|(at, _)| (point.stream_time..end).contains(at));
                let scores: Vec<f64> = inside.map(|(_, score)| *score).collect();
                let mean = scores.iter().sum::<f64>() / f64::from(u32::try_from(scores.len()).unwrap());
                let low = scores.iter().copied().fold(1.0, f64::min);
                let high = scores.iter().copied().fold(0.0, f64::max);
                for (ours, theirs) in [(point.low, low), (point.mean, mean), (point.high, high)] {
                    prop_assert!((ours - theirs).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn a_year_takes_as_much_memory_as_a_minute() {
        let mut curve = Curve::new();
        for hour in 0..24 * 365 {
            curve.add(Duration::from_secs(3600 * hour), 0.5);
        }
        assert!(curve.points().len() <= SPANS && curve.spans.len() <= SPANS);
        assert_eq!(curve.changes(), 24 * 365);
    }
}
