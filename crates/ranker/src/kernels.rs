//! Exact sums over a plane, in whole numbers, so that neither the order of
//! adding nor the number of threads can show in a result. No scores here.

#![expect(
    clippy::inline_always,
    reason = "a function is compiled for the vector instructions that `dispatch!` chose only if it \
              is inlined there"
)]

use fearless_simd::{Level, Simd, dispatch};

use crate::luma::LumaView;

/// A plane is split between threads only while each part has at least so many
/// bytes of samples to read: 4K planes are, 1080p planes are not.
///
/// By `benches/scores.rs`, groups `split by rows`: where the threads are awake,
/// splitting is 1.9 times as fast at 4K (43 instead of 80 µs for 8 bits); where
/// they must be woken, the caller has done most of the work before they come
/// (90 µs). What 1080p could gain, at most 10 to 20 µs, is not worth waking one.
const MIN_BAND_BYTES: usize = 1 << 21;

/// Eight-bit samples whose sum still fits 16 bits: 256 × 255 = 65 280.
const SAMPLES_PER_U16: usize = 256;

/// Samples that are added side by side: two of the widest registers.
const LANES: usize = 128;

/// Sixteen-bit samples whose sum still fits 32 bits: 65 536 × 65 535 < 2^32.
const SAMPLES_PER_U32: usize = 1 << 16;

/// The sum of all samples' values, on the calling thread.
///
/// The loops are plain Rust, compiled once for each level of the processor's
/// vector instructions; the right one is chosen here, once a plane. By
/// `benches/scores.rs` that takes less than half of the time of `plain loop`,
/// which is compiled for any processor of the architecture (20 and 43 to 66 µs
/// at 1080p).
pub(crate) fn sum(luma: &LumaView<'_>) -> u64 {
    sum_at(Level::new(), luma)
}

/// The same sum, rows shared between the threads of the current rayon pool
/// where the plane is large enough to gain by it.
pub(crate) fn sum_split(luma: &LumaView<'_>) -> u64 {
    if luma.visible_bytes() < 2 * MIN_BAND_BYTES || rayon::current_num_threads() < 2 {
        return sum(luma);
    }
    let Some((above, below)) = luma.halves() else {
        return sum(luma);
    };
    let (above, below) = rayon::join(|| sum_split(&above), || sum_split(&below));
    above + below
}

fn sum_at(level: Level, luma: &LumaView<'_>) -> u64 {
    let format = luma.format();
    if format.bytes_per_sample() == 1 {
        dispatch!(level, simd => plane8(simd, luma))
    } else {
        // Masked, each value is a multiple of 2^shift, and so is their sum: one
        // shift at the end does for all.
        dispatch!(level, simd => plane16(simd, luma, format.mask())) >> format.shift()
    }
}

#[inline(always)]
fn plane8<S: Simd>(_: S, luma: &LumaView<'_>) -> u64 {
    if let Some(samples) = luma.contiguous() {
        let (quarters, rest) = samples.split_at(samples.len() / 4 * 4);
        let quarter = quarters.len() / 4;
        let [a, b, c, d] = [0, 1, 2, 3].map(|n| &quarters[n * quarter..(n + 1) * quarter]);
        return run8([a, b, c, d]) + run8([rest, &[], &[], &[]]);
    }
    let quarter = luma.height() / 4;
    let together = (0..quarter).fold(0, |total, row| {
        total + run8([0, 1, 2, 3].map(|n| luma.row(n * quarter + row)))
    });
    let rest = 4 * quarter..luma.height();
    rest.fold(together, |total, row| {
        total + run8([luma.row(row), &[], &[], &[]])
    })
}

#[inline(always)]
fn plane16<S: Simd>(_: S, luma: &LumaView<'_>, mask: u16) -> u64 {
    match luma.contiguous() {
        Some(samples) => run16(samples, mask),
        None => luma.rows().fold(0, |total, row| total + run16(row, mask)),
    }
}

/// Four runs at once: memory is read from as many places side by side, which by
/// `benches/scores.rs` is as fast as reading it can be.
///
/// The partial sums cannot wrap, by the constants above; `wrapping_add` keeps the
/// overflow checks of a debug build from undoing the vectorisation.
#[inline(always)]
fn run8(runs: [&[u8]; 4]) -> u64 {
    let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = runs.map(<[u8]>::as_chunks::<LANES>);
    let few = |rest: &[u8]| rest.iter().map(|&value| u64::from(value)).sum::<u64>();
    let mut total = few(a_rest) + few(b_rest) + few(c_rest) + few(d_rest);
    let common = a.len().min(b.len()).min(c.len()).min(d.len());
    let mut start = 0;
    while start < common {
        let part = start..(start + SAMPLES_PER_U16 / 4).min(common);
        start = part.end;
        // Each lane by itself: lanes are added to each other once a part.
        let mut lanes = [0_u16; LANES];
        let parts = [a, b, c, d].map(|run| &run[part.clone()]);
        for n in 0..part.len() {
            for run in parts {
                for (lane, &value) in lanes.iter_mut().zip(&run[n]) {
                    *lane = lane.wrapping_add(value.into());
                }
            }
        }
        total += lanes.iter().map(|&lane| u64::from(lane)).sum::<u64>();
    }
    [a, b, c, d].into_iter().fold(total, |total, run| {
        total + run[common..].iter().map(|run| few(run)).sum::<u64>()
    })
}

#[inline(always)]
fn run16(bytes: &[u8], mask: u16) -> u64 {
    let (samples, _) = bytes.as_chunks::<2>();
    samples.chunks(SAMPLES_PER_U32).fold(0, |total, part| {
        let add = |sum: u32, &sample| sum.wrapping_add((u16::from_le_bytes(sample) & mask).into());
        total + u64::from(part.iter().fold(0, add))
    })
}

/// Every level that this processor has, the plainest first.
#[cfg(test)]
pub(crate) fn levels() -> Vec<Level> {
    let mut levels = vec![Level::baseline()];
    #[cfg(target_arch = "x86_64")]
    {
        levels.extend(Level::new().as_sse4_2().map(Level::Sse4_2));
        levels.extend(Level::new().as_avx2().map(Level::Avx2));
    }
    levels.push(Level::new());
    levels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{Range, SampleFormat};

    fn plane(data: &[u8], width: usize, format: SampleFormat) -> LumaView<'_> {
        let stride = width * format.bytes_per_sample();
        let height = data.len() / stride;
        LumaView::new(data, width, height, stride, format, Range::Full).unwrap()
    }

    #[test]
    fn partial_sums_hold_the_brightest_plane() {
        let white = vec![u8::MAX; 3 * SAMPLES_PER_U32 * 2];
        let sixteen = SampleFormat::new(16, 2, 0).unwrap();
        for level in levels() {
            let eight_bit = plane(&white, white.len(), SampleFormat::EIGHT_BIT);
            assert_eq!(
                sum_at(level, &eight_bit),
                255 * white.len() as u64,
                "{level:?}"
            );
            let deep = plane(&white, white.len() / 2, sixteen);
            assert_eq!(
                sum_at(level, &deep),
                65_535 * (white.len() / 2) as u64,
                "{level:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_vector_level_gives_the_same_sum(
            data in prop::collection::vec(any::<u8>(), 2..5_000),
            width in 1_usize..700,
            (bits, shift) in prop::sample::select(&[(8, 0), (10, 0), (10, 6), (12, 4), (16, 0)][..]),
        ) {
            let width = width.min(data.len() / 2);
            let deep = SampleFormat::new(bits, 2, shift).unwrap();
            for luma in [plane(&data, width, SampleFormat::EIGHT_BIT), plane(&data, width, deep)] {
                let one_by_one: u64 = luma.values().map(u64::from).sum();
                for level in levels() {
                    prop_assert_eq!(sum_at(level, &luma), one_by_one, "{:?} {:?}", level, luma);
                }
            }
        }
    }

    #[test]
    fn a_split_plane_has_the_same_sum() {
        let data: Vec<u8> = (0..=250).cycle().take(7 * MIN_BAND_BYTES).collect();
        for width in [1_000, 1 << 14, data.len()] {
            let luma = plane(&data, width, SampleFormat::EIGHT_BIT);
            for threads in [1, 2, 4] {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                assert_eq!(
                    pool.install(|| sum_split(&luma)),
                    sum(&luma),
                    "{threads} threads"
                );
            }
        }
    }
}
