//! One decoded picture and what is known of it. Scoring, resizing and encoding
//! are for others.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use crate::{
    error::{Error, ErrorKind},
    ffi::{ColourLayout, LumaLayout, Picture},
    gate::Taint,
    orientation::Orientation,
    rgb::{self, Matrix, Rgb8},
};

/// One decoded picture, held by reference: cloning it shares the decoder's
/// buffer, and an 8-bit 4:2:0 picture takes width × height × 1.5 bytes as long
/// as any clone lives.
#[derive(Clone)]
pub struct Frame {
    pub(crate) picture: Picture,
    pub(crate) layout: LumaLayout,
    pub(crate) full_range: bool,
    pub(crate) is_jpeg: bool,
    pub(crate) orientation: Orientation,
    pub(crate) index: u64,
    pub(crate) stream_time: Duration,
    pub(crate) received_at: SystemTime,
    pub(crate) captured_at: Option<SystemTime>,
    pub(crate) keyframe: bool,
    pub(crate) taint: Option<Taint>,
    /// The index that its picture had when it was handed out before.
    pub(crate) repeated: Option<u64>,
}

/// The luma samples of a [`Frame`]: plane 0 of `height` rows, `stride` bytes
/// apart, each of `width` samples of `bytes_per_sample` (little-endian) bytes.
///
/// A sample's value is `(raw >> shift) & ((1 << bits) - 1)`. In full range black
/// is 0 and white `(1 << bits) - 1`; in limited range 16 and 235, each times
/// `1 << (bits - 8)`.
#[derive(Clone, Copy, Debug)]
pub struct Luma<'a> {
    /// `stride × (height − 1) + width × bytes_per_sample` bytes.
    pub data: &'a [u8],
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// 1 or 2.
    pub bytes_per_sample: usize,
    /// Significant bits of a sample, 8 to 16.
    pub bits: u32,
    /// Unused bits below them.
    pub shift: u32,
    /// Full range, else limited.
    pub full_range: bool,
}

/// The two colours of a [`Frame`]: U (blue less luma) and V (red less luma).
#[derive(Clone, Copy, Debug)]
pub struct Chroma<'a> {
    /// Blue less luma.
    pub u: ChromaPlane<'a>,
    /// Red less luma.
    pub v: ChromaPlane<'a>,
    /// log2 of the luma samples for each colour sample, across and down: (1, 1) is
    /// 4:2:0, (1, 0) 4:2:2, (0, 0) 4:4:4.
    pub subsampling: (u32, u32),
    /// How luma is made of red, green and blue.
    pub matrix: Matrix,
}

/// One colour: `height` rows, `stride` bytes apart, each of `width` samples, `step`
/// bytes apart; samples as in [`Luma`]. In NV12 both colours lie in one plane, and
/// the second one's `data` begins at its first sample.
#[derive(Clone, Copy, Debug)]
pub struct ChromaPlane<'a> {
    /// `stride × (height − 1) + step × (width − 1) + bytes_per_sample` bytes.
    pub data: &'a [u8],
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Bytes from one sample to the next.
    pub step: usize,
    /// 1 or 2.
    pub bytes_per_sample: usize,
    /// Significant bits of a sample, 8 to 16.
    pub bits: u32,
    /// Unused bits below them.
    pub shift: u32,
}

impl Frame {
    /// Pixels in a row as it is stored, whichever way it is shown.
    pub fn width(&self) -> u32 {
        self.picture.frame().width()
    }

    /// Rows as it is stored.
    pub fn height(&self) -> u32 {
        self.picture.frame().height()
    }

    /// How it is to be turned to be shown, as the stream says.
    pub fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// Width and height as it is shown.
    pub fn shown_size(&self) -> (u32, u32) {
        if self.orientation.transpose {
            (self.height(), self.width())
        } else {
            (self.width(), self.height())
        }
    }

    /// libav's name of the pixel format, such as `yuv420p`.
    pub fn pixel_format(&self) -> &'static str {
        self.picture.pixel_format_name()
    }

    /// Counts decoded pictures from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Since the first picture, by the stream's clock.
    pub fn stream_time(&self) -> Duration {
        self.stream_time
    }

    /// When its packet arrived, by this machine's clock.
    pub fn received_at(&self) -> SystemTime {
        self.received_at
    }

    /// When it was captured, by the camera's clock, where the camera sends RTCP
    /// sender reports.
    pub fn captured_at(&self) -> Option<SystemTime> {
        self.captured_at
    }

    /// Whether it can be decoded by itself.
    pub fn is_keyframe(&self) -> bool {
        self.keyframe
    }

    /// Why it may look damaged; `None` for a picture that is whole.
    pub fn taint(&self) -> Option<Taint> {
        self.taint
    }

    /// Whether it may look damaged: it came before the first keyframe, after a
    /// loss, or with decoding errors.
    pub fn is_corrupt(&self) -> bool {
        self.taint.is_some()
    }

    /// A keyframe that was handed out before and is decoded once more, since others of
    /// its group are predicted from it. It has the index and the time that it had then.
    pub fn is_repeated(&self) -> bool {
        self.repeated.is_some()
    }

    /// Width to height of one pixel as it is shown, 1:1 where the stream does not say.
    pub fn sample_aspect_ratio(&self) -> (u32, u32) {
        let ratio = self.picture.frame().aspect_ratio();
        match (
            u32::try_from(ratio.numerator()),
            u32::try_from(ratio.denominator()),
        ) {
            (Ok(w), Ok(h)) if w > 0 && h > 0 && self.orientation.transpose => (h, w),
            (Ok(w), Ok(h)) if w > 0 && h > 0 => (w, h),
            _ => (1, 1),
        }
    }

    /// Its luma samples, in place.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a plane that cannot be read.
    pub fn luma(&self) -> Result<Luma<'_>, Error> {
        let LumaLayout {
            plane,
            bytes_per_sample,
            bits,
            shift,
        } = self.layout;
        let (width, height) = (self.width() as usize, self.height() as usize);
        let (data, stride) = self
            .picture
            .plane(plane, height, width * bytes_per_sample)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Unsupported,
                    "the picture's luma plane cannot be read",
                )
            })?;
        let full_range = self.full_range;
        Ok(Luma {
            data,
            width,
            height,
            stride,
            bytes_per_sample,
            bits,
            shift,
            full_range,
        })
    }

    /// Its colours, in place; none for a grey picture.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for planes that cannot be read.
    pub fn chroma(&self) -> Result<Option<Chroma<'_>>, Error> {
        let Some(layout) = self.picture.chroma_layout() else {
            return Ok(None);
        };
        let unreadable = || {
            Error::new(
                ErrorKind::Unsupported,
                "the picture's colour planes cannot be read",
            )
        };
        let (across, down) = layout.subsampling;
        let size = (
            (self.width() as usize).div_ceil(1 << across),
            (self.height() as usize).div_ceil(1 << down),
        );
        let plane = |layout| self.chroma_plane(layout, size).ok_or_else(unreadable);
        Ok(Some(Chroma {
            u: plane(layout.u)?,
            v: plane(layout.v)?,
            subsampling: layout.subsampling,
            matrix: rgb::matrix(self.picture.frame(), self.is_jpeg),
        }))
    }

    fn chroma_plane(
        &self,
        layout: ColourLayout,
        (width, height): (usize, usize),
    ) -> Option<ChromaPlane<'_>> {
        let LumaLayout {
            plane,
            bytes_per_sample,
            bits,
            shift,
        } = layout.samples;
        let ColourLayout { offset, step, .. } = layout;
        let row = offset + step * width.checked_sub(1)? + bytes_per_sample;
        let (data, stride) = self.picture.plane(plane, height, row)?;
        Some(ChromaPlane {
            data: data.get(offset..)?,
            width,
            height,
            stride,
            step,
            bytes_per_sample,
            bits,
            shift,
        })
    }

    /// The picture in 8-bit RGB at its own size, with the stream's matrix, range
    /// and depth, turned as it is shown: what ffmpeg makes of it. Takes 1 ms at
    /// 1920 × 1080, and as much as 20 ms where it is turned.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where swscale cannot convert the format.
    pub fn to_rgb(&self) -> Result<Rgb8, Error> {
        self.to_rgb_in(Vec::new())
    }

    /// As [`Frame::to_rgb`], in the memory of `buffer`, whose contents are lost: at
    /// video sizes fresh memory takes as long as the conversion.
    ///
    /// # Errors
    /// As [`Frame::to_rgb`].
    pub fn to_rgb_in(&self, buffer: Vec<u8>) -> Result<Rgb8, Error> {
        let rgb = rgb::to_rgb(&self.picture, self.full_range, self.is_jpeg, buffer)?;
        Ok(self.orientation.apply(rgb))
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("index", &self.index)
            .field("size", &(self.width(), self.height()))
            .field("pixel_format", &self.pixel_format())
            .field("stream_time", &self.stream_time)
            .field("keyframe", &self.keyframe)
            .field("taint", &self.taint)
            .finish_non_exhaustive()
    }
}
