//! How many cells have each value. What the counts mean is told in `metrics` and `tally`.

#![expect(
    clippy::inline_always,
    reason = "compiled for the vector instructions that `measure` chose only if inlined there"
)]

use crate::cells::VALUES;

/// More than the values that there are: where a processor looks whether a load must wait
/// for a store, addresses 4096 bytes apart are as equal ones.
const TABLE: usize = VALUES + 16;
/// As many tables as let most equal neighbours not wait for each other, and as leave room
/// for the cells in the nearest cache.
const TABLES: usize = 4;

/// How many cells have each value. A plane has too few samples for a count to wrap.
#[derive(Debug)]
pub(crate) struct Histogram(Box<[[u32; TABLE]; TABLES]>);

impl Histogram {
    pub(crate) fn new() -> Self {
        #[expect(
            clippy::large_stack_arrays,
            reason = "16 KiB, and on its way to the heap"
        )]
        Self(Box::new([[0; TABLE]; TABLES]))
    }

    /// Counts values. Four are read at once: with a read for each, a processor that
    /// reads twice a cycle would be busy with that alone.
    #[inline(always)]
    pub(crate) fn count(&mut self, cells: &[u16]) {
        let (groups, rest) = cells.as_chunks::<TABLES>();
        for &[a, b, c, d] in groups {
            let all = [a, b, c, d].map(u64::from);
            let all = all[0] | all[1] << 16 | all[2] << 32 | all[3] << 48;
            for (place, table) in (0..).step_by(16).zip(self.0.iter_mut()) {
                #[expect(clippy::cast_possible_truncation, reason = "of 16 bits")]
                let cell = (all >> place) as u16;
                let count = &mut table[usize::from(cell) % VALUES];
                *count = count.wrapping_add(1);
            }
        }
        for &cell in rest {
            self.0[0][usize::from(cell) % VALUES] += 1;
        }
    }

    /// What was counted.
    pub(crate) fn totals(&self) -> Vec<u32> {
        let mut totals = vec![0; VALUES];
        for table in self.0.iter() {
            for (total, count) in totals.iter_mut().zip(table) {
                *total += count;
            }
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_right_however_many_and_however_short_the_rows_are() {
        for row in [1, 3, 4, 1_000_003] {
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
