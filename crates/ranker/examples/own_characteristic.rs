//! A characteristic of one's own, mixed with two of the crate's.

use bestshot_ranker::{
    Blend, Characteristic, LumaView, Measured, Metric, Range, SampleFormat, Score, Scorer,
};

/// The share of samples in the region that lie in the darker half.
struct Shade;

impl Characteristic for Shade {
    fn name(&self) -> &'static str {
        "shade"
    }

    fn score(&self, frame: &Measured<'_>) -> Score {
        let middle = |luma: &LumaView<'_>| u32::midpoint(luma.black(), luma.white());
        let dark = frame.regions().flat_map(|luma| {
            luma.values()
                .filter(move |&value| u32::from(value) < middle(&luma))
        });
        Score::ratio(
            dark.count() as u64,
            frame.regions().map(|luma| luma.samples()).sum(),
        )
    }
}

fn main() -> Result<(), bestshot_ranker::LayoutError> {
    let best = Blend::of(Shade)
        .and(Metric::Contrast, 0.5)
        .and(Metric::Sharpness, 2.0);
    let mut scorer = Scorer::new(best);
    let frame: Vec<u8> = (0..64 * 48_u32)
        .map(|i| if i % 64 < 40 { 40 } else { 200 })
        .collect();
    let luma = LumaView::new(&frame, 64, 48, 64, SampleFormat::EIGHT_BIT, Range::Limited)?;
    let scored = scorer.score(&luma.into());
    for ((name, weight), score) in scorer.blend().parts().zip(&scored.parts) {
        println!("{name} (weight {weight}): {score:.4}");
    }
    println!("{}: {:.4}", scorer.blend(), scored.score);
    Ok(())
}
