//! How a picture is to be turned before it is shown, as its stream says: the
//! display matrix of a file, or the display orientation message of H.264 and
//! H.265. Only turns by right angles and mirrors; a camera has no others.

use std::mem;

use ffmpeg_next::frame::{Video, side_data};

use crate::rgb::Rgb8;

/// How a stored picture becomes the one that is shown: mirrored first, then its rows
/// made columns. The default shows it as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    /// Left and right are exchanged.
    pub mirror_across: bool,
    /// Top and bottom are exchanged.
    pub mirror_down: bool,
    /// After that, rows become columns: width and height are exchanged.
    pub transpose: bool,
}

/// Bytes of a display matrix: nine numbers of 32 bits in the machine's order.
const MATRIX_BYTES: usize = 36;

impl Orientation {
    /// What the picture's display matrix says; `None` where it has none.
    pub(crate) fn of(frame: &Video) -> Option<Self> {
        let matrix = frame.side_data(side_data::Type::DisplayMatrix)?;
        Some(Self::from_bytes(matrix.data()))
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let number = |place: usize| {
            let bytes = bytes.get(4 * place..4 * place + 4);
            let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
            i32::from_ne_bytes(bytes.unwrap_or_default())
        };
        if bytes.len() < MATRIX_BYTES {
            return Self::default();
        }
        // A pixel at (x, y) is shown at (ax + cy, bx + dy).
        let (a, b, c, d) = (number(0), number(1), number(3), number(4));
        if b == 0 && c == 0 {
            Self {
                mirror_across: a < 0,
                mirror_down: d < 0,
                transpose: false,
            }
        } else if a == 0 && d == 0 {
            Self {
                mirror_across: b < 0,
                mirror_down: c < 0,
                transpose: true,
            }
        } else {
            Self::default()
        }
    }

    /// The picture turned. Only pictures that need it take the time, 20 ms at
    /// 1920 × 1080, and memory for a second one.
    pub(crate) fn apply(self, mut picture: Rgb8) -> Rgb8 {
        if self == Self::default() || picture.data.is_empty() {
            return picture;
        }
        let (pixels, _) = picture.data.as_chunks::<3>();
        let (width, height) = (picture.width as usize, picture.height as usize);
        let (across, down) = if self.transpose {
            (height, width)
        } else {
            (width, height)
        };
        let mut turned = Vec::with_capacity(picture.data.len());
        for y in 0..down {
            for x in 0..across {
                let (column, row) = if self.transpose { (y, x) } else { (x, y) };
                let column = mirrored(column, width, self.mirror_across);
                let row = mirrored(row, height, self.mirror_down);
                turned.extend_from_slice(&pixels[row * width + column]);
            }
        }
        picture.data = turned;
        if self.transpose {
            mem::swap(&mut picture.width, &mut picture.height);
        }
        picture
    }
}

fn mirrored(place: usize, length: usize, mirror: bool) -> usize {
    if mirror { length - 1 - place } else { place }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orientation(a: i32, b: i32, c: i32, d: i32) -> Orientation {
        let matrix = [a, b, 0, c, d, 0, 0, 0, 1 << 30];
        let bytes: Vec<u8> = matrix.iter().flat_map(|n| n.to_ne_bytes()).collect();
        Orientation::from_bytes(&bytes)
    }

    /// 3 × 2 pixels:  1 2 3 / 4 5 6, turned, as rows.
    fn shown(orientation: Orientation) -> Vec<Vec<u8>> {
        let picture = Rgb8 {
            width: 3,
            height: 2,
            data: (1..=6).flat_map(|n| [n; 3]).collect(),
        };
        let turned = orientation.apply(picture);
        let row = turned.width as usize * 3;
        let rows = turned.data.chunks(row);
        rows.map(|row| row.iter().copied().step_by(3).collect())
            .collect()
    }

    #[test]
    fn all_eight_orientations_put_every_pixel_where_the_matrix_says() {
        const ONE: i32 = 1 << 16;
        let same = [vec![1, 2, 3], vec![4, 5, 6]];
        assert_eq!(shown(orientation(ONE, 0, 0, ONE)), same);
        assert_eq!(shown(orientation(-ONE, 0, 0, ONE)), [[3, 2, 1], [6, 5, 4]]);
        assert_eq!(shown(orientation(ONE, 0, 0, -ONE)), [[4, 5, 6], [1, 2, 3]]);
        assert_eq!(shown(orientation(-ONE, 0, 0, -ONE)), [[6, 5, 4], [3, 2, 1]]);
        assert_eq!(shown(orientation(0, ONE, ONE, 0)), [[1, 4], [2, 5], [3, 6]]);
        // What a phone held upright writes: a quarter clockwise.
        assert_eq!(
            shown(orientation(0, ONE, -ONE, 0)),
            [[4, 1], [5, 2], [6, 3]]
        );
        assert_eq!(
            shown(orientation(0, -ONE, ONE, 0)),
            [[3, 6], [2, 5], [1, 4]]
        );
        assert_eq!(
            shown(orientation(0, -ONE, -ONE, 0)),
            [[6, 3], [5, 2], [4, 1]]
        );
    }

    #[test]
    fn a_slanted_or_short_matrix_turns_nothing() {
        assert_eq!(
            orientation(46341, 46341, -46341, 46341),
            Orientation::default()
        );
        assert_eq!(Orientation::from_bytes(&[0xff; 35]), Orientation::default());
    }
}
