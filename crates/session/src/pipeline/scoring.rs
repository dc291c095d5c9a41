//! The pipeline's frames, scored: what is whole is measured and offered, everything is
//! counted. Where frames come from is the business of `pipeline`.

use std::time::{Duration, Instant, SystemTime};

use bestshot_decoder::{ErrorKind, Frame, Frames, Sampling, StreamInfo, Taint};
use bestshot_gallery::manifest::{Failure, Stats};
use bestshot_ranker::{Metric, Picture, Scored, Scorer};

use super::{Pass, Pipeline, millis};
use crate::{
    board::Inner,
    describe::{Broke, stream, winner},
    planes::picture,
    status::State,
};

/// A camera none of whose pictures was whole for so long is said to be corrupt.
const DAMAGED: Duration = Duration::from_secs(10);
/// A session's duration is measured by the stream's clock, and by ours where the
/// stream has stopped or lags: so much later.
const OVERDUE: Duration = Duration::from_secs(1);
/// The keyframe that ends a group is waited for so long: cameras send one every ten seconds
/// at least.
const GROUP: Duration = Duration::from_secs(10);

impl Pipeline<'_> {
    /// Scores these frames, which are of one pass, and lets go of them.
    pub(super) fn score(
        &mut self,
        frames: &mut Vec<Frame>,
        pass: Pass,
        info: &StreamInfo,
        source: &Frames,
    ) -> Result<(), Broke> {
        let scored = self.score_batch(frames, pass, info, source);
        frames.clear();
        scored
    }

    fn score_batch(
        &mut self,
        batch: &[Frame],
        pass: Pass,
        info: &StreamInfo,
        source: &Frames,
    ) -> Result<(), Broke> {
        let batch = self.wanted(batch);
        let Some(last) = batch.last() else {
            return Ok(());
        };
        let (whole, pictures): (Vec<&Frame>, Vec<Picture<'_>>) = batch
            .iter()
            .filter(|frame| self.counts(frame))
            .map(|frame| Ok((frame, picture(frame)?)))
            .collect::<Result<Vec<_>, Broke>>()?
            .into_iter()
            .unzip();
        let scorer = match pass {
            Pass::First => &mut self.scorer,
            Pass::Second => &mut self.closer,
        };
        let scores = match pictures.as_slice() {
            [one] => vec![scorer.score(one)],
            many => scorer.score_batch(many),
        };
        self.follow(batch, pass);
        if self.job.sampling == Sampling::Refined {
            self.learn(batch, &whole, &scores, pass);
        }
        let counters = source.counters();
        let mut inner = self.board.lock();
        if inner.is_finishing() {
            return Ok(());
        }
        let stats = &mut inner.progress.stats;
        stats.packets = self.counted.packets + counters.packets;
        stats.bytes = self.counted.bytes + counters.bytes;
        stats.frames_dropped = self.counted.dropped + counters.dropped;
        self.count(batch, stats);
        stats.fps = self.rate.add(Instant::now(), whole.len());
        if pass == Pass::First {
            // Later ones were held back on purpose.
            stats.lag_ms = info.transport.map_or(0, |_| lag(last));
        }
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
        self.judge(batch, info, counters.keyframes, &mut inner);
        for ((frame, scored), picture) in whole.into_iter().zip(&scores).zip(&pictures) {
            if frame.is_repeated() {
                continue;
            }
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

    /// Counts each frame once, the first time that it comes.
    fn count(&self, batch: &[Frame], stats: &mut Stats) {
        for frame in batch.iter().filter(|frame| !frame.is_repeated()) {
            stats.frames_decoded += 1;
            let rejected = &mut stats.frames_rejected;
            match frame.taint() {
                Some(Taint::Corrupt) => rejected.corrupt += 1,
                Some(Taint::BeforeKeyframe) => rejected.before_keyframe += 1,
                None if self.is_warming_up(frame) => rejected.warmup += 1,
                None => stats.frames_scored += 1,
            }
        }
    }

    /// Lets `refine` know what the frames are like between which groups lie, and those
    /// within.
    fn learn(&mut self, batch: &[Frame], whole: &[&Frame], scores: &[Scored], pass: Pass) {
        let score = |frame: &Frame| {
            let place = whole.iter().position(|w| w.index() == frame.index());
            place.map(|place| scores[place].score.value())
        };
        for frame in batch {
            let time = self.time_before + frame.stream_time();
            match (pass, score(frame)) {
                (Pass::First, score) => self.refine.keyframe(frame.index(), time, score),
                (Pass::Second, Some(score)) => self.refine.picture(time, score),
                (Pass::Second, None) => {}
            }
        }
    }

    /// Pictures arrive: whether that is as it should be. `keyframes`: that came with them.
    fn judge(&mut self, batch: &[Frame], info: &StreamInfo, keyframes: u64, inner: &mut Inner) {
        let now = Instant::now();
        if keyframes == 0 {
            // Not damaged: what they are predicted from is still to come, and the wait for
            // it has an end of its own.
            self.sound = now;
        }
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
            // The group in which the duration ends is looked at when its end has come.
            let group = match self.job.sampling {
                Sampling::Refined => GROUP,
                _ => Duration::ZERO,
            };
            inner.end_at(now + duration + OVERDUE + group);
        }
    }

    /// How many more frames are to be scored; `None` for all that come.
    pub(super) fn frames_left(&self) -> Option<u64> {
        let most = self.job.frames?.get();
        let scored = self.board.lock().progress.stats.frames_scored;
        Some(most.saturating_sub(scored))
    }

    /// Of these frames, those up to the last that is to be scored: a batch may hold more.
    fn wanted<'f>(&self, batch: &'f [Frame]) -> &'f [Frame] {
        let Some(left) = self.frames_left() else {
            return batch;
        };
        let new = |frame: &Frame| self.counts(frame) && !frame.is_repeated();
        let scored = (1..).zip(batch).filter(|(_, frame)| new(frame));
        let end = scored.zip(1..).find(|(_, count)| *count == left);
        end.map_or(batch, |((end, _), _)| &batch[..end])
    }

    /// Whether the frame is scored.
    fn counts(&self, frame: &Frame) -> bool {
        !frame.is_corrupt() && !self.is_warming_up(frame)
    }

    fn is_warming_up(&self, frame: &Frame) -> bool {
        self.time_before + frame.stream_time() < self.job.warmup
    }

    fn follow(&mut self, batch: &[Frame], pass: Pass) {
        self.last_seen = Some(Instant::now());
        for frame in batch {
            let now = self.time_before + frame.stream_time();
            self.last_time = self.last_time.max(now);
            if frame.is_keyframe() && pass == Pass::First {
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
