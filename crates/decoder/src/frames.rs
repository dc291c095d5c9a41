//! The iterator that this crate is for: frames of a camera or a file. A camera
//! is read on a thread of its own, so that a slow consumer never makes it wait.

use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    arrivals::Arrivals,
    error::{Error, ErrorKind},
    frame::Frame,
    group::Group,
    open,
    options::{OpenOptions, Transport},
    packets::{self, Packets},
    patience::Patience,
    queue::{Queue, Shared},
    recording::Recording,
    sampler::{Sampler, Step},
    url::RtspUrl,
    watch::{Stop, Watch},
};

/// What is known of a stream before its first picture.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamInfo {
    /// libav's name of the codec: `h264`, `hevc`, `mjpeg`, `mpeg4`, …
    pub codec: &'static str,
    /// How packets travel; `None` for a file.
    pub transport: Option<Transport>,
    /// Frames in a second, where the stream says so.
    pub frame_rate: Option<f64>,
    /// Seconds, of a file.
    pub duration: Option<f64>,
    /// From the first step of opening a camera to the end of its handshake.
    pub handshake: Option<Duration>,
    /// Bytes of the receive buffer for datagrams, where the kernel cut it below what
    /// was asked for (`net.core.rmem_max`): bursts may overflow it.
    pub receive_buffer_cut: Option<u64>,
}

/// What was read so far. Numbers only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets of video that arrived.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets given up because the consumer was too slow.
    pub dropped: u64,
    /// Keyframes among the packets that arrived.
    pub keyframes: u64,
}

/// The frames of a stream, in the order in which they are shown.
///
/// Yields `Err` once at most, as the last item; after `None` it stays `None`.
/// Damaged pictures are yielded too, marked by [`Frame::taint`].
///
/// ```no_run
/// use bestshot_decoder::{Frames, OpenOptions, RtspUrl, Stop};
/// let url = RtspUrl::parse("rtsp://192.168.1.20/live")?;
/// for frame in Frames::open_rtsp(&url, &OpenOptions::default(), &Stop::new())?.take(100) {
///     let frame = frame?;
///     println!("{} {:?}", frame.index(), frame.stream_time());
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Frames {
    source: Source,
    sampler: Sampler,
    info: StreamInfo,
    shared: Arc<Shared>,
    patience: Patience,
    /// Nothing more is read.
    done: bool,
    /// Why, where it is to be told once everything was handed out.
    failure: Option<Error>,
}

enum Source {
    /// Read when asked.
    File(Box<Recording>),
    /// Read by a thread, as fast as the camera sends.
    Camera {
        arrivals: Box<Arrivals>,
        reader: Option<JoinHandle<()>>,
    },
}

impl Frames {
    /// Connects to a camera and starts reading it.
    ///
    /// # Errors
    /// Every kind but `NoKeyframe` and `Stalled`; see [`ErrorKind`].
    pub fn open_rtsp(url: &RtspUrl, options: &OpenOptions, stop: &Stop) -> Result<Self, Error> {
        let packets = open::open_rtsp(url, options, stop)?;
        let sampler = Sampler::new(&packets, options)?;
        let info = info(&packets, &sampler);
        let name = packets.name().to_owned();
        let shared = Arc::new(Shared::default());
        let (queue, units) = Queue::new(options, &shared);
        let arrivals = Box::new(Arrivals::new(units, &packets));
        let reader = thread::Builder::new()
            .name("demux".into())
            .spawn(move || queue.fill(packets))
            .map_err(|e| {
                Error::new(ErrorKind::Internal, "no thread could be started").with_source(e)
            })?;
        let patience = Patience::with_camera(name, options.deadlines.first_keyframe);
        let source = Source::Camera {
            arrivals,
            reader: Some(reader),
        };
        Ok(Self::assemble(source, sampler, info, shared, patience))
    }

    /// Opens a video file of this machine.
    ///
    /// # Errors
    /// `Unreachable` (no such file), `Unauthorized` (not readable), `Corrupt`,
    /// `NoVideo`, `Unsupported`, `Stopped`.
    pub fn open_file(path: &Path, options: &OpenOptions, stop: &Stop) -> Result<Self, Error> {
        let packets = Packets::open_file(path, packets::watch(stop))?;
        let sampler = Sampler::new(&packets, options)?;
        let info = info(&packets, &sampler);
        let source = Source::File(Box::new(Recording::new(packets)));
        Ok(Self::assemble(
            source,
            sampler,
            info,
            Arc::default(),
            Patience::with_file(),
        ))
    }

    fn assemble(
        source: Source,
        sampler: Sampler,
        info: StreamInfo,
        shared: Arc<Shared>,
        patience: Patience,
    ) -> Self {
        Self {
            source,
            sampler,
            info,
            shared,
            patience,
            done: false,
            failure: None,
        }
    }

    /// What the stream said of itself when it was opened.
    pub fn info(&self) -> &StreamInfo {
        &self.info
    }

    /// What was read so far.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// What comes next: a picture, or with [`Sampling::Refined`](crate::Sampling::Refined)
    /// the group that ends here. Yields as the iterator does.
    pub fn step(&mut self) -> Option<Result<Step, Error>> {
        loop {
            if let Some(step) = self.sampler.next() {
                return Some(Ok(step));
            }
            let call = self.watch().decoding();
            let worked = self.sampler.work();
            drop(call);
            let next = match worked {
                Ok(true) if self.watch().is_stopped() => {
                    Err(Error::new(ErrorKind::Stopped, "stopped on request"))
                }
                Ok(true) => continue,
                Ok(false) if self.done && self.sampler.finish() => continue,
                Ok(false) if self.done => return self.failure.take().map(Err),
                Ok(false) => self.advance(),
                Err(e) => Err(e),
            };
            match next {
                Ok(more) => self.done |= !more,
                Err(e) => {
                    let lost = self.fail(e);
                    if lost.is_some() {
                        return lost.map(Err);
                    }
                }
            }
        }
    }

    /// Has the pictures of the group that was handed out last decoded: they come next.
    /// A group of which this is not said is given up.
    pub fn refine(&mut self, group: Group) {
        self.sampler.refine(group);
    }

    /// Reads no further; what was read already is still handed out.
    pub fn close(&mut self) {
        if !self.done {
            self.done = true;
            let rest = self.sampler.packet(None);
            self.failure = rest.err();
        }
    }

    /// Reading is over. A group that was held back comes first, unless somebody waits for
    /// the end.
    fn fail(&mut self, error: Error) -> Option<Error> {
        let at_once =
            self.done || error.kind() == ErrorKind::Stopped || !self.sampler.holds_groups();
        self.done = true;
        if at_once || self.sampler.packet(None).is_err() {
            self.sampler.abandon();
            self.failure = None;
            return Some(error);
        }
        self.failure = Some(error);
        None
    }

    fn watch(&self) -> &Watch {
        match &self.source {
            Source::File(recording) => recording.watch(),
            Source::Camera { arrivals, .. } => &arrivals.watch,
        }
    }

    fn advance(&mut self) -> Result<bool, Error> {
        let unit = match &mut self.source {
            Source::File(recording) => {
                let unit = recording.read()?;
                if let Some(unit) = &unit {
                    self.shared.count(unit);
                }
                unit
            }
            Source::Camera { arrivals, .. } => match arrivals.next()? {
                Some(unit) => {
                    self.shared.taken(&unit);
                    Some(unit)
                }
                None => match self.shared.take_failure() {
                    Some(failure) => return Err(failure),
                    None => None,
                },
            },
        };
        let more = unit.is_some();
        if let Some(unit) = &unit {
            let expected = self.sampler.expects(unit);
            self.patience.packet(unit.arrival, expected)?;
        }
        let call = self.watch().decoding();
        let brought = self.sampler.packet(unit)?;
        drop(call);
        self.patience.pictures(brought.any, brought.clean)?;
        Ok(more)
    }
}

impl Iterator for Frames {
    type Item = Result<Frame, Error>;

    /// The next picture. Groups are passed over; who wants them takes [`Frames::step`].
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step()? {
                Ok(Step::Picture(frame) | Step::Refined(frame)) => return Some(Ok(frame)),
                Ok(Step::Group(_)) => {}
                Err(e) => return Some(Err(e)),
            }
        }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        if let Source::Camera { arrivals, reader } = &mut self.source {
            arrivals.watch.abandon();
            if let Some(reader) = reader.take() {
                // It has 100 ms to notice and 200 ms to say goodbye to the camera.
                let _ = reader.join();
            }
        }
    }
}

fn info(packets: &Packets, sampler: &Sampler) -> StreamInfo {
    StreamInfo {
        codec: sampler.codec(),
        transport: packets.transport,
        frame_rate: packets.parameters.frame_rate,
        duration: packets.parameters.duration,
        handshake: packets.handshake,
        receive_buffer_cut: packets.signals.receive_buffer(),
    }
}
