//! Pictures in memory and the sizes asked of them. No file, no PNG here; how a
//! thumbnail is computed stands in `thumbnail.rs`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Pixels a side that a [`Picture`] may have at most.
pub const MAX_PICTURE_SIDE: u32 = 16_384;
/// Pixels a side that a thumbnail may have at most.
pub const MAX_THUMBNAIL_SIDE: u32 = 4_096;

/// An RGB picture: 8 bits a sample, three samples a pixel, rows from the top
/// without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// Takes `rgb`, `width × height × 3` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) where a side is not in
    /// 1..=[`MAX_PICTURE_SIDE`] or the number of bytes does not fit.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, Error> {
        let side = 1..=MAX_PICTURE_SIDE;
        if !side.contains(&width) || !side.contains(&height) {
            return Err(Error::invalid(format!(
                "a picture of {width}×{height} is out of range: each side has 1 to {MAX_PICTURE_SIDE} pixels"
            )));
        }
        let bytes = u64::from(width) * u64::from(height) * 3;
        if rgb.len() as u64 != bytes {
            return Err(Error::invalid(format!(
                "a picture of {width}×{height} takes {bytes} bytes, not {}",
                rgb.len()
            )));
        }
        Ok(Self { width, height, rgb })
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The samples, row by row from the top: R, G, B, R, G, B …
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Gives the samples away.
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }
}

impl fmt::Debug for Picture {
    // Millions of samples would drown a failing test's message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}×{})", self.width, self.height)
    }
}

/// Which of a winner's two pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureKind {
    /// Resized to what the session asked for.
    Thumbnail,
    /// At the camera's own size.
    Original,
}

impl PictureKind {
    /// Both, the small one first.
    pub const ALL: [Self; 2] = [Self::Thumbnail, Self::Original];

    /// The folder of a gallery where pictures of this kind lie.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Thumbnail => "thumbnails",
            Self::Original => "originals",
        }
    }
}

impl fmt::Display for PictureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Thumbnail => "thumbnail",
            Self::Original => "original",
        })
    }
}

/// How a picture is fitted into a thumbnail of another shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Fill the thumbnail; what does not fit is cut off on both sides alike.
    #[default]
    Cover,
    /// Show the whole picture between black bars.
    Contain,
    /// Pull the picture to the thumbnail's shape, as plain `resize` calls do.
    Stretch,
}

impl Fit {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Cover, Self::Contain, Self::Stretch];

    /// The name used in options: `cover`, `contain`, `stretch`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cover => "cover",
            Self::Contain => "contain",
            Self::Stretch => "stretch",
        }
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fit {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|fit| fit.name() == name)
            .ok_or_else(|| Error::invalid("fit is `cover`, `contain` or `stretch`"))
    }
}

/// The size and shape of thumbnails; 300×300 `cover` by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawSpec", into = "RawSpec")]
pub struct ThumbnailSpec {
    width: u32,
    height: u32,
    fit: Fit,
}

/// What crosses the pipe: checked again on the other side.
#[derive(Serialize, Deserialize)]
struct RawSpec {
    width: u32,
    height: u32,
    fit: Fit,
}

impl ThumbnailSpec {
    /// Pixels across, pixels down, and how a picture of another shape fits.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) where a side is not in
    /// 1..=[`MAX_THUMBNAIL_SIDE`]; the message names it.
    pub fn new(width: u32, height: u32, fit: Fit) -> Result<Self, Error> {
        for (name, side) in [("width", width), ("height", height)] {
            if !(1..=MAX_THUMBNAIL_SIDE).contains(&side) {
                return Err(Error::invalid(format!(
                    "{name} is 1 to {MAX_THUMBNAIL_SIDE} pixels, not {side}"
                )));
            }
        }
        Ok(Self { width, height, fit })
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// How a picture of another shape fits.
    pub fn fit(&self) -> Fit {
        self.fit
    }
}

impl Default for ThumbnailSpec {
    fn default() -> Self {
        Self {
            width: 300,
            height: 300,
            fit: Fit::Cover,
        }
    }
}

impl TryFrom<RawSpec> for ThumbnailSpec {
    type Error = Error;

    fn try_from(raw: RawSpec) -> Result<Self, Error> {
        Self::new(raw.width, raw.height, raw.fit)
    }
}

impl From<ThumbnailSpec> for RawSpec {
    fn from(spec: ThumbnailSpec) -> Self {
        Self {
            width: spec.width,
            height: spec.height,
            fit: spec.fit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_needs_exactly_its_bytes() {
        assert!(Picture::new(2, 3, vec![0; 18]).is_ok());
        for (width, height, bytes) in [(2, 3, 17), (2, 3, 19), (0, 3, 0), (16_385, 1, 49_155)] {
            assert!(
                Picture::new(width, height, vec![0; bytes]).is_err(),
                "{width}×{height}"
            );
        }
    }

    #[test]
    fn fit_is_written_as_it_is_read() {
        for fit in Fit::ALL {
            assert_eq!(fit.to_string().parse::<Fit>().ok(), Some(fit));
        }
        let message = "Cover".parse::<Fit>().unwrap_err().to_string();
        assert_eq!(message, "fit is `cover`, `contain` or `stretch`");
    }

    #[test]
    fn a_thumbnail_out_of_range_names_the_side() {
        let message = ThumbnailSpec::new(300, 0, Fit::Cover)
            .unwrap_err()
            .to_string();
        assert_eq!(message, "height is 1 to 4096 pixels, not 0");
        assert!(ThumbnailSpec::new(4097, 1, Fit::Cover).is_err());
        assert!(ThumbnailSpec::new(4096, 1, Fit::Cover).is_ok());
    }

    #[test]
    fn a_size_is_checked_again_behind_the_pipe() {
        let sent = postcard::to_stdvec(&RawSpec {
            width: 0,
            height: 9,
            fit: Fit::Contain,
        })
        .unwrap();
        assert!(postcard::from_bytes::<ThumbnailSpec>(&sent).is_err());
        let sent = postcard::to_stdvec(&ThumbnailSpec::default()).unwrap();
        assert_eq!(
            postcard::from_bytes::<ThumbnailSpec>(&sent).unwrap(),
            ThumbnailSpec::default()
        );
    }
}
