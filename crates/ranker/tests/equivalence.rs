//! The promises of the public API that hold for every way to cut and spread
//! the work: batch size, thread count, split by rows, padding, layout.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot build its input has to fail"
)]

use std::cmp::Reverse;
use std::num::NonZeroUsize;

use bestshot_ranker::{
    Best, Brightness, Characteristic, Darkness, LumaView, Metric, Range, SampleFormat, Score,
    score_batch,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Bits, bytes per sample, shift.
const FORMATS: [(u32, usize, u32); 6] = [
    (8, 1, 0),
    (8, 2, 0),
    (10, 2, 0),
    (10, 2, 6),
    (12, 2, 0),
    (12, 2, 4),
];

/// A plane in memory as a decoder leaves it: padded rows, garbage in between.
#[derive(Clone, Debug)]
struct Plane {
    data: Vec<u8>,
    width: usize,
    height: usize,
    stride: usize,
    format: SampleFormat,
    range: Range,
}

impl Plane {
    /// Lays `values` out, cut to `bits`, every other byte and bit being `garbage`.
    fn new(
        values: &[u16],
        width: usize,
        padding: usize,
        (bits, bytes, shift): (u32, usize, u32),
        range: Range,
        garbage: u8,
    ) -> Self {
        let format = SampleFormat::new(bits, bytes, shift).expect("a format of the list");
        let (stride, height) = (width * bytes + padding, values.len() / width);
        let mask = (u16::MAX >> (16 - bits)) << shift;
        let mut data = vec![garbage; stride * height];
        for (row, values) in data.chunks_mut(stride).zip(values.chunks(width)) {
            for (sample, value) in row.chunks_exact_mut(bytes).zip(values) {
                let around = u16::from_le_bytes([garbage; 2]) & !mask;
                let stored = ((value << shift) & mask) | around;
                sample.copy_from_slice(&stored.to_le_bytes()[..bytes]);
            }
        }
        Self {
            data,
            width,
            height,
            stride,
            format,
            range,
        }
    }

    fn view(&self) -> LumaView<'_> {
        let Self {
            data,
            width,
            height,
            stride,
            format,
            range,
        } = self;
        LumaView::new(data, *width, *height, *stride, *format, *range).expect("a sound layout")
    }
}

fn filled(value: u16, width: usize, height: usize, bits: u32, range: Range) -> Plane {
    let bytes = if bits == 8 { 1 } else { 2 };
    Plane::new(
        &vec![value; width * height],
        width,
        0,
        (bits, bytes, 0),
        range,
        0,
    )
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool")
}

/// The definition, sample by sample.
fn brightness_by_definition(luma: &LumaView<'_>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in luma.values() {
        sum += f64::from(value);
        count += 1.0;
    }
    let (black, white) = (f64::from(luma.black()), f64::from(luma.white()));
    ((sum / count - black) / (white - black)).clamp(0.0, 1.0)
}

fn planes() -> impl Strategy<Value = Plane> {
    let shape = (1_usize..80, 1_usize..24, 0_usize..20);
    let kind = (
        select(&FORMATS[..]),
        select(&[Range::Limited, Range::Full][..]),
        any::<u8>(),
    );
    (shape, kind).prop_flat_map(|((width, height, padding), (format, range, garbage))| {
        vec(any::<u16>(), width * height)
            .prop_map(move |values| Plane::new(&values, width, padding, format, range, garbage))
    })
}

/// The winners of a stream, as (score, index), scored in batches.
fn winners(stream: &[LumaView<'_>], limit: usize, batch: usize) -> Vec<(Score, usize)> {
    let mut best = Best::new(NonZeroUsize::new(limit).expect("a limit"));
    let scores = stream
        .chunks(batch)
        .flat_map(|planes| score_batch(&Brightness, planes));
    for (index, score) in scores.enumerate() {
        let _ = best.offer(score, index);
    }
    best.into_sorted()
}

proptest! {
    #[test]
    fn scores_follow_the_definition(plane in planes()) {
        let luma = plane.view();
        let (light, dark) = (Brightness.score(&luma), Darkness.score(&luma));
        prop_assert!((light.value() - brightness_by_definition(&luma)).abs() < 1e-9);
        prop_assert!((light.value() + dark.value() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn padding_and_unused_bits_do_not_change_a_score(
        values in vec(any::<u16>(), 1..600),
        width in 1_usize..40,
        format in select(&FORMATS[..]),
        padding in 0_usize..70,
        garbage: u8,
    ) {
        let width = width.min(values.len());
        let values = &values[..values.len() / width * width];
        let bare = Plane::new(values, width, 0, format, Range::Limited, 0);
        let padded = Plane::new(values, width, padding, format, Range::Limited, garbage);
        for &metric in Metric::ALL {
            let characteristic = metric.characteristic();
            let expected = characteristic.score(&bare.view());
            prop_assert_eq!(characteristic.score(&padded.view()), expected);
        }
    }

    #[test]
    fn where_the_value_lies_in_a_sample_does_not_change_a_score(
        values in vec(0_u16..1 << 10, 1..300),
    ) {
        let planar = Plane::new(&values, values.len(), 0, (10, 2, 0), Range::Limited, 0);
        let p010 = Plane::new(&values, values.len(), 0, (10, 2, 6), Range::Limited, 0);
        prop_assert_eq!(Brightness.score(&planar.view()), Brightness.score(&p010.view()));
    }

    #[test]
    fn winners_do_not_depend_on_batches_or_threads(
        stream in vec(planes(), 1..40),
        limit in 1_usize..12,
    ) {
        let views: Vec<_> = stream.iter().map(Plane::view).collect();
        let mut sorted: Vec<_> =
            views.iter().map(|luma| Brightness.score(luma)).zip(0_usize..).collect();
        sorted.sort_by_key(|&(score, _)| Reverse(score));
        sorted.truncate(limit);
        for threads in [1, 2, 4] {
            let pool = pool(threads);
            for batch in [1, 3, 8, views.len()] {
                prop_assert_eq!(pool.install(|| winners(&views, limit, batch)), sorted.clone());
            }
        }
    }

    #[test]
    fn brighter_samples_never_lower_the_brightness(
        values in vec(0_u16..255, 1..200),
        step in 0_usize..200,
        range in select(&[Range::Limited, Range::Full][..]),
    ) {
        let before = Plane::new(&values, values.len(), 0, (8, 1, 0), range, 0);
        let mut values = values;
        let step = step % values.len();
        values[step] += 1;
        let after = Plane::new(&values, values.len(), 0, (8, 1, 0), range, 0);
        prop_assert!(Brightness.score(&after.view()) >= Brightness.score(&before.view()));
        prop_assert!(Darkness.score(&after.view()) <= Darkness.score(&before.view()));
    }
}

#[test]
fn large_planes_score_the_same_on_every_pool() {
    for (width, height, padding, format) in [
        (3840, 2160, 64, (8, 1, 0)),
        (3840, 2160, 0, (10, 2, 6)),
        (16_384, 700, 1, (8, 1, 0)),
        (16_384, 1, 0, (12, 2, 4)),
        (1, 16_384, 3, (8, 1, 0)),
    ] {
        let values: Vec<u16> = (0..=1022).cycle().take(width * height).collect();
        let plane = Plane::new(&values, width, padding, format, Range::Limited, 0xa5);
        let alone = Brightness.score(&plane.view());
        assert!((alone.value() - brightness_by_definition(&plane.view())).abs() < 1e-9);
        for threads in [1, 2, 4] {
            let batched = pool(threads).install(|| score_batch(&Brightness, &[plane.view(); 3]));
            assert_eq!(batched, [alone; 3], "{width}x{height}, {threads} threads");
        }
    }
}

#[test]
fn black_is_least_and_white_is_most_in_every_format() {
    for (width, height) in [(1, 1), (17, 3), (16_384, 2)] {
        for bits in [8, 10, 12] {
            for range in [Range::Limited, Range::Full] {
                let level = |value: u32| u16::try_from(value).expect("a sample");
                let black = filled(level(range.black(bits)), width, height, bits, range);
                let white = filled(level(range.white(bits)), width, height, bits, range);
                assert_eq!(Brightness.score(&black.view()), Score::MIN);
                assert_eq!(Brightness.score(&white.view()), Score::MAX);
                assert_eq!(Darkness.score(&black.view()), Score::MAX);
                assert_eq!(Darkness.score(&white.view()), Score::MIN);
            }
        }
    }
}

#[test]
fn an_empty_batch_has_no_scores() {
    assert_eq!(score_batch(&Darkness, &[]), []);
}

#[test]
fn a_characteristic_of_the_user_is_scored_in_batches_too() {
    /// The share of samples that are exactly white.
    struct Clipped;
    impl Characteristic for Clipped {
        fn name(&self) -> &'static str {
            "clipped"
        }
        fn score(&self, luma: &LumaView<'_>) -> Score {
            let white = luma
                .values()
                .filter(|&value| u32::from(value) >= luma.white())
                .count();
            Score::ratio(white as u64, luma.samples())
        }
    }

    let half = Plane::new(&[235, 16, 16, 255], 2, 0, (8, 1, 0), Range::Limited, 0);
    let none = filled(100, 4, 4, 10, Range::Limited);
    let scores = score_batch(&Clipped, &[half.view(), none.view()]);
    assert_eq!(scores, [Score::ratio(1, 2), Score::MIN]);
}
