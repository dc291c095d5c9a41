//! What a session is asked to do. Checked by whoever builds it; nothing here
//! reads a camera.

use std::{
    fmt,
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use bestshot_decoder::{AddressPolicy, Deadlines, RtspUrl, Sampling, Transport};
use bestshot_gallery::ThumbnailSpec;
use bestshot_ranker::{Apart, Blend, Region};

/// Where the frames come from. Prints no credentials.
#[derive(Clone, Debug)]
pub enum Source {
    /// A camera.
    Rtsp(RtspUrl),
    /// A video file of this machine, for whoever owns the machine.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtsp(url) => url.fmt(f),
            Self::File(path) => f.write_str(
                &path
                    .file_name()
                    .unwrap_or(path.as_os_str())
                    .to_string_lossy(),
            ),
        }
    }
}

/// One session's orders. `Debug` prints no credentials.
#[derive(Clone, Debug)]
pub struct Job {
    pub(crate) source: Source,
    pub(crate) best: Blend,
    pub(crate) apart: Apart,
    pub(crate) region: Region,
    pub(crate) sampling: Sampling,
    pub(crate) limit: NonZeroUsize,
    pub(crate) thumbnail: ThumbnailSpec,
    pub(crate) transport: Transport,
    pub(crate) tls_insecure: bool,
    pub(crate) warmup: Duration,
    pub(crate) persist: bool,
    pub(crate) duration: Option<Duration>,
    pub(crate) frames: Option<NonZeroU64>,
    pub(crate) policy: AddressPolicy,
    pub(crate) deadlines: Deadlines,
}

impl Job {
    /// The nine brightest frames, as 300×300 thumbnails and originals.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            best: Blend::default(),
            apart: Apart::default(),
            region: Region::default(),
            sampling: Sampling::default(),
            limit: NonZeroUsize::MIN.saturating_add(8),
            thumbnail: ThumbnailSpec::default(),
            transport: Transport::Auto,
            tls_insecure: false,
            warmup: Duration::ZERO,
            persist: false,
            duration: None,
            frames: None,
            policy: AddressPolicy::default(),
            deadlines: Deadlines::default(),
        }
    }

    /// What makes a frame better. Default: brightness.
    #[must_use]
    pub fn best(mut self, best: Blend) -> Self {
        self.best = best;
        self
    }

    /// How far apart winners must be, in time and in looks. Default: not at all.
    #[must_use]
    pub fn apart(mut self, apart: Apart) -> Self {
        self.apart = apart;
        self
    }

    /// Which part of the pictures is scored. Default: all of it.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.region = region;
        self
    }

    /// Which frames are scored. Default: all.
    #[must_use]
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// How many winners are kept. Default: 9.
    #[must_use]
    pub fn limit(mut self, limit: NonZeroUsize) -> Self {
        self.limit = limit;
        self
    }

    /// Size and fit of the thumbnails. Default: 300×300, cover.
    #[must_use]
    pub fn thumbnail(mut self, thumbnail: ThumbnailSpec) -> Self {
        self.thumbnail = thumbnail;
        self
    }

    /// How packets travel. Default: auto.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Whether an `rtsps` camera's certificate is taken unchecked. Default: no.
    #[must_use]
    pub fn tls_insecure(mut self, insecure: bool) -> Self {
        self.tls_insecure = insecure;
        self
    }

    /// How much stream to skip at the start while exposure settles. Default: none.
    #[must_use]
    pub fn warmup(mut self, warmup: Duration) -> Self {
        self.warmup = warmup;
        self
    }

    /// Whether a camera that has never answered is tried for ever. Default: no, it is
    /// given up after its first tries.
    #[must_use]
    pub fn persist(mut self, persist: bool) -> Self {
        self.persist = persist;
        self
    }

    /// Seconds of stream after which the session ends by itself. Default: none.
    #[must_use]
    pub fn duration(mut self, duration: Option<Duration>) -> Self {
        self.duration = duration;
        self
    }

    /// Scored frames after which the session ends by itself, whatever came of the
    /// frames that are skipped or damaged. Default: none.
    #[must_use]
    pub fn frames(mut self, frames: Option<NonZeroU64>) -> Self {
        self.frames = frames;
        self
    }

    /// Where cameras may be. Default: anywhere.
    #[must_use]
    pub fn policy(mut self, policy: AddressPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How long each stage of connecting and reading may take.
    #[must_use]
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }
}
