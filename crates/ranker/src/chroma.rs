//! The two colour planes of a picture, borrowed, their layout checked once. What
//! colours are worth is the business of `metrics`.

use crate::layout::{LayoutError, Problem};
use crate::sample::SampleFormat;

/// The weights by which red, green and blue make up luma.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// ITU-R BT.601: standard definition, and JPEG.
    Bt601,
    /// ITU-R BT.709: high definition.
    #[default]
    Bt709,
    /// ITU-R BT.2020, non-constant luminance.
    Bt2020,
}

impl Matrix {
    /// The weights of red and blue, K<sub>R</sub> and K<sub>B</sub> of ITU-T H.273.
    pub const fn weights(self) -> (f64, f64) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
        }
    }
}

/// A borrowed plane of `width` × `height` chroma samples: rows `stride` bytes
/// apart, samples of a row `step` bytes apart. In NV12 and P010 both colours lie
/// in one plane: `step` is twice the size of a sample, and the second colour's
/// `data` begins one sample later.
#[derive(Clone, Copy)]
pub struct ChromaPlane<'a> {
    data: &'a [u8],
    width: usize,
    height: usize,
    stride: usize,
    step: usize,
    format: SampleFormat,
}

impl<'a> ChromaPlane<'a> {
    /// Checks that `data` holds such a plane. `stride` and `step` are in bytes; the
    /// last row needs no padding.
    ///
    /// # Errors
    /// [`LayoutErrorKind`](crate::LayoutErrorKind): `Empty` for a zero size, `Chroma`
    /// for samples or rows that overlap, `TooLarge` for a length that overflows,
    /// `Short` for missing bytes.
    pub fn new(
        data: &'a [u8],
        (width, height): (usize, usize),
        stride: usize,
        step: usize,
        format: SampleFormat,
    ) -> Result<Self, LayoutError> {
        if width == 0 || height == 0 {
            return Err(Problem::Empty { width, height }.into());
        }
        let bytes = format.bytes_per_sample();
        let row = step
            .checked_mul(width - 1)
            .and_then(|n| n.checked_add(bytes));
        let whole = stride.checked_mul(height);
        let (Some(row), Some(_)) = (row, whole) else {
            return Err(Problem::TooLarge {
                width,
                height,
                stride,
            }
            .into());
        };
        if step < bytes || stride < row {
            return Err(Problem::Chroma.into());
        }
        let needed = stride * (height - 1) + row;
        let Some(data) = data.get(..needed) else {
            let got = data.len();
            return Err(Problem::Short {
                width,
                height,
                needed,
                got,
            }
            .into());
        };
        Ok(Self {
            data,
            width,
            height,
            stride,
            step,
            format,
        })
    }

    /// How each sample lies in memory.
    pub const fn format(&self) -> SampleFormat {
        self.format
    }

    /// Samples in a row, and rows.
    pub const fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The samples' values of a row from the top, which is at most the last one.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = u16> + use<'a> {
        let (format, mask) = (self.format, self.format.mask());
        self.row_bytes(row)
            .chunks(self.step)
            .map(move |sample| match *sample {
                [low, high, ..] if format.bytes_per_sample() == 2 => {
                    (u16::from_le_bytes([low, high]) & mask) >> format.shift()
                }
                [value, ..] => u16::from(value),
                [] => 0,
            })
    }

    /// The bytes of a row, the last sample's included and no more.
    #[inline]
    pub(crate) fn row_bytes(&self, row: usize) -> &'a [u8] {
        let start = row.min(self.height - 1) * self.stride;
        let length = self.step * (self.width - 1) + self.format.bytes_per_sample();
        &self.data[start..start + length]
    }

    #[inline]
    pub(crate) const fn step(&self) -> usize {
        self.step
    }
}

/// Both colours of a picture: U (blue minus luma) and V (red minus luma).
#[derive(Clone, Copy, Debug)]
pub struct ChromaView<'a> {
    pub(crate) u: ChromaPlane<'a>,
    pub(crate) v: ChromaPlane<'a>,
    pub(crate) horizontal: u32,
    pub(crate) vertical: u32,
    pub(crate) matrix: Matrix,
}

impl<'a> ChromaView<'a> {
    /// Joins the planes. `subsampling`: log2 of the luma samples for each chroma
    /// sample across and down: (1, 1) is 4:2:0, (1, 0) 4:2:2, (0, 0) 4:4:4.
    ///
    /// # Errors
    /// [`LayoutErrorKind::Chroma`](crate::LayoutErrorKind::Chroma) where the planes
    /// differ in size or format, or the subsampling is over 2.
    pub fn new(
        u: ChromaPlane<'a>,
        v: ChromaPlane<'a>,
        subsampling: (u32, u32),
        matrix: Matrix,
    ) -> Result<Self, LayoutError> {
        let (horizontal, vertical) = subsampling;
        let alike = u.size() == v.size() && u.format == v.format && u.step == v.step;
        if !alike || horizontal > 2 || vertical > 2 {
            return Err(Problem::Chroma.into());
        }
        Ok(Self {
            u,
            v,
            horizontal,
            vertical,
            matrix,
        })
    }

    /// The U and the V plane.
    pub const fn planes(&self) -> (ChromaPlane<'a>, ChromaPlane<'a>) {
        (self.u, self.v)
    }

    /// log2 of the luma samples for each chroma sample, across and down.
    pub const fn subsampling(&self) -> (u32, u32) {
        (self.horizontal, self.vertical)
    }

    /// How luma is made of red, green and blue.
    pub const fn matrix(&self) -> Matrix {
        self.matrix
    }

    /// Whether the planes are those of a luma plane of this size.
    pub(crate) fn fits(&self, width: usize, height: usize) -> bool {
        let size = (
            width.div_ceil(1 << self.horizontal),
            height.div_ceil(1 << self.vertical),
        );
        self.u.size() == size
    }
}

/// Names the layout only.
impl std::fmt::Debug for ChromaPlane<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChromaPlane")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("stride", &self.stride)
            .field("step", &self.step)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LayoutErrorKind;

    const EIGHT: SampleFormat = SampleFormat::EIGHT_BIT;

    #[test]
    fn the_two_colours_of_nv12_lie_in_one_plane() {
        let data = [1, 101, 2, 102, 0, 0, 3, 103, 4, 104];
        let u = ChromaPlane::new(&data, (2, 2), 6, 2, EIGHT).unwrap();
        let v = ChromaPlane::new(&data[1..], (2, 2), 6, 2, EIGHT).unwrap();
        assert_eq!(u.row(0).chain(u.row(1)).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(
            v.row(0).chain(v.row(1)).collect::<Vec<_>>(),
            [101, 102, 103, 104]
        );
        assert!(
            ChromaView::new(u, v, (1, 1), Matrix::Bt601)
                .unwrap()
                .fits(3, 4)
        );
    }

    #[test]
    fn impossible_layouts_are_refused() {
        let data = [0; 16];
        let kind = |size, stride, step| {
            ChromaPlane::new(&data, size, stride, step, EIGHT)
                .unwrap_err()
                .kind()
        };
        assert_eq!(kind((0, 1), 1, 1), LayoutErrorKind::Empty);
        assert_eq!(kind((4, 2), 3, 1), LayoutErrorKind::Chroma);
        assert_eq!(kind((4, 2), 4, 0), LayoutErrorKind::Chroma);
        assert_eq!(kind((4, 5), 4, 1), LayoutErrorKind::Short);
        assert_eq!(kind((usize::MAX, 1), 4, 2), LayoutErrorKind::TooLarge);
        assert_eq!(kind((1, 3), usize::MAX / 2, 1), LayoutErrorKind::TooLarge);
        let whole = ChromaPlane::new(&data, (4, 4), 4, 1, EIGHT).unwrap();
        let half = ChromaPlane::new(&data, (2, 4), 4, 1, EIGHT).unwrap();
        let kind = |v, subsampling| {
            ChromaView::new(whole, v, subsampling, Matrix::Bt709)
                .map(|_| ())
                .map_err(|e| e.kind())
        };
        assert_eq!(kind(half, (1, 1)), Err(LayoutErrorKind::Chroma));
        assert_eq!(kind(whole, (3, 0)), Err(LayoutErrorKind::Chroma));
        assert_eq!(kind(whole, (0, 0)), Ok(()));
    }
}
