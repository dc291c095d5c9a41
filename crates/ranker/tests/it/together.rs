//! The promises of measuring several things in one pass: what is measured for one
//! characteristic, or for a look, changes nothing of what is measured for another.

use bestshot_ranker::{
    ChromaPlane, ChromaView, LumaView, Matrix, Metric, Picture, Range, Rectangle, Region,
    SampleFormat, Scorer,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::everything;

/// Samples of 8 or 16 bits for luma and colours of 4:2:0.
#[derive(Clone, Debug)]
struct Samples {
    size: (usize, usize),
    format: SampleFormat,
    luma: Vec<u8>,
    chroma: Vec<u8>,
}

impl Samples {
    /// Whatever is in `data`, over and over.
    fn new(size: (usize, usize), deep: bool, data: &[u8]) -> Self {
        let format = if deep {
            SampleFormat::new(10, 2, 0).expect("a format")
        } else {
            SampleFormat::EIGHT_BIT
        };
        let bytes = format.bytes_per_sample();
        let colours = size.0.div_ceil(2) * size.1.div_ceil(2);
        let fill = |samples: usize| data.iter().copied().cycle().take(samples * bytes).collect();
        Self {
            size,
            format,
            luma: fill(size.0 * size.1),
            chroma: fill(colours),
        }
    }

    fn luma(&self) -> LumaView<'_> {
        let stride = self.size.0 * self.format.bytes_per_sample();
        let (width, height) = self.size;
        LumaView::new(
            &self.luma,
            width,
            height,
            stride,
            self.format,
            Range::Limited,
        )
        .expect("a plane")
    }

    fn picture(&self) -> Picture<'_> {
        let size = (self.size.0.div_ceil(2), self.size.1.div_ceil(2));
        let bytes = self.format.bytes_per_sample();
        let plane = ChromaPlane::new(&self.chroma, size, size.0 * bytes, bytes, self.format)
            .expect("a plane");
        let chroma = ChromaView::new(plane, plane, (1, 1), Matrix::Bt709).expect("two planes");
        Picture::new(self.luma(), chroma).expect("a picture")
    }
}

proptest! {
    #[test]
    fn each_characteristic_scores_alike_alone_and_among_all(
        size in (1_usize..150, 1_usize..70),
        deep in any::<bool>(),
        data in vec(any::<u8>(), 1..3_000),
        part in prop::option::of((0.0..0.9, 0.0..0.9)),
    ) {
        let first = Samples::new(size, deep, &data);
        let second = Samples::new(size, deep, &data[data.len() / 3..]);
        let region = part.map_or_else(Region::default, |(x, y)| {
            let part = Rectangle::new(x, y, 0.1, 0.1).expect("a part");
            Region::new(vec![part], Vec::new()).expect("a region")
        });
        let both = |mut scorer: Scorer| {
            scorer.score(&first.picture());
            scorer.score(&second.picture())
        };
        let all = both(Scorer::new(everything()).region(region.clone()).looks(true));
        for (&metric, among) in Metric::ALL.iter().zip(&all.parts) {
            let alone = both(Scorer::new(metric.into()).region(region.clone()));
            prop_assert_eq!(&alone.score, among, "{}", metric);
        }
        // The look is made of blocks, which motion needs too, and of sums of colours.
        let apart = both(Scorer::new(Metric::Brightness.into()).region(region).looks(true));
        prop_assert_eq!(apart.look, all.look);
    }
}

#[test]
fn a_picture_without_colours_looks_as_one_whose_colours_are_grey() {
    let data: Vec<u8> = (0..=250).collect();
    let mut grey = Samples::new((64, 48), false, &data);
    grey.chroma.fill(128);
    let look = |picture: &Picture<'_>| {
        let mut scorer = Scorer::new(Metric::Brightness.into()).looks(true);
        scorer.score(picture).look.expect("a look was asked for")
    };
    assert_eq!(look(&Picture::from(grey.luma())), look(&grey.picture()));
}

#[test]
fn one_picture_scores_alike_however_large_it_is() {
    // Three quarters are white and reddish, the right one is dark and bluish: each
    // value is there more often, and in longer columns, than 16 bits can count.
    let scores = |(width, height): (usize, usize)| {
        let mut samples = Samples::new((width, height), false, &[255]);
        for row in samples.luma.chunks_mut(width) {
            row[width * 3 / 4..].fill(40);
        }
        for row in samples.chroma.chunks_mut(width / 2) {
            row[..width * 3 / 8].fill(90);
        }
        let mut scorer = Scorer::new(everything()).looks(true);
        let of_one = scorer.score(&samples.picture());
        let sizeless = Metric::ALL.iter().zip(of_one.parts).filter(|(metric, _)| {
            // The width of an edge is one of pixels.
            !matches!(metric, Metric::Sharpness)
        });
        (
            sizeless.map(|(_, score)| score).collect::<Vec<_>>(),
            of_one.look,
        )
    };
    assert_eq!(scores((640, 9_000)), scores((64, 64)));
}
