//! A characteristic of one's own, mixed with one of the crate's.

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
        let dark = frame.regions().flat_map(|luma| {
            let middle = u32::midpoint(luma.black(), luma.white());
            luma.values().filter(move |&v| u32::from(v) < middle)
        });
        let samples = frame.regions().map(|luma| luma.samples()).sum();
        Score::ratio(dark.count() as u64, samples)
    }
}

fn main() -> Result<(), bestshot_ranker::LayoutError> {
    let mut scorer = Scorer::new(Blend::of(Shade).and(Metric::Contrast, 0.5));
    // Five eighths of each row are dark.
    let row = |x: usize| if x % 64 < 40 { 40 } else { 200 };
    let frame: Vec<u8> = (0..64 * 48).map(row).collect();
    let luma = LumaView::new(&frame, 64, 48, 64, SampleFormat::EIGHT_BIT, Range::Limited)?;
    let scored = scorer.score(&luma.into());
    for ((name, weight), score) in scorer.blend().parts().zip(&scored.parts) {
        println!("{name} (weight {weight}): {score:.4}");
    }
    Ok(())
}
