//! An open source's packets of video, in turn; also opens files. What is known of a
//! single packet is in `unit`; opening cameras in `open`, decoding in `decode`.

use std::{
    ffi::{CStr, CString},
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use ffmpeg_next::{Packet, codec::Id};

use crate::{
    diagnosis,
    error::{AvError, Error, ErrorKind},
    ffi::{self, Input, OpenFailure, StreamParameters},
    log::Signals,
    nal::{self, Syntax},
    options::Transport,
    pace::{Pace, Played},
    repeats::{self, Succession},
    unit::{self, Unit},
    watch::{Stop, Verdict, Watch},
};

/// How long TEARDOWN may take when a camera is left.
const CLOSING_GRACE: Duration = Duration::from_millis(200);

/// How near to the announced length of a stream its last packet must be to end it:
/// lengths are rounded, and the last pictures may be held back.
const END_TOLERANCE: f64 = 1.0;
/// How long a stream that is there may stay silent until that is its end.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// An open stream of packets of one video.
pub(crate) struct Packets {
    input: Input,
    pub(crate) parameters: StreamParameters,
    pub(crate) transport: Option<Transport>,
    /// From the first step of opening it to the end of the handshake.
    pub(crate) handshake: Option<Duration>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) signals: Arc<Signals>,
    name: String,
    pace: Option<Pace>,
    /// Set where units are known to stand behind start codes.
    syntax: Option<Syntax>,
    /// The slices and the time stamp of the last unit, where they are known.
    before: (Option<i64>, Vec<u8>),
    lost_seen: u64,
    played: Played,
    /// The camera's time of the picture whose packet comes next, where a parser holds
    /// back each packet until the next one begins.
    next_captured_at: Option<SystemTime>,
    /// What was read before anybody asked.
    ahead: Option<Result<Option<Unit>, Error>>,
}

impl Packets {
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

    pub(crate) fn new(
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
            handshake: None,
            watch,
            signals,
            name,
            pace: None,
            syntax: None,
            before: (None, Vec::new()),
            lost_seen: 0,
            played: Played::default(),
            next_captured_at: None,
            ahead: None,
        })
    }

    /// The same as a live stream.
    pub(crate) fn live(mut self, transport: Transport, pace: Pace) -> Self {
        self.transport = Some(transport);
        self.pace = Some(pace);
        self.handshake = Some(Duration::ZERO);
        self.syntax = match self.parameters.parameters.id() {
            Id::H264 => Some(Syntax::H264),
            Id::HEVC => Some(Syntax::H265),
            _ => None,
        };
        self
    }

    /// The same, opened in so much time; what was spent on waiting for a packet does
    /// not count.
    pub(crate) fn opened_after(mut self, all: Duration) -> Self {
        self.handshake = self.handshake.map(|ahead| all.saturating_sub(ahead));
        self
    }

    /// Waits for the first packet and keeps it, or what came instead, for
    /// [`Packets::read`].
    pub(crate) fn read_ahead(&mut self) {
        let began = Instant::now();
        let first = self.read();
        self.handshake = Some(began.elapsed());
        self.ahead = Some(first);
    }

    /// What was read ahead, if that is nothing because the camera stayed silent.
    pub(crate) fn take_silence(&mut self) -> Option<Error> {
        let silent = |ahead: &mut Result<Option<Unit>, Error>| matches!(ahead, Err(e) if e.kind() == ErrorKind::NoVideo);
        self.ahead.take_if(silent)?.err()
    }

    /// The same of a camera that was silent for so long by another transport.
    pub(crate) fn silent_before(mut self, before: Duration) -> Self {
        if let Some(pace) = &mut self.pace {
            pace.before = before;
        }
        self
    }

    /// What to call the stream in messages; holds no credentials.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The next packet of the video, or `None` at an end that is one: of the file,
    /// or announced by the camera.
    pub(crate) fn read(&mut self) -> Result<Option<Unit>, Error> {
        if let Some(ahead) = self.ahead.take() {
            return ahead;
        }
        match (self.allowed(), &self.pace) {
            // Of a stream of one picture in five seconds the first packet is complete
            // five seconds after it began.
            (Some(allowed), Some(pace)) if pace.last.is_none() => {
                self.watch.set_deadlines(allowed, pace.silence());
            }
            (Some(allowed), _) => self.watch.set_deadline(allowed),
            (None, _) => {}
        }
        loop {
            if self.watch.is_stopped() {
                return Err(Error::new(ErrorKind::Stopped, "stopped on request"));
            }
            match self.input.read() {
                // Told to give up, libav flushes what its parser holds, be it nothing, as
                // if the stream had ended.
                Ok(packet) if self.watch.verdict().is_some() => {
                    let last = self.last_of_all(&packet);
                    let last = last.then(|| self.admit(packet)).flatten();
                    let end = self.end(AvError(ffmpeg_next::ffi::AVERROR_EXIT));
                    // At the end that was announced it is the last picture.
                    if last.is_some() {
                        self.ahead = Some(end);
                        return Ok(last);
                    }
                    return end;
                }
                Ok(packet) if packet.stream() != self.parameters.index => {}
                Ok(packet) => {
                    if let Some(unit) = self.admit(packet) {
                        return Ok(Some(unit));
                    }
                }
                Err(code) => return self.end(code),
            }
        }
    }

    /// Takes a packet in, unless it is the one before once more.
    fn admit(&mut self, packet: Packet) -> Option<Unit> {
        let arrival = Instant::now();
        let captured_at = self.captured_at(unit::producer_time(&packet));
        let packet = self.without_repeats(packet);
        let lost = self.signals.lost();
        let broken = lost != self.lost_seen || packet.is_corrupt();
        let succession = self.succession(&packet);
        if succession == Succession::Copy && !broken {
            return None;
        }
        self.lost_seen = lost;
        if let Some(pace) = &mut self.pace {
            pace.arrived(arrival);
        }
        if let Some(stamp) = packet.pts().or_else(|| packet.dts()) {
            self.played
                .packet(stamp, self.parameters.time_base, arrival);
        }
        Some(Unit {
            keyframe: packet.is_key(),
            access: unit::access(self.syntax, &packet),
            broken,
            after_gap: false,
            repeated: None,
            succession,
            arrival,
            received_at: SystemTime::now(),
            captured_at,
            queued: packet.size(),
            packet,
        })
    }

    /// The same packet, with nothing in it twice that a camera's line repeated.
    fn without_repeats(&self, packet: Packet) -> Packet {
        let repairable = self.pace.is_some()
            && matches!(
                self.parameters.parameters.id(),
                Id::H264 | Id::HEVC | Id::MPEG4
            );
        let data = packet.data().filter(|_| repairable);
        match data.and_then(|data| repeats::without_repeats(self.syntax, data)) {
            Some(once) => unit::with_data(&packet, &once),
            None => packet,
        }
    }

    /// What a packet is to the one before it.
    fn succession(&mut self, packet: &Packet) -> Succession {
        let (Some(syntax), Some(data)) = (self.syntax, packet.data()) else {
            return Succession::New;
        };
        let slices = &data[nal::slices(syntax, data)..];
        let (stamp, before) = &mut self.before;
        let succession = if stamp.is_some() && *stamp == packet.pts() {
            repeats::succession(before, slices)
        } else {
            Succession::New
        };
        *stamp = packet.pts();
        before.clear();
        before.extend_from_slice(slices);
        succession
    }

    /// Before 8.1, libav hangs a sender report's time on the packet that its parser gives
    /// out when the *next* picture begins to arrive, whose time it is.
    fn captured_at(&mut self, told: Option<SystemTime>) -> Option<SystemTime> {
        match self.parameters.parameters.id() {
            Id::H264 | Id::HEVC | Id::MPEG4 if !ffi::parser_keeps_times() => {
                std::mem::replace(&mut self.next_captured_at, told)
            }
            _ => told,
        }
    }

    /// How long the next packet may take.
    fn allowed(&self) -> Option<Duration> {
        let allowed = self.pace.as_ref()?.allowed();
        Some(if self.at_announced_end() {
            allowed.min(END_PATIENCE)
        } else {
            allowed
        })
    }

    fn last_of_all(&self, packet: &Packet) -> bool {
        self.watch.verdict() == Some(Verdict::Expired)
            && self.at_announced_end()
            && packet.stream() == self.parameters.index
            && packet.size() > 0
    }

    /// Whether the camera said how long its stream is, and all of it came.
    fn at_announced_end(&self) -> bool {
        let length = self.parameters.duration;
        length.is_some_and(|length| self.played.seconds + END_TOLERANCE >= length)
    }

    fn end(&mut self, code: AvError) -> Result<Option<Unit>, Error> {
        let live = self.pace.is_some();
        let verdict = self.watch.verdict();
        if verdict.is_none() && (!live && Input::is_eof(code) || live && self.signals.said_bye()) {
            // libav looks for reports before it looks for datagrams: a goodbye may have
            // overtaken the end of the last picture.
            if self.transport == Some(Transport::Udp) {
                self.signals.lose();
            }
            return Ok(None);
        }
        // libav has just given out what it held, as if the last picture were whole.
        self.signals.lose();
        let interrupted = verdict.is_some_and(|v| v != Verdict::Expired);
        if live && !interrupted && self.at_announced_end() {
            return Ok(None);
        }
        let started = self.pace.as_ref().is_none_or(|p| p.last.is_some());
        let allowed = self
            .pace
            .as_ref()
            .map(|p| p.allowed() + if started { Duration::ZERO } else { p.before });
        Err(diagnosis::reading(
            &self.name,
            code,
            &self.watch,
            started,
            allowed,
        ))
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        self.watch.begin_closing(CLOSING_GRACE);
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

pub(crate) fn no_video(name: &str) -> Error {
    Error::new(
        ErrorKind::NoVideo,
        format!("{name} offers no video, only sound or data"),
    )
    .lasting()
}

pub(crate) fn refuse(name: &str, failure: OpenFailure) -> Error {
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

/// A fresh watch for a caller's stop signal.
pub(crate) fn watch(stop: &Stop) -> Arc<Watch> {
    Arc::new(Watch::new(stop.clone()))
}
