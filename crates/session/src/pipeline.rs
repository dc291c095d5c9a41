//! Frames to winners: reads the source, scores every whole frame, keeps the
//! best, and goes back to a camera that broke off. Plain blocking code.

use std::time::{Duration, Instant, SystemTime};

use bestshot_decoder::{
    self as decoder, ErrorKind, Frame, Frames, Group, OpenOptions, Sampling, Step, Stop, StreamInfo,
};
use bestshot_gallery::manifest::Failure;
use bestshot_ranker::Scorer;

use crate::{
    board::Board,
    describe::{Broke, failure, rfc3339},
    job::{Job, Source},
    rate::Rate,
    refine::Refine,
    retry::{self, Connection, Retry},
    status::State,
};

mod scoring;

/// Frames of a file that are scored together, on all cores: decoding is the
/// slower part by far, so a handful is enough to share the work.
const FILE_BATCH: usize = 8;

pub(crate) struct Pipeline<'a> {
    job: &'a Job,
    board: &'a Board,
    stop: &'a Stop,
    scorer: Scorer,
    /// Of the second pass, which compares frames with those of their own group.
    closer: Scorer,
    refine: Refine,
    started: Instant,
    rate: Rate,
    /// Frames of earlier connections, and the stream time at their end.
    frames_before: u64,
    time_before: Duration,
    last_time: Duration,
    last_seen: Option<Instant>,
    /// Keyframes seen and the stream time of the first and the last.
    keyframes: Option<(Duration, Duration, u32)>,
    /// When the connection under way was made.
    connected: Option<Instant>,
    /// When a picture was last whole, or the connection was made.
    sound: Instant,
    counted: Counted,
}

/// Counters of connections that are over.
#[derive(Default)]
struct Counted {
    packets: u64,
    bytes: u64,
    dropped: u64,
}

/// Why reading one connection came to an end.
enum End {
    /// The stream, the file or the duration is over.
    Complete,
    Stopped,
    Broke(Broke),
}

/// Over which frames the pipeline goes: all that are sampled; then those of groups that
/// turned out to be of interest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    First,
    Second,
}

/// What the decoder came to.
enum Next {
    Frame(Frame, Pass),
    Group(Group),
    Broke(decoder::Error),
    End,
}

impl From<Option<Result<Step, decoder::Error>>> for Next {
    fn from(step: Option<Result<Step, decoder::Error>>) -> Self {
        match step {
            Some(Ok(Step::Picture(frame))) => Self::Frame(frame, Pass::First),
            Some(Ok(Step::Refined(frame))) => Self::Frame(frame, Pass::Second),
            Some(Ok(Step::Group(group))) => Self::Group(group),
            Some(Err(error)) => Self::Broke(error),
            None => Self::End,
        }
    }
}

impl<'a> Pipeline<'a> {
    pub(crate) fn new(job: &'a Job, board: &'a Board, stop: &'a Stop) -> Self {
        let scorer = || {
            Scorer::new(job.best.clone())
                .region(job.region.clone())
                .looks(job.apart.needs_looks())
        };
        Self {
            job,
            board,
            stop,
            scorer: scorer(),
            closer: scorer(),
            refine: Refine::default(),
            started: Instant::now(),
            rate: Rate::new(),
            frames_before: 0,
            time_before: Duration::ZERO,
            last_time: Duration::ZERO,
            last_seen: None,
            keyframes: None,
            connected: None,
            sound: Instant::now(),
            counted: Counted::default(),
        }
    }

    /// Runs to the end; returns how it ended, and why where it failed.
    pub(crate) fn run(&mut self) -> (State, Option<Failure>) {
        let mut retry = Retry::new();
        loop {
            let broke = match self.connection() {
                End::Complete => return (State::Ended, None),
                End::Stopped => return self.stopped(),
                End::Broke(error) => error,
            };
            let connection = self.came_to();
            self.frames_before = self.board.lock().progress.stats.frames_decoded;
            let next = match &self.job.source {
                Source::File(_) => None,
                Source::Rtsp(url) => retry
                    .after(broke.kind, broke.lasting, connection, self.job.persist)
                    .map(|wait| (wait, url)),
            };
            let failure = failure(&broke);
            let Some((wait, url)) = next else {
                return (State::Failed, Some(failure));
            };
            tracing::info!(kind = %broke.kind, seconds = wait.as_secs_f32(), "the stream broke off");
            self.say_reconnecting(failure, wait);
            let over = || self.board.lock().is_expired() || self.waited_in_vain();
            if !retry::wait(wait, url, &self.job.policy, self.stop, over) {
                return self.stopped();
            }
            self.board.lock().progress.next_try_at = None;
        }
    }

    /// What the connection came to that is over now.
    fn came_to(&mut self) -> Connection {
        let inner = self.board.lock();
        let stats = &inner.progress.stats;
        Connection {
            pictures: stats.frames_scored + stats.frames_rejected.warmup,
            packets: stats.packets,
            lasted: self
                .connected
                .take()
                .map_or(Duration::ZERO, |at| at.elapsed()),
        }
    }

    fn say_reconnecting(&self, failure: Failure, wait: Duration) {
        let mut inner = self.board.lock();
        let progress = &mut inner.progress;
        progress.state = State::Reconnecting;
        progress.stats.fps = 0.0;
        progress.next_try_at = Some(rfc3339(SystemTime::now() + wait));
        progress.error = Some(Failure {
            message: format!(
                "{}; trying again in {:.0} s",
                failure.message,
                wait.as_secs_f32().ceil()
            ),
            ..failure
        });
    }

    /// Whether the session's duration went by without a single picture.
    fn waited_in_vain(&self) -> bool {
        let over = |duration| self.started.elapsed() >= duration;
        self.frames_before == 0 && self.job.duration.is_some_and(over)
    }

    /// Who stops a session: somebody else, or its own duration. That is no end where the
    /// camera was waited for all the time.
    fn stopped(&self) -> (State, Option<Failure>) {
        let inner = self.board.lock();
        if inner.is_expired() {
            (State::Ended, None)
        } else if self.waited_in_vain() && !self.stop.is_requested() {
            (State::Failed, inner.progress.error.clone())
        } else {
            (State::Stopped, None)
        }
    }

    fn connection(&mut self) -> End {
        let mut deadlines = self.job.deadlines;
        let first = self.board.lock().progress.connect_ms;
        deadlines.connect = Retry::connect(deadlines.connect, first.map(Duration::from_millis));
        let options = OpenOptions::default()
            .transport(self.job.transport)
            .tls_insecure(self.job.tls_insecure)
            .sampling(self.job.sampling)
            .policy(self.job.policy.clone())
            .deadlines(deadlines);
        let opened = match &self.job.source {
            Source::Rtsp(url) => Frames::open_rtsp(url, &options, self.stop),
            Source::File(path) => Frames::open_file(path, &options.threads(0), self.stop),
        };
        let mut frames = match opened {
            Ok(frames) => frames,
            Err(e) => return self.end(e.into()),
        };
        let info = frames.info().clone();
        {
            let mut inner = self.board.lock();
            let elapsed = self.started.elapsed();
            if inner.progress.connect_ms.is_some() {
                inner.progress.stats.reconnects += 1;
            } else {
                inner.progress.connect_ms = Some(millis(info.handshake.unwrap_or(elapsed)));
            }
            inner.progress.duration = info.duration;
            inner.progress.warning = info.receive_buffer_cut.map(|bytes| {
                format!(
                    "the system allows a receive buffer of {} KiB only, so bursts of UDP packets \
                     may be lost; raise net.core.rmem_max, or use TCP",
                    bytes / 1024
                )
            });
            if let Some(warning) = &inner.progress.warning {
                tracing::warn!("{warning}");
            }
        }
        self.sound = Instant::now();
        self.connected = Some(self.sound);
        self.refine.begin();
        // A camera that was away has gone on in time: its absence counts.
        self.time_before =
            self.last_time + self.last_seen.map_or(Duration::ZERO, |seen| seen.elapsed());
        let end = match self.job.source {
            Source::Rtsp(_) => self.read(&mut frames, &info, 1),
            Source::File(_) => self.read(&mut frames, &info, FILE_BATCH),
        };
        if !matches!(end, End::Broke(_)) {
            // The last pictures can be made while the camera is taken leave of.
            self.board.finish();
        }
        let counters = frames.counters();
        self.counted.packets += counters.packets;
        self.counted.bytes += counters.bytes;
        self.counted.dropped += counters.dropped;
        // Also what came after the last frame.
        let stats = &mut self.board.lock().progress.stats;
        stats.packets = self.counted.packets;
        stats.bytes = self.counted.bytes;
        stats.frames_dropped = self.counted.dropped;
        end
    }

    fn end(&self, error: Broke) -> End {
        if error.kind == ErrorKind::Stopped || self.stop.is_requested() {
            End::Stopped
        } else {
            End::Broke(error)
        }
    }

    fn read(&mut self, frames: &mut Frames, info: &StreamInfo, batch: usize) -> End {
        let mut waiting = Vec::with_capacity(batch);
        let mut pass = Pass::First;
        loop {
            let next = Next::from(frames.step());
            let fits =
                matches!(&next, Next::Frame(frame, of) if *of == pass && !self.is_over(frame));
            if !fits && let Err(e) = self.score(&mut waiting, pass, info, frames) {
                return self.end(e);
            }
            if self.frames_left() == Some(0) {
                return End::Complete;
            }
            match next {
                Next::Frame(frame, of) if !self.is_over(&frame) => {
                    pass = of;
                    waiting.push(frame);
                    if waiting.len() >= batch
                        && let Err(e) = self.score(&mut waiting, pass, info, frames)
                    {
                        return self.end(e);
                    }
                }
                Next::Broke(e) => return self.end(e.into()),
                _ if self.stop.is_requested() => return End::Stopped,
                Next::Group(group) => self.choose(frames, group),
                // What is held back may still hold a winner.
                Next::Frame(..) if self.job.sampling == Sampling::Refined => frames.close(),
                Next::Frame(..) | Next::End => return End::Complete,
            }
        }
    }

    fn is_over(&self, frame: &Frame) -> bool {
        let time = self.time_before + frame.stream_time();
        self.job.duration.is_some_and(|most| time >= most)
    }

    /// Has a group decoded that could hold a winner.
    fn choose(&mut self, frames: &mut Frames, group: Group) {
        let worst = self.board.lock().worst();
        let (first, next) = (group.keyframe(), group.next_keyframe());
        if self.refine.asks_for(first, next, worst) {
            frames.refine(group);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
