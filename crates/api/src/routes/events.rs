//! A session's news as a stream of events. Each subscriber is told the newest
//! state and no more: who reads slowly skips what came in between, and nothing
//! queues up.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream::unfold;
use poem::{Body, IntoResponse, Response, http::header, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path},
    payload::Payload,
    registry::{MetaSchema, MetaSchemaRef},
    types::ToJSON,
};
use tokio::time::{Instant, sleep_until};

use super::{Tag, find, frames::frame_list, show};
use crate::{
    problem::Problem,
    state::{Found, Sessions},
};

/// At most two statuses a second.
const BETWEEN: Duration = Duration::from_millis(500);
/// So that nobody on the way takes the connection for dead.
const ALIVE: Duration = Duration::from_secs(15);
/// How soon the end of the service, of a session, or its deletion is noticed.
const LOOK: Duration = Duration::from_millis(250);

/// Server-sent events (WHATWG HTML, section 9.2).
struct EventStream(Response);

impl Payload for EventStream {
    const CONTENT_TYPE: &'static str = "text/event-stream";

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")))
    }
}

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        self.0
    }
}

#[derive(ApiResponse)]
enum News {
    /// The stream.
    #[oai(status = 200)]
    Events(EventStream),
}

pub(crate) struct Events;

#[OpenApi(prefix_path = "/v1/sessions", tag = "Tag::Events")]
impl Events {
    /// Follow a session
    ///
    /// Server-sent events: `status` (a `Session`; on change, at most two a second),
    /// `winners` (a `FrameList`; on change only) and at last `end` (a `Session`), after
    /// which the stream ends. It ends without one when the session is deleted or the
    /// service shuts down. A comment comes every 15 s. An `EventSource` connects again
    /// whenever a stream ends: close it at `end`.
    #[oai(
        path = "/:session_id/events",
        method = "get",
        operation_id = "streamEvents"
    )]
    async fn stream(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
        /// The id of the last event that came before the connection broke: winners that
        /// were told are not told again.
        #[oai(name = "Last-Event-ID")]
        last_event_id: Header<Option<String>>,
    ) -> Result<News, Problem> {
        find(&sessions, &session_id).await?;
        let revision = last_event_id
            .0
            .and_then(|id| id.split_once('-')?.0.parse().ok());
        let teller = Teller {
            sessions: Arc::clone(&sessions),
            id: session_id.0,
            revision,
            status: String::new(),
            told: None,
            spoke: Instant::now(),
            count: 0,
            over: false,
        };
        let stream = unfold(teller, |mut teller| async move {
            let part = teller.next().await?;
            Some((Ok::<_, std::io::Error>(part), teller))
        });
        let response = Response::builder()
            .header(header::CONTENT_TYPE, EventStream::CONTENT_TYPE)
            .header(header::CACHE_CONTROL, "no-store")
            // Proxies that gather answers are told not to.
            .header("X-Accel-Buffering", "no")
            .body(Body::from_bytes_stream(stream));
        Ok(News::Events(EventStream(response)))
    }
}

/// What one subscriber knows.
struct Teller {
    sessions: Arc<Sessions>,
    id: String,
    /// Of the winners that were told.
    revision: Option<u64>,
    /// The status that was told, and when.
    status: String,
    told: Option<Instant>,
    /// When anything was said.
    spoke: Instant,
    count: u64,
    over: bool,
}

impl Teller {
    /// The next part of the stream; none at its end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.over || self.sessions.is_closing() {
                return None;
            }
            // A session that was deleted ends the stream, and so does a failing disk.
            let found = find(&self.sessions, &self.id).await.ok()?;
            if let Some(part) = self.news(&found) {
                self.spoke = Instant::now();
                return Some(part);
            }
            if self.spoke.elapsed() >= ALIVE {
                self.spoke = Instant::now();
                return Some(Bytes::from_static(b": still here\n\n"));
            }
            let look = Instant::now() + LOOK;
            let Found::Live(entry) = found else {
                sleep_until(look).await;
                continue;
            };
            let mut statuses = entry.watch();
            statuses.mark_unchanged();
            if entry.status().revision == self.revision.unwrap_or_default() {
                tokio::select! {
                    _ = statuses.changed() => {}
                    () = sleep_until(look) => {}
                }
            }
        }
    }

    /// What this subscriber does not know yet.
    fn news(&mut self, found: &Found) -> Option<Bytes> {
        let frames = frame_list(&self.id, found);
        if self.revision != Some(frames.revision) {
            self.revision = Some(frames.revision);
            return Some(self.event("winners", &frames.to_json_string()));
        }
        if let Found::Past(_) = found {
            self.over = true;
            return Some(self.event("end", &show(found).to_json_string()));
        }
        if self.told.is_some_and(|told| told.elapsed() < BETWEEN) {
            return None;
        }
        let session = show(found).to_json_string();
        if session == self.status {
            return None;
        }
        self.told = Some(Instant::now());
        let event = self.event("status", &session);
        self.status = session;
        Some(event)
    }

    /// `id` begins with the revision of the winners that are known by then.
    fn event(&mut self, name: &str, data: &str) -> Bytes {
        self.count += 1;
        let (revision, count) = (self.revision.unwrap_or_default(), self.count);
        Bytes::from(format!(
            "id: {revision}-{count}\nevent: {name}\ndata: {data}\n\n"
        ))
    }
}
