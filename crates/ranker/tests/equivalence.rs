//! The promises of the public API that hold for every way to cut and spread the
//! work, and for every way a picture can lie in memory.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot build its input has to fail"
)]

use std::cmp::Reverse;
use std::num::NonZeroUsize;

use bestshot_ranker::{
    Best, Blend, Characteristic, ChromaPlane, ChromaView, LumaView, Matrix, Metric, Orientation,
    Picture, Range, Rectangle, Region, SampleFormat, Scored, Scorer,
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

/// How a picture lies in memory.
#[derive(Clone, Copy, Debug)]
struct Layout {
    format: (u32, usize, u32),
    range: Range,
    /// log2, across and down; none is a grey picture.
    subsampling: Option<(u32, u32)>,
    /// Both colours in one plane.
    interleaved: bool,
    padding: usize,
    garbage: u8,
}

const PLAIN: Layout = Layout {
    format: FORMATS[0],
    range: Range::Limited,
    subsampling: Some((1, 1)),
    interleaved: false,
    padding: 0,
    garbage: 0,
};

/// One picture in memory as a decoder leaves it: padded rows, garbage in between.
#[derive(Clone, Debug)]
struct Frame {
    layout: Layout,
    size: (usize, usize),
    luma: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl Frame {
    /// `at` gives Y, U and V at a pixel: 0 to 1, and −0.5 to 0.5 twice.
    fn new(
        (width, height): (usize, usize),
        layout: Layout,
        at: impl Fn(usize, usize) -> [f64; 3],
    ) -> Self {
        let bits = layout.format.0;
        let step = f64::from(1_u32 << (bits - 8));
        let (black, white, chroma) = match layout.range {
            Range::Limited => (16.0 * step, 235.0 * step, 224.0 * step),
            Range::Full => (
                0.0,
                f64::from((1_u32 << bits) - 1),
                f64::from((1_u32 << bits) - 1),
            ),
        };
        let top = f64::from((1_u32 << bits) - 1);
        let quantised = |value: f64| sample(value.round().clamp(0.0, top));
        let luma = plane((width, height), layout, |x, y| {
            quantised(black + at(x, y)[0] * (white - black))
        });
        let (mut u, mut v) = (Vec::new(), Vec::new());
        if let Some((across, down)) = layout.subsampling {
            let size = (width.div_ceil(1 << across), height.div_ceil(1 << down));
            let mean = |x: usize, y: usize, colour: usize| {
                let columns = || (0..1 << across).map(|i| ((x << across) + i).min(width - 1));
                let rows = (0..1 << down).map(|j| ((y << down) + j).min(height - 1));
                let values = rows.flat_map(|row| columns().map(move |column| (column, row)));
                let sum: f64 = values.map(|(column, row)| at(column, row)[colour]).sum();
                let grey = f64::from(1_u32 << (bits - 1));
                quantised(grey + sum / f64::from(1_u32 << (across + down)) * chroma)
            };
            if layout.interleaved {
                let both = plane((2 * size.0, size.1), layout, |x, y| {
                    mean(x / 2, y, 1 + x % 2)
                });
                v = both[layout.format.1..].to_vec();
                u = both;
            } else {
                u = plane(size, layout, |x, y| mean(x, y, 1));
                v = plane(size, layout, |x, y| mean(x, y, 2));
            }
        }
        Self {
            layout,
            size: (width, height),
            luma,
            u,
            v,
        }
    }

    fn picture(&self) -> Picture<'_> {
        let ((bits, bytes, shift), padding) = (self.layout.format, self.layout.padding);
        let format = SampleFormat::new(bits, bytes, shift).expect("a format of the list");
        let (width, height) = self.size;
        let luma = LumaView::new(
            &self.luma,
            width,
            height,
            width * bytes + padding,
            format,
            self.layout.range,
        );
        let luma = luma.expect("the plane was laid out");
        let Some((across, down)) = self.layout.subsampling else {
            return luma.into();
        };
        let size = (width.div_ceil(1 << across), height.div_ceil(1 << down));
        let step = if self.layout.interleaved {
            2 * bytes
        } else {
            bytes
        };
        let plane = |data| {
            ChromaPlane::new(data, size, size.0 * step + padding, step, format)
                .expect("the plane was laid out")
        };
        let chroma = ChromaView::new(
            plane(&self.u),
            plane(&self.v),
            (across, down),
            Matrix::Bt709,
        );
        Picture::new(luma, chroma.expect("the planes are alike")).expect("the planes fit")
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn sample(value: f64) -> u16 {
    value as u16
}

fn plane(
    (width, height): (usize, usize),
    layout: Layout,
    at: impl Fn(usize, usize) -> u16,
) -> Vec<u8> {
    let (bits, bytes, shift) = layout.format;
    let stride = width * bytes + layout.padding;
    let mask = (u16::MAX >> (16 - bits)) << shift;
    let mut data = vec![layout.garbage; stride * height];
    for (y, row) in data.chunks_mut(stride).enumerate() {
        for (x, stored) in row.chunks_exact_mut(bytes).take(width).enumerate() {
            let around = u16::from_le_bytes([layout.garbage; 2]) & !mask;
            let value = ((at(x, y) << shift) & mask) | around;
            stored.copy_from_slice(&value.to_le_bytes()[..bytes]);
        }
    }
    data
}

/// All characteristics together.
fn everything() -> Blend {
    let (first, others) = Metric::ALL.split_first().expect("there are some");
    others
        .iter()
        .fold(Blend::of(*first), |blend, &metric| blend.and(metric, 1.0))
}

fn scorer() -> Scorer {
    Scorer::new(everything()).looks(true)
}

/// A scene with slopes, edges, texture and colour; `seed` moves it.
fn scene(size: (usize, usize), seed: u32) -> impl Fn(usize, usize) -> [f64; 3] {
    let float = |n: usize| f64::from(u32::try_from(n).expect("sizes are small"));
    let (width, height) = (float(size.0), float(size.1));
    let shift = f64::from(seed % 97) / 97.0;
    move |x, y| {
        let (x, y) = (float(x) / width, float(y) / height);
        let slope = 0.15 + 0.5 * x * y;
        let texture = 0.1 * ((40.0 * x + 9.0 * shift).sin() * (31.0 * y).cos());
        let edge = if (x - 0.3 - 0.4 * shift).hypot(y - 0.5) < 0.2 {
            0.25
        } else {
            0.0
        };
        let u = 0.3 * (5.0 * x + shift).sin();
        let v = 0.3 * (4.0 * y - shift).cos();
        [(slope + texture + edge).clamp(0.0, 1.0), u, v]
    }
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool can be made")
}

fn sizes() -> impl Strategy<Value = (usize, usize)> {
    (1_usize..90, 1_usize..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn neither_batches_nor_threads_change_a_result(
        seeds in vec(any::<u32>(), 1..14),
        size in sizes(),
        cuts in vec(1_usize..5, 14),
        threads in 1_usize..5,
    ) {
        let frames: Vec<_> = seeds.iter().map(|&seed| Frame::new(size, PLAIN, scene(size, seed))).collect();
        let pictures: Vec<_> = frames.iter().map(Frame::picture).collect();
        let mut alone = scorer();
        let one_by_one: Vec<Scored> = pictures.iter().map(|picture| alone.score(picture)).collect();
        let (mut batched, mut rest) = (scorer(), &pictures[..]);
        let mut in_batches = Vec::new();
        for cut in cuts {
            let (batch, later) = rest.split_at(cut.min(rest.len()));
            rest = later;
            in_batches.extend(pool(threads).install(|| batched.score_batch(batch)));
        }
        prop_assert_eq!(&in_batches, &one_by_one);
        // And what is kept of them is the head of a full, stable sort.
        let mut best = Best::new(NonZeroUsize::new(3).expect("not 0"));
        for (index, scored) in in_batches.iter().enumerate() {
            let _ = best.offer(scored.score, index);
        }
        let mut sorted: Vec<_> = one_by_one.iter().map(|scored| scored.score).zip(0..).collect();
        sorted.sort_by_key(|&(score, _): &(_, usize)| Reverse(score));
        sorted.truncate(3);
        prop_assert_eq!(best.into_sorted(), sorted);
    }

    #[test]
    fn padding_garbage_and_interleaving_do_not_show(
        size in sizes(),
        seed in any::<u32>(),
        format in select(&FORMATS[..]),
        range in select(&[Range::Limited, Range::Full][..]),
        subsampling in select(&[None, Some((1, 1)), Some((1, 0)), Some((0, 0)), Some((2, 0)), Some((2, 2))][..]),
        padding in 0_usize..70,
        garbage in any::<u8>(),
    ) {
        // Bits and bytes that do not matter: the same values in the plainest layout.
        let plain = Layout { format, range, subsampling, ..PLAIN };
        let odd = Layout { interleaved: true, padding: padding / 2 * 2, garbage, ..plain };
        let frames = [plain, odd].map(|layout| Frame::new(size, layout, scene(size, seed)));
        let [plain, odd] = frames.each_ref().map(|frame| scorer().score(&frame.picture()));
        prop_assert_eq!(plain, odd);
    }

    #[test]
    fn every_score_of_any_samples_is_a_number_from_0_to_1(
        size in sizes(),
        samples in vec(any::<u16>(), 64),
        format in select(&FORMATS[..]),
        range in select(&[Range::Limited, Range::Full][..]),
        subsampling in select(&[None, Some((1, 1)), Some((0, 0))][..]),
        part in (0_u8..8, 0_u8..8).prop_map(|(x, y)| (f64::from(x) / 8.0, f64::from(y) / 8.0)),
    ) {
        let layout = Layout { format, range, subsampling, ..PLAIN };
        let at = |x: usize, y: usize| {
            let value = |n: usize| f64::from(samples[(x * 7 + y * 13 + n) % 64]) / 65_535.0;
            [2.0 * value(0) - 0.5, value(1) - 0.5, value(2) - 0.5]
        };
        let frame = Frame::new(size, layout, at);
        let rectangle = Rectangle::new(part.0, part.1, 1.0 - part.0, 1.0 - part.1);
        let region = Region::new(vec![rectangle.expect("inside")], vec![]).expect("not empty");
        let mut scorer = scorer().region(region);
        for scored in [scorer.score(&frame.picture()), scorer.score(&frame.picture())] {
            for score in scored.parts.iter().chain([&scored.score]) {
                prop_assert!((0.0..=1.0).contains(&score.value()), "{:?}", scored);
            }
            let look = scored.look.expect("asked for");
            prop_assert!(look.distance(&look).abs() < 1e-12);
        }
    }
}

#[test]
fn one_picture_scores_alike_in_every_layout() {
    for size in [(640, 360), (321, 243)] {
        let layouts = FORMATS.iter().flat_map(|&format| {
            [Range::Limited, Range::Full]
                .into_iter()
                .flat_map(move |range| {
                    [(1, 1), (1, 0), (0, 0)].map(|subsampling| Layout {
                        format,
                        range,
                        subsampling: Some(subsampling),
                        ..PLAIN
                    })
                })
        });
        let scored: Vec<_> = layouts
            .map(|layout| {
                let mut scorer = scorer();
                for seed in [1, 2] {
                    scorer.score(&Frame::new(size, layout, scene(size, seed)).picture());
                }
                (
                    layout,
                    scorer.score(&Frame::new(size, layout, scene(size, 3)).picture()),
                )
            })
            .collect();
        for (place, metric) in Metric::ALL.iter().enumerate() {
            let values = || scored.iter().map(|(_, scored)| scored.parts[place].value());
            let (low, high) = (values().fold(1.0, f64::min), values().fold(0.0, f64::max));
            println!("{size:?} {metric}: {low:.4} to {high:.4}");
            assert!(high - low <= 1.0 / 255.0, "{metric}: {low} to {high}");
        }
        let looks: Vec<_> = scored
            .iter()
            .filter_map(|(_, scored)| scored.look.as_ref())
            .collect();
        let distances = looks.iter().map(|look| look.distance(looks[0]));
        assert!(distances.fold(0.0, f64::max) < 0.1);
    }
}

#[test]
fn a_picture_that_is_split_between_threads_scores_the_same() {
    let size = (4098, 2301);
    let frames = [5, 6].map(|seed| Frame::new(size, PLAIN, scene(size, seed)));
    let clock = Rectangle::new(0.6, 0.03, 0.3, 0.05).expect("inside");
    let region = Region::new(vec![], vec![clock]).expect("something is left");
    let scored = [1, 2, 4].map(|threads| {
        let mut scorer = scorer().region(region.clone());
        pool(threads).install(|| {
            frames
                .each_ref()
                .map(|frame| scorer.score(&frame.picture()))
        })
    });
    assert!(scored[0] == scored[1] && scored[0] == scored[2]);
}

#[test]
fn extreme_pictures_have_the_scores_they_should() {
    let score = |metric: Metric, size, luma: f64| {
        let frame = Frame::new(size, PLAIN, |_, _| [luma, 0.0, 0.0]);
        Scorer::new(metric.into())
            .score(&frame.picture())
            .score
            .value()
    };
    for size in [(1, 1), (1, 9), (9, 1), (2, 2), (16_384, 3), (64, 48)] {
        for (metric, black, white, grey) in [
            (Metric::Brightness, 0.0, 1.0, 110.0 / 219.0),
            (Metric::Darkness, 1.0, 0.0, 109.0 / 219.0),
            (Metric::Sharpness, 0.0, 0.0, 0.0),
            (Metric::Contrast, 0.0, 0.0, 0.0),
            (Metric::Colorfulness, 0.0, 0.0, 0.0),
            (Metric::Exposure, 0.0, 0.0, 1.0),
            (Metric::Motion, 0.0, 0.0, 0.0),
            (Metric::Stillness, 0.0, 0.0, 0.0),
        ] {
            for (luma, expected) in [(0.0, black), (1.0, white), (0.5, grey)] {
                let got = score(metric, size, luma);
                assert!(
                    (got - expected).abs() < 1e-12,
                    "{metric} of {luma} at {size:?}: {got}"
                );
            }
        }
        for luma in [0.0, 0.3, 1.0] {
            assert!(score(Metric::Entropy, size, luma) < 1.0 / 255.0);
        }
    }
}

#[test]
fn only_the_region_counts() {
    let size = (320, 240);
    // Bright and busy on the left, plain on the right, a clock above.
    let at = |x: usize, y: usize| {
        if y < 24 {
            [f64::from(u8::from((x / 4).is_multiple_of(2))), 0.4, -0.4]
        } else if x < 160 {
            [0.9, 0.2, 0.2]
        } else {
            [0.25, 0.0, 0.0]
        }
    };
    let clock = Rectangle::new(0.0, 0.0, 1.0, 0.1).expect("inside");
    let right = Rectangle::new(0.5, 0.0, 0.5, 1.0).expect("inside");
    let region = Region::new(vec![right], vec![clock]).expect("something is left");
    let whole = Frame::new(size, PLAIN, at);
    let part = Frame::new((160, 216), PLAIN, |x, y| at(x + 160, y + 24));
    let mut regional = scorer().region(region);
    let (inside, alone) = (
        regional.score(&whole.picture()),
        scorer().score(&part.picture()),
    );
    assert_eq!(inside.parts, alone.parts);
    // A larger picture of the same scene: the same part of it.
    let twice = Frame::new((640, 480), PLAIN, |x, y| at(x / 2, y / 2));
    let scaled = regional.score(&twice.picture());
    assert!((scaled.parts[0].value() - alone.parts[0].value()).abs() < 1e-12);
    assert_eq!(Blend::default().name(), "brightness");
}

#[test]
fn the_region_is_where_the_shown_picture_has_it_in_all_eight_orientations() {
    let (width, height) = (64, 48);
    let shade = scene((width, height), 11);
    let region = || {
        let part = Rectangle::new(0.125, 0.25, 0.5, 0.5).expect("inside");
        let clock = Rectangle::new(0.25, 0.25, 0.125, 0.25).expect("inside");
        Region::new(vec![part], vec![clock]).expect("something is left")
    };
    let stored = Frame::new((width, height), PLAIN, &shade);
    for number in 0..8 {
        let orientation = Orientation {
            mirror_across: number & 1 != 0,
            mirror_down: number & 2 != 0,
            transpose: number & 4 != 0,
        };
        let size = if orientation.transpose {
            (height, width)
        } else {
            (width, height)
        };
        let shown = Frame::new(size, PLAIN, |x, y| {
            let (x, y) = if orientation.transpose {
                (y, x)
            } else {
                (x, y)
            };
            let mirrored = |place, length, mirror| if mirror { length - 1 - place } else { place };
            shade(
                mirrored(x, width, orientation.mirror_across),
                mirrored(y, height, orientation.mirror_down),
            )
        });
        let turned = scorer()
            .region(region())
            .score(&stored.picture().turned(orientation));
        let upright = scorer().region(region()).score(&shown.picture());
        for (ours, theirs) in turned.parts.iter().zip(&upright.parts) {
            let (ours, theirs) = (ours.value(), theirs.value());
            assert!(
                (ours - theirs).abs() < 1e-12,
                "{orientation:?}: {ours} {theirs}"
            );
        }
    }
}
