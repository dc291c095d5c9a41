//! Where a worker's pictures go: into the draft of its session's gallery, or,
//! while the disk is full, into memory until there is room again.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bestshot_gallery::{Draft, Error, ErrorKind, Gallery, manifest::Manifest};
use bestshot_session::{PictureKind, PictureSink};
use tokio::sync::watch;

/// How much a session may hold in memory while the disk is full: nine pictures
/// of the largest cameras, as PNG.
const MAX_HELD: usize = 256 << 20;

/// The pictures of one session.
pub(crate) struct Pictures {
    draft: Draft,
    /// Those for which the disk had no room.
    held: Mutex<HashMap<(u64, PictureKind), Vec<u8>>>,
    /// Counts those that came, for whoever waits for one.
    arrivals: watch::Sender<u64>,
}

impl Pictures {
    pub(crate) fn new(draft: Draft) -> Arc<Self> {
        Arc::new(Self {
            draft,
            held: Mutex::default(),
            arrivals: watch::Sender::new(0),
        })
    }

    /// Changes with each picture that comes.
    pub(super) fn arrivals(&self) -> watch::Receiver<u64> {
        self.arrivals.subscribe()
    }

    /// Whether there is any picture of this frame.
    pub(super) fn has(&self, key: u64) -> bool {
        let held = self.held();
        PictureKind::ALL
            .iter()
            .any(|kind| held.contains_key(&(key, *kind)) || self.draft.has(key, *kind))
    }

    /// A picture, if it is there. Blocks on the disk.
    ///
    /// # Errors
    /// Where the disk fails.
    pub(super) fn read(&self, key: u64, kind: PictureKind) -> Result<Option<Vec<u8>>, Error> {
        if let Some(png) = self.held().get(&(key, kind)) {
            return Ok(Some(png.clone()));
        }
        self.draft.read(key, kind)
    }

    /// Makes the gallery. Blocks on the disk.
    ///
    /// # Errors
    /// Where the disk fails. Nothing is lost by that; it can be tried again.
    pub(crate) fn commit(&self, manifest: &Manifest) -> Result<Gallery, Error> {
        let mut held = self.held();
        for ((key, kind), png) in &*held {
            self.draft.put(*key, *kind, png)?;
        }
        held.clear();
        drop(held);
        self.draft.commit(manifest)
    }

    /// Throws everything away.
    ///
    /// # Errors
    /// Where the disk fails.
    pub(super) fn abandon(&self) -> Result<(), Error> {
        self.held().clear();
        self.draft.abandon()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<(u64, PictureKind), Vec<u8>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a picture in memory, if there is still room for it there.
    fn hold(&self, key: u64, kind: PictureKind, png: &[u8]) -> bool {
        let mut held = self.held();
        let size: usize = held.values().map(Vec::len).sum();
        let fits = size + png.len() <= MAX_HELD;
        if fits {
            held.insert((key, kind), png.to_owned());
        }
        fits
    }
}

impl PictureSink for Pictures {
    fn put(&self, key: u64, kind: PictureKind, png: &[u8]) -> io::Result<()> {
        match self.draft.put(key, kind, png) {
            Err(error) if error.kind() == ErrorKind::NoSpace && self.hold(key, kind, png) => {
                tracing::warn!("a picture is kept in memory for now: {error}");
            }
            result => result.map_err(io::Error::other)?,
        }
        self.arrivals.send_modify(|count| *count += 1);
        Ok(())
    }

    fn flush(&self, key: u64, kind: PictureKind) -> io::Result<()> {
        self.draft.flush(key, kind).map_err(io::Error::other)
    }

    fn remove(&self, key: u64) {
        self.held().retain(|(held, _), _| *held != key);
        self.draft.remove(key);
    }
}
