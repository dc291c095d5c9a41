//! Frames to winners: reads the source, scores every whole frame, keeps the
//! best, and goes back to a camera that broke off. Plain blocking code.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime},
};

use bestshot_decoder::{
    Error, ErrorKind, Frame, Frames, OpenOptions, Stop, StreamInfo, Taint, Transport,
};
use bestshot_gallery::manifest::{Failure, Stream, Winner};
use bestshot_ranker::{Characteristic, LumaView, Range, SampleFormat, Score, score_batch};

use crate::{
    backoff::Backoff,
    board::Board,
    job::{Job, Source},
    rate::Rate,
    status::State,
};

/// Frames of a file that are scored together, on all cores: decoding is the
/// slower part by far, so a handful is enough to share the work.
const FILE_BATCH: usize = 8;

pub(crate) struct Pipeline<'a> {
    job: &'a Job,
    board: &'a Board,
    stop: &'a Stop,
    best: Box<dyn Characteristic>,
    started: Instant,
    rate: Rate,
    /// Frames of earlier connections, and the stream time at their end.
    frames_before: u64,
    time_before: Duration,
    last_time: Duration,
    last_seen: Option<Instant>,
    /// Keyframes seen and the stream time of the first and the last.
    keyframes: Option<(Duration, Duration, u32)>,
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

/// A decoder's error, or one of our own.
struct Broke {
    kind: ErrorKind,
    message: String,
}

impl From<Error> for Broke {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
        }
    }
}

impl<'a> Pipeline<'a> {
    pub(crate) fn new(job: &'a Job, board: &'a Board, stop: &'a Stop) -> Self {
        Self {
            job,
            board,
            stop,
            best: job.best.characteristic(),
            started: Instant::now(),
            rate: Rate::new(),
            frames_before: 0,
            time_before: Duration::ZERO,
            last_time: Duration::ZERO,
            last_seen: None,
            keyframes: None,
            counted: Counted::default(),
        }
    }

    /// Runs to the end; returns how it ended, and why where it failed.
    pub(crate) fn run(&mut self) -> (State, Option<Failure>) {
        let mut backoff = Backoff::new();
        loop {
            let broke = match self.connection() {
                End::Complete => return (State::Ended, None),
                End::Stopped => return (State::Stopped, None),
                End::Broke(error) => error,
            };
            let frames = self.board.lock().progress.stats.frames_decoded;
            let failure = failure(&broke);
            let file = matches!(self.job.source, Source::File(_));
            if frames == 0 || file {
                return (State::Failed, Some(failure));
            }
            if frames > self.frames_before {
                backoff.reset();
            }
            self.frames_before = frames;
            let wait = backoff.next(broke.kind);
            tracing::info!(kind = %broke.kind, seconds = wait.as_secs_f32(), "the stream broke off");
            let mut inner = self.board.lock();
            inner.progress.state = State::Reconnecting;
            inner.progress.stats.fps = 0.0;
            inner.progress.error = Some(Failure {
                message: format!(
                    "{}; trying again in {:.0} s",
                    failure.message,
                    wait.as_secs_f32().ceil()
                ),
                ..failure
            });
            drop(inner);
            let broke_at = Instant::now();
            while broke_at.elapsed() < wait {
                if self.stop.is_requested() {
                    return (State::Stopped, None);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    fn connection(&mut self) -> End {
        let options = OpenOptions::default()
            .transport(self.job.transport)
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
                inner.progress.connect_ms = Some(millis(elapsed));
            }
            inner.progress.duration = info.duration;
        }
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
        let (whole, views): (Vec<&Frame>, Vec<LumaView<'_>>) = batch
            .iter()
            .filter(|frame| !frame.is_corrupt())
            .map(|frame| Ok((frame, view(frame)?)))
            .collect::<Result<Vec<_>, Broke>>()?
            .into_iter()
            .unzip();
        let scores = match views.as_slice() {
            [one] => vec![self.best.score(one)],
            many => score_batch(self.best.as_ref(), many),
        };
        self.follow(batch);
        let counters = frames.counters();
        let mut inner = self.board.lock();
        if inner.is_finishing() {
            return Ok(());
        }
        let progress = &mut inner.progress;
        let stats = &mut progress.stats;
        stats.packets = self.counted.packets + counters.packets;
        stats.bytes = self.counted.bytes + counters.bytes;
        stats.frames_dropped = self.counted.dropped + counters.dropped;
        stats.frames_decoded += batch.len() as u64;
        stats.frames_scored += whole.len() as u64;
        for frame in batch {
            match frame.taint() {
                Some(Taint::Corrupt) => stats.frames_rejected.corrupt += 1,
                Some(Taint::BeforeKeyframe) => stats.frames_rejected.before_keyframe += 1,
                None => {}
            }
        }
        stats.fps = self.rate.add(Instant::now(), whole.len());
        stats.lag_ms = info.transport.map_or(0, |_| lag(last));
        progress.keyframe_interval = self.keyframes.and_then(|(first, last, count)| {
            (count > 1).then(|| last.saturating_sub(first).as_secs_f64() / f64::from(count - 1))
        });
        if progress
            .stream
            .as_ref()
            .is_none_or(|s| (s.width, s.height) != (last.width(), last.height()))
        {
            progress.stream = Some(stream(last, info));
        }
        if !whole.is_empty() {
            progress.state = State::Running;
            progress.error = None;
            progress
                .first_frame_ms
                .get_or_insert(millis(self.started.elapsed()));
        }
        for (frame, score) in whole.into_iter().zip(scores) {
            let name = self.best.name();
            inner.offer(score, frame, || {
                winner(frame, score, name, self.frames_before, self.time_before)
            });
        }
        Ok(())
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

fn view(frame: &Frame) -> Result<LumaView<'_>, Broke> {
    let luma = frame.luma()?;
    let range = if luma.full_range {
        Range::Full
    } else {
        Range::Limited
    };
    let format = SampleFormat::new(luma.bits, luma.bytes_per_sample, luma.shift);
    format
        .and_then(|f| LumaView::new(luma.data, luma.width, luma.height, luma.stride, f, range))
        .map_err(|e| Broke {
            kind: ErrorKind::Unsupported,
            message: e.to_string(),
        })
}

fn winner(
    frame: &Frame,
    score: Score,
    name: &str,
    frames_before: u64,
    time_before: Duration,
) -> Winner {
    let (at, clock) = match frame.captured_at() {
        Some(at) => (at, "rtcp"),
        None => (frame.received_at(), "receive"),
    };
    let index = frames_before + frame.index();
    Winner {
        key: index,
        score: score.value(),
        scores: BTreeMap::from([(name.to_owned(), score.value())]),
        index,
        stream_time: (time_before + frame.stream_time()).as_secs_f64(),
        captured_at: rfc3339(at),
        clock: clock.to_owned(),
        keyframe: frame.is_keyframe(),
        width: frame.width(),
        height: frame.height(),
    }
}

fn stream(frame: &Frame, info: &StreamInfo) -> Stream {
    Stream {
        codec: info.codec.to_owned(),
        width: frame.width(),
        height: frame.height(),
        pixel_format: frame.pixel_format().to_owned(),
        frame_rate: info.frame_rate,
        transport: info.transport.map(|t: Transport| t.to_string()),
    }
}

fn failure(error: &Broke) -> Failure {
    // `dropped` is no kind of the documents: a stream that broke off and never
    // came back stands still.
    let kind = match error.kind {
        ErrorKind::Dropped => ErrorKind::Unreachable,
        kind => kind,
    };
    Failure {
        kind: kind.to_string(),
        message: error.message.clone(),
    }
}

fn rfc3339(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .map(|t| format!("{t:.3}"))
        .unwrap_or_default()
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
