//! The objects of the HTTP interface, named and ordered as the document shows
//! them, and how they are made from what session and gallery know. No logic.

use std::collections::BTreeMap;

use bestshot_gallery::manifest;
use bestshot_session::{State, Status};
use poem_openapi::{Enum, Object};

/// How a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(crate) enum SessionState {
    /// The camera is being reached.
    Connecting,
    /// Frames are being scored.
    Running,
    /// The stream broke off and is being opened again.
    Reconnecting,
    /// Asked to stop, or about to end: the gallery is being written.
    Stopping,
    /// Stopped because it was asked to.
    Stopped,
    /// The stream or the session's `duration` ended.
    Ended,
    /// It could not go on; `error` says why.
    Failed,
}

impl From<State> for SessionState {
    fn from(state: State) -> Self {
        match state {
            State::Connecting => Self::Connecting,
            State::Running => Self::Running,
            State::Reconnecting => Self::Reconnecting,
            State::Stopping => Self::Stopping,
            State::Stopped => Self::Stopped,
            State::Ended => Self::Ended,
            State::Failed => Self::Failed,
        }
    }
}

impl SessionState {
    /// The state that a manifest names.
    fn of_manifest(name: &str) -> Self {
        match name {
            "ended" => Self::Ended,
            "failed" => Self::Failed,
            _ => Self::Stopped,
        }
    }
}

/// The start options in force, without credentials.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct Options {
    /// What "best" means.
    pub(crate) best: String,
    /// How many winners are kept.
    pub(crate) limit: u32,
    /// Least seconds between two winners.
    pub(crate) min_gap: f64,
    /// How unlike each other winners must look, 0 to 1.
    pub(crate) distinct: f64,
    /// Thumbnail width in pixels.
    pub(crate) width: u32,
    /// Thumbnail height in pixels.
    pub(crate) height: u32,
    /// `cover`, `contain` or `stretch`.
    pub(crate) fit: String,
    /// The part that is scored, `x,y,w,h` as fractions; the whole frame if absent.
    pub(crate) roi: Option<String>,
    /// What is left out of scoring, `x,y,w,h` as fractions.
    pub(crate) exclude: Option<String>,
    /// Which frames are scored.
    pub(crate) sampling: String,
    /// How the camera sends.
    pub(crate) transport: String,
    /// Whether an `rtsps` camera's certificate is taken unchecked.
    pub(crate) tls_insecure: bool,
    /// Seconds of stream skipped at the start.
    pub(crate) warmup: f64,
    /// Seconds of stream after which the session stops by itself.
    pub(crate) duration: Option<f64>,
    /// Whether a camera that has never answered is tried on and on.
    pub(crate) persist: bool,
}

impl From<&manifest::Options> for Options {
    fn from(o: &manifest::Options) -> Self {
        Self {
            best: o.best.clone(),
            limit: o.limit,
            min_gap: o.min_gap,
            distinct: o.distinct,
            width: o.width,
            height: o.height,
            fit: o.fit.to_string(),
            roi: o.roi.clone(),
            exclude: o.exclude.clone(),
            sampling: o.sampling.clone(),
            transport: o.transport.clone(),
            tls_insecure: o.tls_insecure,
            warmup: o.warmup,
            duration: o.duration,
            persist: o.persist,
        }
    }
}

/// What the camera sends.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct Stream {
    /// For example `h264`.
    pub(crate) codec: String,
    /// Pixels across.
    pub(crate) width: u32,
    /// Pixels down.
    pub(crate) height: u32,
    /// libav's name of the pixel format, for example `yuv420p`.
    pub(crate) pixel_format: String,
    /// Frames a second that the stream announces.
    pub(crate) frame_rate: Option<f64>,
    /// `tcp` or `udp`.
    pub(crate) transport: Option<String>,
}

impl From<&manifest::Stream> for Stream {
    fn from(s: &manifest::Stream) -> Self {
        Self {
            codec: s.codec.clone(),
            width: s.width,
            height: s.height,
            pixel_format: s.pixel_format.clone(),
            frame_rate: s.frame_rate,
            transport: s.transport.clone(),
        }
    }
}

/// Frames that never could win, by reason.
#[derive(Clone, Debug, Object)]
pub(crate) struct FramesRejected {
    /// Decoded with errors, or after a loss until the next keyframe.
    pub(crate) corrupt: u64,
    /// Before the first keyframe.
    pub(crate) before_keyframe: u64,
    /// While exposure settled.
    pub(crate) warmup: u64,
}

/// What was counted since the session started.
#[derive(Clone, Debug, Object)]
pub(crate) struct Stats {
    /// Packets of video received.
    pub(crate) packets: u64,
    /// Bytes of video received.
    pub(crate) bytes: u64,
    /// Frames decoded.
    pub(crate) frames_decoded: u64,
    /// Frames scored.
    pub(crate) frames_scored: u64,
    /// Frames skipped because the computer could not keep up.
    pub(crate) frames_dropped: u64,
    /// Frames that never could win.
    pub(crate) frames_rejected: FramesRejected,
    /// How often the stream was opened again.
    pub(crate) reconnects: u64,
    /// Frames scored a second, lately.
    pub(crate) fps: f64,
    /// How far scoring lags behind the camera, in milliseconds.
    pub(crate) lag_ms: u64,
}

impl From<&manifest::Stats> for Stats {
    fn from(s: &manifest::Stats) -> Self {
        Self {
            packets: s.packets,
            bytes: s.bytes,
            frames_decoded: s.frames_decoded,
            frames_scored: s.frames_scored,
            frames_dropped: s.frames_dropped,
            frames_rejected: FramesRejected {
                corrupt: s.frames_rejected.corrupt,
                before_keyframe: s.frames_rejected.before_keyframe,
                warmup: s.frames_rejected.warmup,
            },
            reconnects: s.reconnects,
            fps: s.fps,
            lag_ms: s.lag_ms,
        }
    }
}

/// Why a session failed, or what keeps it from its camera.
#[derive(Clone, Debug, Object)]
pub(crate) struct SessionError {
    /// In one word: `unreachable`, `refused`, `dns`, `timeout`, `unauthorized`,
    /// `not_found`, `redirected`, `no_video`, `unsupported`, `no_keyframe`,
    /// `stalled`, `corrupt`, `limit`, `crashed`, `internal`.
    pub(crate) kind: String,
    /// For the camera's owner.
    pub(crate) message: String,
}

impl From<&manifest::Failure> for SessionError {
    fn from(f: &manifest::Failure) -> Self {
        Self {
            kind: f.kind.clone(),
            message: f.message.clone(),
        }
    }
}

/// One camera being read, from start to stop.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct Session {
    /// Names the session in every other operation.
    pub(crate) id: String,
    /// The camera's address, never with credentials.
    pub(crate) rtsp_url: String,
    /// How it is doing.
    pub(crate) state: SessionState,
    /// What it was asked for.
    pub(crate) options: Options,
    /// What the camera sends, once known.
    pub(crate) stream: Option<Stream>,
    /// What was counted so far.
    pub(crate) stats: Stats,
    /// RFC 3339.
    pub(crate) started_at: String,
    /// RFC 3339; absent while it runs.
    pub(crate) ended_at: Option<String>,
    /// Why it failed; while it is `reconnecting`, why; while it is `running`, that
    /// every picture of the last seconds was damaged. Absent otherwise.
    pub(crate) error: Option<SessionError>,
    /// While it is `reconnecting`: when the camera is tried again. RFC 3339.
    pub(crate) next_try_at: Option<String>,
    /// What its owner should know although it works.
    pub(crate) warning: Option<String>,
}

impl Session {
    /// A session that this process knows, by its last status. Without `ended_at`
    /// its end is not settled: whatever its worker says, it is not over, so that
    /// a session that is said to be over has its gallery.
    pub(crate) fn of_status(
        facts: &crate::state::Facts,
        status: &Status,
        ended_at: Option<String>,
    ) -> Self {
        Self {
            id: facts.id.clone(),
            rtsp_url: facts.source.clone(),
            state: if ended_at.is_none() && status.state.is_over() {
                SessionState::Stopping
            } else {
                status.state.into()
            },
            options: (&facts.options).into(),
            stream: status.stream.as_ref().map(Into::into),
            stats: (&status.stats).into(),
            started_at: facts.started_at.to_string(),
            ended_at,
            error: status.error.as_ref().map(Into::into),
            next_try_at: status.next_try_at.clone(),
            warning: status.warning.clone(),
        }
    }

    /// A session that left a gallery.
    pub(crate) fn of_manifest(m: &manifest::Manifest) -> Self {
        Self {
            id: m.id.clone(),
            rtsp_url: m.source.clone(),
            state: SessionState::of_manifest(&m.state),
            options: (&m.options).into(),
            stream: m.stream.as_ref().map(Into::into),
            stats: (&m.stats).into(),
            started_at: m.started_at.clone(),
            ended_at: Some(m.ended_at.clone()),
            error: m.error.as_ref().map(Into::into),
            next_try_at: None,
            warning: None,
        }
    }
}

/// One page of the sessions, newest first.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct SessionList {
    /// Running and past sessions.
    pub(crate) items: Vec<Session>,
    /// Pass as `before` for the next page; absent on the last one.
    pub(crate) next: Option<String>,
}

/// A frame among a session's best.
#[derive(Clone, Debug, Object)]
pub(crate) struct Frame {
    /// Place, from 1.
    pub(crate) rank: u32,
    /// The score under the session's characteristic, 0 to 1; higher is better.
    pub(crate) score: f64,
    /// The score of each characteristic that took part.
    pub(crate) scores: BTreeMap<String, f64>,
    /// Counts decoded frames from 0.
    pub(crate) index: u64,
    /// Seconds since the session's first frame, by the stream's clock.
    pub(crate) stream_time: f64,
    /// RFC 3339.
    pub(crate) captured_at: String,
    /// Where `captured_at` comes from: `rtcp` or `receive`.
    pub(crate) clock: String,
    /// Whether it was coded without reference to other frames.
    pub(crate) keyframe: bool,
    /// Pixels across of the original.
    pub(crate) width: u32,
    /// Pixels down of the original.
    pub(crate) height: u32,
    /// Where its thumbnail is. A frame that has just won gets one after a moment.
    pub(crate) thumbnail_url: String,
    /// Where the frame at the camera's own size is, a moment after the thumbnail.
    pub(crate) original_url: String,
}

impl Frame {
    /// `winner` at `rank` of session `id`.
    pub(crate) fn new(id: &str, rank: u32, winner: &manifest::Winner) -> Self {
        let base = format!("/v1/sessions/{id}/frames/{rank}");
        Self {
            rank,
            score: winner.score,
            scores: winner.scores.clone(),
            index: winner.index,
            stream_time: winner.stream_time,
            captured_at: winner.captured_at.clone(),
            clock: winner.clock.clone(),
            keyframe: winner.keyframe,
            width: winner.width,
            height: winner.height,
            thumbnail_url: format!("{base}/thumbnail"),
            original_url: format!("{base}/original"),
        }
    }
}

/// The best frames of a session, best first.
#[derive(Clone, Debug, Object)]
pub(crate) struct FrameList {
    /// The session.
    pub(crate) session_id: String,
    /// Grows with each change of the winners.
    pub(crate) revision: u64,
    /// While it runs, the best so far.
    pub(crate) items: Vec<Frame>,
}

/// The answer to a start.
#[derive(Clone, Debug, Object)]
pub(crate) struct StartReply {
    /// `Video processing started.` or `Video processing is already running.`
    pub(crate) message: String,
    /// The session that reads the camera.
    pub(crate) session: Session,
}

/// What a session left behind.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct StopReport {
    /// The session, now over.
    pub(crate) session: Session,
    /// Its saved winners, best first.
    pub(crate) frames: Vec<Frame>,
    /// Where the page with them is; absent if there was nothing to save.
    pub(crate) gallery_url: Option<String>,
}

/// The service's health.
#[derive(Clone, Debug, Object)]
pub(crate) struct Health {
    /// `ok`.
    pub(crate) status: String,
    /// The version of bestshot.
    pub(crate) version: String,
    /// Sessions that run now.
    pub(crate) sessions_running: u64,
    /// How many may run at once.
    pub(crate) sessions_max: u64,
    /// Seconds since the service started.
    pub(crate) uptime: f64,
}
