//! What "best" can mean: the trait, what a characteristic is given, and the
//! characteristics of this crate by name. The arithmetic is in `metrics`.

use std::fmt;
use std::str::FromStr;

use crate::grid::Grid;
use crate::luma::LumaView;
use crate::measure::{Needs, Sums};
use crate::metrics;
use crate::picture::Picture;
use crate::plan::Plan;
use crate::sample::Scale;
use crate::score::Score;

/// What frames are compared by.
///
/// A score must depend on what it is given alone: the same picture after the same
/// one gives the same score, on whichever thread.
pub trait Characteristic: Send + Sync {
    /// The name that users choose it by, `snake_case`.
    fn name(&self) -> &str;

    /// What is to be measured for it. Nothing else is.
    fn needs(&self) -> Needs {
        Needs::NONE
    }

    /// The frame's score.
    fn score(&self, frame: &Measured<'_>) -> Score;
}

/// One frame with what was measured of it, and the frame that was scored before.
#[derive(Clone, Copy)]
pub struct Measured<'a> {
    pub(crate) picture: &'a Picture<'a>,
    pub(crate) plan: &'a Plan,
    pub(crate) sums: &'a Sums,
    pub(crate) grid: Option<&'a Grid>,
    pub(crate) previous: Option<&'a Grid>,
}

impl<'a> Measured<'a> {
    /// The whole picture, whatever the region.
    pub const fn picture(&self) -> &'a Picture<'a> {
        self.picture
    }

    /// The luma of the region: disjoint rectangles from the top left.
    pub fn regions(&self) -> impl Iterator<Item = LumaView<'a>> + use<'a> {
        let (luma, (width, height)) = (self.picture.luma(), self.plan.size);
        self.plan.bands.iter().flat_map(move |band| {
            let (top, bottom) = (2 * band.rows.start, (2 * band.rows.end).min(height));
            band.spans.iter().filter_map(move |span| {
                let (left, right) = (2 * span.start, (2 * span.end).min(width));
                luma.crop(left, top, right - left, bottom - top)
            })
        })
    }

    /// How much changed since the frame that was scored before, in [0, 1]; `None`
    /// where there is none, or it was of another size. Needs [`Needs::BLOCKS`].
    pub fn motion(&self) -> Option<f64> {
        metrics::motion(self.previous?, self.grid?)
    }

    fn scale(&self) -> Scale {
        let luma = self.picture.luma();
        Scale::new(luma.range(), luma.format().bits())
    }

    /// Light above black, and what an all-white region has.
    fn light(&self) -> (u64, u64) {
        let (sum, samples) = self.sums.light;
        let luma = self.picture.luma();
        let black = u64::from(luma.black()) * samples;
        let full = u64::from(luma.white()) * samples - black;
        // Limited range leaves room below black and above white, and cameras use it.
        (sum.saturating_sub(black).min(full), full)
    }
}

/// The characteristics of this crate.
///
/// "Cells" are the means of 2×2 luma samples (at an odd edge the last sample counts
/// twice), taken for numbers from 0 (black) to 1 (white) of the stream's depth and
/// range. So is every characteristic but the first two robust against the noise of
/// single pixels, and the same for every chroma subsampling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Metric {
    /// Mean luma between black and white, (Σ − black·n) / ((white − black)·n) from
    /// whole numbers with one division. *Source:* black and white of ITU-T H.273.
    /// *Blind to* where the light is, to colour, to whether it is too much.
    #[default]
    Brightness,
    /// 1 − brightness, from the mirrored whole number, so that its order is exact as
    /// well. *Blind to* the same; a covered lens wins.
    Darkness,
    /// r / (r + ⅓) with r = Σ Laplacian² / Σ |∇|² over the cells on edges: those where
    /// |∇| (difference of the neighbours on both sides) exceeds 0.07. r is the mean
    /// squared frequency of what is there, 1 for a step, ⅓ for an edge two cells wide;
    /// contrast and amount of texture cancel, and faint noise lies on no edge.
    /// *Source:* the ratio of energies of S. Pertuz and others, "Analysis of focus
    /// measure operators", Pattern Recognition 46 (2013), restricted to edges.
    /// Noise of σ = 8 levels raises a blurred picture's score by less than blur lowers it
    /// (`tests/golden.rs`); far more noise does pass for edges.
    /// *Blind to* detail finer than two pixels, to soft scenes without any edge (0), and
    /// to what is sharp: an overlay of text is the sharpest thing there is.
    Sharpness,
    /// 2σ, the root mean squared contrast of cells; 1 for half black, half white.
    /// *Source:* E. Peli, "Contrast in complex images", JOSA A 7 (1990).
    /// *Blind to* where the contrast lies: fog with one lamp in it has some.
    Contrast,
    /// M / (M + 45) with M = √(σ²rg + σ²yb) + 0.3 √(μ²rg + μ²yb), rg = R − G and
    /// yb = (R + G)/2 − B in [0, 255], from the means and variances of U and V: luma
    /// cancels. 45 is "averagely colourful". *Source:* D. Hasler and S. Süsstrunk,
    /// "Measuring colourfulness in natural images", SPIE 5007 (2003).
    /// *Blind to* a wrong white balance, which is colourful; 0 for grey pictures.
    Colorfulness,
    /// (H − H₁) / (6 − H₁), H being Shannon's entropy in bits of the histogram of cells
    /// in 64 bins, smoothed with a cubic B-spline as levels of 8-bit limited range
    /// would otherwise leave gaps; H₁ = 1.2516 is that of a picture of one value.
    /// *Source:* C. Shannon (1948); P. Thévenaz and M. Unser, "Optimization of mutual
    /// information", IEEE TIP 9 (2000), for the window. *Blind to* where values lie:
    /// shuffled pixels have the same; gradients and haze count as much as things.
    Entropy,
    /// How much changed since the frame that was scored before: the mean over 64 × 32
    /// blocks of d² / (d² + 0.05²), d being the change of a block's luma less the change
    /// of gain (½ to 2) and offset that all blocks have in common (least squares).
    /// *Source:* the error norm of S. Geman and D. McClure (1987). *Blind to* what moves
    /// within a block, to motion along an even surface, to colour; shadows do move. 0 for
    /// the first frame and after a change of size.
    Motion,
    /// 1 − motion. *Blind to* the same; a frozen stream is still. 0 for the first frame.
    Stillness,
    /// The share of cells that are not clipped: whole up to 0.01 from black or white, not
    /// at all from 0.05, and in between by proportion. *Source:* the clipping warning of
    /// cameras and editors. *Blind to* whether what is dark should be.
    Exposure,
}

impl Metric {
    /// All of them, in the order in which they are listed to users.
    pub const ALL: &'static [Self] = &[
        Self::Brightness,
        Self::Darkness,
        Self::Sharpness,
        Self::Contrast,
        Self::Colorfulness,
        Self::Entropy,
        Self::Motion,
        Self::Stillness,
        Self::Exposure,
    ];

    /// The name, as users write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Brightness => "brightness",
            Self::Darkness => "darkness",
            Self::Sharpness => "sharpness",
            Self::Contrast => "contrast",
            Self::Colorfulness => "colorfulness",
            Self::Entropy => "entropy",
            Self::Motion => "motion",
            Self::Stillness => "stillness",
            Self::Exposure => "exposure",
        }
    }

    /// What it prefers, in a phrase.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Brightness => "The most light, wherever it is.",
            Self::Darkness => "The least light.",
            Self::Sharpness => "Crisp edges: in focus, not blurred by motion.",
            Self::Contrast => "Strong differences between light and dark.",
            Self::Colorfulness => "Rich colours.",
            Self::Entropy => "Many different shades: detail rather than plain walls.",
            Self::Motion => "Much has changed since the frame before.",
            Self::Stillness => "Little has changed since the frame before.",
            Self::Exposure => "Nothing burnt out, nothing drowned in black.",
        }
    }
}

impl Characteristic for Metric {
    fn name(&self) -> &str {
        self.as_str()
    }

    fn needs(&self) -> Needs {
        match self {
            Self::Brightness | Self::Darkness => Needs::LIGHT,
            Self::Sharpness => Needs::EDGES,
            Self::Contrast => Needs::SPREAD,
            Self::Colorfulness => Needs::COLOUR,
            Self::Entropy => Needs::HISTOGRAM,
            Self::Motion | Self::Stillness => Needs::BLOCKS,
            Self::Exposure => Needs::CLIPPING,
        }
    }

    fn score(&self, frame: &Measured<'_>) -> Score {
        let (tally, cells) = (&frame.sums.tally, frame.plan.cells);
        if cells == 0 {
            return Score::MIN;
        }
        match self {
            Self::Brightness => {
                let (light, full) = frame.light();
                Score::ratio(light, full)
            }
            Self::Darkness => {
                let (light, full) = frame.light();
                Score::ratio(full - light, full)
            }
            Self::Sharpness => metrics::sharpness(tally),
            Self::Contrast => metrics::contrast(tally, cells, &frame.scale()),
            Self::Colorfulness => frame.picture.chroma().map_or(Score::MIN, |chroma| {
                metrics::colourfulness(&tally.colour, cells, &frame.scale(), chroma.matrix())
            }),
            Self::Entropy => metrics::entropy(tally, cells, &frame.scale()),
            Self::Motion => frame.motion().map_or(Score::MIN, Score::clamped),
            Self::Stillness => frame
                .motion()
                .map_or(Score::MIN, |moved| Score::clamped(1.0 - moved)),
            Self::Exposure => {
                metrics::exposure(tally, cells, &metrics::limits(&frame.picture.luma()))
            }
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|metric| metric.as_str() == name);
        found.copied().ok_or_else(|| UnknownMetric {
            name: shortened(name),
        })
    }
}

/// A name that no characteristic has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a characteristic; choose one of: {}", names())]
pub struct UnknownMetric {
    name: String,
}

fn names() -> String {
    let names: Vec<_> = Metric::ALL.iter().map(|metric| metric.as_str()).collect();
    names.join(", ")
}

/// The start of what the user wrote, printable: it may be a page long.
pub(crate) fn shortened(name: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = name
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_its_characteristic() {
        for &metric in Metric::ALL {
            assert_eq!(metric.to_string().parse(), Ok(metric));
            assert!(metric.about().ends_with('.'));
        }
        assert_eq!(Metric::default(), Metric::Brightness);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = |name: &str| name.parse::<Metric>().unwrap_err().to_string();
        assert_eq!(
            message("bright"),
            "`bright` is not a characteristic; choose one of: brightness, darkness, sharpness, \
             contrast, colorfulness, entropy, motion, stillness, exposure"
        );
        assert!(message("").starts_with("`` is not"));
        assert!(message("Brightness").starts_with("`Brightness` is not"));
        assert!(message("a\n\u{1b}b").starts_with("`a\\n\\u{1b}b` is not"));
        assert!(message(&"x".repeat(100_000)).len() < 300);
    }
}
