//! The luma of a picture's blocks, by which it is compared with the one before.

use crate::measure::Sums;
use crate::plan::Plan;
use crate::sample::Scale;

/// Mean luma of each block, black being 0 and white 1, and the share of the
/// region's cells that lie in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grid {
    pub(crate) means: Vec<f64>,
    pub(crate) weights: Vec<f64>,
}

/// How much more or less gain is taken for a change of light.
const GAIN: (f64, f64) = (0.5, 2.0);
/// Variance of luma over blocks below which no gain can be told.
const FLAT: f64 = 1e-6;

impl Grid {
    #[expect(
        clippy::cast_precision_loss,
        reason = "means of whole numbers, far below 2^53"
    )]
    pub(crate) fn of(sums: &Sums, plan: &Plan, scale: &Scale) -> Self {
        let blocks = sums.tally.blocks.iter().zip(&plan.counts);
        let mean = |(&sum, &cells): (&u64, &u64)| {
            if cells == 0 {
                0.0
            } else {
                scale.luma(sum as f64 / cells as f64)
            }
        };
        let means = blocks.map(mean).collect();
        let all = plan.cells.max(1) as f64;
        let weights = plan
            .counts
            .iter()
            .map(|&cells| cells as f64 / all)
            .collect();
        Self { means, weights }
    }

    /// The gain that best explains `now` by `self` (least squares), and both means.
    /// None where the blocks are not the same.
    pub(crate) fn fit(&self, now: &Self) -> Option<(f64, f64, f64)> {
        if self.weights != now.weights || self.weights.is_empty() {
            return None;
        }
        let mean = |grid: &Self| {
            grid.means
                .iter()
                .zip(&self.weights)
                .map(|(m, w)| m * w)
                .sum::<f64>()
        };
        let (from, to) = (mean(self), mean(now));
        let (mut together, mut own) = (0.0, 0.0);
        for ((old, new), weight) in self.means.iter().zip(&now.means).zip(&self.weights) {
            together += weight * (old - from) * (new - to);
            own += weight * (old - from) * (old - from);
        }
        let gain = if own > FLAT {
            (together / own).clamp(GAIN.0, GAIN.1)
        } else {
            1.0
        };
        Some((gain, from, to))
    }
}
