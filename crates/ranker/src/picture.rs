//! A picture as the ranker sees it: luma, and colour where there is any. Layouts
//! are checked in `luma` and `chroma`.

use crate::chroma::ChromaView;
use crate::layout::{LayoutError, Problem};
use crate::luma::LumaView;

/// A borrowed picture. Copying one copies pointers and numbers, never samples.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    luma: LumaView<'a>,
    chroma: Option<ChromaView<'a>>,
    orientation: Orientation,
}

/// How a stored picture becomes the one that is shown: mirrored first, then its rows
/// made columns. The default shows it as it is stored.
///
/// Regions are of the picture as it is shown; the scores themselves are the same
/// whichever way a picture is turned, but for the order in which rounded sums are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    /// Left and right are exchanged.
    pub mirror_across: bool,
    /// Top and bottom are exchanged.
    pub mirror_down: bool,
    /// After that, rows become columns: width and height are exchanged.
    pub transpose: bool,
}

impl<'a> Picture<'a> {
    /// A picture in colour.
    ///
    /// # Errors
    /// [`LayoutErrorKind::Chroma`](crate::LayoutErrorKind::Chroma) where the colour
    /// planes are of another size than the luma plane, subsampled.
    pub fn new(luma: LumaView<'a>, chroma: ChromaView<'a>) -> Result<Self, LayoutError> {
        if !chroma.fits(luma.width(), luma.height()) {
            return Err(Problem::Chroma.into());
        }
        let chroma = Some(chroma);
        Ok(Self {
            chroma,
            ..Self::from(luma)
        })
    }

    /// The same samples, shown another way.
    #[must_use]
    pub const fn turned(mut self, orientation: Orientation) -> Self {
        self.orientation = orientation;
        self
    }

    /// How it is turned to be shown.
    pub const fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// The luma plane.
    pub const fn luma(&self) -> LumaView<'a> {
        self.luma
    }

    /// The colour planes; none in a grey picture.
    pub const fn chroma(&self) -> Option<ChromaView<'a>> {
        self.chroma
    }
}

/// A grey picture.
impl<'a> From<LumaView<'a>> for Picture<'a> {
    fn from(luma: LumaView<'a>) -> Self {
        Self {
            luma,
            chroma: None,
            orientation: Orientation::default(),
        }
    }
}
