//! The operations, one file a tag. This file: what they share, above all how
//! faults of the inner crates become problems, in one place each.

use std::{sync::Arc, time::Duration};

use bestshot_gallery::{ErrorKind, manifest::ManifestWinner};
use poem::http::{HeaderValue, StatusCode, header};
use poem_openapi::Tags;

use crate::{
    body::StartBody,
    options::{Faults, check_camera},
    problem::Problem,
    schema::{Frame, Session, StopReport},
    state::{End, Entry, FirstFrame, Found, Sessions, StartError, Started},
};

mod archive;
mod characteristics;
mod compat;
mod events;
mod frames;
mod scores;
mod sessions;
mod system;

pub(crate) use self::{
    archive::Archives, characteristics::Characteristics, compat::Compat, events::Events,
    frames::Frames, scores::Scores, sessions::SessionRoutes, system::System,
};

/// All operations, in the order of the document.
pub(crate) type Api = (
    Compat,
    SessionRoutes,
    Scores,
    Archives,
    Frames,
    Events,
    Characteristics,
    System,
);

/// How the document groups them.
#[derive(Tags)]
#[oai(rename_all = "snake_case")]
pub(crate) enum Tag {
    /// Start and stop with two plain calls.
    Compat,
    /// One camera being read, from start to stop.
    Sessions,
    /// The best frames of a session.
    Frames,
    /// What happens in a session, as it happens.
    Events,
    /// The service itself.
    System,
}

/// Checks `body`, starts what it asks for and waits as long as it asks to.
async fn start(
    sessions: &Arc<Sessions>,
    body: StartBody,
    wait: Option<f64>,
) -> Result<Started, Problem> {
    let mut given = body.0;
    if let Some(wait) = wait {
        given.or_insert("wait", wait.into());
    }
    let (url, options) = check_camera(&given, &sessions.policy).map_err(refused)?;
    let patience = options.wait;
    let started = sessions.start(url, options).await.map_err(not_started)?;
    let (Started::New(entry) | Started::Running(entry)) = &started;
    wait_for_first_frame(sessions, entry, patience).await?;
    Ok(started)
}

async fn wait_for_first_frame(
    sessions: &Arc<Sessions>,
    entry: &Arc<Entry>,
    patience: Duration,
) -> Result<(), Problem> {
    if patience.is_zero() {
        return Ok(());
    }
    match sessions.first_frame(entry, patience).await {
        FirstFrame::Go => Ok(()),
        FirstFrame::Failed(status) => Err(match &status.error {
            Some(failure) => Problem::of_failure(&failure.kind, &failure.message),
            None => Problem::of_failure("internal", "The session failed without saying why."),
        }),
    }
}

/// The session is there, so that 404 would mislead.
fn without_gallery() -> Problem {
    Problem::new(StatusCode::CONFLICT)
        .detail("The session ended before any frame won, so it left no gallery.")
}

/// 400 where the camera's address is none, 422 where only values are out of range.
fn refused(faults: Faults) -> Problem {
    let status = if faults.malformed {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Problem::of_fields(status, faults.errors)
}

fn not_started(error: StartError) -> Problem {
    let busy = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE).detail(detail);
    match error {
        StartError::Full(count) => busy(format!(
            "{count} sessions run already, which is the most this service was told to run. Stop \
             one, or start the service with a higher --max-sessions."
        ))
        .kind("limit")
        .header(header::RETRY_AFTER, HeaderValue::from_static("10")),
        StartError::Closing => busy("The service is shutting down.".to_owned()),
        StartError::Gallery(error) if error.kind() == ErrorKind::NoSpace => {
            Problem::new(StatusCode::INSUFFICIENT_STORAGE)
                .detail("The disk is full: free some space, then start again.")
        }
        StartError::Gallery(error) => not_stored(&error),
        StartError::Worker(error) => Problem::internal(&format_args!(
            "the worker process could not be started: {error}"
        )),
    }
}

/// A fault of the store. A full disk is the owner's to mend: the winners are
/// kept and the same call tries again.
fn not_stored(error: &bestshot_gallery::Error) -> Problem {
    match error.kind() {
        ErrorKind::NoSpace => Problem::new(StatusCode::INSUFFICIENT_STORAGE).detail(
            "The disk is full. The winners are kept: free some space, then stop the session again.",
        ),
        _ => Problem::internal(&ChainOf(error)),
    }
}

/// An error with all that caused it, for the log.
struct ChainOf<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for ChainOf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

async fn find(sessions: &Sessions, id: &str) -> Result<Found, Problem> {
    let found = sessions.find(id).await.map_err(|e| not_stored(&e))?;
    found.ok_or_else(|| Problem::not_found("There is no such session."))
}

/// A session as the interface shows it.
fn show(found: &Found) -> Session {
    match found {
        Found::Live(entry) => Session::of_status(&entry.facts, &entry.status(), None),
        Found::Past(End::Saved(gallery)) => Session::of_manifest(gallery.manifest()),
        Found::Past(End::Empty(empty)) => Session::of_status(
            &empty.facts,
            &empty.status,
            Some(empty.ended_at.to_string()),
        ),
    }
}

/// Stops `found`, if it is not over, and tells what it left behind.
async fn stop(sessions: &Arc<Sessions>, found: Found) -> Result<End, Problem> {
    match found {
        Found::Live(entry) => sessions.stop(entry).await.map_err(|e| not_stored(&e)),
        Found::Past(end) => Ok(end),
    }
}

fn report(end: &End) -> StopReport {
    let session = show(&Found::Past(end.clone()));
    match end {
        End::Saved(gallery) => {
            let manifest = gallery.manifest();
            let frame = |w: &ManifestWinner| Frame::new(&manifest.id, w.rank, &w.winner);
            StopReport {
                gallery_url: Some(format!("/v1/sessions/{}/gallery", manifest.id)),
                frames: manifest.winners.iter().map(frame).collect(),
                session,
            }
        }
        End::Empty(_) => StopReport {
            session,
            frames: Vec::new(),
            gallery_url: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use bestshot_session::{State, Status};

    use super::*;
    use crate::{
        schema::SessionState,
        state::{Empty, Facts, now},
    };

    #[test]
    fn a_session_is_over_once_its_end_is_settled_and_not_before() {
        let facts = Facts {
            id: "20261123-175514009-3f9a2c71".to_owned(),
            source: "rtsp://127.0.0.1:8554/cam".to_owned(),
            options: bestshot_gallery::manifest::Options::default(),
            started_at: now(),
        };
        for (state, over) in [
            (State::Stopped, SessionState::Stopped),
            (State::Ended, SessionState::Ended),
            (State::Failed, SessionState::Failed),
        ] {
            let status = Arc::new(Status {
                state,
                ..Status::default()
            });
            let saving = Session::of_status(&facts, &status, None);
            assert_eq!(saving.state, SessionState::Stopping);
            assert_eq!(saving.ended_at, None);
            let settled = show(&Found::Past(End::Empty(Arc::new(Empty {
                facts: facts.clone(),
                status,
                ended_at: now(),
            }))));
            assert_eq!(settled.state, over);
            assert!(settled.ended_at.is_some());
        }
    }
}
