//! A measured number beside its peer and its promise, and the table of them.
//!
//! What lives here: percentiles, ratios, verdicts, printing. What does not:
//! measuring.

use std::time::Duration;

use serde_json::{Value, json};

/// What a figure counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    /// 1,000,000 bytes.
    Megabytes,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Megabytes => "MB",
        }
    }
}

/// What was promised of a figure.
#[derive(Clone, Copy, Debug)]
enum Promise {
    AtMost(f64),
    RatioAtMost(f64),
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Figure {
    name: String,
    unit: Unit,
    bestshot: f64,
    ffmpeg: Option<f64>,
    promise: Option<Promise>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, unit: Unit) -> Self {
        Self {
            name: name.into(),
            unit,
            bestshot: 0.0,
            ffmpeg: None,
            promise: None,
        }
    }

    pub(crate) fn value(mut self, bestshot: f64) -> Self {
        self.bestshot = bestshot;
        self
    }

    pub(crate) fn values(mut self, bestshot: f64, ffmpeg: f64) -> Self {
        self.ffmpeg = Some(ffmpeg);
        self.value(bestshot)
    }

    pub(crate) fn at_most(mut self, limit: f64) -> Self {
        self.promise = Some(Promise::AtMost(limit));
        self
    }

    pub(crate) fn ratio_at_most(mut self, limit: f64) -> Self {
        self.promise = Some(Promise::RatioAtMost(limit));
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.ffmpeg
            .filter(|&ffmpeg| ffmpeg > 0.0)
            .map(|ffmpeg| self.bestshot / ffmpeg)
    }

    /// Whether the promise is kept, where there is one.
    fn met(&self) -> Option<bool> {
        Some(match self.promise? {
            Promise::AtMost(limit) => self.bestshot <= limit,
            Promise::RatioAtMost(limit) => self.ratio()? <= limit,
        })
    }

    pub(crate) fn json(&self) -> Value {
        let (target, target_unit) = match self.promise {
            Some(Promise::AtMost(limit)) => (Some(limit), Some(self.unit.name())),
            Some(Promise::RatioAtMost(limit)) => (Some(limit), Some("ratio")),
            None => (None, None),
        };
        json!({
            "name": self.name,
            "unit": self.unit.name(),
            "bestshot": self.bestshot,
            "ffmpeg": self.ffmpeg,
            "ratio": self.ratio(),
            "target": target,
            "target_unit": target_unit,
            "met": self.met(),
        })
    }

    fn cells(&self) -> [String; 6] {
        let unit = self.unit.name();
        let number = |value: f64| match self.unit {
            Unit::Seconds => format!("{value:.2} {unit}"),
            Unit::Milliseconds | Unit::Megabytes => format!("{value:.1} {unit}"),
        };
        [
            self.name.clone(),
            number(self.bestshot),
            self.ffmpeg.map(number).unwrap_or_default(),
            self.ratio()
                .map(|ratio| format!("{ratio:.2} x"))
                .unwrap_or_default(),
            match self.promise {
                Some(Promise::AtMost(limit)) => format!("{limit:.0} {unit}"),
                Some(Promise::RatioAtMost(limit)) => format!("{limit:.2} x"),
                None => String::new(),
            },
            match self.met() {
                Some(true) => "met".to_owned(),
                Some(false) => "missed".to_owned(),
                None => String::new(),
            },
        ]
    }
}

/// The figures under a heading, in columns.
pub(crate) fn table(figures: &[Figure]) -> String {
    let heading = ["", "bestshot", "ffmpeg", "ratio", "at most", ""].map(str::to_owned);
    let mut rows = vec![heading];
    rows.extend(figures.iter().map(Figure::cells));
    let width = |column: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String; 6], widths: &[usize; 6]) -> String {
    let [name, bestshot, ffmpeg, ratio, target, verdict] = row;
    let [w0, w1, w2, w3, w4, _] = *widths;
    let line = format!(
        "{name:<w0$}  {bestshot:>w1$}  {ffmpeg:>w2$}  {ratio:>w3$}  {target:>w4$}  {verdict}"
    );
    format!("{}\n", line.trim_end())
}

/// The nearest-rank percentile in milliseconds: the smallest measurement that
/// `part` per cent of all do not exceed. 0 where nothing was measured.
pub(crate) fn percentile(measured: &[Duration], part: usize) -> f64 {
    let mut sorted = measured.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * part).div_ceil(100).max(1);
    let found = sorted.get(rank - 1).copied().unwrap_or_default();
    found.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measurements_themselves() {
        let measured: Vec<Duration> = (1..=20).rev().map(Duration::from_millis).collect();
        let near = |part, expected: f64| (percentile(&measured, part) - expected).abs() < 1e-9;
        assert!(near(50, 10.0));
        assert!(near(95, 19.0));
        assert!(near(100, 20.0));
        assert!(percentile(&[], 95) < 1e-9);
    }

    #[test]
    fn a_promise_is_met_up_to_its_limit_and_missed_beyond() {
        let figure = |ours| {
            Figure::new("a", Unit::Seconds)
                .values(ours, 10.0)
                .ratio_at_most(1.1)
        };
        assert_eq!(figure(11.0).met(), Some(true));
        assert_eq!(figure(11.1).met(), Some(false));
        let plain = Figure::new("a", Unit::Megabytes)
            .value(130.1)
            .at_most(130.0);
        assert_eq!(plain.met(), Some(false));
        assert_eq!(Figure::new("a", Unit::Seconds).value(1.0).met(), None);
    }

    #[test]
    fn the_table_shows_ratio_target_and_verdict() {
        let text = table(&[
            Figure::new("processor time", Unit::Seconds)
                .values(10.5, 10.0)
                .ratio_at_most(1.1),
            Figure::new("stop", Unit::Milliseconds)
                .value(200.0)
                .at_most(150.0),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "                bestshot   ffmpeg   ratio  at most"
        );
        assert_eq!(
            lines[1],
            "processor time   10.50 s  10.00 s  1.05 x   1.10 x  met"
        );
        assert_eq!(
            lines[2],
            "stop            200.0 ms                    150 ms  missed"
        );
    }

    #[test]
    fn a_figure_without_a_peer_has_no_ratio_in_json() {
        let value = Figure::new("stop", Unit::Milliseconds)
            .value(1.0)
            .at_most(150.0)
            .json();
        assert_eq!(value["ratio"], Value::Null);
        assert_eq!(value["met"], true);
        assert_eq!(value["target_unit"], "ms");
    }
}
