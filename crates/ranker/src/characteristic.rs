//! What "best" can mean: the trait, the characteristics that come with the
//! crate, and their names. The arithmetic on samples is in `kernels`.

use std::fmt;
use std::str::FromStr;

use crate::kernels;
use crate::luma::LumaView;
use crate::score::Score;

/// What frames are compared by.
///
/// A score must depend on the plane alone: the same samples give the same
/// score whatever was scored before, on whichever thread.
pub trait Characteristic: Send + Sync {
    /// The name that users choose it by, `snake_case`.
    fn name(&self) -> &str;

    /// The plane's score, found on the calling thread.
    fn score(&self, luma: &LumaView<'_>) -> Score;

    /// The same score; the work may be shared between the threads of the
    /// current rayon pool. Worth writing for sums over large planes.
    fn score_split(&self, luma: &LumaView<'_>) -> Score {
        self.score(luma)
    }
}

/// Mean luma between black and white: (mean − black) / (white − black),
/// clamped to [0, 1].
///
/// Computed as (Σ − black·n) / ((white − black)·n) from whole numbers with one
/// division, so frames of one stream are equal only if their sums are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Brightness;

/// 1 − [`Brightness`], from the mirrored whole number rather than from the
/// rounded score, so that its order is exact as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Darkness;

impl Characteristic for Brightness {
    fn name(&self) -> &str {
        Metric::Brightness.name()
    }

    fn score(&self, luma: &LumaView<'_>) -> Score {
        Light::new(luma, kernels::sum(luma)).brightness()
    }

    fn score_split(&self, luma: &LumaView<'_>) -> Score {
        Light::new(luma, kernels::sum_split(luma)).brightness()
    }
}

impl Characteristic for Darkness {
    fn name(&self) -> &str {
        Metric::Darkness.name()
    }

    fn score(&self, luma: &LumaView<'_>) -> Score {
        Light::new(luma, kernels::sum(luma)).darkness()
    }

    fn score_split(&self, luma: &LumaView<'_>) -> Score {
        Light::new(luma, kernels::sum_split(luma)).darkness()
    }
}

/// How far a plane is from black, as a fraction of whole numbers.
struct Light {
    /// Σ − black·n, kept within 0 and `full`.
    above_black: u64,
    /// (white − black)·n, what an all-white plane has. Under 2^48.
    full: u64,
}

impl Light {
    fn new(luma: &LumaView<'_>, sum: u64) -> Self {
        let black = u64::from(luma.black()) * luma.samples();
        let full = u64::from(luma.white()) * luma.samples() - black;
        // Limited range leaves room below black and above white, and cameras use it.
        Self {
            above_black: sum.saturating_sub(black).min(full),
            full,
        }
    }

    fn brightness(&self) -> Score {
        Score::ratio(self.above_black, self.full)
    }

    fn darkness(&self) -> Score {
        Score::ratio(self.full - self.above_black, self.full)
    }
}

/// The characteristics of this crate by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// [`Brightness`]
    #[default]
    Brightness,
    /// [`Darkness`]
    Darkness,
}

impl Metric {
    /// All of them, in the order in which they are listed to users.
    pub const ALL: &'static [Self] = &[Self::Brightness, Self::Darkness];

    /// The name, as users write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brightness => "brightness",
            Self::Darkness => "darkness",
        }
    }

    /// The characteristic itself.
    pub fn characteristic(self) -> Box<dyn Characteristic> {
        match self {
            Self::Brightness => Box::new(Brightness),
            Self::Darkness => Box::new(Darkness),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|metric| metric.name() == name);
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
    Metric::ALL
        .iter()
        .map(|metric| metric.name())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The start of what the user wrote, printable: it may be a page long.
fn shortened(name: &str) -> String {
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
    use crate::sample::{Range, SampleFormat};

    fn brightness(values: &[u16], (bits, shift): (u32, u32), range: Range) -> Score {
        let data: Vec<u8> = values
            .iter()
            .flat_map(|value| (value << shift).to_le_bytes())
            .collect();
        let format = SampleFormat::new(bits, 2, shift).unwrap();
        let luma = LumaView::new(&data, values.len(), 1, data.len(), format, range).unwrap();
        let (light, dark) = (Brightness.score(&luma), Darkness.score(&luma));
        assert!((light.value() + dark.value() - 1.0).abs() < 1e-15);
        light
    }

    #[test]
    fn the_same_grey_scores_alike_at_every_depth() {
        // A quarter of the way from black to white in each.
        let quarter = Score::clamped(0.25);
        assert_eq!(
            brightness(&[71, 70, 71, 71], (8, 0), Range::Limited),
            quarter
        );
        assert_eq!(brightness(&[64 + 219], (10, 0), Range::Limited), quarter);
        assert_eq!(brightness(&[64 + 219], (10, 6), Range::Limited), quarter);
        assert_eq!(brightness(&[256 + 876], (12, 4), Range::Limited), quarter);
        assert_eq!(
            brightness(&[4096 + 14016], (16, 0), Range::Limited),
            quarter
        );
        assert_eq!(brightness(&[51], (8, 8), Range::Full), Score::clamped(0.2));
        assert_eq!(
            brightness(&[341], (10, 0), Range::Full),
            Score::clamped(1.0 / 3.0)
        );
    }

    #[test]
    fn blacker_than_black_is_black_and_whiter_than_white_is_white() {
        for (bits, range) in [
            (8, Range::Limited),
            (10, Range::Limited),
            (12, Range::Limited),
        ] {
            let white = u16::try_from(range.white(bits)).unwrap();
            let black = u16::try_from(range.black(bits)).unwrap();
            assert_eq!(
                brightness(&[black; 3], (bits, 0), range),
                Score::clamped(0.0)
            );
            assert_eq!(
                brightness(&[0, black, 1], (bits, 0), range),
                Score::clamped(0.0)
            );
            assert_eq!(
                brightness(&[white; 3], (bits, 0), range),
                Score::clamped(1.0)
            );
            assert_eq!(
                brightness(&[white + 15, white], (bits, 0), range),
                Score::clamped(1.0)
            );
        }
    }

    #[test]
    fn one_step_of_one_sample_is_seen() {
        let mut data = vec![128_u8; 1920 * 1080];
        let score = |data: &[u8]| {
            let format = SampleFormat::EIGHT_BIT;
            let luma = LumaView::new(data, 1920, 1080, 1920, format, Range::Limited).unwrap();
            (Brightness.score(&luma), Darkness.score(&luma))
        };
        let before = score(&data);
        data[1920 * 540] += 1;
        let after = score(&data);
        assert!(after.0 > before.0 && after.1 < before.1);
    }

    #[test]
    fn every_name_leads_to_its_characteristic() {
        for &metric in Metric::ALL {
            assert_eq!(metric.to_string().parse(), Ok(metric));
            assert_eq!(metric.characteristic().name(), metric.name());
        }
        assert_eq!(Metric::default(), Metric::Brightness);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = |name: &str| name.parse::<Metric>().unwrap_err().to_string();
        assert_eq!(
            message("bright"),
            "`bright` is not a characteristic; choose one of: brightness, darkness"
        );
        assert!(message("").starts_with("`` is not"));
        assert!(message("Brightness").starts_with("`Brightness` is not"));
        assert!(message("a\n\u{1b}b").starts_with("`a\\n\\u{1b}b` is not"));
        assert!(message(&"x".repeat(100_000)).len() < 200);
    }
}
