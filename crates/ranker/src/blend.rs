//! Characteristics mixed: weighted sums, and the presets, which are named ones.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use crate::characteristic::{Characteristic, Measured, Metric, shortened};
use crate::measure::Needs;
use crate::score::Score;

/// A named weighted sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// The name, as users write it.
    pub name: &'static str,
    /// What it prefers, in a phrase.
    pub about: &'static str,
    /// The characteristics with their weights, which add up to 1.
    pub weights: &'static [(Metric, f64)],
}

/// The presets, in the order in which they are listed to users.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "overall",
        about: "What most people call a good picture: sharp, well exposed, colourful and still.",
        weights: &[
            (Metric::Sharpness, 0.4),
            (Metric::Exposure, 0.25),
            (Metric::Colorfulness, 0.2),
            (Metric::Stillness, 0.15),
        ],
    },
    Preset {
        name: "action",
        about: "Something happens, and it is not smeared.",
        weights: &[
            (Metric::Motion, 0.6),
            (Metric::Sharpness, 0.25),
            (Metric::Exposure, 0.15),
        ],
    },
    Preset {
        name: "detail",
        about: "Much to see, and crisp.",
        weights: &[
            (Metric::Sharpness, 0.5),
            (Metric::Entropy, 0.3),
            (Metric::Contrast, 0.2),
        ],
    },
    Preset {
        name: "vivid",
        about: "Rich colours and strong light.",
        weights: &[
            (Metric::Colorfulness, 0.5),
            (Metric::Contrast, 0.3),
            (Metric::Exposure, 0.2),
        ],
    },
];

/// One or more characteristics with their weights: Σ wᵢ·scoreᵢ / Σ wᵢ.
///
/// Read from a characteristic's name, a preset's name, or a list such as
/// `sharpness:0.7,brightness:0.3`; a weight left out is 1. A blend of one has
/// exactly the scores of that one. It is a [`Characteristic`] too.
#[derive(Clone)]
pub struct Blend {
    name: String,
    parts: Vec<(Arc<dyn Characteristic>, f64)>,
}

impl Default for Blend {
    fn default() -> Self {
        Self::of(Metric::default())
    }
}

impl From<Metric> for Blend {
    fn from(metric: Metric) -> Self {
        Self::of(metric)
    }
}

impl Blend {
    /// One characteristic, which may be one's own.
    pub fn of(characteristic: impl Characteristic + 'static) -> Self {
        let name = characteristic.name().to_owned();
        Self {
            name,
            parts: vec![(Arc::new(characteristic), 1.0)],
        }
    }

    /// The same with another characteristic, so many times as important as the first
    /// one was by itself.
    #[must_use]
    pub fn and(mut self, characteristic: impl Characteristic + 'static, weight: f64) -> Self {
        // What is not a weight counts nothing.
        let weight = if weight > 0.0 && weight.is_finite() {
            weight
        } else {
            0.0
        };
        self.parts.push((Arc::new(characteristic), weight));
        self.name = listed(&self.parts);
        self
    }

    /// The names of the characteristics and their weights, as they were written.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.parts
            .iter()
            .map(|(part, weight)| (part.name(), *weight))
    }

    /// Each part's own score, in the order of [`Blend::parts`].
    pub(crate) fn scores(&self, frame: &Measured<'_>) -> Vec<Score> {
        self.parts
            .iter()
            .map(|(part, _)| part.score(frame))
            .collect()
    }

    /// The weighted sum of scores in the order of [`Blend::parts`].
    pub(crate) fn sum(&self, scores: &[Score]) -> Score {
        if let [only] = scores {
            return *only;
        }
        let weights = || self.parts.iter().map(|(_, weight)| weight);
        let sum: f64 = weights()
            .zip(scores)
            .map(|(weight, score)| weight * score.value())
            .sum();
        Score::clamped(sum / weights().sum::<f64>())
    }

    fn read(text: &str) -> Result<Self, BlendError> {
        let mut parts: Vec<(Metric, f64)> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (name, weight) = part.split_once(':').unwrap_or((part, "1"));
            let name = name.trim();
            let unknown = |_| BlendError::Unknown {
                name: shortened(name),
            };
            let metric: Metric = name.parse().map_err(unknown)?;
            let weight: f64 = weight.trim().parse().unwrap_or(f64::NAN);
            if !WEIGHTS.contains(&weight) {
                return Err(BlendError::Weight {
                    name: name.to_owned(),
                });
            }
            if parts.iter().any(|(known, _)| *known == metric) {
                return Err(BlendError::Twice {
                    name: name.to_owned(),
                });
            }
            parts.push((metric, weight));
        }
        if let [(metric, _)] = parts[..] {
            return Ok(metric.into());
        }
        let parts = shared(&parts);
        Ok(Self {
            name: listed(&parts),
            parts,
        })
    }
}

/// What a weight may be: far enough from the ends of what numbers can be.
const WEIGHTS: RangeInclusive<f64> = 1e-6..=1e6;

fn shared(parts: &[(Metric, f64)]) -> Vec<(Arc<dyn Characteristic>, f64)> {
    let share = |metric| Arc::new(metric) as Arc<dyn Characteristic>;
    parts
        .iter()
        .map(|&(metric, weight)| (share(metric), weight))
        .collect()
}

fn listed(parts: &[(Arc<dyn Characteristic>, f64)]) -> String {
    let names: Vec<_> = parts
        .iter()
        .map(|(part, w)| format!("{}:{w}", part.name()))
        .collect();
    names.join(",")
}

impl Characteristic for Blend {
    fn name(&self) -> &str {
        &self.name
    }

    fn needs(&self) -> Needs {
        self.parts
            .iter()
            .fold(Needs::NONE, |needs, (part, _)| needs | part.needs())
    }

    fn score(&self, frame: &Measured<'_>) -> Score {
        self.sum(&self.scores(frame))
    }
}

/// As it is read: a name, or `name:weight,name:weight`.
impl fmt::Display for Blend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

impl fmt::Debug for Blend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Blend").field(&self.name).finish()
    }
}

impl FromStr for Blend {
    type Err = BlendError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match PRESETS.iter().find(|preset| preset.name == text.trim()) {
            Some(preset) => Ok(Self {
                name: preset.name.to_owned(),
                parts: shared(preset.weights),
            }),
            None => Self::read(text),
        }
    }
}

/// A text that is no blend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlendError {
    /// Neither a characteristic nor a preset.
    #[error(
        "`{name}` is not known; choose of {}, a sum such as sharpness:0.7,brightness:0.3, or one of {}",
        metrics(),
        presets()
    )]
    Unknown {
        /// The start of what was written.
        name: String,
    },
    /// A weight that is no number above 0.
    #[error("the weight of {name} must be a number above 0, such as {name}:0.5")]
    Weight {
        /// The characteristic.
        name: String,
    },
    /// A characteristic that is named twice.
    #[error("{name} is named twice")]
    Twice {
        /// The characteristic.
        name: String,
    },
}

fn metrics() -> String {
    let names: Vec<_> = Metric::ALL.iter().map(|metric| metric.as_str()).collect();
    names.join(", ")
}

fn presets() -> String {
    let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blends_are_read_as_they_are_written() {
        for (text, shown) in [
            ("brightness", "brightness"),
            (" brightness : 0.5 ", "brightness"),
            (
                "sharpness:0.7,brightness:0.3",
                "sharpness:0.7,brightness:0.3",
            ),
            ("sharpness, motion", "sharpness:1,motion:1"),
            ("overall", "overall"),
        ] {
            let blend: Blend = text.parse().unwrap();
            assert_eq!(blend.to_string(), shown);
            assert_eq!(shown.parse::<Blend>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_blend_is_refused_with_the_reason() {
        let message = |text: &str| text.parse::<Blend>().unwrap_err().to_string();
        assert!(message("").starts_with("`` is not known"));
        assert!(message("sharpness,").starts_with("`` is not known"));
        assert!(message("overall:1").starts_with("`overall` is not known"));
        for weight in ["0", "-1", "NaN", "inf", "1e300", "x", ""] {
            assert!(message(&format!("motion:{weight}")).starts_with("the weight of motion"));
        }
        assert_eq!(message("motion,motion:2"), "motion is named twice");
        assert!(message(&"x".repeat(100_000)).len() < 400);
    }

    #[test]
    fn presets_have_names_of_their_own_and_weights_that_add_up_to_one() {
        for preset in PRESETS {
            assert!(preset.name.parse::<Metric>().is_err());
            let total: f64 = preset.weights.iter().map(|(_, weight)| weight).sum();
            assert!((total - 1.0).abs() < 1e-12, "{}", preset.name);
        }
    }

    #[test]
    fn weights_are_relative() {
        let scores = [Score::clamped(0.2), Score::clamped(0.8)];
        let sum = |text: &str| text.parse::<Blend>().unwrap().sum(&scores).value();
        assert!((sum("motion:1,entropy:3") - 0.65).abs() < 1e-15);
        assert!((sum("motion:0.5,entropy:1.5") - 0.65).abs() < 1e-15);
        let built = Blend::of(Metric::Motion).and(Metric::Entropy, 3.0);
        assert_eq!(built.to_string(), "motion:1,entropy:3");
        assert!((built.sum(&scores).value() - 0.65).abs() < 1e-15);
    }
}
