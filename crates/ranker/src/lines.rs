//! Rows of cells in work: made a block at a time, while their samples are in the near
//! caches. How a cell is made is told in `cells`; what cells are worth is not known here.

#![expect(
    clippy::inline_always,
    reason = "compiled for the vector instructions that `measure` chose only if inlined there"
)]

use std::hint::black_box;
use std::ops::Range;
use std::sync::Mutex;

use crate::cells;
use crate::chroma::ChromaView;
use crate::kernels;
use crate::luma::LumaView;
use crate::plan::Plan;

/// Cells of a block: 34 rows of a 1080p picture. A session's scores of a frame, which
/// another thread has just decoded, take 0.93 ms so, 1.0 ms row by row (all eight, beside
/// ffmpeg on the same camera).
const BLOCK: usize = 1 << 15;

/// A block of rows of cells.
pub(crate) struct Lines {
    grid: (usize, usize),
    /// Cells in a row.
    width: usize,
    /// The block's first row.
    first: usize,
    /// The most rows of a block.
    height: usize,
    /// Luma: the last two rows of the block before, then those of this one.
    luma: Vec<u16>,
    colours: [Vec<u16>; 2],
}

/// Lines that are not in use. The memory of one picture serves the next: asked of the
/// system anew, its pages would cost a tenth of the scores.
#[derive(Default)]
pub(crate) struct Spare(Mutex<Vec<Lines>>);

impl Spare {
    /// Lines for pictures of `grid` cells, from the row `first` on.
    pub(crate) fn take(&self, grid: (usize, usize), first: usize) -> Lines {
        let kept = self.0.lock().ok().and_then(|mut kept| kept.pop());
        match kept.filter(|lines| lines.grid == grid) {
            Some(lines) => Lines { first, ..lines },
            None => Lines::new(grid, first),
        }
    }

    pub(crate) fn give_back(&self, lines: Lines) {
        if let Ok(mut kept) = self.0.lock() {
            kept.push(lines);
        }
    }
}

impl Lines {
    fn new(grid: (usize, usize), first: usize) -> Self {
        let (width, rows) = grid;
        let height = (BLOCK / width.max(1)).clamp(1, rows.max(1));
        let lines = |count: usize| vec![0; count * width];
        Self {
            grid,
            width,
            first,
            height,
            luma: lines(height + 2),
            colours: [lines(height), lines(height)],
        }
    }

    /// The most rows that a block has.
    pub(crate) const fn height(&self) -> usize {
        self.height
    }

    /// Goes on to the block that begins with this row: the first of all, or the one below
    /// the last block.
    pub(crate) fn begin(&mut self, row: usize) {
        let above = (row - self.first) * self.width;
        self.luma.copy_within(above..above + 2 * self.width, 0);
        self.first = row;
    }

    /// Makes luma of those rows of a block of which something is in the region.
    #[inline(always)]
    pub(crate) fn make_luma(&mut self, luma: &LumaView<'_>, plan: &Plan, rows: Range<usize>) {
        read_ahead(luma, plan, &rows);
        let lines = self.luma.chunks_mut(self.width).skip(2);
        for (row, cells) in rows.zip(lines).filter(|&(row, _)| plan.has(row)) {
            cells::luma_row(luma, row, cells);
        }
    }

    /// Makes the colours of those rows.
    #[inline(always)]
    pub(crate) fn make_colours(
        &mut self,
        chroma: &ChromaView<'_>,
        plan: &Plan,
        rows: Range<usize>,
    ) {
        let [u, v] = &mut self.colours;
        let lines = u.chunks_mut(self.width).zip(v.chunks_mut(self.width));
        for (row, (u, v)) in rows.zip(lines).filter(|&(row, _)| plan.has(row)) {
            cells::chroma_row(chroma, row, u, v);
        }
    }

    /// Luma of a row of the block, or of one of the two above it.
    #[inline(always)]
    pub(crate) fn luma(&self, row: usize) -> &[u16] {
        let start = (row + 2 - self.first) * self.width;
        &self.luma[start..start + self.width]
    }

    /// Both colours of a row of the block.
    #[inline(always)]
    pub(crate) fn colours(&self, row: usize) -> [&[u16]; 2] {
        let start = (row - self.first) * self.width;
        let [u, v] = &self.colours;
        [&u[start..start + self.width], &v[start..start + self.width]]
    }
}

/// Has the samples of a block brought to the near caches. Making cells takes so many
/// instructions for a sample that a processor sees few reads ahead and waits for each
/// page; in a plain sum it has as many under way as it can.
fn read_ahead(luma: &LumaView<'_>, plan: &Plan, rows: &Range<usize>) {
    let (Some(left), Some(right)) = (plan.across.first(), plan.across.last()) else {
        return;
    };
    let (left, right) = (2 * left, (2 * right).min(luma.width()));
    let (top, bottom) = (2 * rows.start, (2 * rows.end).min(luma.height()));
    if let Some(block) = luma.crop(left, top, right - left, bottom - top) {
        black_box(kernels::sum(&block));
    }
}
