//! Recorded pictures: a video file's access units as they are in it, with their
//! times. ffmpeg unpacks the container, or makes another recording of the file
//! beforehand; nothing here decodes.

use std::{
    collections::HashMap,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, LazyLock, Mutex},
};

use crate::{
    fault_camera::{
        annexb::{Codec, access_units},
        jpeg, mpeg4, recorded,
    },
    place,
};

/// Ticks of RTP's clock in a second, for every kind of video.
pub const TICKS: u32 = 90_000;

/// One picture, coded.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its NAL units without start codes, parameter sets among them.
    pub nals: Vec<Vec<u8>>,
    /// Whether a decoder can begin with it.
    pub keyframe: bool,
    /// When it is due to be decoded, in ticks of 1/90000 s after the first.
    pub decode: u64,
    /// When it is shown, in the same ticks; at or after `decode`.
    pub present: u64,
}

/// A recording.
#[derive(Debug)]
pub struct Clip {
    /// How it is coded.
    pub codec: Codec,
    /// Its pictures in the order of decoding.
    pub units: Vec<Unit>,
    /// How long it takes, in ticks of 1/90000 s.
    pub length: u64,
}

type Known = Mutex<HashMap<String, Arc<Clip>>>;
/// Several tests of one program play the same few clips.
static KNOWN: LazyLock<Known> = LazyLock::new(Mutex::default);

impl Clip {
    /// One of the clips that set-up makes, by its file name.
    pub fn of(name: &str) -> Arc<Self> {
        remembered(name, || Self::read(&place::clip(name)))
    }

    /// What ffmpeg makes of one of those clips with these words of its command
    /// line, such as `-frames:v 50 -c:v libx264 -g 25 -bf 0`.
    pub fn made_of(name: &str, words: &str) -> Arc<Self> {
        let source = place::clip(name);
        let input = source.to_str().expect("the path is text");
        remembered(&format!("{name} {words}"), || made(&["-i", input], words))
    }

    /// What ffmpeg makes of a picture of its own (`-f lavfi -i SOURCE`).
    pub fn synthetic(source: &str, words: &str) -> Arc<Self> {
        remembered(&format!("{source} {words}"), || {
            made(&["-f", "lavfi", "-i", source], words)
        })
    }

    /// Twenty seconds in which each picture is brighter than all before it, and wins.
    pub fn brightening() -> Arc<Self> {
        Self::synthetic(
            "color=black:size=320x240:rate=10,format=yuv420p,geq=lum=20+N:cb=128:cr=128",
            "-frames:v 200 -c:v libx264 -preset ultrafast -qp 10 -g 10 -bf 0",
        )
    }

    /// Two whole H.264 keyframes of 8192 × 8192 pixels, in few kilobytes.
    pub fn gigantic() -> Arc<Self> {
        Self::synthetic(
            "color=gray:size=8192x8192:rate=5",
            "-frames:v 2 -c:v libx264 -preset ultrafast -threads 1 -g 1 -bf 0 -pix_fmt yuv420p \
             -x264-params sync-lookahead=0:rc-lookahead=0",
        )
    }

    /// Reads a video file.
    pub fn read(file: &Path) -> Self {
        let (codec, times) = probe(file);
        let filter = match codec {
            Codec::Jpeg => "null".to_owned(),
            Codec::Mpeg4 => "dump_extra".to_owned(),
            Codec::H264 | Codec::H265 => format!("{}_mp4toannexb", codec.name()),
        };
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(file)
            .args(["-map", "0:v:0", "-c", "copy", "-bsf:v", &filter])
            .args(["-f", codec.name(), "pipe:1"])
            .stderr(Stdio::inherit())
            .output()
            .expect("ffmpeg can be started");
        let found = match codec {
            Codec::Jpeg => jpeg::pictures(&output.stdout),
            Codec::Mpeg4 => mpeg4::pictures(&output.stdout),
            Codec::H264 | Codec::H265 => access_units(codec, &output.stdout),
        };
        assert!(!found.is_empty(), "{} holds no picture", file.display());
        assert_eq!(
            found.len(),
            times.len(),
            "ffprobe counts the pictures of {} as they are cut here",
            file.display()
        );
        let first = times[0].0;
        let ticks = |time: i64| u64::try_from(time - first).expect("times grow");
        let units: Vec<Unit> = found
            .into_iter()
            .zip(&times)
            .map(|(nals, (decode, present))| Unit {
                keyframe: nals.iter().any(|nal| codec.is_key(nal)),
                nals,
                decode: ticks(*decode),
                present: ticks(*present),
            })
            .collect();
        Self::lasting(codec, units)
    }

    /// What was recorded of a session over TCP (RFC 2326, 10.12): the packets of
    /// one channel, each picture of as many as have its stamp.
    pub fn recorded(codec: Codec, interleaved: &[u8], channel: u8) -> Arc<Self> {
        Arc::new(Self::lasting(
            codec,
            recorded::pictures(interleaved, channel),
        ))
    }

    /// The last picture lasts as long as the others do on average.
    fn lasting(codec: Codec, units: Vec<Unit>) -> Self {
        let last = units.last().expect("a recording has pictures").decode;
        let interval = match units.len() as u64 {
            0 | 1 => u64::from(TICKS) / 5,
            count => last / (count - 1),
        };
        Self {
            codec,
            units,
            length: last + interval,
        }
    }

    /// The parameter sets of its first picture.
    pub fn parameter_sets(&self) -> Vec<&[u8]> {
        let nals = self.units[0].nals.iter();
        nals.filter(|nal| self.codec.is_parameter_set(nal))
            .map(Vec::as_slice)
            .collect()
    }

    /// Which pictures are keyframes, by their place in the order of decoding.
    pub fn keyframes(&self) -> Vec<usize> {
        let numbered = self.units.iter().enumerate();
        numbered
            .filter(|(_, unit)| unit.keyframe)
            .map(|(number, _)| number)
            .collect()
    }
}

fn remembered(name: &str, make: impl FnOnce() -> Clip) -> Arc<Clip> {
    // Whoever else wants it waits, so that it is made once.
    let mut known = KNOWN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(clip) = known.get(name) {
        return Arc::clone(clip);
    }
    let clip = Arc::new(make());
    known.insert(name.to_owned(), Arc::clone(&clip));
    clip
}

fn made(input: &[&str], words: &str) -> Clip {
    let folder = tempfile::tempdir().expect("a temporary folder can be had");
    let file = folder.path().join("clip.mp4");
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(input)
        .args(words.split_whitespace())
        .arg("-an")
        .arg(&file)
        .status()
        .expect("ffmpeg can be started");
    assert!(status.success(), "ffmpeg makes a clip with {words}");
    Clip::read(&file)
}

/// The codec, and of each picture the times of decoding and showing in ticks.
fn probe(file: &Path) -> (Codec, Vec<(i64, i64)>) {
    let entries = "packet=dts_time,pts_time:stream=codec_name";
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-of", "json"])
        .args(["-show_entries", entries])
        .arg(file)
        .stderr(Stdio::inherit())
        .output()
        .expect("ffprobe can be started");
    let told: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("ffprobe writes JSON");
    let codec = match told["streams"][0]["codec_name"].as_str() {
        Some("h264") => Codec::H264,
        Some("hevc") => Codec::H265,
        Some("mjpeg") => Codec::Jpeg,
        Some("mpeg4") => Codec::Mpeg4,
        other => panic!("{} is {other:?}, which is not played", file.display()),
    };
    let packets = told["packets"].as_array().expect("ffprobe lists packets");
    let time = |packet: &serde_json::Value, name: &str| {
        let seconds: f64 = packet[name].as_str()?.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "clips last minutes")]
        Some((seconds * f64::from(TICKS)).round() as i64)
    };
    let times = packets.iter().map(|packet| {
        let decode = time(packet, "dts_time").expect("every packet has a time");
        (decode, time(packet, "pts_time").unwrap_or(decode))
    });
    (codec, times.collect())
}
