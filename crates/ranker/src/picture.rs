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
        Ok(Self { luma, chroma })
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
        Self { luma, chroma: None }
    }
}
