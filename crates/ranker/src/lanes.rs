//! What is added up over the cells of a row, many at once: written for the vectors that
//! every processor has in some width, as what compilers make of plain loops varies too
//! much. Whole numbers; what they are summed to is in `tally`.
//!
//! Closures are inlined by force like functions: one that is not is compiled without the
//! vector instructions.

#![expect(
    clippy::inline_always,
    reason = "compiled for the vector instructions that `measure` chose only if inlined there"
)]

use fearless_simd::prelude::*;
use fearless_simd::{i16x32, i32x16, u16x32};

use crate::tally::Limits;

/// Cells that are worked on at once.
const GROUP: usize = 32;
/// Groups of which a pair of squares (below 2^25) at each place fits 32 bits in sum.
const GROUPS: usize = 128;
/// A rise that is on an edge whatever the limit; its square fits 15 bits, twice.
const STEEP: i16 = 127;

/// Σ of cells.
#[inline(always)]
pub(crate) fn sum<S: Simd>(simd: S, cells: &[u16]) -> u64 {
    let one = i16x32::splat(simd, 1);
    let [sum] = groups(
        simd,
        [cells],
        0,
        #[inline(always)]
        |[cells]| [cells.pairwise_dot_product(one)],
    );
    sum
}

/// Σ of the squares of cells.
#[inline(always)]
pub(crate) fn squares<S: Simd>(simd: S, cells: &[u16]) -> u64 {
    let [squares] = groups(
        simd,
        [cells],
        0,
        #[inline(always)]
        |[cells]| [cells.pairwise_dot_product(cells)],
    );
    squares
}

/// Σ of the squares of both, and of their product.
#[inline(always)]
pub(crate) fn products<S: Simd>(simd: S, a: &[u16], b: &[u16]) -> [u64; 3] {
    groups(
        simd,
        [a, b],
        0,
        #[inline(always)]
        |[a, b]| {
            [
                a.pairwise_dot_product(a),
                b.pairwise_dot_product(b),
                a.pairwise_dot_product(b),
            ]
        },
    )
}

/// How deep cells lie in the ramps at both ends.
#[inline(always)]
pub(crate) fn clipping<S: Simd>(simd: S, cells: &[u16], limits: &Limits) -> [u64; 2] {
    let splat = |value: u16| i16x32::splat(simd, value.cast_signed());
    let (none, one) = (splat(0), splat(1));
    let (dark, bright) = (limits.dark, limits.bright);
    let (dark_depth, bright_depth) = (splat(dark.1 - dark.0), splat(bright.1 - bright.0));
    let (dark_end, bright_start) = (splat(dark.1), splat(bright.0));
    groups(
        simd,
        [cells],
        dark.1,
        #[inline(always)]
        |[cells]| {
            let below = (dark_end - cells).max(none).min(dark_depth);
            let above = (cells - bright_start).max(none).min(bright_depth);
            [
                below.pairwise_dot_product(one),
                above.pairwise_dot_product(one),
            ]
        },
    )
}

/// Σ of what lanes make of cells, a pair of which is below 2^21. Cells that are missing
/// at the end are taken for `missing`, which must make 0.
#[inline(always)]
fn groups<S: Simd, const N: usize, const M: usize>(
    simd: S,
    cells: [&[u16]; N],
    missing: u16,
    lanes: impl Fn([i16x32<S>; N]) -> [i32x16<S>; M],
) -> [u64; M] {
    let mut rest = [i16x32::splat(simd, 0); N];
    for (group, cells) in rest.iter_mut().zip(cells) {
        let cells = cells.as_chunks::<GROUP>().1;
        let mut padded = [missing; GROUP];
        padded[..cells.len()].copy_from_slice(cells);
        *group = load(simd, &padded);
    }
    let mut sums = lanes(rest);
    let cells = cells.map(|cells| cells.as_chunks::<GROUP>().0);
    let count = cells.iter().map(|groups| groups.len()).min().unwrap_or(0);
    let mut total = [0; M];
    for n in 0..count {
        let mut now = rest;
        for (group, groups) in now.iter_mut().zip(cells) {
            *group = load(simd, &groups[n]);
        }
        let more = lanes(now);
        for m in 0..M {
            sums[m] += more[m];
        }
        if n % GROUPS == GROUPS - 1 {
            for m in 0..M {
                total[m] += add_up(sums[m]);
                sums[m] = i32x16::splat(simd, 0);
            }
        }
    }
    for m in 0..M {
        total[m] += add_up(sums[m]);
    }
    total
}

#[inline(always)]
fn load<S: Simd>(simd: S, group: &[u16; GROUP]) -> i16x32<S> {
    u16x32::from_slice(simd, group).bitcast()
}

#[inline(always)]
fn add_up<S: Simd>(lanes: i32x16<S>) -> u64 {
    lanes
        .iter()
        .map(|lane| u64::from(lane.cast_unsigned()))
        .sum()
}

/// Σ of squared Laplacians and of squared gradients of those cells of the middle
/// row that lie on an edge. The rows are as long as each other; the first and the
/// last cell of the middle row have no neighbour and are left out.
///
/// The gradient is the difference of the neighbours on both sides, the Laplacian
/// four times the cell less its four neighbours.
#[inline(always)]
pub(crate) fn edges<S: Simd>(
    simd: S,
    above: &[u16],
    middle: &[u16],
    below: &[u16],
    edge: i16,
) -> (u64, u64) {
    let inner = middle.len().saturating_sub(2);
    if inner == 0 || above.len() != middle.len() || below.len() != middle.len() {
        return (0, 0);
    }
    let (left, centre, right) = (&middle[..inner], &middle[1..=inner], &middle[2..]);
    let (above, below) = (&above[1..=inner], &below[1..=inner]);
    let lines = [left, centre, right, above, below].map(|line| line.as_chunks::<GROUP>());
    // What is missing at the end is taken for black, where no edge lies.
    let rest = lines.map(|(_, rest)| {
        let mut group = [[0; GROUP]];
        group[0][..rest.len()].copy_from_slice(rest);
        group
    });
    let mut total = edge_sums(simd, rest.each_ref().map(<[_; 1]>::as_slice), edge);
    let groups = lines[0].0.len();
    for first in (0..groups).step_by(GROUPS) {
        let part = first..(first + GROUPS).min(groups);
        let sums = edge_sums(simd, lines.map(|(groups, _)| &groups[part.clone()]), edge);
        total = (total.0 + sums.0, total.1 + sums.1);
    }
    total
}

/// The same of [`GROUPS`] groups at most.
#[inline(always)]
fn edge_sums<S: Simd>(
    simd: S,
    [left, centre, right, above, below]: [&[[u16; GROUP]]; 5],
    edge: i16,
) -> (u64, u64) {
    let none = i16x32::splat(simd, 0);
    let steep = i16x32::splat(simd, STEEP);
    let mut laplacians = i32x16::splat(simd, 0);
    let mut gradients = laplacians;
    let lines = left
        .iter()
        .zip(right)
        .zip(above.iter().zip(below))
        .zip(centre);
    for (((left, right), (above, below)), centre) in lines {
        // Cells are below 2^10, so all of this fits 16 bits.
        let (left, right) = (load(simd, left), load(simd, right));
        let (above, below) = (load(simd, above), load(simd, below));
        let (across, down) = (right - left, below - above);
        let laplacian = (load(simd, centre) << 2) - (left + right + above + below);
        let (width, height) = (across.abs().min(steep), down.abs().min(steep));
        let on = (width * width + height * height).simd_gt(edge);
        let (laplacian, across, down) = (
            on.select(laplacian, none),
            on.select(across, none),
            on.select(down, none),
        );
        laplacians += laplacian.pairwise_dot_product(laplacian);
        gradients += across.pairwise_dot_product(across) + down.pairwise_dot_product(down);
    }
    (add_up(laplacians), add_up(gradients))
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};
    use proptest::prelude::*;

    use super::*;
    use crate::kernels::levels;

    const LIMITS: Limits = Limits {
        dark: (74, 109),
        bright: (896, 931),
        edge: 61 * 61,
    };

    /// Everything that is added up over the middle one of three rows.
    fn at(level: Level, rows: [&[u16]; 3]) -> ([u64; 2], [u64; 3], [u64; 2], (u64, u64)) {
        let [above, middle, below] = rows;
        dispatch!(level, simd => (
            [sum(simd, middle), squares(simd, middle)],
            products(simd, above, middle),
            clipping(simd, middle, &LIMITS),
            edges(simd, above, middle, below, LIMITS.edge),
        ))
    }

    /// The same, cell by cell.
    fn one_by_one(rows: [&[u16]; 3]) -> ([u64; 2], [u64; 3], [u64; 2], (u64, u64)) {
        let [above, middle, below] = rows.map(|row| row.iter().map(|&cell| i64::from(cell)));
        let product = |(a, b): (i64, i64)| (a * b).cast_unsigned();
        let total = |cells: &dyn Fn(i64) -> i64| -> u64 {
            middle.clone().map(|cell| cells(cell).cast_unsigned()).sum()
        };
        let sums = [total(&|cell| cell), total(&|cell| cell * cell)];
        let products = [
            above.clone().map(|cell| product((cell, cell))).sum(),
            sums[1],
            above.clone().zip(middle.clone()).map(product).sum(),
        ];
        let clipped = [
            total(&|cell| (109 - cell).clamp(0, 35)),
            total(&|cell| (cell - 896).clamp(0, 35)),
        ];
        let (above, middle, below): (Vec<_>, Vec<_>, Vec<_>) =
            (above.collect(), middle.collect(), below.collect());
        let mut edges = (0, 0);
        for n in 1..middle.len().saturating_sub(1) {
            let (left, right) = (middle[n - 1], middle[n + 1]);
            let gradient = (right - left).pow(2) + (below[n] - above[n]).pow(2);
            let laplacian = 4 * middle[n] - left - right - above[n] - below[n];
            if gradient > LIMITS.edge.into() {
                edges.0 += laplacian.pow(2).cast_unsigned();
                edges.1 += gradient.cast_unsigned();
            }
        }
        (sums, products, clipped, edges)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_vector_level_adds_up_alike(
            cells in prop::collection::vec((0_u16..1024, 0_u16..1024, 0_u16..1024), 0..9_000),
            // Small steps, too: at the limit of what an edge is.
            step in prop::sample::select(&[1_u16, 8, 31][..]),
        ) {
            let row = |of: &dyn Fn(&(u16, u16, u16)) -> u16| -> Vec<u16> {
                cells.iter().map(|cells| of(cells) / step).collect()
            };
            let rows = [row(&|cells| cells.0), row(&|cells| cells.1), row(&|cells| cells.2)];
            let rows = rows.each_ref().map(Vec::as_slice);
            for level in levels() {
                prop_assert_eq!(at(level, rows), one_by_one(rows), "{:?}", level);
            }
        }
    }

    #[test]
    fn no_sum_wraps_where_every_cell_is_as_extreme_as_can_be() {
        let length = 3 * GROUPS * GROUP + 7;
        let white = vec![1023; length];
        let every = |of: [u16; 4]| -> Vec<u16> { of.into_iter().cycle().take(length).collect() };
        // Every cell on an edge, and just so.
        let [over, between, under] = [
            every([0, 1023, 0, 1023]),
            every([1023, 0, 1023, 62]),
            every([0, 961, 0, 961]),
        ];
        let (odd, even): (Vec<u16>, Vec<u16>) = (0..length)
            .map(|n| if n % 2 == 0 { (0, 1023) } else { (1023, 0) })
            .unzip();
        for rows in [
            [&white[..], &white, &white],
            [&odd, &even, &odd],
            [&even, &white, &odd],
            [&over, &between, &under],
        ] {
            for level in levels() {
                assert_eq!(at(level, rows), one_by_one(rows), "{level:?}");
            }
        }
    }
}
