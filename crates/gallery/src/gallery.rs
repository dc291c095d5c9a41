//! A gallery that was saved: reading it. Saving stands in `commit.rs`, finding
//! in `store.rs`.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files;
use crate::manifest::Manifest;
use crate::picture::PictureKind;

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const INDEX: &str = "index.html";
pub(crate) const PLOT: &str = "plot.svg";

/// A session's gallery on disk: a directory with `manifest.json`, `index.html`,
/// `thumbnails/01.png` … and `originals/01.png` …, numbered by rank.
#[derive(Clone, Debug)]
pub struct Gallery {
    manifest: Manifest,
    directory: PathBuf,
}

impl Gallery {
    pub(crate) fn new(manifest: Manifest, directory: PathBuf) -> Self {
        Self {
            manifest,
            directory,
        }
    }

    /// Reads the gallery `id` in `directory`; none where there is no manifest
    /// that says so.
    pub(crate) fn read(directory: PathBuf, id: &str) -> Result<Option<Self>, Error> {
        let Some(json) = files::read_if_there(&directory.join(MANIFEST))? else {
            return Ok(None);
        };
        let manifest = serde_json::from_slice::<Manifest>(&json).ok();
        Ok(manifest
            .filter(|manifest| manifest.id == id && started_at(manifest).is_ok())
            .map(|manifest| Self::new(manifest, directory)))
    }

    /// The session's id.
    pub fn id(&self) -> &str {
        &self.manifest.id
    }

    /// What `manifest.json` says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where the files lie.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The PNG of the winner at `rank` (from 1); none where there is no such
    /// winner, no such picture, or the gallery was deleted meanwhile.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where the disk fails.
    pub fn picture(&self, rank: u32, kind: PictureKind) -> Result<Option<Vec<u8>>, Error> {
        let saved = self.manifest.winner(rank).and_then(|winner| match kind {
            PictureKind::Thumbnail => winner.thumbnail.as_ref(),
            PictureKind::Original => winner.original.as_ref(),
        });
        if saved.is_none() {
            return Ok(None);
        }
        // Made from the rank: a path that somebody wrote into a manifest must
        // not lead out of the gallery.
        files::read_if_there(&self.directory.join(picture_path(rank, kind)))
    }
}

/// Where a winner's picture lies in its gallery, with `/` on every system.
pub(crate) fn picture_path(rank: u32, kind: PictureKind) -> String {
    format!("{}/{rank:02}.png", kind.folder())
}

/// The time by which galleries are sorted, in microseconds since 1970.
pub(crate) fn started_at(manifest: &Manifest) -> Result<i64, Error> {
    manifest
        .started_at
        .parse::<jiff::Timestamp>()
        .map(jiff::Timestamp::as_microsecond)
        .map_err(|_| {
            Error::invalid(format!(
                "started_at is a time such as 2026-01-31T12:00:00Z, not {:?}",
                manifest.started_at
            ))
        })
}
