//! `/start` and `/stop`: the two calls that scripts know. `/stop` is a page for
//! people and a report for programs.

use std::sync::Arc;

use poem::{
    IntoResponse, Response,
    http::{HeaderMap, StatusCode, header},
    web::Data,
};
use poem_openapi::{
    ApiResponse, OpenApi, ResponseContent,
    param::Query,
    payload::{Html, Json},
};

use super::{Tag, find, report, show, start, stop};
use crate::{
    accept::{asks_for_html, prefers_json},
    body::StartBody,
    pages,
    problem::{FieldError, Problem},
    schema::{StartReply, StopReport},
    state::{Entry, Found, Sessions, Started},
};

pub(crate) struct Compat;

/// What `/stop` answers, for people or for programs.
#[derive(ResponseContent)]
#[expect(clippy::large_enum_variant, reason = "one is made for each answer")]
enum StopContent {
    /// The page with the saved winners.
    Page(Html<String>),
    /// The same as data.
    Report(Json<StopReport>),
}

#[derive(ApiResponse)]
enum StopAnswer {
    /// The session is over and its images are on the disk.
    #[oai(status = 200)]
    Stopped(StopContent),
}

/// What the stop of an unnamed session finds.
enum Target {
    /// This one is meant.
    One(Found),
    /// Any of these may be meant.
    Many(Vec<Arc<Entry>>),
    /// Nothing was ever started, or nothing that was left a gallery.
    None,
}

#[OpenApi(tag = "Tag::Compat")]
impl Compat {
    /// Start reading a camera
    ///
    /// Starts a session in a process of its own. Where a session reads that
    /// camera already, nothing is started and the answer says so; another
    /// address starts a second session beside the first.
    ///
    /// With `wait`, the answer is held until the first frame is scored (200) or
    /// the camera is diagnosed (502, or 504 where it stayed silent). Where
    /// neither happens in time, the answer is 200 and the session's state is
    /// still `connecting`.
    #[oai(path = "/start", method = "post", operation_id = "start")]
    async fn start(
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
    ) -> Result<Json<StartReply>, Problem> {
        let (message, entry) = match start(&sessions, body, wait.0).await? {
            Started::New(entry) => ("Video processing started.", entry),
            Started::Running(entry) => ("Video processing is already running.", entry),
        };
        Ok(Json(StartReply {
            message: message.to_owned(),
            session: show(&Found::of(entry)),
        }))
    }

    /// Stop and see the best frames
    ///
    /// Stops the one session that runs, or the one that is named, and answers
    /// when its images are safely on the disk: with a page of the winners, or
    /// with a report where `Accept` ranks `application/json` above HTML. Where
    /// nothing runs, the newest gallery is shown again.
    #[oai(path = "/stop", method = "get", operation_id = "stop")]
    async fn stop(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session to stop; needed where several run.
        session: Query<Option<String>>,
        headers: &HeaderMap,
    ) -> poem::Result<StopAnswer> {
        stop_any(&sessions, session.0, headers).await
    }

    /// Stop and see the best frames
    ///
    /// The same as with GET, for clients that do not change anything by GET.
    #[oai(path = "/stop", method = "post", operation_id = "stopPost")]
    async fn stop_post(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session to stop; needed where several run.
        session: Query<Option<String>>,
        headers: &HeaderMap,
    ) -> poem::Result<StopAnswer> {
        stop_any(&sessions, session.0, headers).await
    }
}

async fn stop_any(
    sessions: &Arc<Sessions>,
    named: Option<String>,
    headers: &HeaderMap,
) -> poem::Result<StopAnswer> {
    let target = match named.filter(|id| !id.is_empty()) {
        Some(id) => Target::One(find(sessions, &id).await?),
        None => unnamed(sessions).await?,
    };
    let end = match target {
        Target::One(found) => stop(sessions, found).await?,
        Target::Many(running) => return Err(which_one(&running, headers)),
        Target::None => return Err(nothing_started(sessions, headers)),
    };
    let content = if prefers_json(headers) {
        StopContent::Report(Json(report(&end)))
    } else {
        StopContent::Page(Html(
            pages::result(&end).map_err(|e| Problem::internal(&e))?,
        ))
    };
    Ok(StopAnswer::Stopped(content))
}

async fn unnamed(sessions: &Sessions) -> Result<Target, Problem> {
    let mut live = sessions.live();
    live.retain(|entry| !entry.failed_empty());
    let (ending, running): (Vec<_>, Vec<_>) = live.into_iter().partition(|entry| entry.is_ending());
    let one = |entry: &Arc<Entry>| Target::One(Found::Live(Arc::clone(entry)));
    Ok(match (running.as_slice(), ending.last()) {
        ([only], _) => one(only),
        ([], Some(newest)) => one(newest),
        ([], None) => match sessions.last().await.map_err(|e| super::not_stored(&e))? {
            Some(end) => Target::One(Found::Past(end)),
            None => Target::None,
        },
        _ => Target::Many(running),
    })
}

/// 409: a page with a link for each where a browser asks, else a problem.
fn which_one(running: &[Arc<Entry>], headers: &HeaderMap) -> poem::Error {
    if asks_for_html(headers) {
        return page(StatusCode::CONFLICT, pages::which_one(running));
    }
    let item = |entry: &Arc<Entry>| {
        FieldError::new(
            "session",
            format!("{} reads {}", entry.facts.id, entry.facts.source),
        )
    };
    let ids: Vec<&str> = running
        .iter()
        .map(|entry| entry.facts.id.as_str())
        .collect();
    Problem::new(StatusCode::CONFLICT)
        .detail(format!(
            "Several sessions run; say which to stop, as in /stop?session={}. Running: {}.",
            ids.first().unwrap_or(&""),
            ids.join(", ")
        ))
        .errors(running.iter().map(item).collect())
        .into()
}

/// 404: a page, or a problem for programs.
fn nothing_started(sessions: &Sessions, headers: &HeaderMap) -> poem::Error {
    let last = sessions.newest_empty();
    let failure = last.as_ref().and_then(|empty| empty.status.error.as_ref());
    let detail = match (&last, failure) {
        (None, _) => "Nothing was started yet, so there is nothing to stop.".to_owned(),
        (Some(last), None) => format!(
            "Nothing runs, and the last session, on {}, ended without a frame.",
            last.facts.source
        ),
        (Some(_), Some(failure)) => {
            format!(
                "Nothing runs, and the last session failed. {}",
                failure.message
            )
        }
    };
    if prefers_json(headers) {
        return Problem::not_found(detail).into();
    }
    let heading = match last {
        None => "Nothing was started",
        Some(_) => "Nothing to show",
    };
    page(StatusCode::NOT_FOUND, pages::notice(heading, &detail))
}

fn page(status: StatusCode, html: askama::Result<String>) -> poem::Error {
    let response: Response = match html {
        Ok(html) => Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
            .header(header::CACHE_CONTROL, "no-store")
            .body(html),
        Err(error) => Problem::internal(&error).into_response(),
    };
    poem::Error::from_response(response)
}
