//! What can be wrong with the layout of a plane, told so that whoever wired
//! the planes can see which number is off. The checks themselves are in `luma`.

/// A plane whose numbers do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct LayoutError(#[from] Problem);

impl LayoutError {
    /// Which of the checks failed.
    pub const fn kind(&self) -> LayoutErrorKind {
        match self.0 {
            Problem::Empty { .. } => LayoutErrorKind::Empty,
            Problem::Stride { .. } => LayoutErrorKind::Stride,
            Problem::TooLarge { .. } => LayoutErrorKind::TooLarge,
            Problem::Short { .. } => LayoutErrorKind::Short,
            Problem::Format { .. } => LayoutErrorKind::Format,
            Problem::Chroma => LayoutErrorKind::Chroma,
        }
    }
}

/// What is wrong with a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayoutErrorKind {
    /// Width or height is zero.
    Empty,
    /// A row is longer than the distance between rows.
    Stride,
    /// More than 2^32 − 1 samples, or a length that overflows.
    TooLarge,
    /// The buffer ends before the plane does.
    Short,
    /// Bits, bytes per sample and shift do not fit together.
    Format,
    /// Colour planes overlap, differ, or are not those of the luma plane.
    Chroma,
}

/// The failed check with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("a picture of {width}×{height} has no pixels")]
    Empty { width: usize, height: usize },
    #[error("rows lie {stride} bytes apart, but {width} pixels take {row} bytes")]
    Stride {
        width: usize,
        stride: usize,
        row: usize,
    },
    #[error("a picture of {width}×{height} with rows {stride} bytes apart is too large to score")]
    TooLarge {
        width: usize,
        height: usize,
        stride: usize,
    },
    #[error("a picture of {width}×{height} needs {needed} bytes of luma, but there are {got}")]
    Short {
        width: usize,
        height: usize,
        needed: usize,
        got: usize,
    },
    #[error(
        "a sample of {bits} bits, shifted by {shift}, in {bytes_per_sample} bytes cannot be read: \
         8 to 16 bits in 1 or 2 bytes can"
    )]
    Format {
        bits: u32,
        bytes_per_sample: usize,
        shift: u32,
    },
    #[error("the colour planes fit neither each other nor the picture")]
    Chroma,
}
