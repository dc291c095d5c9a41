//! YUV to RGB with the stream's own matrix, range and depth, by swscale.
//! Resizing and PNG are for others.

use ffmpeg_next::{
    color, format,
    frame::Video,
    software::scaling::{Context, Flags},
};

use crate::{
    error::{Error, ErrorKind},
    ffi::{self, Picture},
};

/// A picture of 8-bit RGB, rows without padding: `data` holds
/// `width × height × 3` bytes, R first, full range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb8 {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The samples, row after row.
    pub data: Vec<u8>,
}

/// The weights by which red, green and blue make up luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Matrix {
    /// ITU-R BT.601, and its near relations.
    Bt601,
    /// ITU-R BT.709.
    Bt709,
    /// ITU-R BT.2020.
    Bt2020,
}

/// Rows begin at multiples of this while swscale writes them, and as many bytes
/// are left behind the last: its vector code may write beyond a row's end.
const STRIDE: usize = 64;

/// Converts at the picture's own size, into the memory of `buffer`.
pub(crate) fn to_rgb(
    picture: &Picture,
    full_range: bool,
    is_jpeg: bool,
    buffer: Vec<u8>,
) -> Result<Rgb8, Error> {
    let frame = picture.frame();
    let (width, height) = (frame.width(), frame.height());
    let failed = |e: ffmpeg_next::Error| {
        Error::new(
            ErrorKind::Unsupported,
            "the picture's pixel format cannot be shown in colour",
        )
        .with_source(e)
    };
    let mut scaler = Context::get(
        frame.format(),
        width,
        height,
        format::Pixel::RGB24,
        width,
        height,
        // What ffmpeg uses unless told otherwise: its PNG of a frame and ours are the
        // same. Interpolated chroma with exact rounding would take fifteen times as long.
        Flags::BICUBIC,
    )
    .map_err(failed)?;
    // The call is refused only for formats that have no YUV matrix (RGB, GRAY).
    ffi::set_colour_details(&mut scaler, coefficients(frame, is_jpeg), full_range);
    let (row, rows) = (width as usize * 3, height as usize);
    let stride = row.next_multiple_of(STRIDE);
    let mut data = buffer;
    data.resize(stride * rows + STRIDE, 0);
    ffi::scale_into(&mut scaler, picture, rows, stride, &mut data)
        .map_err(|e| failed(ffmpeg_next::Error::from(e.0)))?;
    if stride != row {
        for line in 1..rows {
            data.copy_within(line * stride..line * stride + row, line * row);
        }
    }
    data.truncate(row * rows);
    Ok(Rgb8 {
        width,
        height,
        data,
    })
}

/// swscale's number for the matrix.
fn coefficients(frame: &Video, is_jpeg: bool) -> i32 {
    const FCC: i32 = 4;
    const SMPTE240M: i32 = 7;
    match (frame.color_space(), matrix(frame, is_jpeg)) {
        (color::Space::FCC, _) => FCC,
        (color::Space::SMPTE240M, _) => SMPTE240M,
        (_, Matrix::Bt709) => 1,
        (_, Matrix::Bt601) => 5,
        (_, Matrix::Bt2020) => 9,
    }
}

/// The stream's matrix, or a near relation of it. Where the stream names none: JPEG is
/// BT.601 (JFIF), standard definition too, and larger pictures BT.709, as players assume.
pub(crate) fn matrix(frame: &Video, is_jpeg: bool) -> Matrix {
    match frame.color_space() {
        color::Space::BT709 | color::Space::SMPTE240M => Matrix::Bt709,
        color::Space::FCC | color::Space::BT470BG | color::Space::SMPTE170M => Matrix::Bt601,
        color::Space::BT2020NCL | color::Space::BT2020CL => Matrix::Bt2020,
        _ if !is_jpeg && (frame.height() > 576 || frame.width() > 1024) => Matrix::Bt709,
        _ => Matrix::Bt601,
    }
}
