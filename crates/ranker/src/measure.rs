//! One pass over a picture that adds up what the chosen characteristics need, and
//! nothing else: each row of cells is made, and used, while it is in the nearest
//! cache. What the sums mean is told in `metrics`.

#![expect(
    clippy::inline_always,
    reason = "a function is compiled for the vector instructions that `dispatch!` chose only if it \
              is inlined there"
)]

use std::ops::{BitOr, Range};

use fearless_simd::{Level, Simd, dispatch};

use crate::chroma::ChromaView;
use crate::histogram::Histogram;
use crate::kernels;
use crate::lanes;
use crate::lines::{Lines, Spare};
use crate::metrics;
use crate::picture::Picture;
use crate::plan::Plan;
use crate::tally::{self, Limits, Tally};

/// A picture is split between threads only while each part has at least so many
/// cells: 4K pictures are, 1080p pictures are not. By `benches/scores.rs`, as for
/// sums.
const MIN_CELLS: usize = 1 << 20;

/// What a characteristic wants to have measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Needs(u16);

impl Needs {
    /// Nothing: it looks at the samples itself.
    pub const NONE: Self = Self(0);
    /// The exact sum of luma.
    pub const LIGHT: Self = Self(1);
    /// Mean and variance of luma.
    pub const SPREAD: Self = Self(2 | 256);
    /// How much is clipped at black or white.
    pub const CLIPPING: Self = Self(4);
    /// The histogram of luma.
    pub const HISTOGRAM: Self = Self(8);
    /// How sharp edges are.
    pub const EDGES: Self = Self(16);
    /// The luma of blocks.
    pub const BLOCKS: Self = Self(32);
    /// Means and variances of the colours.
    pub const COLOUR: Self = Self(64);
    /// The picture's look: luma and colour of 8 × 8 fields.
    pub const LOOK: Self = Self(128 | 32);
    /// The sum of luma cells.
    const SUM: Self = Self(256);

    /// Whether all of `other` is asked for.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether anything is asked for that is found in luma cells.
    const fn luma_cells(self) -> bool {
        self.0 & !(Self::LIGHT.0 | Self::COLOUR.0) != 0
    }

    /// Whether anything but the exact sum is asked for.
    const fn beyond_light(self) -> bool {
        self.0 & !Self::LIGHT.0 != 0
    }
}

impl BitOr for Needs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What was measured of one picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    /// Exact sum of the luma samples of the region, and how many there are.
    pub(crate) light: (u64, u64),
    pub(crate) tally: Tally,
}

/// Measures on the calling thread, or, where `split`, on those of the current rayon
/// pool too if the picture is large enough to gain by it.
pub(crate) fn measure(
    picture: &Picture<'_>,
    plan: &Plan,
    needs: Needs,
    spare: &Spare,
    split: bool,
) -> Sums {
    let mut sums = Sums::default();
    let light_of_cells = needs.has(Needs::LIGHT) && needs.luma_cells() && cells_hold_all(picture);
    let needs = if light_of_cells {
        needs | Needs::SUM
    } else {
        needs
    };
    if needs.beyond_light() {
        let top = plan.bands.first().map_or(0, |band| band.rows.start);
        let bottom = plan.bands.last().map_or(0, |band| band.rows.end);
        let pass = Pass::new(picture, plan, needs, spare);
        sums.tally = if split {
            pass.split(top..bottom)
        } else {
            pass.rows(top..bottom)
        };
    }
    if light_of_cells {
        sums.light = (sums.tally.sum, 4 * plan.cells);
    } else if needs.has(Needs::LIGHT) {
        sums.light = light(picture, plan, split);
    }
    sums
}

/// Whether cells are the sums of four samples, no more and no less: then the exact sum
/// is theirs, and the samples need not be read twice.
fn cells_hold_all(picture: &Picture<'_>) -> bool {
    let luma = picture.luma();
    let even = luma.width().is_multiple_of(2) && luma.height().is_multiple_of(2);
    even && luma.format().bytes_per_sample() == 1
}

/// Σ of the samples below the cells of the region, and their number.
fn light(picture: &Picture<'_>, plan: &Plan, split: bool) -> (u64, u64) {
    let (width, height) = plan.size;
    let mut total = (0, 0);
    for band in &plan.bands {
        let (top, bottom) = (2 * band.rows.start, (2 * band.rows.end).min(height));
        for span in &band.spans {
            let (left, right) = (2 * span.start, (2 * span.end).min(width));
            let part = picture.luma().crop(left, top, right - left, bottom - top);
            let Some(part) = part else { continue };
            total.0 += if split {
                kernels::sum_split(&part)
            } else {
                kernels::sum(&part)
            };
            total.1 += part.samples();
        }
    }
    total
}

struct Pass<'a> {
    picture: &'a Picture<'a>,
    plan: &'a Plan,
    needs: Needs,
    limits: Limits,
    spare: &'a Spare,
}

/// What is added up over rows before it goes to the tally.
struct Columns {
    /// Luma of each column since the block of the grid began, and both colours.
    luma: Vec<u16>,
    colours: [Vec<u16>; 2],
    histogram: Histogram,
}

impl<'a> Pass<'a> {
    fn new(picture: &'a Picture<'a>, plan: &'a Plan, needs: Needs, spare: &'a Spare) -> Self {
        let limits = metrics::limits(&picture.luma());
        Self {
            picture,
            plan,
            needs,
            limits,
            spare,
        }
    }

    fn split(&self, rows: Range<usize>) -> Tally {
        let cells = rows.len() * self.plan.grid.0;
        if cells < 2 * MIN_CELLS || rayon::current_num_threads() < 2 {
            return self.rows(rows);
        }
        let middle = rows.start + rows.len() / 2;
        let (above, below) = rayon::join(
            || self.split(rows.start..middle),
            || self.split(middle..rows.end),
        );
        above.merge(&below)
    }

    fn rows(&self, rows: Range<usize>) -> Tally {
        let level = Level::new();
        dispatch!(level, simd => self.rows_at(simd, rows.clone()))
    }

    #[inline(always)]
    fn rows_at<S: Simd>(&self, simd: S, rows: Range<usize>) -> Tally {
        let (needs, plan) = (self.needs, self.plan);
        let line = || vec![0_u16; plan.grid.0];
        let mut columns = Columns {
            luma: line(),
            colours: [line(), line()],
            histogram: Histogram::new(),
        };
        let mut tally = Tally::default();
        let (blocks, fields) = (plan.blocks(), plan.fields());
        tally.blocks = vec![0; blocks.0 * blocks.1];
        if self.picture.chroma().is_some() {
            tally.look = vec![[0; 2]; fields.0 * fields.1];
        }
        // Edges look at the rows around them, which may be another part's.
        let first = rows.start.saturating_sub(1);
        let last = (rows.end + 1).min(plan.grid.1);
        let mut lines = self.spare.take(plan.grid, first);
        let block = lines.height();
        for row in first..last {
            let spans = plan.spans(row);
            if (row - first).is_multiple_of(block) {
                self.make(&mut lines, row..(row + block).min(last));
            }
            if rows.contains(&row) {
                for span in spans {
                    let cells = &lines.luma(row)[span.clone()];
                    self.luma(simd, &mut tally, &mut columns, cells, span);
                }
                if self.chroma().is_some() {
                    for span in spans {
                        let [u, v] = lines.colours(row);
                        let cells = [&u[span.clone()], &v[span.clone()]];
                        self.colour(simd, &mut tally, &mut columns, cells, span);
                    }
                }
                let next = row + 1;
                let ends = next == rows.end
                    || next.is_multiple_of(tally::CELLS_PER_U16)
                    || plan.down.contains(&next);
                if needs.has(Needs::BLOCKS) && ends {
                    self.close_blocks(&mut tally, &mut columns.luma, row);
                }
                if needs.has(Needs::LOOK) && ends {
                    self.close_look(&mut tally, &mut columns.colours, row);
                }
            }
            if needs.has(Needs::EDGES) && row > rows.start && row >= 2 && row <= rows.end {
                self.edges(simd, &mut tally, &lines, row - 1);
            }
        }
        self.spare.give_back(lines);
        if needs.has(Needs::HISTOGRAM) {
            tally.histogram = columns.histogram.totals();
            tally.count(&self.limits);
        }
        if needs.has(Needs::BLOCKS) {
            tally.sum = tally.blocks.iter().sum();
        }
        if needs.has(Needs::LOOK) {
            let sum = |colour: usize| tally.look.iter().map(|field| field[colour]).sum();
            (tally.colour.u, tally.colour.v) = (sum(0), sum(1));
        }
        tally
    }

    /// Makes what is needed of a block of rows.
    #[inline(always)]
    fn make(&self, lines: &mut Lines, rows: Range<usize>) {
        lines.begin(rows.start);
        if self.needs.luma_cells() {
            lines.make_luma(&self.picture.luma(), self.plan, rows.clone());
        }
        if let Some(chroma) = self.chroma() {
            lines.make_colours(&chroma, self.plan, rows);
        }
    }

    /// The colours, where they are asked for.
    fn chroma(&self) -> Option<ChromaView<'a>> {
        let asked = self.needs.has(Needs::LOOK) || self.needs.has(Needs::COLOUR);
        self.picture.chroma().filter(|_| asked)
    }

    /// Cells of luma, which lie in these columns.
    #[inline(always)]
    fn luma<S: Simd>(
        &self,
        simd: S,
        tally: &mut Tally,
        columns: &mut Columns,
        cells: &[u16],
        span: &Range<usize>,
    ) {
        let needs = self.needs;
        if needs.has(Needs::BLOCKS) {
            tally::add_columns(cells, &mut columns.luma[span.clone()]);
        }
        if needs.has(Needs::HISTOGRAM) {
            // What is below can be told from it.
            return columns.histogram.count(cells);
        }
        if needs.has(Needs::SPREAD) {
            tally.squares += lanes::squares(simd, cells);
        }
        if needs.has(Needs::SUM) && !needs.has(Needs::BLOCKS) {
            tally.sum += lanes::sum(simd, cells);
        }
        if needs.has(Needs::CLIPPING) {
            let [dark, bright] = lanes::clipping(simd, cells, &self.limits);
            tally.dark += dark;
            tally.bright += bright;
        }
    }

    /// Adds the columns to the blocks that this row is in.
    #[inline(always)]
    fn close_blocks(&self, tally: &mut Tally, columns: &mut [u16], row: usize) {
        let plan = self.plan;
        let blocks = tally
            .blocks
            .iter_mut()
            .skip(plan.block_row(row) * plan.blocks().0);
        for (block, edges) in blocks.zip(plan.across.windows(2)) {
            let columns = &columns[edges[0]..edges[1]];
            *block += columns.iter().map(|&column| u64::from(column)).sum::<u64>();
        }
        columns.fill(0);
    }

    /// The edges of a row of which both neighbours are known.
    #[inline(always)]
    fn edges<S: Simd>(&self, simd: S, tally: &mut Tally, lines: &Lines, row: usize) {
        let plan = self.plan;
        let [above, middle, below] = [row - 1, row, row + 1].map(|row| lines.luma(row));
        for span in plan.spans(row) {
            for over in plan.spans(row - 1) {
                for under in plan.spans(row + 1) {
                    let part = tally::common(span, &tally::common(over, under));
                    let [a, b, c] = [above, middle, below].map(|line| &line[part.clone()]);
                    let (laplacian, gradient) = lanes::edges(simd, a, b, c, self.limits.edge);
                    tally.laplacian += laplacian;
                    tally.gradient += gradient;
                }
            }
        }
    }

    /// Cells of both colours, which lie in these columns.
    #[inline(always)]
    fn colour<S: Simd>(
        &self,
        simd: S,
        tally: &mut Tally,
        columns: &mut Columns,
        [u, v]: [&[u16]; 2],
        span: &Range<usize>,
    ) {
        let needs = self.needs;
        let look = needs.has(Needs::LOOK);
        if needs.has(Needs::COLOUR) {
            let [uu, vv, uv] = lanes::products(simd, u, v);
            tally.colour.uu += uu;
            tally.colour.vv += vv;
            tally.colour.uv += uv;
        }
        if needs.has(Needs::COLOUR) && !look {
            tally.colour.u += lanes::sum(simd, u);
            tally.colour.v += lanes::sum(simd, v);
        }
        if look {
            let [of_u, of_v] = &mut columns.colours;
            tally::add_columns(u, &mut of_u[span.clone()]);
            tally::add_columns(v, &mut of_v[span.clone()]);
        }
    }

    /// Adds the columns to the fields of the look that this row is in.
    #[inline(always)]
    fn close_look(&self, tally: &mut Tally, colours: &mut [Vec<u16>; 2], row: usize) {
        let plan = self.plan;
        let fields = plan.fields();
        let down = plan.block_row(row) * fields.1 / plan.blocks().1;
        let look = tally.look.iter_mut().skip(down * fields.0);
        for (field, across) in look.zip(0..fields.0) {
            for (sum, columns) in field.iter_mut().zip(&*colours) {
                let columns = &columns[plan.field_columns(across)];
                *sum += columns.iter().map(|&column| u64::from(column)).sum::<u64>();
            }
        }
        for columns in colours {
            columns.fill(0);
        }
    }
}
