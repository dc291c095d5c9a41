//! The few things done to files and directories, each with an [`Error`] that
//! names the path. Which files there are is decided elsewhere.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::error::Error;

/// Creates `path`, which must not exist, with `bytes`. A file that could not be
/// written whole is removed again.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |cause| Error::io("write", path, cause);
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(failed)?;
    if let Err(cause) = file.write_all(bytes) {
        drop(file);
        let _ = fs::remove_file(path);
        return Err(failed(cause));
    }
    Ok(())
}

/// Creates or replaces `path` with `bytes` and waits until the disk has them.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |cause| Error::io("write", path, cause);
    let mut file = File::create(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    sync(&file, path)
}

/// Waits until the disk has all of `file`, which lies at `path`.
pub(crate) fn sync(file: &File, path: &Path) -> Result<(), Error> {
    file.sync_all()
        .map_err(|cause| Error::io("finish writing", path, cause))
}

/// Waits until the disk has the file at `path`, where there is one.
pub(crate) fn sync_if_there(path: &Path) -> Result<(), Error> {
    match File::open(path) {
        Ok(file) => sync(&file, path),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(Error::io("open", path, cause)),
    }
}

/// Waits until the disk has the names in the directory `path`.
pub(crate) fn sync_directory(path: &Path) -> Result<(), Error> {
    let directory = File::open(path).map_err(|cause| Error::io("open", path, cause))?;
    sync(&directory, path)
}

pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|cause| Error::io("rename", from, cause))
}

pub(crate) fn create_directory(path: &Path) -> Result<(), Error> {
    fs::create_dir(path).map_err(|cause| Error::io("create", path, cause))
}

/// All of a file, or none where there is no such file, nor could be.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause)
            if matches!(
                cause.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(cause) => Err(Error::io("read", path, cause)),
    }
}

/// Removes a directory and all in it; one that is not there is no error.
pub(crate) fn remove_directory(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(Error::io("remove", path, cause)),
    }
}

/// The names in the directory `path`, in no order. Names that are not UTF-8 are
/// none of ours and are left out.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, Error> {
    let failed = |cause| Error::io("read", path, cause);
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}
