//! Frames to winners: reads the source, scores every whole frame, keeps the
//! best, and goes back to a camera that broke off. Plain blocking code.

use std::time::{Duration, Instant, SystemTime};

use bestshot_decoder::{ErrorKind, Frame, Frames, OpenOptions, Stop, StreamInfo, Taint};
use bestshot_gallery::manifest::Failure;
use bestshot_ranker::{Metric, Picture, Scorer};

use crate::{
    board::{Board, Inner},
    describe::{Broke, failure, rfc3339, stream, winner},
    job::{Job, Source},
    planes::picture,
    rate::Rate,
    retry::{self, Retry},
    status::State,
};

/// Frames of a file that are scored together, on all cores: decoding is the
/// slower part by far, so a handful is enough to share the work.
const FILE_BATCH: usize = 8;
/// A camera none of whose pictures was whole for so long is said to be corrupt.
const DAMAGED: Duration = Duration::from_secs(10);
/// A session's duration is measured by the stream's clock, and by ours where the
/// stream has stopped or lags: so much later.
const OVERDUE: Duration = Duration::from_secs(1);

pub(crate) struct Pipeline<'a> {
    job: &'a Job,
    board: &'a Board,
    stop: &'a Stop,
    scorer: Scorer,
    started: Instant,
    rate: Rate,
    /// Frames of earlier connections, and the stream time at their end.
    frames_before: u64,
    time_before: Duration,
    last_time: Duration,
    last_seen: Option<Instant>,
    /// Keyframes seen and the stream time of the first and the last.
    keyframes: Option<(Duration, Duration, u32)>,
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

impl<'a> Pipeline<'a> {
    pub(crate) fn new(job: &'a Job, board: &'a Board, stop: &'a Stop) -> Self {
        Self {
            job,
            board,
            stop,
            scorer: Scorer::new(job.best.clone())
                .region(job.region.clone())
                .looks(job.apart.needs_looks()),
            started: Instant::now(),
            rate: Rate::new(),
            frames_before: 0,
            time_before: Duration::ZERO,
            last_time: Duration::ZERO,
            last_seen: None,
            keyframes: None,
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
                End::Stopped => return (self.stopped(), None),
                End::Broke(error) => error,
            };
            let frames = self.board.lock().progress.stats.frames_decoded;
            self.frames_before = frames;
            let next = match &self.job.source {
                Source::File(_) => None,
                Source::Rtsp(url) => retry
                    .after(broke.kind, broke.lasting, frames, self.job.persist)
                    .map(|wait| (wait, url)),
            };
            let failure = failure(&broke);
            let Some((wait, url)) = next else {
                return (State::Failed, Some(failure));
            };
            tracing::info!(kind = %broke.kind, seconds = wait.as_secs_f32(), "the stream broke off");
            self.say_reconnecting(failure, wait);
            let expired = || self.board.lock().is_expired();
            if !retry::wait(wait, url, &self.job.policy, self.stop, expired) {
                return (self.stopped(), None);
            }
            self.board.lock().progress.next_try_at = None;
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

    /// Who stops a session: somebody else, or its own duration.
    fn stopped(&self) -> State {
        if self.board.lock().is_expired() {
            State::Ended
        } else {
            State::Stopped
        }
    }

    fn connection(&mut self) -> End {
        let options = OpenOptions::default()
            .transport(self.job.transport)
            .tls_insecure(self.job.tls_insecure)
            .policy(self.job.policy.clone())
            .deadlines(self.job.deadlines);
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
        loop {
            let next = frames.next();
            let over = match &next {
                Some(Ok(frame)) => {
                    let time = self.time_before + frame.stream_time();
                    self.job.duration.is_some_and(|most| time >= most)
                }
                _ => true,
            };
            let next = match next {
                Some(Ok(frame)) if !over => {
                    waiting.push(frame);
                    None
                }
                other => Some(other),
            };
            if waiting.len() >= batch || next.is_some() {
                if let Err(e) = self.score(&waiting, info, frames) {
                    return self.end(e);
                }
                waiting.clear();
            }
            match next {
                None => {}
                Some(Some(Err(e))) => return self.end(e.into()),
                Some(_) if self.stop.is_requested() => return End::Stopped,
                Some(_) => return End::Complete,
            }
        }
    }

    fn score(&mut self, batch: &[Frame], info: &StreamInfo, frames: &Frames) -> Result<(), Broke> {
        let Some(last) = batch.last() else {
            return Ok(());
        };
        let (whole, pictures): (Vec<&Frame>, Vec<Picture<'_>>) = batch
            .iter()
            .filter(|frame| !frame.is_corrupt() && !self.is_warming_up(frame))
            .map(|frame| Ok((frame, picture(frame)?)))
            .collect::<Result<Vec<_>, Broke>>()?
            .into_iter()
            .unzip();
        let scores = match pictures.as_slice() {
            [one] => vec![self.scorer.score(one)],
            many => self.scorer.score_batch(many),
        };
        self.follow(batch);
        let counters = frames.counters();
        let mut inner = self.board.lock();
        if inner.is_finishing() {
            return Ok(());
        }
        let stats = &mut inner.progress.stats;
        stats.packets = self.counted.packets + counters.packets;
        stats.bytes = self.counted.bytes + counters.bytes;
        stats.frames_dropped = self.counted.dropped + counters.dropped;
        stats.frames_decoded += batch.len() as u64;
        stats.frames_scored += whole.len() as u64;
        for frame in batch {
            let rejected = &mut stats.frames_rejected;
            match frame.taint() {
                Some(Taint::Corrupt) => rejected.corrupt += 1,
                Some(Taint::BeforeKeyframe) => rejected.before_keyframe += 1,
                None => rejected.warmup += u64::from(self.is_warming_up(frame)),
            }
        }
        stats.fps = self.rate.add(Instant::now(), whole.len());
        stats.lag_ms = info.transport.map_or(0, |_| lag(last));
        let progress = &mut inner.progress;
        progress.keyframe_interval = self.keyframes.and_then(|(first, last, count)| {
            (count > 1).then(|| last.saturating_sub(first).as_secs_f64() / f64::from(count - 1))
        });
        if progress
            .stream
            .as_ref()
            .is_none_or(|s| (s.width, s.height) != last.shown_size())
        {
            progress.stream = Some(stream(last, info));
        }
        let first = !whole.is_empty() && progress.first_frame_ms.is_none();
        if first {
            progress.first_frame_ms = Some(millis(self.started.elapsed()));
        }
        self.judge(batch, info, &mut inner);
        for ((frame, scored), picture) in whole.into_iter().zip(&scores).zip(&pictures) {
            let time = self.time_before + frame.stream_time();
            inner.offer(scored, time, frame, || {
                // Of winners only: every frame would cost as much again as its luma.
                let exposure = Scorer::single(&Metric::Exposure, picture, &self.job.region);
                let blend = self.scorer.blend();
                winner(
                    frame,
                    scored,
                    blend,
                    exposure,
                    self.frames_before,
                    self.time_before,
                )
            });
        }
        drop(inner);
        if first {
            self.board.tell();
        }
        Ok(())
    }

    /// Pictures arrive: whether that is as it should be.
    fn judge(&mut self, batch: &[Frame], info: &StreamInfo, inner: &mut Inner) {
        let now = Instant::now();
        if batch.iter().any(|frame| !frame.is_corrupt()) {
            self.sound = now;
            inner.progress.state = State::Running;
            inner.progress.error = None;
        } else if info.transport.is_some() && now.duration_since(self.sound) >= DAMAGED {
            inner.progress.state = State::Running;
            inner.progress.error = Some(Failure {
                kind: ErrorKind::Corrupt.to_string(),
                message: format!(
                    "{} sends pictures, but every one of the last {} s was damaged on the way; \
                     check the network, or use TCP",
                    self.job.source,
                    now.duration_since(self.sound).as_secs()
                ),
            });
        }
        if let (Some(duration), Some(_)) = (self.job.duration, info.transport) {
            inner.end_at(now + duration + OVERDUE);
        }
    }

    fn is_warming_up(&self, frame: &Frame) -> bool {
        self.time_before + frame.stream_time() < self.job.warmup
    }

    fn follow(&mut self, batch: &[Frame]) {
        self.last_seen = Some(Instant::now());
        for frame in batch {
            self.last_time = self.time_before + frame.stream_time();
            if frame.is_keyframe() {
                let now = self.last_time;
                self.keyframes = Some(match self.keyframes {
                    None => (now, now, 1),
                    Some((first, _, count)) => (first, now, count.saturating_add(1)),
                });
            }
        }
    }
}

fn lag(frame: &Frame) -> u64 {
    millis(
        SystemTime::now()
            .duration_since(frame.received_at())
            .unwrap_or_default(),
    )
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
