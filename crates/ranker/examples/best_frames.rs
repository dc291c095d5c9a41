//! Prints the three best frames of raw 8-bit 4:2:0 video on standard input:
//!
//! `ffmpeg -i clip.mp4 -f rawvideo -pix_fmt yuv420p - |
//! cargo run -p bestshot-ranker --example best_frames -- brightness 768 576`

use std::error::Error;
use std::io::{Read, stdin};
use std::num::NonZeroUsize;

use bestshot_ranker::{Best, LumaView, Metric, Range, SampleFormat};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [metric, width, height] = &arguments[..] else {
        return Err("give a characteristic, and the frames' width and height".into());
    };
    let characteristic = metric.parse::<Metric>()?.characteristic();
    let (width, height) = (width.parse::<usize>()?, height.parse::<usize>()?);
    // Luma, then two chroma planes of half the width and height, rounded up.
    let size = width * height + 2 * width.div_ceil(2) * height.div_ceil(2);
    let format = SampleFormat::EIGHT_BIT;
    let mut best = Best::new(NonZeroUsize::MIN.saturating_add(2));
    for index in 0_u64.. {
        let mut frame = Vec::with_capacity(size);
        if stdin().take(size as u64).read_to_end(&mut frame)? < size {
            break;
        }
        let luma = LumaView::new(&frame, width, height, width, format, Range::Limited)?;
        let _ = best.offer(characteristic.score(&luma), index);
    }
    for (score, index) in best.iter() {
        println!("frame {index}: {score:.6}");
    }
    Ok(())
}
