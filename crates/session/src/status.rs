//! How a session stands: what the worker reports and everybody else reads.

use std::{fmt, sync::Arc};

use bestshot_gallery::manifest::{CurvePoint, Failure, Stats, Stream, Winner};
use serde::{Deserialize, Serialize};

/// The life of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Before the first frame.
    #[default]
    Connecting,
    /// Frames arrive.
    Running,
    /// The stream broke off and is being sought again.
    Reconnecting,
    /// Asked to stop; pictures are still being saved.
    Stopping,
    /// Stopped on request.
    Stopped,
    /// The stream, the file or the duration ended.
    Ended,
    /// It could not go on; `error` says why.
    Failed,
}

impl State {
    /// The name that documents and manifests use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Running => "running",
            Self::Reconnecting => "reconnecting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing will change any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Stopped | Self::Ended | Self::Failed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a session stands at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Where in its life it is.
    pub state: State,
    /// What the camera sends, from the first frame on.
    pub stream: Option<Stream>,
    /// Counters.
    pub stats: Stats,
    /// Grows with every change of the winners.
    pub revision: u64,
    /// Best first.
    pub winners: Vec<Winner>,
    /// Why it failed, why it is connecting again, or, of a running session, that
    /// every picture of late was damaged.
    pub error: Option<Failure>,
    /// While it waits before it connects again: when it will (RFC 3339).
    pub next_try_at: Option<String>,
    /// What its owner should know although it works.
    pub warning: Option<String>,
    /// From the first try to the end of the handshake.
    pub connect_ms: Option<u64>,
    /// From the first try to the first scored frame.
    pub first_frame_ms: Option<u64>,
    /// Seconds from one keyframe to the next, on average.
    pub keyframe_interval: Option<f64>,
    /// The best score so far.
    pub best_score: Option<f64>,
    /// Length of a file in seconds.
    pub duration: Option<f64>,
    /// The score over time, at most 256 spans; a second old at most.
    pub curve: Arc<[CurvePoint]>,
}

/// The part of [`Status`] that changes all the time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) state: State,
    pub(crate) stream: Option<Stream>,
    pub(crate) stats: Stats,
    pub(crate) error: Option<Failure>,
    pub(crate) next_try_at: Option<String>,
    pub(crate) warning: Option<String>,
    pub(crate) connect_ms: Option<u64>,
    pub(crate) first_frame_ms: Option<u64>,
    pub(crate) keyframe_interval: Option<f64>,
    pub(crate) best_score: Option<f64>,
    pub(crate) duration: Option<f64>,
    /// Whether pictures are being made just now.
    pub(crate) saving: bool,
}

impl Status {
    pub(crate) fn update(&mut self, progress: Progress) {
        let Progress {
            state,
            stream,
            stats,
            error,
            next_try_at,
            warning,
            connect_ms,
            first_frame_ms,
            keyframe_interval,
            best_score,
            duration,
            saving: _,
        } = progress;
        self.state = state;
        self.stream = stream;
        self.stats = stats;
        self.error = error;
        self.next_try_at = next_try_at;
        self.warning = warning;
        self.connect_ms = connect_ms;
        self.first_frame_ms = first_frame_ms;
        self.keyframe_interval = keyframe_interval;
        self.best_score = best_score;
        self.duration = duration;
    }
}
