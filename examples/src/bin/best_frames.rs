//! Saves the three best frames of a video file, a second apart, as 1.png to 3.png.
//!
//! `cargo run --bin best_frames -- holiday.mp4 sharpness:0.7,brightness:0.3`

use std::{error::Error, fs::File, num::NonZeroUsize, path::Path, time::Duration};

use bestshot_decoder::{Frames, OpenOptions, Stop};
use bestshot_ranker::{Apart, LumaView, Range, SampleFormat, Scorer, Spread};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [file, best] = &words[..] else {
        return Err("give a file, and what is best".into());
    };
    let mut scorer = Scorer::new(best.parse()?);
    let (min_gap, distinct) = (Duration::from_secs(1), 0.0);
    let three = NonZeroUsize::MIN.saturating_add(2);
    let mut best = Spread::new(three, Apart { min_gap, distinct });
    for frame in Frames::open_file(Path::new(file), &OpenOptions::default(), &Stop::new())? {
        let frame = frame?;
        let l = frame.luma()?;
        let format = SampleFormat::new(l.bits, l.bytes_per_sample, l.shift)?;
        let range = [Range::Limited, Range::Full][usize::from(l.full_range)];
        let view = LumaView::new(l.data, l.width, l.height, l.stride, format, range)?;
        let scored = scorer.score(&view.into());
        best.offer(scored.score, frame.stream_time(), scored.look, frame);
    }
    for (rank, (score, frame)) in (1..).zip(best.iter()) {
        let rgb = frame.to_rgb()?;
        let file = File::create(format!("{rank}.png"))?;
        let mut png = png::Encoder::new(file, rgb.width, rgb.height);
        png.set_color(png::ColorType::Rgb);
        png.write_header()?.write_image_data(&rgb.data)?;
        println!("{} {score:.9}", frame.index());
    }
    Ok(())
}
