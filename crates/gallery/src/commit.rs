//! From a draft to a gallery, so that a gallery is whole or absent: everything
//! is finished and flushed inside the hidden directory, one rename makes it
//! visible, and only then does the catalogue hear of it. Until that rename every
//! step can be done again.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::draft::{Draft, Phase, Stored};
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::files;
use crate::gallery::{Gallery, INDEX, MANIFEST, PLOT, picture_path, started_at};
use crate::manifest::{Manifest, ManifestWinner};
use crate::page::{Links, Style, page};
use crate::picture::PictureKind;
use crate::plot::plot;
use crate::png;
use crate::words::one_of_many;

/// Files flushed at once. The disk gathers flushes that wait together: nine
/// winners at 1080p were saved in 24 ms (p95) with 16 threads, in 96 ms with one
/// (`examples/measure.rs`, ext4 on a virtual disk, two cores).
const THREADS: usize = 16;

type Job<'a> = Box<dyn FnOnce() -> Result<(), Error> + Send + 'a>;

impl Draft {
    /// Saves the draft as the gallery that `manifest` describes. Its winners are
    /// ranked as they stand; each gets the paths of those of its pictures that
    /// were [`put`](Self::put), and other pictures are left out.
    ///
    /// When this returns, the gallery is on the disk and in the list. When it
    /// fails, or the process dies on the way, there is no gallery at all.
    ///
    /// Nine winners with originals of 1920×1080 took 4 to 16 ms (p95 24 ms) in
    /// `examples/measure.rs`, the originals
    /// having been flushed before.
    ///
    /// # Errors
    /// The draft is whole after each of them, and saving can be tried again:
    /// [`ErrorKind::NoSpace`] where the disk is full, [`ErrorKind::Io`] where it
    /// fails, [`ErrorKind::Invalid`] where the manifest has another id or a
    /// malformed `started_at`. [`ErrorKind::Closed`] once saved or abandoned.
    pub fn commit(&self, manifest: &Manifest) -> Result<Gallery, Error> {
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        self.state().check_open()?;
        self.name_by_key()?;
        let manifest = self.describe(manifest)?;
        self.finish_files(&manifest)?;
        self.name_by_rank(&manifest)?;
        self.sweep()?;
        let gallery = self.reveal(manifest)?;
        self.store.enter(&gallery)?;
        Ok(gallery)
    }

    /// `manifest` as it will stand in the gallery.
    fn describe(&self, manifest: &Manifest) -> Result<Manifest, Error> {
        if manifest.id != self.id {
            return Err(Error::invalid(format!(
                "this is the gallery of session {}, not of {}",
                self.id, manifest.id
            )));
        }
        started_at(manifest)?;
        let winners = manifest.winners.iter().map(|winner| winner.winner.clone());
        let mut winners = Manifest::ranked(winners);
        for winner in &mut winners {
            let path = |kind| {
                self.has(winner.winner.key, kind)
                    .then(|| picture_path(winner.rank, kind))
            };
            winner.thumbnail = path(PictureKind::Thumbnail);
            winner.original = path(PictureKind::Original);
        }
        Ok(Manifest {
            version: Manifest::VERSION,
            winners,
            ..manifest.clone()
        })
    }

    /// Writes the texts into the pictures, the manifest and the page, and waits
    /// until the disk has all of it.
    fn finish_files(&self, manifest: &Manifest) -> Result<(), Error> {
        let mut json = serde_json::to_vec_pretty(manifest)
            .map_err(|cause| Error::internal("the manifest cannot be written", cause))?;
        json.push(b'\n');
        let plot = plot(manifest)?;
        let links = Links {
            plot: plot.as_ref().map(|_| PLOT),
            ..Links::files()
        };
        let index = page(manifest, &links, Style::Inline)?;
        let (directory, pictures) = {
            let state = self.state();
            (state.directory.clone(), state.pictures.clone())
        };
        let directory = directory.as_path();
        let mut jobs: Vec<Job<'_>> = vec![
            Box::new(|| files::write_synced(&directory.join(MANIFEST), &json)),
            Box::new(|| files::write_synced(&directory.join(INDEX), index.as_bytes())),
        ];
        if let Some(plot) = &plot {
            jobs.push(Box::new(|| {
                files::write_synced(&directory.join(PLOT), plot.as_bytes())
            }));
        }
        for winner in &manifest.winners {
            for kind in PictureKind::ALL {
                if let Some(stored) = pictures.get(&(winner.winner.key, kind)) {
                    jobs.push(Box::new(move || {
                        finish(directory, stored, manifest, winner)
                    }));
                }
            }
        }
        run(jobs)
    }

    /// Gives the winners' pictures the names under which people find them.
    fn name_by_rank(&self, manifest: &Manifest) -> Result<(), Error> {
        let mut state = self.state();
        let directory = state.directory.clone();
        for winner in &manifest.winners {
            for kind in PictureKind::ALL {
                if let Some(stored) = state.pictures.get_mut(&(winner.winner.key, kind)) {
                    stored.rename(&directory, picture_path(winner.rank, kind))?;
                    stored.ranked = true;
                }
            }
        }
        Ok(())
    }

    /// Takes those names away again, so that a second attempt with other winners
    /// cannot rename one picture over another.
    fn name_by_key(&self) -> Result<(), Error> {
        let mut state = self.state();
        let directory = state.directory.clone();
        for ((key, kind), stored) in &mut state.pictures {
            if stored.ranked {
                stored.rename(&directory, format!("{}/{key}-again.png", kind.folder()))?;
                stored.ranked = false;
            }
        }
        Ok(())
    }

    /// Removes files that belong to no winner, and waits until the disk has the
    /// names of those that do.
    fn sweep(&self) -> Result<(), Error> {
        let mut state = self.state();
        state.pictures.retain(|_, stored| stored.ranked);
        let kept: HashSet<&str> = state
            .pictures
            .values()
            .map(|stored| stored.path.as_str())
            .collect();
        for kind in PictureKind::ALL {
            let folder = state.directory.join(kind.folder());
            for name in files::names(&folder)? {
                if !kept.contains(format!("{}/{name}", kind.folder()).as_str()) {
                    let path = folder.join(name);
                    fs::remove_file(&path).map_err(|cause| Error::io("remove", &path, cause))?;
                }
            }
            files::sync_directory(&folder)?;
        }
        files::sync_directory(&state.directory)
    }

    /// Makes the finished directory visible.
    fn reveal(&self, manifest: Manifest) -> Result<Gallery, Error> {
        let mut state = self.state();
        let hidden = state.directory.clone();
        let visible = self.store.path(&self.id);
        // Renaming would silently replace an empty directory.
        if visible.exists() {
            return Err(crate::store::exists(&self.id));
        }
        files::rename(&hidden, &visible)?;
        if let Err(error) = files::sync_directory(self.store.directory()) {
            // Nobody can say whether it would survive a power cut: take it back.
            // Where even that fails, it stays visible, and whole.
            if files::rename(&visible, &hidden).is_ok() {
                return Err(error);
            }
        }
        state.phase = Phase::Saved;
        state.directory.clone_from(&visible);
        Ok(Gallery::new(manifest, visible))
    }
}

impl Stored {
    /// Renames the file inside `directory` and remembers it.
    fn rename(&mut self, directory: &Path, path: String) -> Result<(), Error> {
        files::rename(&directory.join(&self.path), &directory.join(&path))?;
        self.path = path;
        Ok(())
    }
}

/// Writes a winner's texts into one of its pictures and flushes it.
fn finish(
    directory: &Path,
    stored: &Stored,
    manifest: &Manifest,
    winner: &ManifestWinner,
) -> Result<(), Error> {
    let path = directory.join(&stored.path);
    let chunks = png::text_chunks(&borrow(&texts(manifest, winner)))?;
    let mut file = png::open(&path)?;
    png::replace_end(&mut file, stored.length, &chunks)
        .map_err(|cause| Error::io("write", &path, cause))?;
    files::sync(&file, &path)
}

/// What a winner's PNG says about itself; the README explains each.
fn texts(manifest: &Manifest, winner: &ManifestWinner) -> Vec<(&'static str, String)> {
    let frame = &winner.winner;
    vec![
        ("Title", one_of_many(manifest, winner.rank)),
        (
            "Software",
            concat!("bestshot ", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
        ("Source", manifest.source.clone()),
        ("Creation Time", frame.captured_at.clone()),
        ("bestshot:session", manifest.id.clone()),
        ("bestshot:characteristic", manifest.options.best.clone()),
        ("bestshot:rank", winner.rank.to_string()),
        ("bestshot:score", frame.score.to_string()),
        ("bestshot:stream_time", frame.stream_time.to_string()),
        ("bestshot:index", frame.index.to_string()),
        ("bestshot:clock", frame.clock.clone()),
    ]
}

fn borrow<'a>(texts: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    texts
        .iter()
        .map(|(keyword, text)| (*keyword, text.as_str()))
        .collect()
}

/// Runs all `jobs` on this thread and as many others as help. The first failure
/// is returned; the jobs after it are not begun.
fn run(jobs: Vec<Job<'_>>) -> Result<(), Error> {
    let helpers = jobs.len().min(THREADS).saturating_sub(1);
    let queue = Mutex::new((jobs.into_iter(), None));
    let work = || loop {
        let job = {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.1.is_some() {
                None
            } else {
                queue.0.next()
            }
        };
        let Some(job) = job else { return };
        if let Err(error) = job() {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.1.get_or_insert(error);
        }
    };
    thread::scope(|scope| {
        for _ in 0..helpers {
            // Without a helper the work is only slower.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let (_, failure) = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(()), Err)
}
