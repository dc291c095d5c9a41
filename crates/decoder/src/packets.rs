//! Opening a camera or a file and reading its packets of video, each with what
//! is known on arrival. Decoding happens in `decode`.

use std::{
    ffi::{CStr, CString},
    net::IpAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use ffmpeg_next::{
    Packet,
    codec::{Id, packet::side_data::Type as SideData},
};

use crate::{
    diagnosis,
    error::{AvError, Error, ErrorKind},
    ffi::{self, Input, OpenFailure, StreamParameters},
    log::Signals,
    options::{OpenOptions, Transport},
    resolve::resolve,
    url::RtspUrl,
    watch::{Stop, Watch},
};

/// How long TEARDOWN may take when a camera is left.
const CLOSING_GRACE: Duration = Duration::from_millis(200);

/// A packet and what is known of it on arrival.
pub(crate) struct Unit {
    pub(crate) packet: Packet,
    pub(crate) keyframe: bool,
    /// Packets went missing before it, or libav marks it as damaged.
    pub(crate) broken: bool,
    /// The reader itself gave up packets before it.
    pub(crate) after_gap: bool,
    pub(crate) arrival: Instant,
    pub(crate) received_at: SystemTime,
    pub(crate) captured_at: Option<SystemTime>,
}

/// An open stream of packets of one video.
pub(crate) struct Packets {
    input: Input,
    pub(crate) parameters: StreamParameters,
    pub(crate) transport: Option<Transport>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) signals: Arc<Signals>,
    name: String,
    pace: Option<Pace>,
    lost_seen: u64,
}

/// What silence means for a live stream: it adapts to the stream's own rate.
struct Pace {
    first_packet: Duration,
    silence: Duration,
    last: Option<Instant>,
    interval: f64,
}

impl Packets {
    /// Connects to a camera and starts it playing.
    pub(crate) fn open_rtsp(
        url: &RtspUrl,
        options: &OpenOptions,
        watch: &Arc<Watch>,
    ) -> Result<Self, Error> {
        ffi::listen_to_log();
        if url.is_secure() {
            // libav hides a wrong certificate from us, and an unverified connection
            // would hand the password to whoever answers.
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{url}: rtsps is not offered by this version; use rtsp on a trusted network"
                ),
            ));
        }
        let addresses = resolve(url, &options.policy, options.deadlines.resolve, watch)?;
        watch.set_deadline(options.deadlines.connect);
        let mut failure = None;
        for address in addresses {
            match Self::connect(url, address, options, watch) {
                Ok(packets) => return Ok(packets),
                // Another address of the same name may still answer.
                Err(e) if matches!(e.kind(), ErrorKind::Unreachable | ErrorKind::Refused) => {
                    failure = Some(e);
                }
                Err(e) => return Err(e),
            }
        }
        Err(failure.unwrap_or_else(|| {
            Error::new(ErrorKind::Dns, format!("{url}: the host has no address"))
        }))
    }

    fn connect(
        url: &RtspUrl,
        address: IpAddr,
        options: &OpenOptions,
        watch: &Arc<Watch>,
    ) -> Result<Self, Error> {
        let attempt = |transport| Self::play(url, address, transport, options, watch);
        match options.transport {
            Transport::Udp => attempt(Transport::Udp),
            Transport::Tcp => attempt(Transport::Tcp),
            Transport::Auto => match attempt(Transport::Tcp) {
                // 461: the camera does not speak TCP.
                Err(e) if diagnosis::refused_transport(&e) => attempt(Transport::Udp),
                other => other,
            },
        }
    }

    fn play(
        url: &RtspUrl,
        address: IpAddr,
        transport: Transport,
        options: &OpenOptions,
        watch: &Arc<Watch>,
    ) -> Result<Self, Error> {
        let name = url.to_string();
        let target = CString::new(url.expose_at(address)).map_err(|_| {
            Error::new(
                ErrorKind::Internal,
                format!("{name}: the address cannot be passed on"),
            )
        })?;
        let mut settings = vec![
            ("allowed_media_types", "video"),
            (
                "user_agent",
                concat!("bestshot/", env!("CARGO_PKG_VERSION")),
            ),
        ];
        match transport {
            Transport::Udp => settings.extend([
                ("rtsp_transport", "udp"),
                ("protocol_whitelist", "rtp,udp,tcp"),
                ("buffer_size", "4194304"),
            ]),
            _ => settings.extend([
                ("rtsp_transport", "tcp"),
                ("protocol_whitelist", "tcp"),
                // Nothing is reordered on TCP, but only with a queue does libav say
                // that something is missing.
                ("reorder_queue_size", "2"),
            ]),
        }
        let signals = Arc::new(Signals::default());
        let opened = Input::open(
            target,
            Some(c"rtsp"),
            &settings,
            Arc::clone(watch),
            &signals,
        );
        let input = opened.map_err(|e| match e {
            // It described its stream, and there was no video in it to ask for.
            OpenFailure::Av(code, 0) if signals.described() && watch.verdict().is_none() => {
                no_video(&name).with_source(code)
            }
            OpenFailure::Av(code, _) => diagnosis::opening(&name, code, watch),
            other => refuse(&name, other),
        })?;
        let mut packets = Self::new(input, name, Arc::clone(watch), signals)?;
        packets.transport = Some(transport);
        packets.pace = Some(Pace {
            first_packet: options.deadlines.first_packet,
            silence: options.deadlines.silence,
            last: None,
            interval: 0.0,
        });
        Ok(packets)
    }

    /// Opens a video file of this machine.
    pub(crate) fn open_file(path: &Path, watch: Arc<Watch>) -> Result<Self, Error> {
        ffi::listen_to_log();
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        let target = file_target(path).ok_or_else(|| {
            Error::new(
                ErrorKind::Unreachable,
                format!("{name}: there is no such file"),
            )
        })?;
        let signals = Arc::new(Signals::default());
        // A playlist or a reference movie inside the file must not lead elsewhere.
        let settings = [("protocol_whitelist", "file")];
        let opened = Input::open(
            target,
            None::<&CStr>,
            &settings,
            Arc::clone(&watch),
            &signals,
        );
        let mut input = opened.map_err(|e| match e {
            OpenFailure::Av(code, _) => diagnosis::opening_file(&name, path, code, &watch),
            other => refuse(&name, other),
        })?;
        input
            .find_stream_info()
            .map_err(|e| diagnosis::opening_file(&name, path, e, &watch))?;
        Self::new(input, name, watch, signals)
    }

    fn new(
        mut input: Input,
        name: String,
        watch: Arc<Watch>,
        signals: Arc<Signals>,
    ) -> Result<Self, Error> {
        watch.clear_deadline();
        let Some(parameters) = input.select_video() else {
            return Err(no_video(&name));
        };
        if parameters.parameters.id() == Id::None {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("{name} sends video in a format that cannot be read here"),
            ));
        }
        Ok(Self {
            input,
            parameters,
            transport: None,
            watch,
            signals,
            name,
            pace: None,
            lost_seen: 0,
        })
    }

    /// What to call the stream in messages; holds no credentials.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The next packet of the video, or `None` at an end that is one: of the file,
    /// or announced by the camera.
    pub(crate) fn read(&mut self) -> Result<Option<Unit>, Error> {
        if let Some(pace) = &self.pace {
            self.watch.set_deadline(pace.allowed());
        }
        loop {
            if self.watch.is_stopped() {
                return Err(Error::new(ErrorKind::Stopped, "stopped on request"));
            }
            match self.input.read() {
                // Told to give up, libav flushes what its parser holds, be it nothing, as
                // if the stream had ended.
                Ok(_) if self.watch.verdict().is_some() => {
                    return self.end(AvError(ffmpeg_next::ffi::AVERROR_EXIT));
                }
                Ok(packet) if packet.stream() != self.parameters.index => {}
                Ok(packet) => return Ok(Some(self.admit(packet))),
                Err(code) => return self.end(code),
            }
        }
    }

    fn admit(&mut self, packet: Packet) -> Unit {
        let arrival = Instant::now();
        if let Some(pace) = &mut self.pace {
            pace.arrived(arrival);
        }
        let lost = self.signals.lost();
        let broken = lost != self.lost_seen || packet.is_corrupt();
        self.lost_seen = lost;
        Unit {
            keyframe: packet.is_key(),
            broken,
            after_gap: false,
            arrival,
            received_at: SystemTime::now(),
            captured_at: producer_time(&packet),
            packet,
        }
    }

    fn end(&mut self, code: AvError) -> Result<Option<Unit>, Error> {
        let live = self.pace.is_some();
        if Input::is_eof(code) && self.watch.verdict().is_none() && !live {
            return Ok(None);
        }
        if live && self.signals.said_bye() && self.watch.verdict().is_none() {
            return Ok(None);
        }
        let started = self.pace.as_ref().is_none_or(|p| p.last.is_some());
        Err(diagnosis::reading(
            &self.name,
            code,
            &self.watch,
            started,
            self.pace.as_ref().map(Pace::allowed),
        ))
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        self.watch.begin_closing(CLOSING_GRACE);
    }
}

impl Pace {
    /// How long the next packet may take: a stream that sends a picture every
    /// five seconds is not silent after eight.
    fn allowed(&self) -> Duration {
        if self.last.is_none() {
            return self.first_packet;
        }
        self.silence
            .max(Duration::from_secs_f64((3.0 * self.interval).min(120.0)))
    }

    fn arrived(&mut self, now: Instant) {
        if let Some(last) = self.last {
            let waited = now.saturating_duration_since(last).as_secs_f64();
            // Quick to learn that a stream is slow, slow to forget it.
            self.interval = waited.max(self.interval * 0.9 + waited * 0.1);
        }
        self.last = Some(now);
    }
}

/// Absolute, so that no file name is read as a protocol or an option.
fn file_target(path: &Path) -> Option<CString> {
    use std::os::unix::ffi::OsStrExt;
    let absolute = std::path::absolute(path).ok()?;
    let mut target = b"file:".to_vec();
    target.extend_from_slice(absolute.as_os_str().as_bytes());
    CString::new(target).ok()
}

fn no_video(name: &str) -> Error {
    Error::new(
        ErrorKind::NoVideo,
        format!("{name} offers no video, only sound or data"),
    )
}

fn refuse(name: &str, failure: OpenFailure) -> Error {
    match failure {
        OpenFailure::Av(code, _) => {
            Error::new(ErrorKind::Corrupt, format!("{name} could not be opened")).with_source(code)
        }
        OpenFailure::UnknownOption(option) => Error::new(
            ErrorKind::Internal,
            format!("the linked libav does not know the option {option}"),
        ),
        OpenFailure::NoMemory => Error::new(
            ErrorKind::Internal,
            "there is not enough memory to open a stream",
        ),
    }
}

/// The wall clock that libav derives from RTCP sender reports
/// (`AVProducerReferenceTime`: microseconds since 1970, then flags).
fn producer_time(packet: &Packet) -> Option<SystemTime> {
    let data = packet.side_data().find(|d| d.kind() == SideData::PRFT)?;
    let micros = i64::from_ne_bytes(data.data().get(..8)?.try_into().ok()?);
    let micros = u64::try_from(micros).ok().filter(|m| *m > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros))
}

/// A fresh watch for a caller's stop signal.
pub(crate) fn watch(stop: &Stop) -> Arc<Watch> {
    Arc::new(Watch::new(stop.clone()))
}
