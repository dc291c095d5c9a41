//! What a caller decides before a stream is opened. Nothing here does I/O.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{policy::AddressPolicy, sampling::Sampling};

/// How packets travel from the camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP, then UDP where the camera refuses TCP or sends nothing by it.
    #[default]
    Auto,
    /// Interleaved in the RTSP connection: nothing is lost on the way, and no
    /// third host can be made to receive it.
    Tcp,
    /// Datagrams, for the few cameras that offer nothing else.
    Udp,
}

impl Transport {
    /// The name used in options, documents and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "auto" => Ok(Self::Auto),
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err(UnknownTransport),
        }
    }
}

/// The word is none of `auto`, `tcp`, `udp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transport is one of auto, tcp, udp")]
pub struct UnknownTransport;

/// How long each stage may take; each is measured by this crate's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// Finding the host's address.
    pub resolve: Duration,
    /// Connecting and the RTSP handshake up to PLAY.
    pub connect: Duration,
    /// From PLAY to the first packet of video. Over TCP a picture that has begun to
    /// arrive by then has [`Deadlines::silence`] to be complete.
    pub first_packet: Duration,
    /// From the first packet to the first picture that stands on a keyframe.
    pub first_keyframe: Duration,
    /// Least silence in a running stream that counts as a stall. A stream with
    /// few frames is allowed three times its own interval.
    pub silence: Duration,
}

impl Default for Deadlines {
    /// 4 s, 8 s, 8.5 s, 90 s and 8 s: a dead camera is named within ten seconds,
    /// and a camera that sends one keyframe a minute is still read.
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(4),
            connect: Duration::from_secs(8),
            first_packet: Duration::from_millis(8500),
            first_keyframe: Duration::from_secs(90),
            silence: Duration::from_secs(8),
        }
    }
}

/// How to open a stream and how much of this machine it may use.
///
/// ```
/// use bestshot_decoder::{OpenOptions, Transport};
/// let options = OpenOptions::default().transport(Transport::Tcp).threads(1);
/// # let _ = options;
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenOptions {
    pub(crate) transport: Transport,
    pub(crate) tls_insecure: bool,
    pub(crate) deadlines: Deadlines,
    pub(crate) policy: AddressPolicy,
    pub(crate) max_pixels: u64,
    pub(crate) threads: usize,
    pub(crate) sampling: Sampling,
    pub(crate) queue_packets: usize,
    pub(crate) queue_bytes: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            tls_insecure: false,
            deadlines: Deadlines::default(),
            policy: AddressPolicy::default(),
            // 8192 × 4320: the largest picture that a camera on sale sends.
            max_pixels: 8192 * 4320,
            threads: 1,
            sampling: Sampling::default(),
            queue_packets: 250,
            queue_bytes: 32 << 20,
        }
    }
}

impl OpenOptions {
    /// How packets travel. Default: [`Transport::Auto`].
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Whether an `rtsps` camera's certificate is taken as it is: whoever stands
    /// between could be the camera. Default: no; where the linked libav cannot check
    /// certificates (before 8.1), `rtsps` is then refused.
    #[must_use]
    pub fn tls_insecure(mut self, insecure: bool) -> Self {
        self.tls_insecure = insecure;
        self
    }

    /// How long each stage may take. Default: [`Deadlines::default`].
    #[must_use]
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Which addresses a camera may have. Default: all that a camera can have.
    #[must_use]
    pub fn policy(mut self, policy: AddressPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The most pixels in one picture; a larger one is refused before memory
    /// is taken for it. Default: 8192 × 4320.
    #[must_use]
    pub fn max_pixels(mut self, pixels: u64) -> Self {
        self.max_pixels = pixels;
        self
    }

    /// Decoding threads, 0 for as many as there are cores. More than one adds
    /// a frame of delay each: right for files, wrong for many cameras at once.
    /// Default: 1.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Which pictures are decoded. Default: [`Sampling::All`].
    #[must_use]
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// How much may wait between the network and the decoder of a camera.
    /// Beyond it, packets are dropped up to the next keyframe. Default: 250
    /// packets, 32 MiB.
    #[must_use]
    pub fn queue(mut self, packets: usize, bytes: usize) -> Self {
        self.queue_packets = packets.max(1);
        self.queue_bytes = bytes;
        self
    }
}
