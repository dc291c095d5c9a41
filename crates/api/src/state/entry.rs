//! One session that this process started: its worker's handle, the draft that
//! receives its pictures, and how the draft becomes a gallery exactly once.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bestshot_decoder::RtspUrl;
use bestshot_gallery::Gallery;
use bestshot_session::{PictureKind, Session, State, Status};
use jiff::Timestamp;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    facts::{Facts, now},
    pictures::Pictures,
};

/// For a worker to send a winner's thumbnail; it does within two seconds.
const THUMBNAIL_PATIENCE: Duration = Duration::from_secs(3);
/// For the original, which is written once the frame has stayed a while.
const ORIGINAL_PATIENCE: Duration = Duration::from_secs(8);

/// What a session left behind.
#[derive(Clone)]
pub(crate) enum End {
    /// A gallery.
    Saved(Arc<Gallery>),
    /// Nothing: no frame won before it was over.
    Empty(Arc<Empty>),
}

impl End {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Saved(gallery) => gallery.id(),
            Self::Empty(empty) => &empty.facts.id,
        }
    }
}

/// A session that ended without winners: remembered while the service runs.
pub(crate) struct Empty {
    pub(crate) facts: Facts,
    pub(crate) status: Arc<Status>,
    pub(crate) ended_at: Timestamp,
}

/// What became of asking for a picture.
pub(crate) enum Sought {
    There(Vec<u8>),
    /// There are not so many winners.
    NoSuchRank,
    /// The frame that had the rank is no winner any more.
    Overtaken,
    /// It was not written, or not in time.
    Missing,
}

/// A session that was started here and whose end is not settled yet.
pub(crate) struct Entry {
    pub(crate) facts: Facts,
    pub(super) url: RtspUrl,
    session: Session,
    pictures: Arc<Pictures>,
    ended_at: OnceLock<Timestamp>,
    /// Held while the gallery is written, so that it is written once.
    settling: tokio::sync::Mutex<()>,
    end: OnceLock<End>,
}

impl Entry {
    pub(super) fn new(
        facts: Facts,
        url: RtspUrl,
        session: Session,
        pictures: Arc<Pictures>,
    ) -> Self {
        Self {
            facts,
            url,
            session,
            pictures,
            ended_at: OnceLock::new(),
            settling: tokio::sync::Mutex::default(),
            end: OnceLock::new(),
        }
    }

    /// The newest status.
    pub(crate) fn status(&self) -> Arc<Status> {
        Arc::clone(&self.session.watch().borrow())
    }

    /// Every status from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Status>> {
        self.session.watch()
    }

    /// Whether it is over or was asked to be.
    pub(crate) fn is_ending(&self) -> bool {
        let state = self.status().state;
        state.is_over() || state == State::Stopping
    }

    /// Whether it failed before any frame won: nothing to stop, nothing to show.
    pub(crate) fn failed_empty(&self) -> bool {
        let status = self.status();
        status.state == State::Failed && status.winners.is_empty()
    }

    /// What it left behind, once that is settled.
    pub(super) fn end(&self) -> Option<&End> {
        self.end.get()
    }

    /// The picture of the frame that has this rank (from 1) now. A frame that
    /// has just won is given the time that its picture takes to be written; for its
    /// original as long as it is among the winners.
    ///
    /// # Errors
    /// Where the disk cannot be read.
    pub(crate) async fn picture(
        &self,
        rank: u32,
        kind: PictureKind,
    ) -> Result<Sought, bestshot_gallery::Error> {
        let deadline = Instant::now()
            + match kind {
                PictureKind::Thumbnail => THUMBNAIL_PATIENCE,
                PictureKind::Original => ORIGINAL_PATIENCE,
            };
        let mut arrivals = self.pictures.arrivals();
        let mut statuses = self.watch();
        let mut asked_for = None;
        loop {
            arrivals.mark_unchanged();
            let status = Arc::clone(&statuses.borrow_and_update());
            let place = usize::try_from(rank)
                .ok()
                .and_then(|rank| rank.checked_sub(1));
            let Some(winner) = place.and_then(|at| status.winners.get(at)) else {
                return Ok(Sought::NoSuchRank);
            };
            let (pictures, key) = (Arc::clone(&self.pictures), winner.key);
            let png = blocking(move || pictures.read(key, kind)).await?;
            if let Some(png) = png {
                return Ok(Sought::There(png));
            }
            // A page shows the thumbnails of whichever frames are best just now. But an
            // original of a stream that grows brighter would be waited for in vain.
            let first = *asked_for.get_or_insert(key);
            let gone = status.winners.iter().all(|winner| winner.key != first);
            if kind == PictureKind::Original && gone {
                return Ok(Sought::Overtaken);
            }
            if status.state.is_over() {
                return Ok(Sought::Missing);
            }
            let changed = tokio::select! {
                changed = arrivals.changed() => changed,
                changed = statuses.changed() => changed,
                () = sleep_until(deadline) => return Ok(Sought::Missing),
            };
            if changed.is_err() {
                return Ok(Sought::Missing);
            }
        }
    }

    /// Waits until the worker is done, by itself or because it was stopped.
    pub(super) async fn over(&self) {
        self.session.over().await;
        let _ = self.ended_at.set(now());
    }

    /// Asks the worker to stop and waits until it is done. Idempotent.
    pub(super) async fn stop(&self) {
        self.session.stop().await;
        self.over().await;
    }

    /// Makes a gallery of what the finished session won; the second call gives
    /// the same answer. After an error the pictures are still there, and the
    /// next call tries again.
    ///
    /// Must not be cancelled half-way: callers run it in a task of its own.
    ///
    /// # Errors
    /// Where the gallery cannot be written.
    pub(super) async fn settle(&self) -> Result<End, bestshot_gallery::Error> {
        let _one_at_a_time = self.settling.lock().await;
        if let Some(end) = self.end() {
            return Ok(end.clone());
        }
        self.over().await;
        let status = self.status();
        let ended_at = *self.ended_at.get_or_init(now);
        let manifest = self.facts.manifest(&status, ended_at, &self.pictures);
        let pictures = Arc::clone(&self.pictures);
        let facts = self.facts.clone();
        let settled = blocking(move || {
            if manifest.winners.is_empty() {
                if let Err(error) = pictures.abandon() {
                    tracing::warn!("an empty draft could not be removed: {error}");
                }
                return Ok(End::Empty(Arc::new(Empty {
                    facts,
                    status,
                    ended_at,
                })));
            }
            pictures
                .commit(&manifest)
                .map(|gallery| End::Saved(Arc::new(gallery)))
        })
        .await?;
        Ok(self.end.get_or_init(|| settled).clone())
    }

    /// Throws the pictures away; for a session that is deleted unsaved.
    pub(super) async fn abandon(&self) {
        let pictures = Arc::clone(&self.pictures);
        let abandoned = blocking(move || pictures.abandon()).await;
        if let Err(error) = abandoned {
            tracing::warn!("a draft could not be removed: {error}");
        }
    }
}

/// Runs `work`, which blocks, off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        // Only a panic inside `work` leads here, never a cancellation.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
