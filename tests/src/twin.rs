//! The clean twins of a camera's pictures: what the program `ffmpeg` decodes of
//! a clip of which nothing was lost, and how far a picture is from its twin.
//! Nothing of bestshot takes part.

use std::{
    fs::File,
    io::{BufWriter, Cursor, Write},
    os::unix::fs::FileExt,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use crate::fault_camera::Clip;

/// All pictures of clips in the order of showing, RGB, 8 bits a sample.
#[derive(Debug)]
pub struct Twins {
    /// They do not fit into memory for many clips at once.
    file: File,
    bytes: usize,
}

impl Twins {
    /// Decodes clips of one codec, of `width` × `height` pixels, one after another.
    ///
    /// # Panics
    /// Where ffmpeg finds another number of pictures in them than they have.
    pub fn of(clips: &[Arc<Clip>], width: usize, height: usize) -> Self {
        let units = || clips.iter().flat_map(|clip| &clip.units);
        let file = tempfile::tempfile().expect("a temporary file can be had");
        let output = file.try_clone().expect("a file can be shared");
        let mut child = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-f", clips[0].codec.name()])
            .args(["-i", "pipe:0", "-fps_mode", "passthrough"])
            .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"])
            .stdin(Stdio::piped())
            .stdout(output)
            .spawn()
            .expect("ffmpeg can be started");
        let mut input = BufWriter::new(child.stdin.take().expect("stdin is a pipe"));
        thread::scope(|scope| {
            scope.spawn(move || {
                let start_code = clips[0].codec.start_code();
                for nal in units().flat_map(|unit| &unit.nals) {
                    input.write_all(start_code).expect("ffmpeg reads");
                    input.write_all(nal).expect("ffmpeg reads");
                }
            });
        });
        assert!(child.wait().expect("ffmpeg ends").success());
        let bytes = 3 * width * height;
        let written = file.metadata().expect("a file has a size").len();
        let expected = (units().count() * bytes) as u64;
        assert_eq!(written, expected, "ffmpeg decodes every picture");
        Self { file, bytes }
    }

    /// The picture at this place in the order of showing.
    pub fn get(&self, place: usize) -> Vec<u8> {
        let mut picture = vec![0; self.bytes];
        let offset = (place * self.bytes) as u64;
        self.file
            .read_exact_at(&mut picture, offset)
            .expect("every picture was written");
        picture
    }
}

/// The samples of a PNG file, RGB, 8 bits a sample.
///
/// # Panics
/// Where it is not such a file.
pub fn rgb_of_png(bytes: &[u8]) -> Vec<u8> {
    let decoder = png::Decoder::new(Cursor::new(bytes));
    let mut reader = decoder.read_info().expect("a PNG file");
    let kind = reader.output_color_type();
    assert_eq!(kind, (png::ColorType::Rgb, png::BitDepth::Eight));
    let size = reader.output_buffer_size().expect("it fits into memory");
    let mut samples = vec![0; size];
    let info = reader.next_frame(&mut samples).expect("a whole PNG file");
    samples.truncate(info.buffer_size());
    samples
}

/// The peak signal-to-noise ratio of two pictures of 8 bits a sample, in decibels:
/// 10 log10(255² / mean of the squared differences). Infinite where they are equal.
///
/// # Panics
/// Where they differ in size.
pub fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len(), "both pictures have one size");
    if a == b {
        return f64::INFINITY;
    }
    let squares = a.iter().zip(b).map(|(a, b)| {
        let difference = u64::from(a.abs_diff(*b));
        difference * difference
    });
    let total: u64 = squares.sum();
    #[expect(clippy::cast_precision_loss, reason = "both are far below 2^53")]
    let mean = total as f64 / a.len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_of_difference_in_every_sample_is_48_decibels() {
        assert!((psnr(&[10; 300], &[11; 300]) - 48.13).abs() < 0.01);
        assert!(psnr(&[10; 300], &[13; 300]) < 40.0);
        assert!(psnr(&[1, 2], &[1, 2]).is_infinite());
    }
}
