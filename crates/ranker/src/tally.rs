//! What is added up over a picture's cells: whole numbers, so that neither order
//! nor the number of threads can show in a result. Nothing is divided here; what
//! the sums mean is told in `metrics`.

#![expect(
    clippy::inline_always,
    reason = "compiled for the vector instructions that `measure` chose only if inlined there"
)]

use std::ops::Range;

use crate::cells::VALUES;

/// Cells (below 2^10) that fit 16 bits in sum.
pub(crate) const CELLS_PER_U16: usize = 64;
/// Cells whose products (below 2^20), or anything smaller, fit 32 bits in sum.
const PRODUCTS_PER_U32: usize = 4096;
/// Cells that are added side by side.
const LANES: usize = 64;
/// Cells whose Laplacian squares (below 2^24.1) fit 32 bits in sum.
const LAPLACIANS_PER_U32: usize = 240;
/// The colour value of grey, in fourths of an 8-bit level.
pub(crate) const GREY: u16 = 512;

/// The limits, in fourths of an 8-bit level, that depend on the range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Wholly clipped at and below, not at all at and above; and the same for white.
    pub(crate) dark: (u16, u16),
    pub(crate) bright: (u16, u16),
    /// Squared gradient above which a cell lies on an edge.
    pub(crate) edge: i32,
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

/// Σ of cells. Lanes of 16 bits are added up before they can wrap.
#[inline(always)]
pub(crate) fn sum(cells: &[u16]) -> u64 {
    cells.chunks(LANES * CELLS_PER_U16).fold(0, |total, part| {
        let (wide, rest) = part.as_chunks::<LANES>();
        let mut lanes = [0_u16; LANES];
        for cells in wide {
            for (lane, &cell) in lanes.iter_mut().zip(cells) {
                *lane = lane.wrapping_add(cell);
            }
        }
        let all = lanes.iter().chain(rest).map(|&lane| u32::from(lane));
        total + u64::from(all.fold(0, u32::wrapping_add))
    })
}

/// Σ of the products of cells. A loop that does nothing else, of 16 bits with a sign:
/// only such a one becomes the instruction that multiplies and adds pairs.
#[inline(always)]
pub(crate) fn products(a: &[u16], b: &[u16]) -> u64 {
    let parts = a.chunks(PRODUCTS_PER_U32).zip(b.chunks(PRODUCTS_PER_U32));
    parts.fold(0, |total, (a, b)| {
        let sum = a.iter().zip(b).fold(0_i32, |sum, (&a, &b)| {
            let [a, b] = [a, b].map(|cell| i32::from(cell.cast_signed()));
            sum.wrapping_add(a.wrapping_mul(b))
        });
        total + u64::from(sum.cast_unsigned())
    })
}

/// How deep cells lie in the ramps at both ends.
#[inline(always)]
pub(crate) fn clipping(cells: &[u16], limits: &Limits) -> (u64, u64) {
    let (dark, bright) = (limits.dark, limits.bright);
    let (dark_depth, bright_depth) = (dark.1 - dark.0, bright.1 - bright.0);
    cells.chunks(PRODUCTS_PER_U32).fold((0, 0), |total, part| {
        let (low, high) = part.iter().fold((0_u32, 0_u32), |(low, high), &cell| {
            let below = dark.1.saturating_sub(cell).min(dark_depth);
            let above = cell.saturating_sub(bright.0).min(bright_depth);
            (
                low.wrapping_add(below.into()),
                high.wrapping_add(above.into()),
            )
        });
        (total.0 + u64::from(low), total.1 + u64::from(high))
    })
}

/// More than the values that there are: where a processor looks whether a load must wait
/// for a store, addresses 4096 bytes apart are as equal ones.
const TABLE: usize = VALUES + 32;
/// As many tables as let equal neighbours not wait for each other.
const TABLES: usize = 8;
/// The most that is counted in one table.
const MOST: usize = u16::MAX as usize;

/// How many cells have each value. Counts of 16 bits: more tables of wider ones would not
/// leave room for the cells in the nearest cache.
#[derive(Debug)]
pub(crate) struct Histogram {
    tables: Box<[[u16; TABLE]; TABLES]>,
    /// No value of a table was counted more often.
    most: usize,
    totals: Vec<u32>,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        #[expect(
            clippy::large_stack_arrays,
            reason = "16 KiB, and on its way to the heap"
        )]
        let tables = Box::new([[0; TABLE]; TABLES]);
        Self {
            tables,
            most: 0,
            totals: vec![0; VALUES],
        }
    }

    /// Counts values.
    #[inline(always)]
    pub(crate) fn count(&mut self, cells: &[u16]) {
        for cells in cells.chunks(TABLES * MOST) {
            let most = cells.len().div_ceil(TABLES);
            if self.most + most > MOST {
                self.add_up();
            }
            self.most += most;
            let (groups, rest) = cells.as_chunks::<TABLES>();
            for group in groups {
                for (table, &cell) in self.tables.iter_mut().zip(group) {
                    let count = &mut table[usize::from(cell) % VALUES];
                    *count = count.wrapping_add(1);
                }
            }
            for (table, &cell) in self.tables.iter_mut().zip(rest) {
                let count = &mut table[usize::from(cell) % VALUES];
                *count = count.wrapping_add(1);
            }
        }
    }

    /// What was counted.
    pub(crate) fn totals(mut self) -> Vec<u32> {
        self.add_up();
        self.totals
    }

    fn add_up(&mut self) {
        for table in self.tables.iter_mut() {
            for (total, count) in self.totals.iter_mut().zip(table) {
                *total += u32::from(std::mem::take(count));
            }
        }
        self.most = 0;
    }
}

/// Adds a row of cells to those of the same columns, [`CELLS_PER_U16`] rows at most.
#[inline(always)]
pub(crate) fn add_columns(cells: &[u16], columns: &mut [u16]) {
    for (column, &cell) in columns.iter_mut().zip(cells) {
        *column = column.wrapping_add(cell);
    }
}

/// Σ of squared Laplacians and of squared gradients of those cells of the middle
/// row that lie on an edge. The rows are as long as each other; the first and the
/// last cell of the middle row have no neighbour and are left out.
///
/// The gradient is the difference of the neighbours on both sides, the Laplacian
/// four times the cell less its four neighbours.
#[inline(always)]
pub(crate) fn edges(above: &[u16], middle: &[u16], below: &[u16], edge: i32) -> (u64, u64) {
    let inner = middle.len().saturating_sub(2);
    if inner == 0 || above.len() != middle.len() || below.len() != middle.len() {
        return (0, 0);
    }
    let (left, centre, right) = (&middle[..inner], &middle[1..=inner], &middle[2..]);
    let (above, below) = (&above[1..=inner], &below[1..=inner]);
    let mut total = (0, 0);
    let mut start = 0;
    while start < inner {
        let part = start..(start + LAPLACIANS_PER_U32).min(inner);
        start = part.end;
        let lines = [left, centre, right, above, below].map(|line| &line[part.clone()]);
        let (laplacian, gradient) = edge_sums(lines, edge);
        total = (
            total.0 + u64::from(laplacian),
            total.1 + u64::from(gradient),
        );
    }
    total
}

#[inline(always)]
fn edge_sums([left, centre, right, above, below]: [&[u16]; 5], edge: i32) -> (u32, u32) {
    let mut sums = (0_u32, 0_u32);
    let sides = left.iter().zip(right).zip(above.iter().zip(below));
    for (&centre, ((&left, &right), (&above, &below))) in centre.iter().zip(sides) {
        // Cells are below 2^10, so all of this fits 16 bits.
        let [left, centre, right, above, below] =
            [left, centre, right, above, below].map(u16::cast_signed);
        let across = right.wrapping_sub(left);
        let down = below.wrapping_sub(above);
        let around = left
            .wrapping_add(right)
            .wrapping_add(above)
            .wrapping_add(below);
        let laplacian = (centre << 2).wrapping_sub(around);
        let square = |n: i16| i32::from(n).wrapping_mul(i32::from(n));
        let gradient = square(across).wrapping_add(square(down));
        let on = if gradient > edge { u32::MAX } else { 0 };
        sums.0 = sums.0.wrapping_add(square(laplacian).cast_unsigned() & on);
        sums.1 = sums.1.wrapping_add(gradient.cast_unsigned() & on);
    }
    sums
}

/// The part of a range that lies in another.
pub(crate) fn common(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_right_however_many_and_however_short_the_rows_are() {
        for row in [1, 7, 8, 1_000_003] {
            let mut histogram = Histogram::new();
            let rows = 1_100_000 / row;
            for _ in 0..rows {
                histogram.count(&vec![5; row]);
            }
            let totals = histogram.totals();
            assert_eq!(usize::try_from(totals[5]), Ok(rows * row));
            assert_eq!(totals.iter().filter(|&&count| count > 0).count(), 1);
        }
    }
}
