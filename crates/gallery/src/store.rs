//! The data directory: which galleries there are. The directories are the truth;
//! the catalogue beside them only makes finding fast. How a gallery comes to be
//! stands in `draft.rs` and `commit.rs`.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalogue::{Catalogue, Entry, Row};
use crate::draft::Draft;
use crate::error::{Error, ErrorKind};
use crate::files;
use crate::filter::Filter;
use crate::gallery::{Gallery, started_at};

const CATALOGUE: &str = "catalogue.sqlite";
const LOCK: &str = ".lock";

/// All galleries of one data directory. Cloning is cheap and gives the same
/// store; it can be used from several threads at once. Every call may wait for
/// the disk.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    directory: PathBuf,
    /// None: to be made anew before it is used.
    catalogue: Mutex<Option<Catalogue>>,
    /// Held as long as the store lives.
    lock: File,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Closing alone would not do: a child process that is just being started
        // has a copy of the file for a moment, and with it the lock.
        let _ = self.lock.unlock();
    }
}

/// A place in the list of galleries: pass it to [`Store::list`] for what comes
/// after. Its text form means nothing to anybody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Entry);

/// A part of the list of galleries.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listing {
    /// Newest first.
    pub items: Vec<Gallery>,
    /// Where to go on; none at the end.
    pub next: Option<Cursor>,
}

impl Store {
    /// Opens `data_directory`, which is created where it does not exist, for
    /// this process alone.
    ///
    /// What an earlier process left unfinished is removed. The catalogue is
    /// compared with the directories and made anew where it is missing or
    /// damaged; where the disk refuses one (because it is full, say), one in
    /// memory takes its place until the next start.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`] where another process has it open,
    /// [`ErrorKind::NoSpace`] and [`ErrorKind::Io`] from the disk.
    pub fn open(data_directory: impl Into<PathBuf>) -> Result<Self, Error> {
        let directory = data_directory.into();
        fs::create_dir_all(&directory).map_err(|cause| Error::io("create", &directory, cause))?;
        let lock = lock(&directory)?;
        let store = Self {
            shared: Arc::new(Shared {
                directory,
                catalogue: Mutex::new(None),
                lock,
            }),
        };
        store.remove_leftovers()?;
        store.with_catalogue(|_| Ok(()))?;
        Ok(store)
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        &self.shared.directory
    }

    /// Begins the gallery of the session `id`, 1 to 64 of `0-9 A-Z a-z -`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for another id, [`ErrorKind::Exists`] where there
    /// is a gallery or a draft of that id, [`ErrorKind::NoSpace`] and
    /// [`ErrorKind::Io`] from the disk.
    pub fn draft(&self, id: &str) -> Result<Draft, Error> {
        check_id(id)?;
        if self.path(id).exists() {
            return Err(exists(id));
        }
        Draft::create(self.clone(), id)
    }

    /// At most `limit` galleries that fit, newest first (by the session's start, then
    /// by id, greatest first), beginning after `after`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the disk fails.
    pub fn list(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Listing, Error> {
        let mut items = Vec::new();
        let mut last = after.map(|cursor| cursor.0.clone());
        loop {
            let wanted = limit - items.len();
            // One more tells whether there is a next page.
            let entries = self.with_catalogue(|catalogue| {
                catalogue.page(filter, last.as_ref(), wanted.saturating_add(1))
            })?;
            let more = entries.len() > wanted;
            for entry in entries.into_iter().take(wanted) {
                items.extend(self.read(&entry.id)?);
                last = Some(entry);
            }
            // Fewer came out than were listed where somebody removed directories
            // by hand; the page is then filled up from what follows.
            if items.len() == limit || !more {
                let next = if more { last.map(Cursor) } else { None };
                return Ok(Listing { items, next });
            }
        }
    }

    /// The gallery that [`list`](Self::list) names first.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the disk fails.
    pub fn newest(&self) -> Result<Option<Gallery>, Error> {
        Ok(self.list(&Filter::default(), None, 1)?.items.pop())
    }

    /// The gallery of the session `id`; none where there is none, or where `id`
    /// is no id at all.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the disk fails.
    pub fn get(&self, id: &str) -> Result<Option<Gallery>, Error> {
        if check_id(id).is_err() || !self.with_catalogue(|catalogue| catalogue.contains(id))? {
            return Ok(None);
        }
        self.read(id)
    }

    /// Removes the gallery of the session `id`, and tells whether there was one.
    /// It is gone from the list before its files are.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the disk fails.
    pub fn delete(&self, id: &str) -> Result<bool, Error> {
        if self.get(id)?.is_none() {
            return Ok(false);
        }
        let gone = self.shared.directory.join(format!(".{id}.gone"));
        files::remove_directory(&gone)?;
        files::rename(&self.path(id), &gone)?;
        files::sync_directory(&self.shared.directory)?;
        self.with_catalogue(|catalogue| catalogue.remove(id))?;
        files::remove_directory(&gone)?;
        Ok(true)
    }

    /// Takes a gallery that has just been saved into the catalogue. That cannot
    /// fail for the caller: the directory is there, and the catalogue is made
    /// anew from the directories where it has to be.
    pub(crate) fn enter(&self, gallery: &Gallery) -> Result<(), Error> {
        let row = row(gallery)?;
        let _ = self.with_catalogue(|catalogue| catalogue.insert(&row));
        Ok(())
    }

    /// Where the gallery `id` lies or will lie; `id` has been checked.
    pub(crate) fn path(&self, id: &str) -> PathBuf {
        self.shared.directory.join(id)
    }

    /// Where the gallery `id` is prepared.
    pub(crate) fn draft_path(&self, id: &str) -> PathBuf {
        self.shared.directory.join(format!(".{id}.tmp"))
    }

    fn read(&self, id: &str) -> Result<Option<Gallery>, Error> {
        Gallery::read(self.path(id), id)
    }

    /// Removes drafts and half-removed galleries of an earlier process.
    fn remove_leftovers(&self) -> Result<(), Error> {
        for name in files::names(&self.shared.directory)? {
            let id = name.strip_prefix('.').and_then(|name| {
                name.strip_suffix(".tmp")
                    .or_else(|| name.strip_suffix(".gone"))
            });
            if id.is_some_and(|id| check_id(id).is_ok()) {
                files::remove_directory(&self.shared.directory.join(name))?;
            }
        }
        Ok(())
    }

    /// Runs `work` on the catalogue. Where that fails, on a new one; where that
    /// fails as well, on one in memory, which needs nothing of the disk.
    fn with_catalogue<T>(
        &self,
        mut work: impl FnMut(&mut Catalogue) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let mut slot = self
            .shared
            .catalogue
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let path = self.shared.directory.join(CATALOGUE);
        let mut failure = None;
        let sources: [&dyn Fn() -> rusqlite::Result<Catalogue>; 3] = [
            &|| Catalogue::open(&path),
            &|| {
                // Best effort: what stays is opened, or replaced by memory.
                for suffix in ["", "-wal", "-shm"] {
                    let _ =
                        fs::remove_file(self.shared.directory.join(format!("{CATALOGUE}{suffix}")));
                }
                Catalogue::open(&path)
            },
            &Catalogue::in_memory,
        ];
        if let Some(catalogue) = slot.as_mut() {
            match work(catalogue) {
                Ok(done) => return Ok(done),
                Err(cause) => failure = Some(cause),
            }
        }
        for source in sources {
            // Closed before its files are removed or opened again.
            *slot = None;
            match source() {
                Ok(mut catalogue) => match self
                    .reconcile(&mut catalogue)?
                    .and_then(|()| work(&mut catalogue))
                {
                    Ok(done) => {
                        *slot = Some(catalogue);
                        return Ok(done);
                    }
                    Err(cause) => failure = Some(cause),
                },
                Err(cause) => failure = Some(cause),
            }
        }
        Err(match failure {
            Some(cause) => Error::internal("the list of galleries cannot be read", cause),
            None => Error::new(ErrorKind::Internal, "the list of galleries cannot be read"),
        })
    }

    /// Makes the catalogue list exactly the galleries that there are. Reads the
    /// names of all directories but only the manifests that are new to it.
    fn reconcile(&self, catalogue: &mut Catalogue) -> Result<rusqlite::Result<()>, Error> {
        let mut listed = match catalogue.ids() {
            Ok(listed) => listed,
            Err(cause) => return Ok(Err(cause)),
        };
        let mut found = Vec::new();
        for name in files::names(&self.shared.directory)? {
            if !listed.remove(&name) && check_id(&name).is_ok() {
                // One directory that cannot be read, somebody else's perhaps,
                // must not hide all others.
                if let Ok(Some(gallery)) = self.read(&name) {
                    found.push(row(&gallery)?);
                }
            }
        }
        let vanished: Vec<&str> = listed.iter().map(String::as_str).collect();
        if found.is_empty() && vanished.is_empty() {
            return Ok(Ok(()));
        }
        Ok(catalogue.change(&found, &vanished))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.shared.directory.display())
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Shifted so that times before 1970 have no sign.
        write!(f, "{:016x}{}", self.0.started_at ^ i64::MIN, self.0.id)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_at_checked(16).and_then(|(time, id)| {
            let digits = time.bytes().all(|byte| byte.is_ascii_hexdigit());
            let time = u64::from_str_radix(time, 16).ok()?;
            (digits && check_id(id).is_ok()).then_some((time, id))
        });
        let (time, id) = parts.ok_or_else(|| Error::invalid("this is no place in the list"))?;
        Ok(Self(Entry {
            started_at: time.cast_signed() ^ i64::MIN,
            id: id.to_owned(),
        }))
    }
}

fn row(gallery: &Gallery) -> Result<Row, Error> {
    let manifest = gallery.manifest();
    Ok(Row {
        entry: Entry {
            started_at: started_at(manifest)?,
            id: gallery.id().to_owned(),
        },
        source: manifest.source.clone(),
    })
}

/// Takes the directory for this process until the file is closed, which the
/// system does even for a process that is killed.
fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join(LOCK);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|cause| Error::io("open", &path, cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::InUse,
            format!(
                "another bestshot is using {}; stop it, or choose another data directory",
                directory.display()
            ),
        )),
        Err(TryLockError::Error(cause)) => Err(Error::io("lock", &path, cause)),
    }
}

pub(crate) fn exists(id: &str) -> Error {
    Error::new(
        ErrorKind::Exists,
        format!("there is a gallery {id} already"),
    )
}

/// Ids become names of directories, so nothing else may be in them.
fn check_id(id: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (1..=64).contains(&id.len()) && id.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Error::invalid(
            "a session's id has 1 to 64 letters, digits and hyphens",
        ))
    }
}
