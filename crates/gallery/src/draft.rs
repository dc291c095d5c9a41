//! A gallery in the making: pictures come and go by key until the session ends.
//! Saving stands in `commit.rs`.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use crate::error::{Error, ErrorKind};
use crate::files;
use crate::picture::PictureKind;
use crate::png;
use crate::store::{Store, exists};

/// The pictures of a session that still runs, in a hidden directory of the
/// store, and what becomes its [`Gallery`](crate::Gallery).
///
/// All calls may come from several threads at once and wait for the disk. A
/// draft that is dropped without having been saved is removed.
pub struct Draft {
    pub(crate) store: Store,
    pub(crate) id: String,
    /// Shared while a picture is written, exclusive while the draft is saved or
    /// removed, so that no picture lands in a gallery that is already complete.
    pub(crate) gate: RwLock<()>,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) phase: Phase,
    /// Where the pictures lie: hidden at first, visible once saved.
    pub(crate) directory: PathBuf,
    pub(crate) pictures: HashMap<(u64, PictureKind), Stored>,
    /// Numbers files, so that a picture put again never overwrites itself.
    next: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    Saved,
    Abandoned,
}

/// A picture on disk.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Path inside the directory.
    pub(crate) path: String,
    /// Bytes as it was put, without the texts added when saving.
    pub(crate) length: u64,
    /// Whether an attempt to save has given it its place as a name.
    pub(crate) ranked: bool,
}

impl Draft {
    pub(crate) fn create(store: Store, id: &str) -> Result<Self, Error> {
        let directory = store.draft_path(id);
        match fs::create_dir(&directory) {
            Ok(()) => {}
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Err(exists(id)),
            Err(cause) => return Err(Error::io("create", &directory, cause)),
        }
        // From here on dropping it cleans up.
        let draft = Self {
            store,
            id: id.to_owned(),
            gate: RwLock::new(()),
            state: Mutex::new(State {
                phase: Phase::Open,
                directory: directory.clone(),
                pictures: HashMap::new(),
                next: 0,
            }),
        };
        for kind in PictureKind::ALL {
            files::create_directory(&directory.join(kind.folder()))?;
        }
        Ok(draft)
    }

    /// The session's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Keeps `png` as the picture of the winner `key`, in place of the one that
    /// may be there. It is in the system's care when this returns, and on the disk
    /// after [`flush`](Self::flush) or [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where `png` is no complete PNG,
    /// [`ErrorKind::Closed`] once the draft was saved or abandoned,
    /// [`ErrorKind::NoSpace`] and [`ErrorKind::Io`] from the disk. The picture
    /// that was there stays.
    pub fn put(&self, key: u64, kind: PictureKind, png: &[u8]) -> Result<(), Error> {
        png::check_ends(png)?;
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let (directory, path) = {
            let mut state = self.state();
            state.check_open()?;
            state.next += 1;
            let path = format!("{}/{key}-{}.png", kind.folder(), state.next);
            (state.directory.clone(), path)
        };
        files::create(&directory.join(&path), png)?;
        let length = png.len() as u64;
        let stored = Stored {
            path,
            length,
            ranked: false,
        };
        if let Some(old) = self.state().pictures.insert((key, kind), stored) {
            remove_file(&directory, &old);
        }
        Ok(())
    }

    /// Waits until the disk has the picture of the winner `key`, so that saving has
    /// less left to wait for. One that was replaced or removed meanwhile needs none.
    ///
    /// # Errors
    /// [`ErrorKind::NoSpace`] and [`ErrorKind::Io`] from the disk; saving would fail
    /// likewise.
    pub fn flush(&self, key: u64, kind: PictureKind) -> Result<(), Error> {
        match self.path(key, kind) {
            Some(path) => files::sync_if_there(&path),
            None => Ok(()),
        }
    }

    /// Whether there is such a picture.
    pub fn has(&self, key: u64, kind: PictureKind) -> bool {
        self.state().pictures.contains_key(&(key, kind))
    }

    /// The PNG of the winner `key`, if there is one; also after saving.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the disk fails.
    pub fn read(&self, key: u64, kind: PictureKind) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let Some(path) = self.path(key, kind) else {
                return Ok(None);
            };
            if let Some(bytes) = files::read_if_there(&path)? {
                return Ok(Some(bytes));
            }
            // It was replaced, removed or renamed since: look again, unless
            // nothing changed and the file itself is gone.
            if self.path(key, kind).is_none_or(|now| now == path) {
                return Ok(None);
            }
        }
    }

    /// Forgets both pictures of a frame that is no winner any more. What cannot
    /// be removed now is removed when the draft is saved.
    pub fn remove(&self, key: u64) {
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        if state.phase != Phase::Open {
            return;
        }
        for kind in PictureKind::ALL {
            if let Some(stored) = state.pictures.remove(&(key, kind)) {
                remove_file(&state.directory, &stored);
            }
        }
    }

    /// Removes the draft and all its pictures. Once saved, this does nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the disk fails; the rest is then removed when the
    /// store is next opened.
    pub fn abandon(&self) -> Result<(), Error> {
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        if state.phase != Phase::Open {
            return Ok(());
        }
        state.phase = Phase::Abandoned;
        state.pictures.clear();
        files::remove_directory(&state.directory)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, key: u64, kind: PictureKind) -> Option<PathBuf> {
        let state = self.state();
        let stored = state.pictures.get(&(key, kind))?;
        Some(state.directory.join(&stored.path))
    }
}

impl State {
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Saved => Err(Error::new(
                ErrorKind::Closed,
                "this session's gallery is saved already",
            )),
            Phase::Abandoned => Err(Error::new(
                ErrorKind::Closed,
                "this session's gallery was given up",
            )),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Nobody is left to tell; the next start removes what remains.
        let _ = self.abandon();
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({})", self.id)
    }
}

/// Best effort: a file that stays is swept out when the draft is saved.
fn remove_file(directory: &Path, stored: &Stored) {
    let _ = fs::remove_file(directory.join(&stored.path));
}
