//! What a gallery says about itself: plain serde types with the names of the
//! HTTP interface. Nothing here touches a file.
//!
//! All of them but [`Manifest`] and [`ManifestWinner`] also cross the pipe
//! between a worker and its parent in a binary format that stores no names, so
//! they use no serde attribute that leaves fields out, flattens or guesses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::picture::Fit;

/// What the camera sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// `h264`, `hevc`, `mjpeg`, `mpeg4`.
    pub codec: String,
    /// Pixels across, as coded.
    pub width: u32,
    /// Pixels down, as coded.
    pub height: u32,
    /// libav's name of the pixel format, for example `yuv420p`.
    pub pixel_format: String,
    /// Frames a second that the stream announces, if it does.
    pub frame_rate: Option<f64>,
    /// `tcp` or `udp`; none for a file.
    pub transport: Option<String>,
}

/// Frames that never could win, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Decoded with errors, or after a loss until the next keyframe.
    pub corrupt: u64,
    /// Arrived before the first keyframe.
    pub before_keyframe: u64,
    /// Arrived while exposure was given time to settle.
    pub warmup: u64,
}

/// Counters of a session, from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Packets of the video stream.
    pub packets: u64,
    /// Bytes of those packets.
    pub bytes: u64,
    /// Frames that came out of the decoder.
    pub frames_decoded: u64,
    /// Frames that were scored.
    pub frames_scored: u64,
    /// Frames skipped because the computer could not keep up.
    pub frames_dropped: u64,
    /// Frames that never could win.
    pub frames_rejected: Rejected,
    /// How often the connection was made again.
    pub reconnects: u64,
    /// Frames scored a second, lately.
    pub fps: f64,
    /// How far scoring lags behind the camera, in milliseconds.
    pub lag_ms: u64,
}

/// The start options of a session; never credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The characteristic, or a weighted sum of several.
    pub best: String,
    /// Winners asked for, 1 to 100.
    pub limit: u32,
    /// Least seconds between two winners.
    pub min_gap: f64,
    /// 0 to 1: how unlike each other winners must look.
    pub distinct: f64,
    /// Pixels across of a thumbnail.
    pub width: u32,
    /// Pixels down of a thumbnail.
    pub height: u32,
    /// How the picture is fitted into the thumbnail.
    pub fit: Fit,
    /// `x,y,w,h` as fractions; none for the whole frame.
    pub roi: Option<String>,
    /// The same for what is left out of scoring; several separated by `;`.
    #[serde(default)]
    pub exclude: Option<String>,
    /// `all`, `keyframes` or `refined`.
    pub sampling: String,
    /// `auto`, `tcp` or `udp`.
    pub transport: String,
    /// Whether an `rtsps` camera's certificate was taken unchecked.
    #[serde(default)]
    pub tls_insecure: bool,
    /// Seconds of stream skipped at the start.
    pub warmup: f64,
    /// Seconds of stream after which the session stops by itself.
    pub duration: Option<f64>,
    /// Whether a camera that never answered was tried on and on.
    #[serde(default)]
    pub persist: bool,
}

impl Default for Options {
    /// Nine brightest frames, thumbnails of 300×300 cut from the middle.
    fn default() -> Self {
        Self {
            best: "brightness".to_owned(),
            limit: 9,
            min_gap: 0.0,
            distinct: 0.0,
            width: 300,
            height: 300,
            fit: Fit::Cover,
            roi: None,
            exclude: None,
            sampling: "all".to_owned(),
            transport: "auto".to_owned(),
            tls_insecure: false,
            warmup: 0.0,
            duration: None,
            persist: false,
        }
    }
}

/// One frame among the session's best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Winner {
    /// Names the frame's pictures; unique within the session, never reused.
    pub key: u64,
    /// The score under the session's characteristic, 0 to 1.
    pub score: f64,
    /// The score of each characteristic that took part, by name.
    pub scores: BTreeMap<String, f64>,
    /// Counts decoded frames from 0.
    pub index: u64,
    /// Seconds since the session's first frame, by the stream's clock.
    pub stream_time: f64,
    /// RFC 3339.
    pub captured_at: String,
    /// Where `captured_at` comes from: `rtcp` (the camera) or `receive` (this
    /// computer).
    pub clock: String,
    /// Whether the frame was coded without reference to others.
    pub keyframe: bool,
    /// Pixels across of the original.
    pub width: u32,
    /// Pixels down of the original.
    pub height: u32,
}

/// The scores of a span of time, which lasts until the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Where it begins: seconds since the session's first frame.
    pub stream_time: f64,
    /// The least score of its frames, to six places.
    pub low: f64,
    /// Their mean.
    pub mean: f64,
    /// The greatest.
    pub high: f64,
}

/// Why a session failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// One of the kinds of the HTTP interface, for example `unauthorized`.
    pub kind: String,
    /// A sentence for the camera's owner; never credentials.
    pub message: String,
}

/// A winner as `manifest.json` lists it. JSON only: the fields of [`Winner`]
/// stand beside the three that are new here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManifestWinner {
    /// Place, from 1.
    pub rank: u32,
    /// Where the thumbnail lies inside the gallery, if it was saved.
    pub thumbnail: Option<String>,
    /// Where the picture at the camera's own size lies, if it was saved.
    pub original: Option<String>,
    /// The frame.
    #[serde(flatten)]
    pub winner: Winner,
}

/// `manifest.json`: all that a gallery knows about its session. JSON only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`Manifest::VERSION`] of the writer.
    pub version: u32,
    /// The session's id, and the name of the gallery's directory:
    /// 1 to 64 of `0-9 A-Z a-z -`.
    pub id: String,
    /// The URL without credentials, or the name of the file.
    pub source: String,
    /// How the session ended: `stopped`, `ended` or `failed`.
    pub state: String,
    /// What was asked for.
    pub options: Options,
    /// What the camera sent; none if it never came to that.
    pub stream: Option<Stream>,
    /// Counters at the end.
    pub stats: Stats,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub ended_at: String,
    /// Why it failed, where it did.
    pub error: Option<Failure>,
    /// Best first.
    pub winners: Vec<ManifestWinner>,
    /// How often the winners had changed by then; none in galleries of old.
    #[serde(default)]
    pub revision: Option<u64>,
    /// The score over time, at most 256 spans.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
}

impl Manifest {
    /// The layout that this version of the crate writes. Readers ignore fields
    /// that they do not know, so it grows only when old fields change meaning.
    pub const VERSION: u32 = 1;

    /// Ranks `winners` (best first) for a manifest. The paths stay empty:
    /// [`Draft::commit`](crate::Draft::commit) fills them in, because it knows
    /// which pictures there are.
    pub fn ranked(winners: impl IntoIterator<Item = Winner>) -> Vec<ManifestWinner> {
        (1..)
            .zip(winners)
            .map(|(rank, winner)| ManifestWinner {
                rank,
                thumbnail: None,
                original: None,
                winner,
            })
            .collect()
    }

    /// The winner at `rank` (from 1).
    pub fn winner(&self, rank: u32) -> Option<&ManifestWinner> {
        self.winners.iter().find(|winner| winner.rank == rank)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn winner(key: u32) -> Winner {
        // Neither binary nor short in decimal, so that rounding would show.
        let score = 0.1 + 0.2 / (f64::from(key) + 3.0);
        Winner {
            key: u64::from(key),
            score,
            scores: BTreeMap::from([("brightness".to_owned(), score)]),
            index: u64::from(key) * 25,
            stream_time: f64::from(key) / 3.0,
            captured_at: "2026-01-31T12:00:01.5Z".to_owned(),
            clock: "rtcp".to_owned(),
            keyframe: key == 0,
            width: 1920,
            height: 1080,
        }
    }

    /// A manifest as it stands in a complete gallery.
    pub(crate) fn manifest(id: &str, winners: u32) -> Manifest {
        let mut winners = Manifest::ranked((0..winners).map(winner));
        for winner in &mut winners {
            winner.thumbnail = Some(format!("thumbnails/{:02}.png", winner.rank));
            winner.original = Some(format!("originals/{:02}.png", winner.rank));
        }
        Manifest {
            version: Manifest::VERSION,
            id: id.to_owned(),
            source: "rtsp://camera.example/1".to_owned(),
            state: "stopped".to_owned(),
            options: Options::default(),
            stream: Some(stream()),
            stats: stats(),
            started_at: "2026-01-31T12:00:00Z".to_owned(),
            ended_at: "2026-01-31T12:01:00Z".to_owned(),
            error: None,
            winners,
            revision: Some(3),
            curve: vec![CurvePoint {
                stream_time: 0.05,
                low: 0.1,
                mean: 0.2,
                high: 0.3,
            }],
        }
    }

    fn stream() -> Stream {
        Stream {
            codec: "h264".to_owned(),
            width: 1920,
            height: 1080,
            pixel_format: "yuv420p".to_owned(),
            frame_rate: None,
            transport: Some("tcp".to_owned()),
        }
    }

    fn stats() -> Stats {
        Stats {
            packets: 1,
            bytes: u64::MAX,
            frames_scored: 1500,
            frames_rejected: Rejected {
                corrupt: 2,
                ..Rejected::default()
            },
            fps: 24.97,
            ..Stats::default()
        }
    }

    #[test]
    fn what_crosses_the_pipe_comes_back_the_same() {
        type Sent = (Stream, Stats, Vec<Winner>, Option<Failure>, Options);
        let sent: Sent = (
            stream(),
            stats(),
            vec![winner(0), winner(7)],
            Some(Failure {
                kind: "timeout".to_owned(),
                message: "The camera did not answer.".to_owned(),
            }),
            Options::default(),
        );
        let bytes = postcard::to_stdvec(&sent).unwrap();
        assert_eq!(postcard::from_bytes::<Sent>(&bytes).unwrap(), sent);
        let json = serde_json::to_string(&sent).unwrap();
        assert_eq!(serde_json::from_str::<Sent>(&json).unwrap(), sent);
    }

    #[test]
    fn a_manifest_comes_back_from_json_to_the_last_bit() {
        let sent = manifest("a-1", 100);
        let json = serde_json::to_string_pretty(&sent).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), sent);
    }

    #[test]
    fn json_has_the_names_of_the_http_interface() {
        let json = serde_json::to_value(manifest("a-1", 1)).unwrap();
        let keys = |value: &serde_json::Value| {
            let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys.join(" ")
        };
        assert_eq!(
            keys(&json["winners"][0]),
            "captured_at clock height index key keyframe original rank score scores \
             stream_time thumbnail width"
        );
        assert_eq!(json["options"]["fit"], "cover");
        assert_eq!(json["stats"]["frames_rejected"]["before_keyframe"], 0);
        assert_eq!(json["error"], serde_json::Value::Null);
    }

    #[test]
    fn fields_that_a_later_version_adds_are_ignored() {
        let mut json = serde_json::to_value(manifest("a-1", 1)).unwrap();
        json["mood"] = "fine".into();
        json["winners"][0]["mood"] = "fine".into();
        assert!(serde_json::from_value::<Manifest>(json).is_ok());
    }
}
