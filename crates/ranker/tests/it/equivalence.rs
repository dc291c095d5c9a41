//! The promises of the public API that hold for every way to cut and spread the
//! work, and for every way a picture can lie in memory.

use std::cmp::Reverse;
use std::num::NonZeroUsize;

use bestshot_ranker::{
    Best, Blend, Characteristic, Metric, Orientation, Range, Rectangle, Region, Scored, Scorer,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{FORMATS, Frame, Layout, PLAIN, everything};

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
