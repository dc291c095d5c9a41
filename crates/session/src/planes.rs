//! A decoder's frame as the ranker reads it: the same planes, in place.

use bestshot_decoder::{self as decoder, ErrorKind, Frame};
use bestshot_ranker::{
    ChromaPlane, ChromaView, LayoutError, LumaView, Matrix, Orientation, Picture, Range,
    SampleFormat,
};

use crate::describe::Broke;

/// Borrows the frame's luma and, where there is any, its colours.
pub(crate) fn picture<'a>(frame: &'a Frame) -> Result<Picture<'a>, Broke> {
    let (luma, chroma) = (frame.luma()?, frame.chroma()?);
    let range = if luma.full_range {
        Range::Full
    } else {
        Range::Limited
    };
    let layout = || -> Result<Picture<'a>, LayoutError> {
        let format = SampleFormat::new(luma.bits, luma.bytes_per_sample, luma.shift)?;
        let (width, height, stride) = (luma.width, luma.height, luma.stride);
        let luma = LumaView::new(luma.data, width, height, stride, format, range)?;
        let Some(chroma) = chroma else {
            return Ok(luma.into());
        };
        let matrix = match chroma.matrix {
            decoder::Matrix::Bt601 => Matrix::Bt601,
            decoder::Matrix::Bt2020 => Matrix::Bt2020,
            _ => Matrix::Bt709,
        };
        let (u, v) = (plane(&chroma.u)?, plane(&chroma.v)?);
        let chroma = ChromaView::new(u, v, chroma.subsampling, matrix)?;
        Picture::new(luma, chroma)
    };
    let shown = |picture: Picture<'a>| picture.turned(orientation(frame));
    layout().map(shown).map_err(|e| Broke {
        kind: ErrorKind::Unsupported,
        message: e.to_string(),
        lasting: true,
    })
}

fn orientation(frame: &Frame) -> Orientation {
    let decoder::Orientation {
        mirror_across,
        mirror_down,
        transpose,
    } = frame.orientation();
    Orientation {
        mirror_across,
        mirror_down,
        transpose,
    }
}

fn plane<'a>(plane: &decoder::ChromaPlane<'a>) -> Result<ChromaPlane<'a>, LayoutError> {
    let format = SampleFormat::new(plane.bits, plane.bytes_per_sample, plane.shift)?;
    let size = (plane.width, plane.height);
    ChromaPlane::new(plane.data, size, plane.stride, plane.step, format)
}
