//! Prints the mean luma of every frame of a camera or a file.
//!
//! `cargo run --bin luma_means -- rtsp://192.168.1.20/live`

use std::{error::Error, path::Path};

use bestshot_decoder::{Frames, OpenOptions, RtspUrl, Stop};

fn main() -> Result<(), Box<dyn Error>> {
    let source = std::env::args()
        .nth(1)
        .ok_or("give an rtsp:// address or a file")?;
    let (options, stop) = (OpenOptions::default(), Stop::new());
    let frames = if source.starts_with("rtsp") {
        Frames::open_rtsp(&RtspUrl::parse(&source)?, &options, &stop)?
    } else {
        Frames::open_file(Path::new(&source), &options, &stop)?
    };
    eprintln!("{:?}", frames.info());
    for frame in frames {
        let frame = frame?;
        let luma = frame.luma()?;
        let row = luma.width * luma.bytes_per_sample;
        let sum: u32 = luma
            .data
            .chunks(luma.stride)
            .flat_map(|line| line[..row].chunks(luma.bytes_per_sample))
            .map(|s| s.iter().rev().fold(0, |v, b| v << 8 | u32::from(*b)) >> luma.shift)
            .sum();
        let mean = f64::from(sum) / (f64::from(frame.width()) * f64::from(frame.height()));
        println!(
            "{} {:.3} {mean:.6} {:?}",
            frame.index(),
            frame.stream_time().as_secs_f64(),
            frame.taint()
        );
    }
    Ok(())
}
