//! What the worker's threads share: progress, the winners, and which of their
//! pictures were sent. One lock, held briefly; no pixels are touched under it.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bestshot_decoder::Frame;
use bestshot_gallery::{PictureKind, manifest::Winner};
use bestshot_ranker::{Apart, Scored, Spread};

use crate::{
    curve::Curve,
    status::{Progress, State},
};

/// A winner is left alone for this long before its pictures are made: in a stream
/// that grows brighter most winners are overtaken at once.
const SETTLED: Duration = Duration::from_millis(1400);
/// An original costs as much as decoding two frames, and megabytes on the disk.
/// Those that a stop would otherwise have to wait for are made as soon as they have
/// settled, as long as originals have not taken more than this…
const EAGER: Duration = Duration::from_millis(40);
/// …and this share of the session's time (one part in so many). Beyond it…
const EAGER_SHARE: u32 = 1000;
/// …an original is made when its frame has been a winner for this long.
const LASTING: Duration = Duration::from_secs(4);

/// A frame among the best, or one that may come to be, and what was done for it.
struct Candidate {
    winner: Winner,
    wins: bool,
    /// Let go when both pictures were sent: nine frames are tens of megabytes. Kept
    /// where it may be overtaken and win again: the parent throws away the pictures of
    /// frames that do not win.
    frame: Option<Frame>,
    entered: Instant,
    thumbnail: Step,
    original: Step,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Due,
    InWork,
    Sent,
}

pub(crate) struct Board {
    inner: Mutex<Inner>,
    changed: Condvar,
}

pub(crate) struct Inner {
    pub(crate) progress: Progress,
    pub(crate) curve: Curve,
    best: Spread<u64>,
    limit: NonZeroUsize,
    /// Whether a frame that was overtaken may win again.
    returns: bool,
    candidates: HashMap<u64, Candidate>,
    started: Instant,
    /// Time taken by originals so far.
    spent: Duration,
    /// No frame will be offered any more: everything left is due now.
    finishing: bool,
    /// When the session ends by itself, whatever the camera does.
    until: Option<Instant>,
    /// Counts what is to be told at once.
    news: u32,
}

/// The pictures to make of one frame.
pub(crate) struct Task {
    pub(crate) key: u64,
    pub(crate) kinds: Vec<PictureKind>,
    pub(crate) frame: Frame,
}

impl Board {
    pub(crate) fn new(limit: NonZeroUsize, apart: Apart) -> Self {
        let inner = Inner {
            progress: Progress::default(),
            curve: Curve::new(),
            best: Spread::new(limit, apart),
            limit,
            returns: apart != Apart::default(),
            candidates: HashMap::new(),
            started: Instant::now(),
            spent: Duration::ZERO,
            finishing: false,
            until: None,
            news: 0,
        };
        Self {
            inner: Mutex::new(inner),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for news that somebody waits to hear at once, at most `patience`. `heard`:
    /// the piece of news that was heard last, from 0.
    pub(crate) fn news(&self, patience: Duration, heard: &mut u32) {
        let (inner, _) = self
            .changed
            .wait_timeout_while(self.lock(), patience, |inner| inner.news == *heard)
            .unwrap_or_else(PoisonError::into_inner);
        *heard = inner.news;
    }

    /// There is such news.
    pub(crate) fn tell(&self) {
        self.lock().news += 1;
        self.changed.notify_all();
    }

    /// Nothing more will be offered; wakes whoever waits for pictures to make.
    pub(crate) fn finish(&self) {
        let mut inner = self.lock();
        inner.finishing = true;
        inner.progress.state = State::Stopping;
        inner.progress.stats.fps = 0.0;
        drop(inner);
        self.changed.notify_all();
    }

    /// Pictures to make now, waiting for them at most `patience`: one while frames
    /// are being decoded, since pictures can wait and frames cannot; all that are
    /// left when finishing. `None` when there never will be any more.
    pub(crate) fn due(&self, patience: Duration) -> Option<Vec<Task>> {
        let mut inner = self.lock();
        let mut tasks = inner.take();
        if tasks.is_empty() && !inner.finishing {
            inner = self
                .changed
                .wait_timeout(inner, patience)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            tasks = inner.take();
        }
        if tasks.is_empty() && inner.finishing {
            None
        } else {
            Some(tasks)
        }
    }

    /// A picture was sent, or cannot be made; it took so long.
    pub(crate) fn sent(&self, key: u64, kind: PictureKind, took: Duration) {
        let mut inner = self.lock();
        if kind == PictureKind::Original {
            inner.spent += took;
        }
        let returns = inner.returns;
        if let Some(candidate) = inner.candidates.get_mut(&key) {
            *candidate.step(kind) = Step::Sent;
            let both = candidate.thumbnail == Step::Sent && candidate.original == Step::Sent;
            if both && !returns {
                candidate.frame = None;
            }
        }
    }
}

impl Inner {
    /// Offers the frame at this time of the stream; `winner` describes it.
    pub(crate) fn offer(
        &mut self,
        scored: &Scored,
        time: Duration,
        frame: &Frame,
        winner: impl FnOnce() -> Winner,
    ) {
        if !self.finishing {
            self.curve.add(time, scored.score.value());
        }
        let look = scored.look.as_ref();
        if self.finishing || !self.best.would_keep(scored.score, time, look) {
            return;
        }
        let winner = winner();
        let key = winner.key;
        let candidate = Candidate {
            winner,
            wins: false,
            frame: Some(frame.clone()),
            entered: Instant::now(),
            thumbnail: Step::Due,
            original: Step::Due,
        };
        self.candidates.insert(key, candidate);
        if let Some(out) = self.best.offer(scored.score, time, look.cloned(), key) {
            self.candidates.remove(&out);
        }
        self.rank();
        self.progress.best_score = self.best.iter().next().map(|(score, _)| score.value());
    }

    /// The score of the worst winner, where there are as many as there may be.
    pub(crate) fn worst(&self) -> Option<f64> {
        let worst = self.best.iter().nth(self.limit.get() - 1);
        worst.map(|(score, _)| score.value())
    }

    /// Notes who wins now. The pictures of one that comes back are made anew.
    fn rank(&mut self) {
        let winners: Vec<u64> = self.best.iter().map(|(_, key)| *key).collect();
        for (key, candidate) in &mut self.candidates {
            let wins = winners.contains(key);
            if wins && !candidate.wins {
                candidate.entered = Instant::now();
                candidate.thumbnail = Step::Due;
                candidate.original = Step::Due;
            }
            candidate.wins = wins;
        }
    }

    /// Ends the session at that time; the first time that is said counts.
    pub(crate) fn end_at(&mut self, until: Instant) {
        self.until.get_or_insert(until);
    }

    /// Whether the time to end by itself has come.
    pub(crate) fn is_expired(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Whether the winners are final.
    pub(crate) fn is_finishing(&self) -> bool {
        self.finishing
    }

    /// Whether a picture is being made.
    pub(crate) fn is_saving(&self) -> bool {
        let mut all = self.candidates.values();
        all.any(|c| c.thumbnail == Step::InWork || c.original == Step::InWork)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.best.revision()
    }

    /// Best first.
    pub(crate) fn winners(&self) -> Vec<Winner> {
        let known = self
            .best
            .iter()
            .filter_map(|(_, key)| self.candidates.get(key));
        known.map(|candidate| candidate.winner.clone()).collect()
    }

    /// The best frame with something due; once finishing, all of them.
    fn take(&mut self) -> Vec<Task> {
        let now = Instant::now();
        let eager = self.spent <= EAGER + self.started.elapsed() / EAGER_SHARE;
        let mut tasks = Vec::new();
        for (_, key) in self.best.iter() {
            let Some(candidate) = self.candidates.get_mut(key) else {
                continue;
            };
            let Some(frame) = candidate.frame.clone() else {
                continue;
            };
            let age = now.duration_since(candidate.entered);
            let mut kinds = Vec::new();
            for kind in PictureKind::ALL {
                let after = match kind {
                    PictureKind::Original if !eager => LASTING,
                    _ => SETTLED,
                };
                let step = candidate.step(kind);
                if *step == Step::Due && (self.finishing || age >= after) {
                    *step = Step::InWork;
                    kinds.push(kind);
                }
            }
            if !kinds.is_empty() {
                tasks.push(Task {
                    key: *key,
                    kinds,
                    frame,
                });
                if !self.finishing {
                    break;
                }
            }
        }
        tasks
    }
}

impl Candidate {
    fn step(&mut self, kind: PictureKind) -> &mut Step {
        match kind {
            PictureKind::Thumbnail => &mut self.thumbnail,
            PictureKind::Original => &mut self.original,
        }
    }
}
