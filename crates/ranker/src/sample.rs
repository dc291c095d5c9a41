//! What one luma sample is: where its bits lie, and which values mean black
//! and white. Planes of samples are in `luma`.

use crate::cells::LEVEL;
use crate::layout::{LayoutError, Problem};

/// How one luma sample lies in memory.
///
/// Samples of two bytes are little-endian. The value is the `bits` bits that
/// stand `shift` bits above the lowest one; all other bits are ignored.
///
/// | pixel format | bits | bytes per sample | shift |
/// |---|---|---|---|
/// | YUV420P, NV12, GRAY8 | 8 | 1 | 0 |
/// | YUV420P10LE | 10 | 2 | 0 |
/// | YUV420P12LE | 12 | 2 | 0 |
/// | P010LE | 10 | 2 | 6 |
/// | P012LE | 12 | 2 | 4 |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SampleFormat {
    bits: u32,
    bytes_per_sample: usize,
    shift: u32,
}

impl SampleFormat {
    /// One byte a sample, all eight bits of it.
    pub const EIGHT_BIT: Self = Self {
        bits: 8,
        bytes_per_sample: 1,
        shift: 0,
    };

    /// A format of `bits` (8 to 16) significant bits, in 1 or 2 bytes, `shift`
    /// bits above the lowest.
    ///
    /// # Errors
    /// [`LayoutErrorKind::Format`](crate::LayoutErrorKind::Format) where the
    /// value does not fit the bytes.
    pub fn new(bits: u32, bytes_per_sample: usize, shift: u32) -> Result<Self, LayoutError> {
        let fits = matches!(bytes_per_sample, 1 | 2)
            && (8..=16).contains(&bits)
            && shift <= 8
            && (bits + shift) as usize <= 8 * bytes_per_sample;
        if fits {
            Ok(Self {
                bits,
                bytes_per_sample,
                shift,
            })
        } else {
            Err(Problem::Format {
                bits,
                bytes_per_sample,
                shift,
            }
            .into())
        }
    }

    /// Significant bits of a sample, 8 to 16.
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// Bytes that one sample takes, 1 or 2.
    pub const fn bytes_per_sample(self) -> usize {
        self.bytes_per_sample
    }

    /// Unused bits below the value.
    pub const fn shift(self) -> u32 {
        self.shift
    }

    /// The bits of a two-byte sample that belong to its value, still shifted.
    pub(crate) const fn mask(self) -> u16 {
        (u16::MAX >> (16 - self.bits)) << self.shift
    }
}

/// Which sample values mean black and white (ITU-T H.273, `VideoFullRangeFlag`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Range {
    /// 16 to 235, scaled to the bit depth: what nearly every H.264 and H.265 camera sends.
    #[default]
    Limited,
    /// 0 to the largest value: MJPEG, and cameras that set the full-range flag.
    Full,
}

impl Range {
    /// The sample value of black at `bits` (8 to 16) bits.
    pub const fn black(self, bits: u32) -> u32 {
        match self {
            Self::Limited => 16 << (bits - 8),
            Self::Full => 0,
        }
    }

    /// The sample value of white at `bits` (8 to 16) bits.
    pub const fn white(self, bits: u32) -> u32 {
        match self {
            Self::Limited => 235 << (bits - 8),
            Self::Full => (1 << bits) - 1,
        }
    }
}

/// What cells (fourths of an 8-bit level) are worth in one range and depth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    black: f64,
    white: f64,
    chroma: f64,
}

impl Scale {
    pub(crate) fn new(range: Range, bits: u32) -> Self {
        let step = f64::from(1_u32 << (bits - 8)) / f64::from(LEVEL);
        let chroma = match range {
            Range::Limited => f64::from(224 * LEVEL),
            Range::Full => f64::from((1 << bits) - 1) / step,
        };
        let black = f64::from(range.black(bits)) / step;
        let white = f64::from(range.white(bits)) / step;
        Self {
            black,
            white,
            chroma,
        }
    }

    /// 0 for black, 1 for white.
    pub(crate) fn luma(&self, cell: f64) -> f64 {
        (cell - self.black) / (self.white - self.black)
    }

    /// A difference of luma, black to white being 1.
    pub(crate) fn span(&self) -> f64 {
        self.white - self.black
    }

    /// The cell of a luma between 0 (black) and 1 (white).
    pub(crate) fn cell(&self, luma: f64) -> f64 {
        self.black + luma * self.span()
    }

    /// From −0.5 to 0.5; `cell` is 0 for grey.
    pub(crate) fn chroma(&self, cell: f64) -> f64 {
        cell / self.chroma
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LayoutErrorKind;

    #[test]
    fn formats_that_do_not_fit_are_refused() {
        for (bits, bytes, shift) in [
            (7, 1, 0),
            (8, 1, 1),
            (10, 1, 0),
            (8, 0, 0),
            (17, 2, 0),
            (8, 2, 9),
            (10, 2, 7),
            (16, 2, 1),
            (8, 3, 0),
            (8, 4, 0),
            (u32::MAX, 2, u32::MAX),
        ] {
            let error = SampleFormat::new(bits, bytes, shift).unwrap_err();
            assert_eq!(
                error.kind(),
                LayoutErrorKind::Format,
                "{bits} {bytes} {shift}"
            );
        }
    }

    #[test]
    fn black_and_white_follow_depth_and_range() {
        for (range, bits, black, white) in [
            (Range::Limited, 8, 16, 235),
            (Range::Limited, 10, 64, 940),
            (Range::Limited, 12, 256, 3760),
            (Range::Limited, 16, 4096, 60160),
            (Range::Full, 8, 0, 255),
            (Range::Full, 10, 0, 1023),
            (Range::Full, 16, 0, 65535),
        ] {
            assert_eq!(
                (range.black(bits), range.white(bits)),
                (black, white),
                "{range:?} {bits}"
            );
        }
    }
}
