//! The picture as the ranker sees it: one luma plane, borrowed, its layout
//! checked once so that no kernel can read outside it. What the samples are
//! worth (sums, scores) is the business of `kernels` and `characteristic`.

use crate::layout::{LayoutError, Problem};
use crate::sample::{Range, SampleFormat};

/// Most samples one plane may have. Below it a sum of 16-bit samples stays
/// under 2^48, so sums fit `u64` and convert to `f64` without rounding.
const MAX_SAMPLES: usize = u32::MAX as usize;

/// A borrowed luma plane of `width` × `height` samples, rows `stride` bytes apart.
///
/// Bytes between the end of a row and the next row are padding: nothing reads
/// them. Copying a view copies a pointer and numbers, never samples.
#[derive(Clone, Copy)]
pub struct LumaView<'a> {
    data: &'a [u8],
    width: usize,
    height: usize,
    stride: usize,
    format: SampleFormat,
    range: Range,
}

impl<'a> LumaView<'a> {
    /// Checks that `data` holds such a plane. `width` and `height` are in
    /// samples, `stride` in bytes; the last row needs no padding.
    ///
    /// # Errors
    /// [`LayoutErrorKind`](crate::LayoutErrorKind): `Empty` for a zero size,
    /// `Stride` for a stride shorter than a row, `TooLarge` for more than
    /// 2^32 − 1 samples or a length that overflows, `Short` for missing bytes.
    pub fn new(
        data: &'a [u8],
        width: usize,
        height: usize,
        stride: usize,
        format: SampleFormat,
        range: Range,
    ) -> Result<Self, LayoutError> {
        if width == 0 || height == 0 {
            return Err(Problem::Empty { width, height }.into());
        }
        let too_large = Problem::TooLarge {
            width,
            height,
            stride,
        };
        let samples = width
            .checked_mul(height)
            .filter(|&samples| samples <= MAX_SAMPLES);
        let row = width.checked_mul(format.bytes_per_sample());
        let (Some(_), Some(row)) = (samples, row) else {
            return Err(too_large.into());
        };
        if stride < row {
            return Err(Problem::Stride { width, stride, row }.into());
        }
        // The whole of stride × height must be countable, though only this
        // much of it must be there.
        if stride.checked_mul(height).is_none() {
            return Err(too_large.into());
        }
        let needed = stride * (height - 1) + row;
        let Some(data) = data.get(..needed) else {
            return Err(Problem::Short {
                width,
                height,
                needed,
                got: data.len(),
            }
            .into());
        };
        Ok(Self {
            data,
            width,
            height,
            stride,
            format,
            range,
        })
    }

    /// Samples in a row.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// How each sample lies in memory.
    pub const fn format(&self) -> SampleFormat {
        self.format
    }

    /// Which values mean black and white.
    pub const fn range(&self) -> Range {
        self.range
    }

    /// The sample value of black in this plane.
    pub const fn black(&self) -> u32 {
        self.range.black(self.format.bits())
    }

    /// The sample value of white in this plane.
    pub const fn white(&self) -> u32 {
        self.range.white(self.format.bits())
    }

    /// Samples in the plane, at least 1 and at most 2^32 − 1.
    pub const fn samples(&self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// The rows from top to bottom as raw bytes, `width` × bytes per sample
    /// each, without padding.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let row = self.row_bytes();
        self.data
            .chunks(self.stride)
            .map(move |bytes| &bytes[..row])
    }

    /// Every sample's value, row by row from the top left. Simple and exact,
    /// not the fastest way to read a plane.
    pub fn values(&self) -> impl Iterator<Item = u16> + use<'a> {
        let (bytes_per_sample, shift) = (self.format.bytes_per_sample(), self.format.shift());
        let mask = self.format.mask();
        self.rows().flat_map(move |row| {
            row.chunks_exact(bytes_per_sample)
                .map(move |sample| match *sample {
                    [low, high] => (u16::from_le_bytes([low, high]) & mask) >> shift,
                    [value, ..] => u16::from(value),
                    [] => 0,
                })
        })
    }

    /// The part from (`left`, `top`), `width` × `height` samples, none of it outside.
    pub(crate) fn crop(
        &self,
        left: usize,
        top: usize,
        width: usize,
        height: usize,
    ) -> Option<Self> {
        let start = top * self.stride + left * self.format.bytes_per_sample();
        let data = self.data.get(start..)?;
        let inside = left + width <= self.width && top + height <= self.height;
        let part =
            inside.then(|| Self::new(data, width, height, self.stride, self.format, self.range));
        part?.ok()
    }

    /// The bytes of a row, which is at most the last one.
    #[inline]
    pub(crate) fn row(&self, row: usize) -> &'a [u8] {
        let start = row.min(self.height - 1) * self.stride;
        &self.data[start..start + self.row_bytes()]
    }

    /// Bytes of one row that hold samples.
    pub(crate) const fn row_bytes(&self) -> usize {
        self.width * self.format.bytes_per_sample()
    }

    /// Bytes of the plane that hold samples, which is what a kernel must read.
    pub(crate) const fn visible_bytes(&self) -> usize {
        self.row_bytes() * self.height
    }

    /// All samples in one slice, where no padding lies between the rows.
    pub(crate) fn contiguous(&self) -> Option<&'a [u8]> {
        (self.stride == self.row_bytes()).then_some(self.data)
    }

    /// The upper and the lower half, or `None` for a single row.
    pub(crate) fn halves(&self) -> Option<(Self, Self)> {
        let upper = self.height / 2;
        if upper == 0 {
            return None;
        }
        let (above, below) = self.data.split_at(self.stride * upper);
        let above = &above[..self.stride * (upper - 1) + self.row_bytes()];
        Some((
            Self {
                data: above,
                height: upper,
                ..*self
            },
            Self {
                data: below,
                height: self.height - upper,
                ..*self
            },
        ))
    }
}

/// Names the layout only: a plane in a log helps nobody.
impl std::fmt::Debug for LumaView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LumaView")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("stride", &self.stride)
            .field("format", &self.format)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LayoutErrorKind;

    fn view(
        data: &[u8],
        width: usize,
        height: usize,
        stride: usize,
    ) -> Result<LumaView<'_>, LayoutErrorKind> {
        LumaView::new(
            data,
            width,
            height,
            stride,
            SampleFormat::EIGHT_BIT,
            Range::Limited,
        )
        .map_err(|error| error.kind())
    }

    #[test]
    fn the_last_row_needs_no_padding() {
        let data = [1, 2, 3, 99, 4, 5, 6];
        let plane = view(&data, 3, 2, 4).unwrap();
        assert_eq!(plane.rows().collect::<Vec<_>>(), [[1, 2, 3], [4, 5, 6]]);
        assert_eq!(
            view(&data[..6], 3, 2, 4).unwrap_err(),
            LayoutErrorKind::Short
        );
    }

    #[test]
    fn bytes_after_the_plane_are_not_seen() {
        let data = [1, 2, 3, 4, 200, 200];
        let plane = view(&data, 2, 2, 2).unwrap();
        assert_eq!(plane.values().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn impossible_layouts_are_refused() {
        let data = [0; 64];
        assert_eq!(view(&data, 0, 4, 8).unwrap_err(), LayoutErrorKind::Empty);
        assert_eq!(view(&data, 4, 0, 8).unwrap_err(), LayoutErrorKind::Empty);
        assert_eq!(view(&data, 8, 4, 7).unwrap_err(), LayoutErrorKind::Stride);
        assert_eq!(view(&data, 8, 4, 0).unwrap_err(), LayoutErrorKind::Stride);
        assert_eq!(view(&data, 8, 9, 8).unwrap_err(), LayoutErrorKind::Short);
        assert_eq!(view(&[], 1, 1, 1).unwrap_err(), LayoutErrorKind::Short);
    }

    #[test]
    fn lengths_that_overflow_are_refused() {
        let data = [0; 64];
        for (width, height, stride) in [
            (usize::MAX, 1, usize::MAX),
            (usize::MAX, usize::MAX, usize::MAX),
            (1, 3, usize::MAX / 2),
            (1 << 16, 1 << 16, 1 << 16),
        ] {
            let error = view(&data, width, height, stride).unwrap_err();
            assert_eq!(
                error,
                LayoutErrorKind::TooLarge,
                "{width}x{height}, stride {stride}"
            );
        }
        let wide = SampleFormat::new(10, 2, 0).unwrap();
        let plane = LumaView::new(&data, usize::MAX / 2 + 1, 1, usize::MAX, wide, Range::Full);
        assert_eq!(plane.unwrap_err().kind(), LayoutErrorKind::TooLarge);
    }

    #[test]
    fn bits_outside_the_value_are_ignored() {
        let p010 = SampleFormat::new(10, 2, 6).unwrap();
        let data = [0b1100_0000 | 0b10_1010, 0xff, 0b0100_0000, 0];
        let plane = LumaView::new(&data, 2, 1, 4, p010, Range::Limited).unwrap();
        assert_eq!(plane.values().collect::<Vec<_>>(), [1023, 1]);

        let planar = SampleFormat::new(10, 2, 0).unwrap();
        let plane = LumaView::new(&[0x01, 0xfe], 1, 1, 2, planar, Range::Limited).unwrap();
        assert_eq!(plane.values().collect::<Vec<_>>(), [0x201]);
    }

    #[test]
    fn halves_hold_every_row_once() {
        let data: Vec<u8> = (0..5 * 4).collect();
        let plane = view(&data, 3, 5, 4).unwrap();
        let (above, below) = plane.halves().unwrap();
        let both: Vec<_> = above.rows().chain(below.rows()).collect();
        assert_eq!(both, plane.rows().collect::<Vec<_>>());
        assert!(view(&data, 3, 1, 4).unwrap().halves().is_none());
    }
}
