//! Where the region and the blocks of a picture of one size lie, in cells. Made
//! once for each size of a stream.

use std::ops::Range;

use crate::cells;
use crate::picture::{Orientation, Picture};
use crate::region::{Band, Region};

/// Blocks across and down by which a picture is compared with the one before:
/// 30 × 34 pixels each at 1080p. Smaller pictures have fewer: a multiple of the
/// fields, or as many as there are cells.
const BLOCKS: (usize, usize) = (64, 32);
/// Fields across and down that a look is made of; each is a number of blocks.
pub(crate) const FIELDS: usize = 8;

/// Cells, bands and blocks of a region in pictures of `size` pixels.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) size: (usize, usize),
    pub(crate) orientation: Orientation,
    /// Cells across and down.
    pub(crate) grid: (usize, usize),
    pub(crate) bands: Vec<Band>,
    /// Where blocks begin, and where the last one ends.
    pub(crate) across: Vec<usize>,
    pub(crate) down: Vec<usize>,
    /// Cells of the region in each block, row after row.
    pub(crate) counts: Vec<u64>,
    /// Cells of the region.
    pub(crate) cells: u64,
}

impl Plan {
    pub(crate) fn of(region: &Region, picture: &Picture<'_>) -> Self {
        let (luma, orientation) = (picture.luma(), picture.orientation());
        Self {
            orientation,
            ..Self::new(&region.stored(orientation), luma.width(), luma.height())
        }
    }

    /// Whether it is for pictures of this size, shown this way.
    pub(crate) fn fits(&self, picture: &Picture<'_>) -> bool {
        let luma = picture.luma();
        self.size == (luma.width(), luma.height()) && self.orientation == picture.orientation()
    }

    fn new(region: &Region, width: usize, height: usize) -> Self {
        let grid = cells::grid(width, height);
        let bands = region.bands(grid.0, grid.1);
        let spans = || bands.iter().flat_map(|band| &band.spans);
        let left = spans().map(|span| span.start).min().unwrap_or(0);
        let right = spans().map(|span| span.end).max().unwrap_or(0);
        let top = bands.first().map_or(0, |band| band.rows.start);
        let bottom = bands.last().map_or(0, |band| band.rows.end);
        let across = bounds(&(left..right), BLOCKS.0);
        let down = bounds(&(top..bottom), BLOCKS.1);
        let mut counts = Vec::new();
        for rows in down.windows(2) {
            for columns in across.windows(2) {
                let inside = bands.iter().map(|band| {
                    let high = overlap(&band.rows, &(rows[0]..rows[1]));
                    let wide = band
                        .spans
                        .iter()
                        .map(|span| overlap(span, &(columns[0]..columns[1])));
                    high * wide.sum::<usize>()
                });
                counts.push(inside.sum::<usize>() as u64);
            }
        }
        let cells = counts.iter().sum();
        let size = (width, height);
        Self {
            size,
            orientation: Orientation::default(),
            grid,
            bands,
            across,
            down,
            counts,
            cells,
        }
    }

    /// Blocks across and down.
    pub(crate) fn blocks(&self) -> (usize, usize) {
        (
            self.across.len().saturating_sub(1),
            self.down.len().saturating_sub(1),
        )
    }

    /// The row of blocks that a row of cells is in.
    pub(crate) fn block_row(&self, row: usize) -> usize {
        let after = self.down.partition_point(|&start| start <= row);
        after.clamp(1, self.blocks().1.max(1)) - 1
    }

    /// Fields across and down.
    pub(crate) fn fields(&self) -> (usize, usize) {
        let (across, down) = self.blocks();
        (across.min(FIELDS), down.min(FIELDS))
    }

    /// The columns of blocks, and the rows, that a field is made of.
    pub(crate) fn field_blocks(&self, across: usize, down: usize) -> (Range<usize>, Range<usize>) {
        let part = |field: usize, blocks: usize, fields: usize| {
            field * blocks / fields..(field + 1) * blocks / fields
        };
        let (blocks, fields) = (self.blocks(), self.fields());
        (
            part(across, blocks.0, fields.0),
            part(down, blocks.1, fields.1),
        )
    }

    /// The columns of cells of a field.
    pub(crate) fn field_columns(&self, across: usize) -> Range<usize> {
        let blocks = self.field_blocks(across, 0).0;
        self.across[blocks.start]..self.across[blocks.end]
    }

    /// Whether anything of this row of cells is in the region.
    pub(crate) fn has(&self, row: usize) -> bool {
        !self.spans(row).is_empty()
    }

    /// The columns of the region in this row of cells.
    pub(crate) fn spans(&self, row: usize) -> &[Range<usize>] {
        let after = self.bands.partition_point(|band| band.rows.end <= row);
        match self.bands.get(after) {
            Some(band) if band.rows.contains(&row) => &band.spans,
            _ => &[],
        }
    }
}

fn bounds(range: &Range<usize>, most: usize) -> Vec<usize> {
    let parts = most.min(range.len());
    let parts = if parts > FIELDS {
        parts / FIELDS * FIELDS
    } else {
        parts
    };
    (0..=parts)
        .filter(|_| parts > 0)
        .map(|part| range.start + part * range.len() / parts)
        .collect()
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> usize {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Rectangle;

    #[test]
    fn blocks_cover_each_cell_of_the_region_once() {
        for (width, height) in [(1, 1), (2, 1), (127, 63), (1920, 1080), (16384, 2)] {
            let plan = Plan::new(&Region::default(), width, height);
            let (columns, rows) = plan.grid;
            assert_eq!(plan.cells, (columns * rows) as u64);
            let most = |n: usize, most: usize| if n > 8 { n.min(most) / 8 * 8 } else { n };
            assert_eq!(plan.blocks(), (most(columns, 64), most(rows, 32)));
            assert!(plan.counts.iter().all(|&count| count > 0));
        }
        let quarter = Rectangle::new(0.5, 0.5, 0.25, 0.25).unwrap();
        let hole = Rectangle::new(0.5, 0.5, 0.125, 0.125).unwrap();
        let region = Region::new(vec![quarter], vec![hole]).unwrap();
        let plan = Plan::new(&region, 1600, 1600);
        assert_eq!(plan.cells, 200 * 200 * 3 / 4);
        assert_eq!(plan.spans(400), vec![500..600]);
        assert_eq!(plan.spans(500), vec![400..600]);
        assert!(plan.spans(399).is_empty() && plan.spans(600).is_empty());
    }
}
