//! Sessions as resources: create, list, look at, stop, delete, and the gallery
//! page that one leaves behind.

use std::sync::Arc;

use bestshot_gallery::Filter;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::{Html, Json},
};

use super::{Tag, find, not_stored, report, show, start, stop, without_gallery};
use crate::{
    body::StartBody,
    pages,
    problem::{FieldError, Problem},
    schema::{Session, SessionList, StopReport},
    state::{End, Found, NoPlace, Sessions, Started},
};

pub(crate) struct SessionRoutes;

#[derive(ApiResponse)]
enum Created {
    /// The session that was started.
    #[oai(status = 201)]
    Created(
        Json<Session>,
        /// Where the session is.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Deleted {
    /// The session and its gallery are gone.
    #[oai(status = 204)]
    Gone,
}

fn default_page() -> u32 {
    20
}

#[OpenApi(prefix_path = "/v1/sessions", tag = "Tag::Sessions")]
impl SessionRoutes {
    /// Create a session
    ///
    /// Starts a session in a process of its own. A camera is read by one session
    /// at a time: where one reads it already, the answer is 409 and names it.
    ///
    /// With `wait`, the answer is held until the first frame is scored (201) or
    /// the camera is diagnosed (502, or 504 where it stayed silent).
    #[oai(path = "/", method = "post", operation_id = "createSession")]
    async fn create(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// Seconds for which the answer may be held; the same as in the body,
        /// which is stronger.
        #[oai(validator(
            minimum(value = "0", exclusive = "false"),
            maximum(value = "30", exclusive = "false")
        ))]
        wait: Query<Option<f64>>,
        body: StartBody,
    ) -> Result<Created, Problem> {
        match start(&sessions, body, wait.0).await? {
            Started::New(entry) => {
                let location = format!("/v1/sessions/{}", entry.facts.id);
                Ok(Created::Created(Json(show(&Found::of(entry))), location))
            }
            Started::Running(entry) => Err(Problem::new(StatusCode::CONFLICT).detail(format!(
                "The session {} reads {} already.",
                entry.facts.id, entry.facts.source
            ))),
        }
    }

    /// List sessions
    ///
    /// Running and past sessions, newest first, in pages.
    #[oai(path = "/", method = "get", operation_id = "listSessions")]
    async fn list(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// Sessions in one page.
        #[oai(
            default = "default_page",
            validator(
                minimum(value = "1", exclusive = "false"),
                maximum(value = "100", exclusive = "false")
            )
        )]
        limit: Query<u32>,
        /// The `next` of the page before.
        before: Query<Option<String>>,
        /// Only sessions whose `rtsp_url` has this text in it, in whatever case.
        camera: Query<Option<String>>,
        /// Only sessions that began on this day, by UTC, such as `2026-01-31`.
        day: Query<Option<String>>,
    ) -> Result<Json<SessionList>, Problem> {
        let limit = usize::try_from(limit.0).unwrap_or(usize::MAX);
        let filter = filter(camera.0.as_deref(), day.0.as_deref())?;
        let before = before
            .0
            .map(|text| text.parse())
            .transpose()
            .map_err(|NoPlace| {
                let error =
                    FieldError::new("before", "Pass the next of the page before, unchanged.");
                Problem::new(StatusCode::BAD_REQUEST)
                    .detail("The parameter before cannot be used.")
                    .errors(vec![error])
            })?;
        let (found, next) = sessions
            .list(filter, before, limit)
            .await
            .map_err(|e| not_stored(&e))?;
        let items = found.iter().map(show).collect();
        Ok(Json(SessionList {
            items,
            next: next.map(|place| place.to_string()),
        }))
    }

    /// Look at a session
    ///
    /// Its state, what the camera sends, and what was counted so far.
    #[oai(path = "/:session_id", method = "get", operation_id = "getSession")]
    async fn get(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Result<Json<Session>, Problem> {
        Ok(Json(show(&find(&sessions, &session_id).await?)))
    }

    /// Delete a session
    ///
    /// Stops it if it runs, then removes its gallery.
    #[oai(
        path = "/:session_id",
        method = "delete",
        operation_id = "deleteSession"
    )]
    async fn delete(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Result<Deleted, Problem> {
        match sessions.delete(&session_id).await {
            Ok(true) => Ok(Deleted::Gone),
            Ok(false) => Err(Problem::not_found("There is no such session.")),
            Err(error) => Err(not_stored(&error)),
        }
    }

    /// Stop a session
    ///
    /// Answers when its images are safely on the disk. Stopping it again gives
    /// the same report.
    #[oai(
        path = "/:session_id/stop",
        method = "post",
        operation_id = "stopSession"
    )]
    async fn stop(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Result<Json<StopReport>, Problem> {
        let found = find(&sessions, &session_id).await?;
        Ok(Json(report(&stop(&sessions, found).await?)))
    }

    /// See a gallery
    ///
    /// The page with the saved winners of a session that is over.
    #[oai(
        path = "/:session_id/gallery",
        method = "get",
        operation_id = "getGallery"
    )]
    async fn gallery(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Result<Html<String>, Problem> {
        match find(&sessions, &session_id).await? {
            Found::Past(end @ End::Saved(_)) => Ok(Html(
                pages::result(&end).map_err(|e| Problem::internal(&e))?,
            )),
            Found::Past(End::Empty(_)) => Err(without_gallery()),
            Found::Live(_) => Err(Problem::new(StatusCode::CONFLICT)
                .detail("The session is not over yet; its gallery is made when it stops.")),
        }
    }
}

/// What is looked for; an empty text is none.
fn filter(camera: Option<&str>, day: Option<&str>) -> Result<Filter, Problem> {
    let filter = Filter::default().source(camera.unwrap_or_default());
    let Some(day) = day.filter(|day| !day.is_empty()) else {
        return Ok(filter);
    };
    let times = day.parse::<Date>().and_then(|day| {
        let midnight = |day: Date| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0));
        // The last day that there is ends with time itself.
        let end = day.tomorrow().and_then(midnight).unwrap_or(Timestamp::MAX);
        Ok(midnight(day)?..end)
    });
    let times = times.map_err(|_| {
        let error = FieldError::new("day", "Write the day as year, month, day: 2026-01-31.");
        Problem::new(StatusCode::BAD_REQUEST)
            .detail("The parameter day is no day.")
            .errors(vec![error])
    })?;
    Ok(filter.started(times))
}
