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
use bestshot_ranker::{Best, Offer, Score};

use crate::status::{Progress, State};

/// A winner is left alone for this long before its thumbnail is made: in a
/// stream that grows brighter most winners are overtaken at once.
const THUMBNAIL_AFTER: Duration = Duration::from_secs(1);
/// An original costs as much as decoding two frames, and megabytes on the disk,
/// so it waits until no new winner has come for this long…
const CALM: Duration = Duration::from_millis(1500);
/// …or until its own frame has been a winner for this long.
const ORIGINAL_AFTER: Duration = Duration::from_secs(4);

/// A frame among the best, and what was done for it.
struct Candidate {
    winner: Winner,
    /// Let go when both pictures were sent: nine frames are tens of megabytes.
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
    best: Best<u64>,
    candidates: HashMap<u64, Candidate>,
    /// When the winners last changed.
    changed: Instant,
    /// No frame will be offered any more: everything left is due now.
    finishing: bool,
}

/// One picture to make.
pub(crate) struct Task {
    pub(crate) key: u64,
    pub(crate) kind: PictureKind,
    pub(crate) frame: Frame,
}

impl Board {
    pub(crate) fn new(limit: NonZeroUsize) -> Self {
        let inner = Inner {
            progress: Progress::default(),
            best: Best::new(limit),
            candidates: HashMap::new(),
            changed: Instant::now(),
            finishing: false,
        };
        Self {
            inner: Mutex::new(inner),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// A picture was sent, or cannot be made.
    pub(crate) fn sent(&self, key: u64, kind: PictureKind) {
        let mut inner = self.lock();
        if let Some(candidate) = inner.candidates.get_mut(&key) {
            *candidate.step(kind) = Step::Sent;
            if candidate.thumbnail == Step::Sent && candidate.original == Step::Sent {
                candidate.frame = None;
            }
        }
    }
}

impl Inner {
    pub(crate) fn offer(&mut self, score: Score, frame: &Frame, winner: impl FnOnce() -> Winner) {
        if !self.best.would_keep(score) {
            return;
        }
        let winner = winner();
        self.changed = Instant::now();
        let key = winner.key;
        let candidate = Candidate {
            winner,
            frame: Some(frame.clone()),
            entered: self.changed,
            thumbnail: Step::Due,
            original: Step::Due,
        };
        self.candidates.insert(key, candidate);
        if let Offer::Kept { evicted: Some(out) } | Offer::Rejected(out) =
            self.best.offer(score, key)
        {
            self.candidates.remove(&out);
        }
        self.progress.best_score = self.best.iter().next().map(|(score, _)| score.value());
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

    /// Thumbnails before originals; once finishing, everything at once.
    fn take(&mut self) -> Vec<Task> {
        let now = Instant::now();
        let finishing = self.finishing;
        let most = if finishing { usize::MAX } else { 1 };
        let calm = now.duration_since(self.changed) >= CALM;
        let mut tasks = Vec::new();
        for kind in PictureKind::ALL {
            let after = match kind {
                PictureKind::Thumbnail => THUMBNAIL_AFTER,
                PictureKind::Original if calm => CALM,
                PictureKind::Original => ORIGINAL_AFTER,
            };
            for (_, key) in self.best.iter() {
                if tasks.len() == most {
                    return tasks;
                }
                let Some(candidate) = self.candidates.get_mut(key) else {
                    continue;
                };
                let ripe = finishing || now.duration_since(candidate.entered) >= after;
                if ripe
                    && *candidate.step(kind) == Step::Due
                    && let Some(frame) = candidate.frame.clone()
                {
                    *candidate.step(kind) = Step::InWork;
                    tasks.push(Task {
                        key: *key,
                        kind,
                        frame,
                    });
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
