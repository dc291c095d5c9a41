//! What never changes about a session, and the manifest that is made of it and
//! of how the session ended.

use bestshot_gallery::manifest::{Manifest, Options, Winner};
use bestshot_session::Status;
use jiff::Timestamp;

use super::{pictures::Pictures, place::Place};

/// What never changes about a session.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Its name.
    pub(crate) id: String,
    /// The camera's address without credentials, or the file's name.
    pub(crate) source: String,
    /// What it was asked for.
    pub(crate) options: Options,
    /// When.
    pub(crate) started_at: Timestamp,
}

impl Facts {
    pub(super) fn place(&self) -> Place {
        Place::new(self.started_at, &self.id)
    }

    /// The manifest of a session with these pictures. A worker that
    /// died may have announced a winner and never sent it: that one is left out.
    pub(crate) fn manifest(
        &self,
        status: &Status,
        ended_at: Timestamp,
        pictures: &Pictures,
    ) -> Manifest {
        let arrived = |winner: &&Winner| pictures.has(winner.key);
        let winners = Manifest::ranked(status.winners.iter().filter(arrived).cloned());
        // Leaving one out is one more change.
        let lost = winners.len() < status.winners.len();
        Manifest {
            winners,
            revision: Some(status.revision + u64::from(lost)),
            ..self.manifest_without_winners(status, ended_at)
        }
    }

    /// The manifest of a session that has no pictures.
    pub(crate) fn manifest_without_winners(
        &self,
        status: &Status,
        ended_at: Timestamp,
    ) -> Manifest {
        Manifest {
            version: Manifest::VERSION,
            id: self.id.clone(),
            source: self.source.clone(),
            state: status.state.to_string(),
            options: self.options.clone(),
            stream: status.stream.clone(),
            stats: status.stats,
            started_at: self.started_at.to_string(),
            ended_at: ended_at.to_string(),
            error: status.error.clone(),
            winners: Vec::new(),
            revision: Some(status.revision),
            curve: status.curve.to_vec(),
        }
    }
}

/// The time to the millisecond: finer would say more than is known.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
