//! The sessions of this service: those that run, those that ended without a
//! gallery, and the store of galleries. Routes ask here; nothing here knows
//! HTTP.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bestshot_decoder::{AddressPolicy, Deadlines, RtspUrl};
use bestshot_gallery::{Filter, Store};
use bestshot_session::{Session, Source, State, Status, WorkerCommand};
use tokio::task::JoinSet;

pub(crate) use self::{
    entry::{Empty, End, Entry, Sought, blocking},
    facts::{Facts, now},
    outcome::{FirstFrame, Found, StartError, Started},
    pictures::Pictures,
    place::{NoPlace, Place},
    totals::Totals,
};
use crate::options::Checked;

mod entry;
mod facts;
mod id;
mod outcome;
mod pictures;
mod place;
mod totals;

/// Sessions without a gallery that are remembered.
const REMEMBERED: usize = 1000;

/// All sessions of the service.
pub(crate) struct Sessions {
    store: Arc<Store>,
    worker: WorkerCommand,
    /// Where cameras may be.
    pub(crate) policy: AddressPolicy,
    deadlines: Deadlines,
    /// How many sessions may run at once.
    pub(crate) max: usize,
    /// Started here and not settled, by id.
    live: Mutex<BTreeMap<String, Arc<Entry>>>,
    /// Ended without a gallery, oldest first.
    empty: Mutex<VecDeque<Arc<Empty>>>,
    /// What was settled last, so that a reload shows the same again.
    last: Mutex<Option<End>>,
    /// Counts of sessions that are no longer live.
    past: Mutex<Totals>,
    /// Held while a session is started, so that no two start on one camera.
    starting: tokio::sync::Mutex<()>,
    closing: AtomicBool,
    since: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each critical section leaves the data whole, even one that panics.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sessions {
    pub(crate) fn new(
        store: Arc<Store>,
        worker: WorkerCommand,
        policy: AddressPolicy,
        deadlines: Deadlines,
        max: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            worker,
            policy,
            deadlines,
            max,
            live: Mutex::default(),
            empty: Mutex::default(),
            last: Mutex::default(),
            past: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            closing: AtomicBool::new(false),
            since: Instant::now(),
        })
    }

    /// Starts a session on `url`, unless one runs on it already.
    ///
    /// # Errors
    /// [`StartError`].
    pub(crate) async fn start(
        self: &Arc<Self>,
        url: RtspUrl,
        options: Checked,
    ) -> Result<Started, StartError> {
        let this = Arc::clone(self);
        // In a task of its own: a client that goes away must not leave half a start.
        let starting = tokio::spawn(async move { this.start_now(url, &options).await });
        match starting.await {
            Ok(started) => started,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    async fn start_now(
        self: &Arc<Self>,
        url: RtspUrl,
        options: &Checked,
    ) -> Result<Started, StartError> {
        let _one_at_a_time = self.starting.lock().await;
        if self.closing.load(Ordering::SeqCst) {
            return Err(StartError::Closing);
        }
        let running = self.running();
        if let Some(entry) = running.iter().find(|e| e.url == url && !e.is_ending()) {
            return Ok(Started::Running(Arc::clone(entry)));
        }
        if running.len() >= self.max {
            return Err(StartError::Full(running.len()));
        }
        let started_at = now();
        let facts = Facts {
            id: id::new_id(started_at)?,
            source: url.to_string(),
            options: options.shown.clone(),
            started_at,
        };
        let (store, id) = (Arc::clone(&self.store), facts.id.clone());
        let pictures = Pictures::new(blocking(move || store.draft(&id)).await?);
        let job = options
            .job(Source::Rtsp(url.clone()), self.policy.clone())
            .deadlines(self.deadlines);
        let session = match Session::start(&job, &self.worker, Arc::clone(&pictures) as _) {
            Ok(session) => session,
            Err(error) => {
                blocking(move || pictures.abandon()).await?;
                return Err(error.into());
            }
        };
        let entry = Arc::new(Entry::new(facts, url, session, pictures));
        lock(&self.live).insert(entry.facts.id.clone(), Arc::clone(&entry));
        tracing::info!(session = %entry.facts.id, camera = %entry.facts.source, "session started");
        tokio::spawn(Arc::clone(self).see_to_the_end(Arc::clone(&entry)));
        Ok(Started::New(entry))
    }

    /// Saves a session that ends by itself.
    async fn see_to_the_end(self: Arc<Self>, entry: Arc<Entry>) {
        entry.over().await;
        if let Err(error) = self.settle(&entry).await {
            tracing::error!(
                session = %entry.facts.id,
                "the gallery could not be saved; its pictures are kept, and a stop tries again: \
                 {error}"
            );
        }
    }

    async fn settle(&self, entry: &Arc<Entry>) -> Result<End, bestshot_gallery::Error> {
        let end = entry.settle().await?;
        if lock(&self.live).contains_key(&entry.facts.id) {
            self.retire(entry, &end);
        }
        Ok(end)
    }

    /// Moves a settled session out of the live ones. It is never missing in
    /// between: it is found in its new place before it leaves the old one.
    fn retire(&self, entry: &Entry, end: &End) {
        let mut live = lock(&self.live);
        if !live.contains_key(&entry.facts.id) {
            return;
        }
        if let End::Empty(empty) = end {
            let mut list = lock(&self.empty);
            if list.len() == REMEMBERED {
                list.pop_front();
            }
            list.push_back(Arc::clone(empty));
        }
        let status = entry.status();
        if matches!(end, End::Saved(_)) || status.state == State::Stopped {
            *lock(&self.last) = Some(end.clone());
        }
        lock(&self.past).add(&status.stats);
        live.remove(&entry.facts.id);
        let failure = status.error.as_ref().map(|e| e.message.as_str());
        tracing::info!(
            session = %entry.facts.id,
            state = %status.state,
            frames_scored = status.stats.frames_scored,
            winners = status.winners.len(),
            failure,
            "session over"
        );
    }

    /// Stops a session and saves its gallery. Whoever calls gets the same
    /// answer, also after it is over and whether or not earlier callers waited.
    ///
    /// # Errors
    /// Where the gallery cannot be written; the pictures are kept, and calling
    /// again tries again.
    pub(crate) async fn stop(
        self: &Arc<Self>,
        entry: Arc<Entry>,
    ) -> Result<End, bestshot_gallery::Error> {
        let this = Arc::clone(self);
        // In a task of its own: a client that goes away must not cut it short.
        let stopping = tokio::spawn(async move {
            entry.stop().await;
            this.settle(&entry).await
        });
        match stopping.await {
            Ok(end) => end,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Removes a session and its gallery, stopping it first. Whether there was one.
    ///
    /// # Errors
    /// Where the gallery cannot be removed.
    pub(crate) async fn delete(
        self: &Arc<Self>,
        id: &str,
    ) -> Result<bool, bestshot_gallery::Error> {
        let live = lock(&self.live).get(id).cloned();
        if let Some(entry) = live
            && self.stop(Arc::clone(&entry)).await.is_err()
        {
            // It could not be saved, and need not be.
            entry.abandon().await;
            lock(&self.live).remove(id);
            return Ok(true);
        }
        lock(&self.last).take_if(|end| end.id() == id);
        let forgotten = {
            let mut empty = lock(&self.empty);
            let before = empty.len();
            empty.retain(|e| e.facts.id != id);
            empty.len() < before
        };
        let (store, id) = (Arc::clone(&self.store), id.to_owned());
        Ok(forgotten || blocking(move || store.delete(&id)).await?)
    }

    /// Waits until the first frame of `entry` is scored, it is over, or
    /// `patience` ends.
    pub(crate) async fn first_frame(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        patience: Duration,
    ) -> FirstFrame {
        let mut watch = entry.watch();
        let known = |s: &Arc<Status>| s.stats.frames_scored > 0 || s.state.is_over();
        let status = match tokio::time::timeout(patience, watch.wait_for(known)).await {
            Ok(Ok(status)) if status.state == State::Failed && status.best_score.is_none() => {
                Arc::clone(&status)
            }
            _ => return FirstFrame::Go,
        };
        // Whoever reads the answer finds the session failed, not about to be.
        if let Err(error) = self.stop(Arc::clone(entry)).await {
            tracing::warn!(session = %entry.facts.id, "a failed session is not settled: {error}");
        }
        FirstFrame::Failed(status)
    }

    /// Finds a session by its id.
    ///
    /// # Errors
    /// Where the catalogue cannot be read.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<Found>, bestshot_gallery::Error> {
        if let Some(entry) = lock(&self.live).get(id) {
            return Ok(Some(Found::of(Arc::clone(entry))));
        }
        if let Some(empty) = lock(&self.empty).iter().find(|e| e.facts.id == id) {
            return Ok(Some(Found::Past(End::Empty(Arc::clone(empty)))));
        }
        let (store, id) = (Arc::clone(&self.store), id.to_owned());
        let gallery = blocking(move || store.get(&id)).await?;
        Ok(gallery.map(|g| Found::Past(End::Saved(Arc::new(g)))))
    }

    /// What the session that was settled last left behind; after a restart, the
    /// newest gallery. A session that failed without a winner left nothing.
    ///
    /// # Errors
    /// Where the catalogue cannot be read.
    pub(crate) async fn last(&self) -> Result<Option<End>, bestshot_gallery::Error> {
        if let Some(end) = &*lock(&self.last) {
            return Ok(Some(end.clone()));
        }
        let store = Arc::clone(&self.store);
        let newest = blocking(move || store.newest()).await?;
        Ok(newest.map(|gallery| End::Saved(Arc::new(gallery))))
    }

    /// The newest session that ended without a gallery.
    pub(crate) fn newest_empty(&self) -> Option<Arc<Empty>> {
        lock(&self.empty).back().cloned()
    }

    /// At most `limit` sessions that fit after `after`, newest first, and the place
    /// where the list goes on.
    ///
    /// # Errors
    /// Where the catalogue cannot be read.
    pub(crate) async fn list(
        &self,
        filter: Filter,
        after: Option<Place>,
        limit: usize,
    ) -> Result<(Vec<Found>, Option<Place>), bestshot_gallery::Error> {
        // By place, so that one that moves to the store meanwhile is listed once.
        let mut all: BTreeMap<Place, Found> = BTreeMap::new();
        let fits = |facts: &Facts| filter.admits(&facts.source, facts.started_at);
        for entry in self.live().into_iter().filter(|e| fits(&e.facts)) {
            all.insert(entry.facts.place(), Found::of(entry));
        }
        for empty in lock(&self.empty).iter().filter(|e| fits(&e.facts)) {
            all.insert(
                empty.facts.place(),
                Found::Past(End::Empty(Arc::clone(empty))),
            );
        }
        all.retain(|place, _| after.as_ref().is_none_or(|after| place < after));
        let (store, cursor) = (
            Arc::clone(&self.store),
            after.and_then(|place| place.cursor()),
        );
        // One more tells whether there is a next page.
        let galleries = blocking(move || store.list(&filter, cursor.as_ref(), limit + 1))
            .await?
            .items;
        for gallery in galleries {
            if let Ok(started_at) = gallery.manifest().started_at.parse() {
                let place = Place::new(started_at, gallery.id());
                all.insert(place, Found::Past(End::Saved(Arc::new(gallery))));
            }
        }
        let more = all.len() > limit;
        let (places, page): (Vec<Place>, Vec<Found>) = all.into_iter().rev().take(limit).unzip();
        Ok((page, places.into_iter().next_back().filter(|_| more)))
    }

    /// Everything not settled, oldest first.
    pub(crate) fn live(&self) -> Vec<Arc<Entry>> {
        lock(&self.live).values().cloned().collect()
    }

    /// The sessions that run, oldest first.
    pub(crate) fn running(&self) -> Vec<Arc<Entry>> {
        self.live()
            .into_iter()
            .filter(|e| !e.status().state.is_over())
            .collect()
    }

    /// How long the service has been up.
    pub(crate) fn uptime(&self) -> Duration {
        self.since.elapsed()
    }

    /// What was counted since the service started.
    pub(crate) fn totals(&self) -> Totals {
        // The lock of the live ones is held, so that none is counted twice.
        let live = lock(&self.live);
        let mut totals = *lock(&self.past);
        live.values()
            .for_each(|entry| totals.add(&entry.status().stats));
        totals
    }

    /// Whether the service is shutting down.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Stops and saves everything; nothing starts any more.
    ///
    /// # Errors
    /// The last gallery that could not be saved.
    pub(crate) async fn close(self: &Arc<Self>) -> Result<(), bestshot_gallery::Error> {
        self.closing.store(true, Ordering::SeqCst);
        drop(self.starting.lock().await);
        let mut stops = JoinSet::new();
        for entry in self.live() {
            let this = Arc::clone(self);
            stops.spawn(async move { this.stop(entry).await.map(drop) });
        }
        stops.join_all().await.into_iter().collect()
    }
}
