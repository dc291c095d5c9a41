//! What asking for a session can lead to.

use std::{io, sync::Arc};

use bestshot_session::Status;

use super::{End, Entry};

/// What a start led to.
pub(crate) enum Started {
    /// A new session.
    New(Arc<Entry>),
    /// The session that reads this camera already.
    Running(Arc<Entry>),
}

/// Why no session was started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// As many run as may.
    #[error("{0} sessions run already, which is the most this service was told to run")]
    Full(usize),
    /// The service is shutting down.
    #[error("the service is shutting down")]
    Closing,
    /// The pictures have no place on the disk.
    #[error(transparent)]
    Gallery(#[from] bestshot_gallery::Error),
    /// The worker process could not be started.
    #[error("the worker process could not be started: {0}")]
    Worker(#[from] io::Error),
}

/// A session, wherever it is.
#[derive(Clone)]
pub(crate) enum Found {
    /// Started here; its end is not settled.
    Live(Arc<Entry>),
    /// It is over.
    Past(End),
}

impl Found {
    /// Where `entry` is now: its end may be settled already.
    pub(crate) fn of(entry: Arc<Entry>) -> Self {
        match entry.end() {
            Some(end) => Self::Past(end.clone()),
            None => Self::Live(entry),
        }
    }
}

/// What a caller who waits for the first frame is told.
pub(crate) enum FirstFrame {
    /// A frame was scored, the session is over without failure, or time is up.
    Go,
    /// The session failed, and is known as such to all who ask from now on.
    Failed(Arc<Status>),
}
