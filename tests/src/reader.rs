//! The independent reader: ffmpeg decodes a clip, and the luma of every frame is
//! added up here in whole numbers. Nothing of bestshot takes part.

use std::{
    ffi::OsStr,
    io::Read,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// All of a picture, in eighths.
const WHOLE: [u32; 4] = [0, 0, 8, 8];

/// What ffmpeg finds in a file, frame by frame.
#[derive(Debug)]
pub struct Reading {
    /// The sum of all luma samples of each frame.
    pub sums: Vec<u64>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// ffmpeg's name of the codec.
    pub codec: String,
    /// ffmpeg's name of the pixel format.
    pub pixel_format: String,
    black: u32,
    white: u32,
}

impl Reading {
    /// Decodes the first video stream of a file. `None` where ffmpeg cannot.
    pub fn of(file: &Path) -> Option<Self> {
        Self::with(file, &[], WHOLE)
    }

    /// The same of a part of each picture: left, top, width and height in eighths of its
    /// size.
    pub fn of_part(file: &Path, part: [u32; 4]) -> Option<Self> {
        Self::with(file, &[], part)
    }

    /// The same of the pictures that ffmpeg takes for keyframes.
    pub fn of_keyframes(file: &Path) -> Option<Self> {
        Self::with(file, &["-skip_frame", "nokey"], WHOLE)
    }

    fn with(file: &Path, decoding: &[&str], part: [u32; 4]) -> Option<Self> {
        let stream = first_video(file)?;
        let text = |name: &str| stream[name].as_str().unwrap_or_default().to_owned();
        let [left, top, width, height] = part;
        let size = |name: &str, eighths: u32| {
            let whole = u32::try_from(stream[name].as_u64()?).ok()?;
            Some(whole * eighths / 8)
        };
        let pixel_format = text("pix_fmt");
        let bits = depth(&pixel_format);
        let full = pixel_format.starts_with("yuvj") || text("color_range") == "pc";
        // ITU-R BT.601 and BT.709 put black at 16 and white at 235 of 8 bits.
        let (black, white) = if full {
            (0, (1 << bits) - 1)
        } else {
            (16 << (bits - 8), 235 << (bits - 8))
        };
        let mut reading = Self {
            sums: Vec::new(),
            width: size("width", width)?,
            height: size("height", height)?,
            codec: text("codec_name"),
            pixel_format,
            black,
            white,
        };
        let crop = format!("crop=iw*{width}/8:ih*{height}/8:iw*{left}/8:ih*{top}/8:exact=1");
        reading.sums = reading.decode(file, bits > 8, decoding, &crop);
        (!reading.sums.is_empty()).then_some(reading)
    }

    fn decode(&self, file: &Path, wide: bool, decoding: &[&str], crop: &str) -> Vec<u64> {
        let pixels = self.width as usize * self.height as usize;
        let mut frame = vec![0; if wide { 2 * pixels } else { pixels }];
        let mut child = ffmpeg()
            .args(decoding)
            .arg("-i")
            .arg(file)
            .args(["-map", "0:v:0", "-fps_mode", "passthrough"])
            .args(["-vf", &format!("{crop},extractplanes=y")])
            .args(["-f", "rawvideo", "-"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("ffmpeg can be started");
        let mut output = child.stdout.take().expect("stdout is a pipe");
        let mut sums = Vec::new();
        while output.read_exact(&mut frame).is_ok() {
            sums.push(if wide { sum16(&frame) } else { sum8(&frame) });
        }
        child.wait().expect("ffmpeg can be waited for");
        sums
    }

    fn samples(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The brightness of a frame: (mean - black) / (white - black), within 0 and 1.
    pub fn brightness(&self, index: usize) -> f64 {
        let black = u64::from(self.black) * self.samples();
        let range = u64::from(self.white - self.black) * self.samples();
        // A picture darker than black scores as black.
        let above = self.sums[index].saturating_sub(black);
        (exact(above) / exact(range)).min(1.0)
    }

    /// The mean luma of a frame.
    pub fn mean(&self, index: usize) -> f64 {
        exact(self.sums[index]) / exact(self.samples())
    }

    /// The indices of the `count` brightest frames, brightest first; of equal
    /// ones the earlier.
    pub fn brightest(&self, count: usize) -> Vec<usize> {
        self.first_by(count, |sum| u64::MAX - sum)
    }

    /// The indices of the `count` darkest frames, darkest first; of equal ones
    /// the earlier.
    pub fn darkest(&self, count: usize) -> Vec<usize> {
        self.first_by(count, |sum| sum)
    }

    fn first_by(&self, count: usize, place: impl Fn(u64) -> u64) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..self.sums.len()).collect();
        // A stable sort: equal frames stay in the order of the stream.
        indices.sort_by_key(|index| place(self.sums[*index]));
        indices.truncate(count);
        indices
    }

    /// The mean luma of each frame as ffmpeg's `signalstats` prints it.
    pub fn printed_means(file: &Path) -> Vec<f64> {
        let output = ffmpeg()
            .arg("-i")
            .arg(file)
            .args(["-map", "0:v:0", "-fps_mode", "passthrough", "-vf"])
            .args(["signalstats,metadata=print:file=-", "-f", "null", "-"])
            .output()
            .expect("ffmpeg can be started");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| line.strip_prefix("lavfi.signalstats.YAVG="))
            .map(|mean| mean.parse().expect("a mean is a number"))
            .collect()
    }
}

/// The mean difference of the RGB samples, 0 to 255, between a picture file and
/// one frame of a clip, both decoded by ffmpeg.
pub fn difference(picture: &[u8], clip: &Path, index: u64) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder can be had");
    let file = folder.path().join("picture.png");
    std::fs::write(&file, picture).expect("a picture can be written");
    let ours = rgb(&file, &[]);
    let theirs = rgb(clip, &["-vf", &format!("select=eq(n\\,{index})")]);
    assert_eq!(ours.len(), theirs.len(), "both pictures have one size");
    assert!(!ours.is_empty(), "there is a picture");
    let total: u64 = ours
        .iter()
        .zip(&theirs)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    exact(total) / exact(ours.len() as u64)
}

fn rgb(file: &Path, words: &[&str]) -> Vec<u8> {
    let exact = "accurate_rnd+full_chroma_int+full_chroma_inp";
    ffmpeg()
        .arg("-i")
        .arg(file)
        .args(words)
        .args(["-sws_flags", exact, "-fps_mode", "passthrough", "-frames:v"])
        .args(["1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .output()
        .expect("ffmpeg can be started")
        .stdout
}

/// Quiet, never asking, and leaving pictures the way they were sent.
fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "quiet", "-noautorotate"])
        .stderr(Stdio::null());
    command
}

fn first_video(file: &Path) -> Option<Value> {
    let words = ["-v", "quiet", "-select_streams", "v:0", "-show_streams"];
    let output = Command::new("ffprobe")
        .args(words)
        .args([OsStr::new("-of"), OsStr::new("json"), file.as_os_str()])
        .output()
        .expect("ffprobe can be started");
    let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
    answer["streams"].get(0).cloned()
}

/// Bits of a sample, by the name of the pixel format: `yuv420p10le` has ten.
fn depth(pixel_format: &str) -> u32 {
    let name = pixel_format.trim_end_matches("le");
    let digits = name.rsplit('p').next().unwrap_or_default();
    digits.parse().unwrap_or(8)
}

/// Sums of whole frames stay far below 2^53, up to which doubles are exact.
#[expect(clippy::cast_precision_loss, reason = "checked")]
fn exact(whole: u64) -> f64 {
    assert!(whole < 1 << 53);
    whole as f64
}

fn sum8(samples: &[u8]) -> u64 {
    samples.iter().map(|sample| u64::from(*sample)).sum()
}

fn sum16(bytes: &[u8]) -> u64 {
    let (pairs, _) = bytes.as_chunks::<2>();
    pairs
        .iter()
        .map(|p| u64::from(u16::from_le_bytes(*p)))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_read_off_the_names_of_pixel_formats() {
        for (name, bits) in [
            ("yuv420p", 8),
            ("yuvj422p", 8),
            ("yuv420p10le", 10),
            ("yuv444p12le", 12),
            ("gray", 8),
        ] {
            assert_eq!(depth(name), bits, "{name}");
        }
    }

    #[test]
    fn equal_frames_stay_in_the_order_of_the_stream() {
        let reading = Reading {
            sums: vec![5, 9, 9, 5, 7],
            width: 1,
            height: 1,
            codec: String::new(),
            pixel_format: String::new(),
            black: 0,
            white: 255,
        };
        assert_eq!(reading.brightest(3), [1, 2, 4]);
        assert_eq!(reading.darkest(3), [0, 3, 4]);
    }
}
