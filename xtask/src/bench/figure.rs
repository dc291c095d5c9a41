//! A measured number beside its peer's and its promises.
//!
//! What lives here: what a figure is, as programs write it too; percentiles,
//! ratios, verdicts. What does not: measuring, and the table of them (`table`).

use std::borrow::Cow;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::table::COLUMNS;

/// What a figure counts in, by its symbol: `s`, `MB`, `count` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit(Cow<'static, str>);

impl Unit {
    pub(crate) const SECONDS: Self = Self(Cow::Borrowed("s"));
    pub(crate) const MILLISECONDS: Self = Self(Cow::Borrowed("ms"));
    pub(crate) const MICROSECONDS: Self = Self(Cow::Borrowed("µs"));
    /// 1,000,000 bytes.
    pub(crate) const MEGABYTES: Self = Self(Cow::Borrowed("MB"));
    /// 1,000,000,000 bytes a second.
    pub(crate) const GIGABYTES_A_SECOND: Self = Self(Cow::Borrowed("GB/s"));
    pub(crate) const DECIBELS: Self = Self(Cow::Borrowed("dB"));
    /// A number without a unit.
    pub(crate) const RATIO: Self = Self(Cow::Borrowed("ratio"));

    /// A number as it stands in the table.
    fn show(&self, value: f64) -> String {
        match &*self.0 {
            "count" => format!("{value:.0}"),
            "ratio" => format!("{value:.4}"),
            unit @ ("s" | "GB/s" | "dB" | "%") => format!("{value:.2} {unit}"),
            unit => format!("{value:.1} {unit}"),
        }
    }

    /// The same of a promise, which is a round number.
    fn show_round(&self, value: f64) -> String {
        match &*self.0 {
            "count" | "ratio" => format!("{value}"),
            unit => format!("{value} {unit}"),
        }
    }
}

/// What was promised of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Promise {
    AtMost(f64),
    AtLeast(f64),
    /// Ours divided by the peer's.
    RatioAtMost(f64),
    /// The peer's divided by ours.
    TimesAsFast(f64),
}

impl Promise {
    /// The names under which programs write them.
    const NAMES: [&'static str; 4] = ["at_most", "at_least", "ratio_at_most", "times_as_fast"];

    fn named(name: &str, limit: f64) -> Option<Self> {
        Some(match name {
            "at_most" => Self::AtMost(limit),
            "at_least" => Self::AtLeast(limit),
            "ratio_at_most" => Self::RatioAtMost(limit),
            "times_as_fast" => Self::TimesAsFast(limit),
            _ => return None,
        })
    }

    fn name_and_limit(self) -> (&'static str, f64) {
        match self {
            Self::AtMost(limit) => ("at_most", limit),
            Self::AtLeast(limit) => ("at_least", limit),
            Self::RatioAtMost(limit) => ("ratio_at_most", limit),
            Self::TimesAsFast(limit) => ("times_as_fast", limit),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(super) name: String,
    unit: Unit,
    ours: f64,
    /// Who else was measured, and what came out.
    peer: Option<(String, f64)>,
    promises: Vec<Promise>,
    pub(super) note: Option<String>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, unit: Unit) -> Self {
        Self {
            name: name.into(),
            unit,
            ours: 0.0,
            peer: None,
            promises: Vec::new(),
            note: None,
        }
    }

    pub(crate) fn ours(mut self, value: f64) -> Self {
        self.ours = value;
        self
    }

    pub(crate) fn peer(mut self, name: impl Into<String>, value: f64) -> Self {
        self.peer = Some((name.into(), value));
        self
    }

    pub(crate) fn at_most(self, limit: f64) -> Self {
        self.promise(Promise::AtMost(limit))
    }

    pub(crate) fn ratio_at_most(self, limit: f64) -> Self {
        self.promise(Promise::RatioAtMost(limit))
    }

    pub(crate) fn times_as_fast(self, limit: f64) -> Self {
        self.promise(Promise::TimesAsFast(limit))
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    fn promise(mut self, promise: Promise) -> Self {
        self.promises.push(promise);
        self
    }

    /// A figure as a measuring program writes it: `name`, `unit` and `ours`, and
    /// where there is one `peer`, `peer_name`, the promises `at_most`, `at_least`,
    /// `ratio_at_most` (ours to the peer's) and `times_as_fast` (the peer's to
    /// ours), and `note`.
    pub(crate) fn from_json(value: &Value) -> Result<Self> {
        let text = |field: &str| value[field].as_str().map(str::to_owned);
        let name = text("name").context("a figure has no name")?;
        let unit = text("unit").with_context(|| format!("the figure {name:?} has no unit"))?;
        let Some(ours) = value["ours"].as_f64() else {
            bail!("the figure {name:?} has no number `ours`");
        };
        let peer = value["peer"].as_f64();
        let promises = Promise::NAMES
            .iter()
            .filter_map(|name| Promise::named(name, value[*name].as_f64()?))
            .collect();
        Ok(Self {
            name,
            unit: Unit(Cow::Owned(unit)),
            ours,
            peer: peer.map(|peer| (text("peer_name").unwrap_or_default(), peer)),
            promises,
            note: text("note"),
        })
    }

    /// Ours divided by the peer's.
    fn ratio(&self) -> Option<f64> {
        let (_, peer) = self.peer.as_ref()?;
        (*peer > 0.0).then(|| self.ours / peer)
    }

    /// Whether all promises are kept, where there is one.
    fn met(&self) -> Option<bool> {
        let ratio = self.ratio();
        let kept = |promise: &Promise| match *promise {
            Promise::AtMost(limit) => self.ours <= limit,
            Promise::AtLeast(limit) => self.ours >= limit,
            Promise::RatioAtMost(limit) => ratio.is_some_and(|ratio| ratio <= limit),
            Promise::TimesAsFast(limit) => ratio.is_some_and(|ratio| ratio * limit <= 1.0),
        };
        (!self.promises.is_empty()).then(|| self.promises.iter().all(kept))
    }

    /// What `from_json` reads, with the verdict.
    pub(crate) fn json(&self) -> Value {
        let mut value = json!({
            "name": self.name,
            "unit": self.unit.0,
            "ours": self.ours,
            "peer": self.peer.as_ref().map(|(_, value)| value),
            "peer_name": self.peer.as_ref().map(|(name, _)| name),
            "ratio": self.ratio(),
            "met": self.met(),
            "note": self.note,
        });
        for (name, limit) in self.promises.iter().map(|promise| promise.name_and_limit()) {
            value[name] = limit.into();
        }
        value
    }

    /// The ratio, turned round where that is how it was promised.
    fn shown_ratio(&self) -> String {
        let turned = |promise: &Promise| matches!(promise, Promise::TimesAsFast(_));
        match self.ratio() {
            Some(ratio) if ratio > 0.0 && self.promises.iter().any(turned) => {
                format!("{:.1} x as fast", ratio.recip())
            }
            Some(ratio) => format!("{ratio:.2} x"),
            None => String::new(),
        }
    }

    fn shown_promises(&self) -> String {
        let show = |promise: &Promise| match *promise {
            Promise::AtMost(limit) => format!("≤ {}", self.unit.show_round(limit)),
            Promise::AtLeast(limit) => format!("≥ {}", self.unit.show_round(limit)),
            Promise::RatioAtMost(limit) => format!("≤ {limit:.2} x"),
            Promise::TimesAsFast(limit) => format!("≥ {limit} x as fast"),
        };
        let all: Vec<String> = self.promises.iter().map(show).collect();
        all.join(", ")
    }

    pub(crate) fn cells(&self) -> [String; COLUMNS] {
        let (peer_name, peer) = match &self.peer {
            Some((name, value)) => (name.clone(), self.unit.show(*value)),
            None => Default::default(),
        };
        let verdict = match self.met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        [
            self.name.clone(),
            self.unit.show(self.ours),
            peer,
            peer_name,
            self.shown_ratio(),
            self.shown_promises(),
            verdict.to_owned(),
        ]
    }
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
            Figure::new("a", Unit::SECONDS)
                .ours(ours)
                .peer("it", 10.0)
                .ratio_at_most(1.1)
        };
        assert_eq!(figure(11.0).met(), Some(true));
        assert_eq!(figure(11.1).met(), Some(false));
        let plain = Figure::new("a", Unit::MEGABYTES).ours(130.1).at_most(130.0);
        assert_eq!(plain.met(), Some(false));
        assert_eq!(Figure::new("a", Unit::SECONDS).ours(1.0).met(), None);
    }

    #[test]
    fn each_of_two_promises_must_be_kept() {
        let figure = |ours: f64, peer: f64| {
            let figure = Figure::new("a", Unit::MICROSECONDS).ours(ours);
            figure.peer("it", peer).at_most(60.0).times_as_fast(3.0)
        };
        assert_eq!(figure(60.0, 180.0).met(), Some(true));
        assert_eq!(figure(60.0, 179.0).met(), Some(false));
        assert_eq!(figure(61.0, 500.0).met(), Some(false));
    }

    #[test]
    fn a_ratio_that_could_not_be_measured_keeps_no_promise() {
        let figure = Figure::new("a", Unit::SECONDS).ours(1.0);
        assert_eq!(figure.clone().ratio_at_most(9.0).met(), Some(false));
        assert_eq!(figure.peer("it", 0.0).times_as_fast(1.0).met(), Some(false));
    }

    #[test]
    fn what_a_program_writes_is_read_and_written_again() {
        let written = json!({
            "name": "back again", "unit": "s", "ours": 2.5, "peer": 5.0, "peer_name": "it",
            "at_most": 5.0, "note": "after a restart",
        });
        let figure = Figure::from_json(&written).unwrap();
        let expected = Figure::new("back again", Unit::SECONDS)
            .ours(2.5)
            .peer("it", 5.0)
            .at_most(5.0)
            .note("after a restart");
        assert_eq!(figure, expected);
        assert_eq!(Figure::from_json(&figure.json()).unwrap(), figure);
        assert_eq!(figure.json()["met"], true);
        assert_eq!(figure.json()["ratio"], 0.5);
    }

    #[test]
    fn a_figure_without_its_number_is_named() {
        let error = Figure::from_json(&json!({ "name": "stall", "unit": "s" })).unwrap_err();
        assert!(error.to_string().contains("stall"), "{error}");
        assert!(Figure::from_json(&json!({ "unit": "s", "ours": 1.0 })).is_err());
    }

    #[test]
    fn a_figure_without_a_peer_has_no_ratio_in_json() {
        let figure = Figure::new("stop", Unit::MILLISECONDS).ours(1.0);
        let value = figure.at_most(150.0).json();
        assert_eq!(value["ratio"], Value::Null);
        assert_eq!(value["met"], true);
        assert_eq!(value["at_most"], 150.0);
    }
}
