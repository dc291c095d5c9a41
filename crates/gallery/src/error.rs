//! The one error type of this crate: a kind that says who can help, a message
//! that a camera owner understands, and the dependency's error as the source.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;

/// Why a picture or a gallery could not be made, kept or read.
///
/// [`Error::kind`] is for programs; [`Display`](fmt::Display) is a sentence
/// without the technical cause, which stays in
/// [`source`](std::error::Error::source).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Who has to act on an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller passed something that can never work: a size out of range, a
    /// malformed id, bytes that are no PNG.
    Invalid,
    /// The disk, or this user's share of it, is full. Nothing is lost: free
    /// some space and try again.
    NoSpace,
    /// There is a gallery or a draft with this id already.
    Exists,
    /// Another process works on this data directory.
    InUse,
    /// The draft has already become a gallery, or was abandoned.
    Closed,
    /// The disk or the operating system failed in another way.
    Io,
    /// A defect of bestshot itself.
    Internal,
}

impl Error {
    /// Who has to act.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    pub(crate) fn internal(
        message: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self {
            source: Some(Box::new(source)),
            ..Self::new(ErrorKind::Internal, message)
        }
    }

    /// `doing` completes "could not …", for example "write".
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        let path = path.display();
        let (kind, message) = if is_full(&source) {
            (
                ErrorKind::NoSpace,
                format!("the disk is full: could not {doing} {path}"),
            )
        } else {
            (ErrorKind::Io, format!("could not {doing} {path}"))
        };
        Self {
            kind,
            message,
            source: Some(Box::new(source)),
        }
    }
}

/// No space left, quota used up, or (on network disks) either of the two.
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_used_up_quota_are_the_same_kind() {
        // ENOSPC and EDQUOT on Linux.
        for code in [28, 122] {
            let error = Error::io(
                "write",
                Path::new("01.png"),
                io::Error::from_raw_os_error(code),
            );
            assert_eq!(error.kind(), ErrorKind::NoSpace, "errno {code}");
            assert!(error.to_string().contains("full"));
            assert!(StdError::source(&error).is_some());
        }
    }

    #[test]
    fn any_other_failure_of_the_disk_is_io() {
        let error = Error::io("read", Path::new("01.png"), io::Error::from_raw_os_error(5));
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.to_string(), "could not read 01.png");
    }
}
