//! Where `grab` writes: galleries made in hidden directories beside the ones that
//! were asked for, and moved there whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bestshot_gallery::{Draft, Store, manifest::Manifest};
use bestshot_session::Source;
use jiff::Timestamp;

use crate::state::Pictures;

/// A source's name as a directory is this long at most.
const LONGEST_NAME: usize = 60;

/// The place of a gallery to be.
pub(super) struct Target {
    name: String,
    directory: PathBuf,
    /// A data directory that lives as long as the session.
    workshop: PathBuf,
    store: Store,
    id: String,
    /// Dropped after the workshop, which may be in it, is removed.
    _reserved: Option<Arc<Reserved>>,
}

/// Why there is no gallery where it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    /// Something is there already.
    #[error("{} is there already and not empty; choose another --out", .0.display())]
    Taken(PathBuf),
    /// The disk said no.
    #[error("{} cannot be written: {}", .0.display(), .1)]
    Io(PathBuf, #[source] io::Error),
    /// The gallery could not be completed.
    #[error("{}; the pictures found so far are in {}", .1, .0.display())]
    Unsaved(PathBuf, #[source] bestshot_gallery::Error),
    /// No gallery could be begun.
    #[error(transparent)]
    Gallery(#[from] bestshot_gallery::Error),
}

/// A directory made so that nobody else takes it; removed again if it stays empty.
struct Reserved(PathBuf);

impl Drop for Reserved {
    fn drop(&mut self) {
        // Refused where there is something in it, as there should be.
        let _ = fs::remove_dir(&self.0);
    }
}

/// A place for each source: `out` itself for a single one, directories in it named
/// after the sources for several. Without `out`, a new directory in the current one,
/// named by `now`.
///
/// # Errors
/// [`TargetError`].
pub(super) fn targets(
    out: Option<PathBuf>,
    sources: &[Source],
    now: Timestamp,
) -> Result<Vec<Target>, TargetError> {
    let id = now.strftime("%Y%m%d-%H%M%SZ").to_string();
    let names = names(sources);
    let (directory, reserved) = if let Some(directory) = out {
        empty_or_absent(&directory)?;
        (directory, None)
    } else {
        let (directory, reserved) = reserve(&format!("bestshot-{id}"))?;
        (directory, Some(reserved))
    };
    let directory = std::path::absolute(&directory).map_err(|e| TargetError::Io(directory, e))?;
    if let [name] = &names[..] {
        return Ok(vec![Target::new(name.clone(), directory, id, reserved)?]);
    }
    let absent = !directory.exists();
    fs::create_dir_all(&directory).map_err(|e| TargetError::Io(directory.clone(), e))?;
    let made = || absent.then(|| Arc::new(Reserved(directory.clone())));
    let reserved = reserved.or_else(made);
    (1..)
        .zip(names)
        .map(|(number, name)| {
            let own = directory.join(&name);
            Target::new(name, own, format!("{id}-{number}"), reserved.clone())
        })
        .collect()
}

fn empty_or_absent(directory: &Path) -> Result<(), TargetError> {
    match fs::read_dir(directory).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(TargetError::Taken(directory.to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(TargetError::Io(directory.to_owned(), e)),
    }
}

/// Makes a directory of this name, or of the first free one with a number after it.
fn reserve(name: &str) -> Result<(PathBuf, Arc<Reserved>), TargetError> {
    let mut directory = PathBuf::from(name);
    for number in 2.. {
        match fs::create_dir(&directory) {
            Ok(()) => break,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                directory = PathBuf::from(format!("{name}-{number}"));
            }
            Err(e) => return Err(TargetError::Io(directory, e)),
        }
    }
    let absolute =
        std::path::absolute(&directory).map_err(|e| TargetError::Io(directory.clone(), e))?;
    Ok((directory, Arc::new(Reserved(absolute))))
}

/// A name for each source, fit for a directory and unlike all others: a file's without
/// its extension, a camera's host and path. Whoever comes second gets a number.
fn names(sources: &[Source]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for source in sources {
        let name = match source {
            Source::File(path) => {
                let stem = path.file_stem().unwrap_or(path.as_os_str());
                file_name(&stem.to_string_lossy())
            }
            Source::Rtsp(url) => {
                let address = url.to_string();
                let (_, rest) = address.split_once("://").unwrap_or(("", &address));
                file_name(rest.split('?').next().unwrap_or_default())
            }
        };
        // Some file systems take both cases for the same.
        let is_taken = |wanted: &str| {
            let mut taken = names.iter().map(|name| name.to_lowercase());
            taken.any(|taken| taken == wanted.to_lowercase())
        };
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone())
            .chain(numbered)
            .find(|n| !is_taken(n));
        names.push(free.unwrap_or(name));
    }
    names
}

/// The text with a dash for what does not belong into a file's name.
fn file_name(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars().take(LONGEST_NAME) {
        if letter.is_alphanumeric() || "._".contains(letter) {
            name.push(letter);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "source" } else { name }.to_owned()
}

impl Target {
    fn new(
        name: String,
        directory: PathBuf,
        id: String,
        reserved: Option<Arc<Reserved>>,
    ) -> Result<Self, TargetError> {
        let parent = directory.parent().unwrap_or(Path::new("/"));
        // On the same file system, so that the move at the end is one step.
        let workshop = parent.join(format!(".bestshot-{id}-{}", std::process::id()));
        let store = Store::open(&workshop)?;
        Ok(Self {
            name,
            directory,
            workshop,
            store,
            id,
            _reserved: reserved,
        })
    }

    /// The source's name, unlike those of the others.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The gallery's id, made from the time.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Where pictures go meanwhile.
    ///
    /// # Errors
    /// Where the disk cannot be written.
    pub(super) fn draft(&self) -> Result<Draft, TargetError> {
        Ok(self.store.draft(&self.id)?)
    }

    /// Makes the gallery and gives its directory and manifest as saved.
    ///
    /// # Errors
    /// [`TargetError`]; the pictures then stay where it says.
    pub(super) fn finish(
        self,
        pictures: Arc<Pictures>,
        manifest: &Manifest,
    ) -> Result<(PathBuf, Manifest), TargetError> {
        let gallery = match pictures.commit(manifest) {
            Ok(gallery) => gallery,
            Err(error) => {
                let kept = TargetError::Unsaved(self.workshop.clone(), error);
                // Neither is cleaned up: the owner may want the pictures.
                std::mem::forget((pictures, self));
                return Err(kept);
            }
        };
        // An empty directory gives way to the rename.
        if let Err(error) = fs::rename(gallery.directory(), &self.directory) {
            let kept = TargetError::Io(gallery.directory().to_owned(), error);
            std::mem::forget(self);
            return Err(kept);
        }
        Ok((self.directory.clone(), gallery.manifest().clone()))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.workshop) {
            tracing::warn!("{} could not be removed: {error}", self.workshop.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use bestshot_decoder::RtspUrl;

    use super::*;

    fn files(paths: &[&str]) -> Vec<Source> {
        paths.iter().map(|path| Source::File(path.into())).collect()
    }

    fn camera(url: &str) -> Source {
        Source::Rtsp(RtspUrl::parse(url).unwrap())
    }

    #[test]
    fn a_directory_with_something_in_it_is_never_written_to() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine"), "x").unwrap();
        for sources in [files(&["a.mp4"]), files(&["a.mp4", "b.mp4"])] {
            let taken = targets(Some(dir.path().to_owned()), &sources, Timestamp::now());
            assert!(matches!(taken, Err(TargetError::Taken(_))));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn unfinished_targets_leave_nothing() {
        let dir = tempfile::tempdir().unwrap();
        for sources in [files(&["a.mp4"]), files(&["a.mp4", "b.mp4"])] {
            let out = Some(dir.path().join("out"));
            let targets = targets(out, &sources, Timestamp::now()).unwrap();
            let drafts: Vec<Draft> = targets.iter().map(|t| t.draft().unwrap()).collect();
            drop((drafts, targets));
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn names_are_readable_fit_for_a_disk_and_unlike_each_other() {
        let mut sources = files(&[
            "a/clip.mp4",
            "b/clip.mp4",
            "c/CLIP.avi",
            "Straße 5: Hof.mp4",
        ]);
        sources.extend([
            camera("rtsp://admin:p%40ss@192.168.1.20:554/live/1?channel=1"),
            camera("rtsp://192.168.1.20:554/live/1?channel=2"),
            camera("rtsp://[fd00::1]/"),
            Source::File("..".into()),
        ]);
        let expected = [
            "clip",
            "clip-2",
            "CLIP-3",
            "Straße-5-Hof",
            "192.168.1.20-554-live-1",
            "192.168.1.20-554-live-1-2",
            "fd00-1",
            "source",
        ];
        assert_eq!(names(&sources), expected);
        assert!(file_name(&"x".repeat(500)).len() <= LONGEST_NAME);
    }
}
