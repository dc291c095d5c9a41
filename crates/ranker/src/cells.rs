//! Samples to cells: the mean of each 2×2 luma samples and of the colour at the
//! same place, whatever the layout, in fourths of an 8-bit level (0 to 1023). At
//! an odd edge the last sample counts twice. What cells are worth is in `tally`.

#![expect(
    clippy::inline_always,
    reason = "compiled for the vector instructions that `measure` chose only if inlined there"
)]

use crate::chroma::{ChromaPlane, ChromaView};
use crate::luma::LumaView;

/// A level of 8 bits in a cell.
pub(crate) const LEVEL: u32 = 4;
/// Values that a cell can have.
pub(crate) const VALUES: usize = 1024;

/// Cells across and down of a picture of so many pixels.
pub(crate) const fn grid(width: usize, height: usize) -> (usize, usize) {
    (width.div_ceil(2), height.div_ceil(2))
}

/// One row of luma cells. `cells` has one for each column.
#[inline(always)]
pub(crate) fn luma_row(luma: &LumaView<'_>, row: usize, cells: &mut [u16]) {
    let (top, bottom) = (luma.row(2 * row), luma.row(2 * row + 1));
    let format = luma.format();
    if format.bytes_per_sample() == 1 {
        pairs8(top, bottom, cells);
    } else {
        pairs16(
            top,
            bottom,
            format.mask(),
            format.shift() + format.bits() - 8,
            cells,
        );
    }
}

/// One row of cells of both colours.
#[inline(always)]
pub(crate) fn chroma_row(chroma: &ChromaView<'_>, row: usize, u: &mut [u16], v: &mut [u16]) {
    let (top, bottom) = match chroma.vertical {
        0 => (2 * row, 2 * row + 1),
        1 => (row, row),
        _ => (row / 2, row / 2),
    };
    let wide = chroma.horizontal;
    chroma_plane_row(&chroma.u, (top, bottom), wide, u);
    chroma_plane_row(&chroma.v, (top, bottom), wide, v);
}

#[inline(always)]
fn chroma_plane_row(plane: &ChromaPlane<'_>, rows: (usize, usize), wide: u32, cells: &mut [u16]) {
    let (top, bottom) = (plane.row_bytes(rows.0), plane.row_bytes(rows.1));
    let format = plane.format();
    let eight = format.bytes_per_sample() == 1;
    match (eight, wide, plane.step()) {
        (true, 1, 1) => {
            for ((cell, &a), &b) in cells.iter_mut().zip(top).zip(bottom) {
                *cell = 2 * (u16::from(a) + u16::from(b));
            }
        }
        (true, 0, 1) => pairs8(top, bottom, cells),
        // The other colour lies in between; after the last sample nothing does.
        (true, 1, 2) => {
            let twice = |at: &[u8]| u16::from(at[0]);
            for ((cell, a), b) in cells.iter_mut().zip(top.chunks(2)).zip(bottom.chunks(2)) {
                *cell = 2 * (twice(a) + twice(b));
            }
        }
        (false, 1, 2) => {
            let (mask, shift) = (format.mask(), format.shift() + format.bits() - 8);
            let value = |at: [u8; 2]| u32::from(u16::from_le_bytes(at) & mask);
            let (tops, bottoms) = (top.as_chunks::<2>().0, bottom.as_chunks::<2>().0);
            for ((cell, &a), &b) in cells.iter_mut().zip(tops).zip(bottoms) {
                *cell = fourths(2 * (value(a) + value(b)), shift);
            }
        }
        _ => any_chroma(plane, rows, wide, cells),
    }
}

/// Layouts that are rarer, sample by sample.
fn any_chroma(plane: &ChromaPlane<'_>, rows: (usize, usize), wide: u32, cells: &mut [u16]) {
    let format = plane.format();
    let last = plane.size().0 - 1;
    let lines = [plane.row_bytes(rows.0), plane.row_bytes(rows.1)];
    for (column, cell) in cells.iter_mut().enumerate() {
        let places = [2 * column, 2 * column + 1].map(|pixel| (pixel >> wide).min(last));
        let samples = lines.iter().flat_map(|line| {
            places.map(|place| match line.get(place * plane.step()..) {
                Some(&[low, high, ..]) if format.bytes_per_sample() == 2 => {
                    u32::from((u16::from_le_bytes([low, high]) & format.mask()) >> format.shift())
                }
                Some(&[value, ..]) => u32::from(value),
                _ => 0,
            })
        });
        *cell = fourths(samples.sum(), format.bits() - 8);
    }
}

/// `shift`: from the sum of four samples to fourths of an 8-bit level.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "four samples of 8 bits at most"
)]
fn fourths(sum: u32, shift: u32) -> u16 {
    (sum >> shift) as u16
}

#[inline(always)]
fn pairs8(top: &[u8], bottom: &[u8], cells: &mut [u16]) {
    let ((tops, top_rest), (bottoms, bottom_rest)) =
        (top.as_chunks::<2>(), bottom.as_chunks::<2>());
    for ((cell, &a), &b) in cells.iter_mut().zip(tops).zip(bottoms) {
        let (a, b) = (u16::from_le_bytes(a), u16::from_le_bytes(b));
        *cell = (a & 0xff) + (a >> 8) + (b & 0xff) + (b >> 8);
    }
    if let ([a], [b], Some(cell)) = (top_rest, bottom_rest, cells.last_mut()) {
        *cell = 2 * (u16::from(*a) + u16::from(*b));
    }
}

#[inline(always)]
fn pairs16(top: &[u8], bottom: &[u8], mask: u16, shift: u32, cells: &mut [u16]) {
    let ((tops, top_rest), (bottoms, bottom_rest)) =
        (top.as_chunks::<4>(), bottom.as_chunks::<4>());
    let mask = u32::from(mask);
    for ((cell, &a), &b) in cells.iter_mut().zip(tops).zip(bottoms) {
        let (a, b) = (u32::from_le_bytes(a), u32::from_le_bytes(b));
        let sum = (a & mask) + ((a >> 16) & mask) + (b & mask) + ((b >> 16) & mask);
        *cell = fourths(sum, shift);
    }
    if let (&[a, b], &[c, d], Some(cell)) = (top_rest, bottom_rest, cells.last_mut()) {
        let value = |low, high| u32::from(u16::from_le_bytes([low, high])) & mask;
        *cell = fourths(2 * (value(a, b) + value(c, d)), shift);
    }
}
