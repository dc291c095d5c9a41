//! A gallery as one file to take along: a ZIP of its directory.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::error::Error;
use crate::gallery::{Gallery, INDEX, MANIFEST, PLOT, picture_path};
use crate::picture::PictureKind;

impl Gallery {
    /// Writes a ZIP file of the gallery, whose one folder is named by the session, into
    /// `out`, from beginning to end and in bounded memory. Nothing is compressed: PNG
    /// already is. Files that are not there are left out.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where the disk or `out` fails.
    pub fn archive(&self, out: impl Write) -> Result<(), Error> {
        let mut zip = ZipWriter::new_stream(out);
        let mut paths = vec![INDEX.to_owned(), MANIFEST.to_owned(), PLOT.to_owned()];
        for winner in &self.manifest().winners {
            paths.extend(PictureKind::ALL.map(|kind| picture_path(winner.rank, kind)));
        }
        for path in paths {
            let place = self.directory().join(&path);
            let name = format!("bestshot-{}/{path}", self.id());
            add(&mut zip, &name, &place).map_err(|cause| Error::io("archive", &place, cause))?;
        }
        let finished = zip.finish().map_err(io::Error::from);
        finished.map_err(|cause| Error::io("archive", self.directory(), cause))?;
        Ok(())
    }
}

fn add<W: Write + io::Seek>(zip: &mut ZipWriter<W>, name: &str, place: &Path) -> io::Result<()> {
    let mut file = match File::open(place) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .unix_permissions(0o644);
    zip.start_file(name, options)?;
    io::copy(&mut file, zip)?;
    Ok(())
}
