//! The one error type of this crate and its kinds. What libav said stays in
//! `source()`; nothing here decides what to do about an error.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who or what is at fault, in one word; stable, and safe to show to anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The network gave no way to the camera, or the file is not there.
    Unreachable,
    /// The host answered and refused: a closed port, or a network rule of ours.
    Refused,
    /// The host name does not resolve.
    Dns,
    /// The camera did not complete the handshake in time.
    Timeout,
    /// The camera wants other credentials (401), or forbids this stream (403).
    Unauthorized,
    /// The camera has no stream at that path.
    NotFound,
    /// The camera sent the reader elsewhere, which is never followed.
    Redirected,
    /// The camera offers no video, or opened the stream and sent none.
    NoVideo,
    /// The video's codec, pixel format or protocol cannot be read here.
    Unsupported,
    /// Packets came, but no keyframe within its deadline.
    NoKeyframe,
    /// Pictures came, then silence for longer than this stream's rate allows.
    Stalled,
    /// What came could not be understood or decoded.
    Corrupt,
    /// A picture or message larger than the limits allow.
    Limit,
    /// The stream broke off: not an end that the camera announced.
    Dropped,
    /// The caller asked to stop.
    Stopped,
    /// A fault of this program or of the machine it runs on.
    Internal,
}

impl ErrorKind {
    /// The kind as one lower-case word, as programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Dns => "dns",
            Self::Timeout => "timeout",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not_found",
            Self::Redirected => "redirected",
            Self::NoVideo => "no_video",
            Self::Unsupported => "unsupported",
            Self::NoKeyframe => "no_keyframe",
            Self::Stalled => "stalled",
            Self::Corrupt => "corrupt",
            Self::Limit => "limit",
            Self::Dropped => "dropped",
            Self::Stopped => "stopped",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a stream could not be opened or read on.
///
/// The message names the operation and the stream, in the words of a camera
/// owner, and never holds credentials.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    lasting: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            lasting: matches!(
                kind,
                ErrorKind::Unauthorized
                    | ErrorKind::NotFound
                    | ErrorKind::Redirected
                    | ErrorKind::Unsupported
                    | ErrorKind::NoKeyframe
                    | ErrorKind::Limit
                    | ErrorKind::Stopped
                    | ErrorKind::Internal
            ),
            source: None,
        }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same, of a kind that may pass, where it will not.
    pub(crate) fn lasting(mut self) -> Self {
        self.lasting = true;
        self
    }

    /// Whether trying again in a moment is pointless: somebody must first change
    /// something. A camera that restarts, or a network that is down, may come back.
    pub fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// Who is at fault.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

/// A libav return code, kept as the `source()` of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AvError(pub(crate) i32);

impl fmt::Display for AvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only the fixed text for the code: never a message with a URL in it.
        write!(
            f,
            "{} (libav code {})",
            ffmpeg_next::Error::from(self.0),
            self.0
        )
    }
}

impl std::error::Error for AvError {}
