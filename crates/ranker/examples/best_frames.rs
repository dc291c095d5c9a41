//! Prints the three best frames of raw 8-bit 4:2:0 video on standard input, by any
//! characteristic, preset or weighted sum, a second apart at 25 frames a second:
//!
//! `ffmpeg -i clip.mp4 -f rawvideo -pix_fmt yuv420p - |
//! cargo run -p bestshot-ranker --example best_frames -- overall 768 576`

use std::error::Error;
use std::io::{Read, stdin};
use std::num::NonZeroUsize;
use std::time::Duration;

use bestshot_ranker::{
    Apart, ChromaPlane, ChromaView, LumaView, Matrix, Picture, Range, SampleFormat, Scorer, Spread,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [best, width, height] = &arguments[..] else {
        return Err("say what is best, and the frames' width and height".into());
    };
    let (width, height) = (width.parse::<usize>()?, height.parse::<usize>()?);
    let (across, down) = (width.div_ceil(2), height.div_ceil(2));
    let (luma, colour) = (width * height, across * down);
    let format = SampleFormat::EIGHT_BIT;
    let mut scorer = Scorer::new(best.parse()?);
    let min_gap = Duration::from_secs(1);
    let mut spread = Spread::new(
        NonZeroUsize::MIN.saturating_add(2),
        Apart {
            min_gap,
            distinct: 0.0,
        },
    );
    for index in 0_u32.. {
        let mut frame = Vec::with_capacity(luma + 2 * colour);
        if stdin()
            .take((luma + 2 * colour) as u64)
            .read_to_end(&mut frame)?
            < luma + 2 * colour
        {
            break;
        }
        let y = LumaView::new(&frame, width, height, width, format, Range::Limited)?;
        let u = ChromaPlane::new(&frame[luma..], (across, down), across, 1, format)?;
        let v = ChromaPlane::new(&frame[luma + colour..], (across, down), across, 1, format)?;
        let chroma = ChromaView::new(u, v, (1, 1), Matrix::Bt601)?;
        let scored = scorer.score(&Picture::new(y, chroma)?);
        spread.offer(
            scored.score,
            index * Duration::from_millis(40),
            scored.look,
            index,
        );
    }
    for (score, index) in spread.iter() {
        println!("frame {index}: {score:.6}");
    }
    Ok(())
}
