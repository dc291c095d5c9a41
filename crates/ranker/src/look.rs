//! How a picture looks at a glance: luma and colour of 8 × 8 fields. Two looks
//! have a distance; which pictures are too alike is decided in `spread`.

use crate::measure::Sums;
use crate::plan::{FIELDS, Plan};
use crate::sample::Scale;
use crate::tally::GREY;

/// Numbers of a look that are compared at once; they divide it.
const LANES: usize = 8;
const _: () = assert!((3 * FIELDS * FIELDS).is_multiple_of(LANES));

/// A picture's look: mean luma and colour of 8 × 8 fields, 1 KiB.
///
/// A field counts what of it lies in the region; one without anything of it is
/// the same in all pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Look([[f32; 3]; FIELDS * FIELDS]);

impl Look {
    /// A look from the fields' luma (0 to 1) and colour differences U and V (−0.5 to
    /// 0.5), row after row.
    pub fn new(fields: [[f32; 3]; FIELDS * FIELDS]) -> Self {
        Self(fields)
    }

    /// How unlike two looks are, from 0 (the same) to 1.
    ///
    /// √(RMS difference), where the difference of two fields is the Euclidean one of
    /// (Y, U, V), Y in [0, 1] and U, V in [−0.5, 0.5]. The outer root spreads what
    /// happens in front of one camera over the scale: 0.1 is a hundredth of the way
    /// from black to white in every field. At most 1. A metric (a root of one is).
    pub fn distance(&self, other: &Self) -> f64 {
        let [(mine, _), (theirs, _)] =
            [self, other].map(|look| look.0.as_flattened().as_chunks::<LANES>());
        // Added up side by side: one after another, each would wait for the one before.
        let mut lanes = [0.0_f32; LANES];
        for (mine, theirs) in mine.iter().zip(theirs) {
            for ((lane, a), b) in lanes.iter_mut().zip(mine).zip(theirs) {
                let difference = a - b;
                *lane += difference * difference;
            }
        }
        // The number of fields.
        let mean = f64::from(lanes.iter().sum::<f32>()) / 64.0;
        mean.sqrt().sqrt().min(1.0)
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "means of whole numbers, far below 2^53"
    )]
    pub(crate) fn of(sums: &Sums, plan: &Plan, scale: &Scale) -> Self {
        let mut look = [[0.0; 3]; FIELDS * FIELDS];
        let fields = plan.fields();
        if fields.0 == 0 {
            return Self(look);
        }
        for (place, field) in look.iter_mut().enumerate() {
            // Small pictures have fewer fields.
            let across = place % FIELDS * fields.0 / FIELDS;
            let down = place / FIELDS * fields.1 / FIELDS;
            let (columns, rows) = plan.field_blocks(across, down);
            let (mut luma, mut cells) = (0, 0);
            for row in rows {
                let row = row * plan.blocks().0;
                let blocks = row + columns.start..row + columns.end;
                luma += sums
                    .tally
                    .blocks
                    .get(blocks.clone())
                    .map_or(0, |all| all.iter().sum());
                cells += plan
                    .counts
                    .get(blocks)
                    .map_or(0, |all| all.iter().sum::<u64>());
            }
            if cells == 0 {
                continue;
            }
            let grey = u64::from(GREY) * cells;
            let cells = cells as f64;
            let [u, v] = sums
                .tally
                .look
                .get(down * fields.0 + across)
                .copied()
                .unwrap_or([grey; 2]);
            let [u, v] = [u, v].map(|sum| {
                let colour = sum.cast_signed() - grey.cast_signed();
                scale.chroma(colour as f64 / cells)
            });
            *field = [scale.luma(luma as f64 / cells), u, v].map(|n| n as f32);
        }
        Self(look)
    }
}
