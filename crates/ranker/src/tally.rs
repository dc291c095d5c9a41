//! What is added up over a picture's cells: whole numbers, so that neither order
//! nor the number of threads can show in a result. Nothing is divided here; what
//! the sums mean is told in `metrics`.

#![expect(
    clippy::inline_always,
    reason = "compiled for the vector instructions that `measure` chose only if inlined there"
)]

use std::ops::Range;

/// Cells (below 2^10) that fit 16 bits in sum.
pub(crate) const CELLS_PER_U16: usize = 64;
/// The colour value of grey, in fourths of an 8-bit level.
pub(crate) const GREY: u16 = 512;

/// The limits, in fourths of an 8-bit level, that depend on the range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Wholly clipped at and below, not at all at and above; and the same for white.
    pub(crate) dark: (u16, u16),
    pub(crate) bright: (u16, u16),
    /// Squared gradient above which a cell lies on an edge.
    pub(crate) edge: i16,
}

/// Sums over cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sum: u64,
    pub(crate) squares: u64,
    /// How far below the dark limits, in steps of the ramp between them.
    pub(crate) dark: u64,
    pub(crate) bright: u64,
    pub(crate) laplacian: u64,
    pub(crate) gradient: u64,
    /// How many cells have each value; empty where not asked for.
    pub(crate) histogram: Vec<u32>,
    /// Luma of each block.
    pub(crate) blocks: Vec<u64>,
    /// Colour of each field of the look, row after row, grey being [`GREY`].
    pub(crate) look: Vec<[u64; 2]>,
    pub(crate) colour: Colour,
}

/// Sums of colour cells as they are, grey being [`GREY`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Colour {
    pub(crate) u: u64,
    pub(crate) v: u64,
    pub(crate) uu: u64,
    pub(crate) vv: u64,
    pub(crate) uv: u64,
}

impl Colour {
    #[inline(always)]
    pub(crate) fn add(&mut self, other: &Self) {
        self.u += other.u;
        self.v += other.v;
        self.uu += other.uu;
        self.vv += other.vv;
        self.uv += other.uv;
    }
}

impl Tally {
    /// Takes the sums over single cells of luma from the histogram.
    pub(crate) fn count(&mut self, limits: &Limits) {
        let (dark, bright) = (limits.dark, limits.bright);
        for (cell, &count) in (0_u16..).zip(&self.histogram) {
            let count = u64::from(count);
            let below = dark.1.saturating_sub(cell).min(dark.1 - dark.0);
            let above = cell.saturating_sub(bright.0).min(bright.1 - bright.0);
            let cell = u64::from(cell);
            self.sum += count * cell;
            self.squares += count * cell * cell;
            self.dark += count * u64::from(below);
            self.bright += count * u64::from(above);
        }
    }

    /// Adds what another part of the picture has.
    pub(crate) fn merge(mut self, other: &Self) -> Self {
        fn each<T: Copy>(to: &mut [T], from: &[T], add: impl Fn(&mut T, T)) {
            to.iter_mut()
                .zip(from)
                .for_each(|(to, &from)| add(to, from));
        }
        self.sum += other.sum;
        self.squares += other.squares;
        self.dark += other.dark;
        self.bright += other.bright;
        self.laplacian += other.laplacian;
        self.gradient += other.gradient;
        self.colour.add(&other.colour);
        each(&mut self.histogram, &other.histogram, |a, b| *a += b);
        each(&mut self.blocks, &other.blocks, |a, b| *a += b);
        each(&mut self.look, &other.look, |a, b| {
            a[0] += b[0];
            a[1] += b[1];
        });
        self
    }
}

/// Adds a row of cells to those of the same columns, [`CELLS_PER_U16`] rows at most.
#[inline(always)]
pub(crate) fn add_columns(cells: &[u16], columns: &mut [u16]) {
    for (column, &cell) in columns.iter_mut().zip(cells) {
        *column = column.wrapping_add(cell);
    }
}

/// The part of a range that lies in another.
pub(crate) fn common(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Histogram;

    #[test]
    fn a_histogram_tells_what_is_added_up_cell_by_cell() {
        let cells: Vec<u16> = (0..1024).chain(60..120).chain(880..940).collect();
        let mut histogram = Histogram::new();
        histogram.count(&cells);
        let mut tally = Tally {
            histogram: histogram.totals(),
            ..Tally::default()
        };
        tally.count(&Limits {
            dark: (74, 109),
            bright: (896, 931),
            edge: 0,
        });
        let total = |of: fn(u64) -> u64| -> u64 { cells.iter().map(|&cell| of(cell.into())).sum() };
        assert_eq!(tally.sum, total(|cell| cell));
        assert_eq!(tally.squares, total(|cell| cell * cell));
        assert_eq!(
            tally.dark,
            total(|cell| 109_u64.saturating_sub(cell).min(35))
        );
        assert_eq!(tally.bright, total(|cell| cell.saturating_sub(896).min(35)));
    }
}
