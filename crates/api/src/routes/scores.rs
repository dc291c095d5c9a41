//! The score over time: as numbers and as a picture.

use std::sync::Arc;

use bestshot_gallery::{
    manifest::{CurvePoint, Manifest},
    plot,
};
use poem::{
    Body, IntoResponse, Response,
    http::{StatusCode, header},
    web::Data,
};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::Path,
    payload::{Binary, Json, Payload},
    registry::MetaSchemaRef,
};

use super::{Tag, find};
use crate::{
    problem::Problem,
    state::{End, Found, Sessions, now},
};

/// The score over the time of the stream.
#[derive(Clone, Debug, Object)]
pub(crate) struct ScoreList {
    /// The session.
    session_id: String,
    /// Spans of equal length, at most 256, as far as any frame was scored in them.
    items: Vec<ScoreSpan>,
}

/// The scores of a span of time, which lasts until the next one begins.
#[derive(Clone, Debug, Object)]
pub(crate) struct ScoreSpan {
    /// Where it begins: seconds since the session's first frame.
    stream_time: f64,
    /// The least score of its frames.
    low: f64,
    /// Their mean.
    mean: f64,
    /// The greatest.
    high: f64,
}

impl From<&CurvePoint> for ScoreSpan {
    fn from(point: &CurvePoint) -> Self {
        let CurvePoint {
            stream_time,
            low,
            mean,
            high,
        } = *point;
        Self {
            stream_time,
            low,
            mean,
            high,
        }
    }
}

/// An SVG picture.
struct Svg(String);

impl Payload for Svg {
    const CONTENT_TYPE: &'static str = "image/svg+xml";

    fn schema_ref() -> MetaSchemaRef {
        // As bytes: generated clients know no text of this type.
        <Binary<Vec<u8>> as Payload>::schema_ref()
    }
}

impl IntoResponse for Svg {
    fn into_response(self) -> Response {
        Response::builder()
            .header(header::CONTENT_TYPE, Self::CONTENT_TYPE)
            .header(header::CACHE_CONTROL, "private, no-cache")
            .body(Body::from_string(self.0))
    }
}

#[derive(ApiResponse)]
enum Plot {
    /// The picture.
    #[oai(status = 200)]
    Svg(Svg),
}

pub(crate) struct Scores;

#[OpenApi(prefix_path = "/v1/sessions", tag = "Tag::Sessions")]
impl Scores {
    /// See the score over time
    ///
    /// Of a running session it is a second old at most.
    #[oai(
        path = "/:session_id/scores",
        method = "get",
        operation_id = "listScores"
    )]
    async fn list(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Result<Json<ScoreList>, Problem> {
        let manifest = manifest(&find(&sessions, &session_id).await?);
        Ok(Json(ScoreList {
            session_id: manifest.id,
            items: manifest.curve.iter().map(ScoreSpan::from).collect(),
        }))
    }

    /// See the score over time as a picture
    ///
    /// The least, mean and greatest score over the time of the stream, with the
    /// winners marked.
    #[oai(path = "/:session_id/plot", method = "get", operation_id = "getPlot")]
    async fn plot(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Result<Plot, Problem> {
        let manifest = manifest(&find(&sessions, &session_id).await?);
        let svg = plot(&manifest).map_err(|e| Problem::internal(&e))?;
        svg.map(|svg| Plot::Svg(Svg(svg))).ok_or_else(|| {
            Problem::new(StatusCode::CONFLICT).detail("No frame of the session was scored yet.")
        })
    }
}

/// What a gallery of the session would say now.
fn manifest(found: &Found) -> Manifest {
    match found {
        Found::Live(entry) => {
            let status = entry.status();
            let winners = Manifest::ranked(status.winners.iter().cloned());
            Manifest {
                winners,
                ..entry.facts.manifest_without_winners(&status, now())
            }
        }
        Found::Past(End::Saved(gallery)) => gallery.manifest().clone(),
        Found::Past(End::Empty(empty)) => empty
            .facts
            .manifest_without_winners(&empty.status, empty.ended_at),
    }
}
