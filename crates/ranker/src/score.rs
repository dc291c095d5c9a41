//! The number that frames are compared by. How it is found is told in
//! `characteristic`, what is done with it in `best`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A frame's number under a characteristic: in [0, 1], higher is better.
///
/// Never NaN and never −0, so scores have a total order and can be sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score(f64);

impl Score {
    /// The least score.
    pub const MIN: Self = Self(0.0);
    /// The greatest score.
    pub const MAX: Self = Self(1.0);

    /// `value` where it is in [0, 1], otherwise `None`.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then(|| Self::clamped(value))
    }

    /// The score nearest to `value`; NaN, which stands for "cannot be told",
    /// is the least.
    pub fn clamped(value: f64) -> Self {
        if value > 0.0 {
            Self(value.min(1.0))
        } else {
            Self::MIN
        }
    }

    /// `part` / `whole`, at most 1; 0 where `whole` is 0.
    ///
    /// Below 2^53 both numbers are exact as `f64` and the only rounding is that
    /// of the division. Correct rounding never swaps two quotients, it can at
    /// most make them equal, and it keeps all quotients over one `whole` up to
    /// 2^52 apart: two fractions of the same whole are equal scores only if the
    /// parts are equal. Over different wholes (pictures of different sizes),
    /// fractions closer than 2^−53 may become equal scores; such frames are as
    /// good as each other, and the earlier is preferred.
    pub fn ratio(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self::MIN;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact below 2^53, as documented"
        )]
        let quotient = part.min(whole) as f64 / whole as f64;
        Self(quotient)
    }

    /// The number itself.
    pub const fn value(self) -> f64 {
        self.0
    }
}

// Neither NaN nor −0 can be inside, so equality is reflexive and agrees with
// `total_cmp` and with the bits.
impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Score {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// As the number, with the formatter's precision: `{:.4}`.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Score> for f64 {
    fn from(score: Score) -> Self {
        score.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_numbers_from_zero_to_one_are_scores() {
        assert_eq!(Score::new(0.0), Some(Score::MIN));
        assert_eq!(Score::new(1.0), Some(Score::MAX));
        for bad in [
            f64::NAN,
            f64::INFINITY,
            -f64::INFINITY,
            -1e-300,
            1.0 + f64::EPSILON,
        ] {
            assert_eq!(Score::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn clamping_never_yields_nan_or_minus_zero() {
        for (value, expected) in [
            (f64::NAN, Score::MIN),
            (f64::INFINITY, Score::MAX),
            (-f64::INFINITY, Score::MIN),
            (-0.0, Score::MIN),
            (0.25, Score(0.25)),
        ] {
            let score = Score::clamped(value);
            assert_eq!(score, expected, "{value}");
            assert!(score.value().is_sign_positive());
        }
        assert!(Score::new(-0.0).unwrap().value().is_sign_positive());
    }

    #[test]
    fn a_ratio_of_nothing_is_the_least_score() {
        assert_eq!(Score::ratio(5, 0), Score::MIN);
        assert_eq!(Score::ratio(5, 4), Score::MAX);
        assert_eq!(Score::ratio(1, 4), Score(0.25));
    }

    proptest! {
        #[test]
        fn neighbouring_parts_of_one_whole_are_different_scores(
            whole in 2_u64..1 << 52,
            part in any::<prop::sample::Index>(),
        ) {
            let part = part.index(usize::try_from(whole).unwrap()) as u64;
            prop_assert!(Score::ratio(part, whole) < Score::ratio(part + 1, whole));
        }

        #[test]
        fn ratios_are_ordered_as_the_fractions_are(
            a in 0_u64..1 << 48, b in 1_u64..1 << 48,
            c in 0_u64..1 << 48, d in 1_u64..1 << 48,
        ) {
            let (a, c) = (a.min(b), c.min(d));
            let exact = (u128::from(a) * u128::from(d)).cmp(&(u128::from(c) * u128::from(b)));
            let scored = Score::ratio(a, b).cmp(&Score::ratio(c, d));
            prop_assert!(scored == exact || scored == Ordering::Equal);
        }
    }
}
