//! Where `grab` writes: a gallery made in a hidden directory beside the one that
//! was asked for, and moved there whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bestshot_gallery::{Draft, Store, manifest::Manifest};
use jiff::Timestamp;

use crate::state::Pictures;

/// The place of a gallery to be.
pub(super) struct Target {
    directory: PathBuf,
    /// A data directory that lives as long as the session.
    workshop: PathBuf,
    store: Store,
    id: String,
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

impl Target {
    /// Prepares `directory`, or one in the current directory named by `now`.
    ///
    /// # Errors
    /// [`TargetError`].
    pub(super) fn new(directory: Option<PathBuf>, now: Timestamp) -> Result<Self, TargetError> {
        let id = now.strftime("%Y%m%d-%H%M%SZ").to_string();
        let directory = directory.unwrap_or_else(|| PathBuf::from(format!("bestshot-{id}")));
        let io_error = |e| TargetError::Io(directory.clone(), e);
        match fs::read_dir(&directory) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(TargetError::Taken(directory));
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(io_error(e)),
        }
        let absolute = std::path::absolute(&directory).map_err(io_error)?;
        let parent = absolute.parent().unwrap_or(Path::new("/"));
        // On the same file system, so that the move at the end is one step.
        let workshop = parent.join(format!(".bestshot-{id}-{}", std::process::id()));
        let store = Store::open(&workshop)?;
        Ok(Self {
            directory: absolute,
            workshop,
            store,
            id,
        })
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
    use super::*;

    #[test]
    fn a_directory_with_something_in_it_is_never_written_to() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine"), "x").unwrap();
        let taken = Target::new(Some(dir.path().to_owned()), Timestamp::now());
        assert!(matches!(taken, Err(TargetError::Taken(_))));
    }

    #[test]
    fn an_unfinished_target_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let target = Target::new(Some(dir.path().join("out")), Timestamp::now()).unwrap();
        let draft = target.draft().unwrap();
        drop((draft, target));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
