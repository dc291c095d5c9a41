//! The best frames of a session, while it runs and afterwards: the list, and
//! the two pictures of each as PNG with an ETag.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use bestshot_gallery::{PictureKind, manifest::ManifestWinner};
use poem::{
    Body, IntoResponse, Response,
    http::{HeaderMap, header},
    web::Data,
};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::Path,
    payload::{Binary, Json, Payload},
    registry::MetaSchemaRef,
};

use super::{Tag, find, not_stored};
use crate::{
    problem::Problem,
    schema::{Frame, FrameList},
    state::{End, Found, Sessions, Sought, blocking},
};

pub(crate) struct Frames;

/// A PNG file.
struct Png(Vec<u8>);

impl Payload for Png {
    const CONTENT_TYPE: &'static str = "image/png";

    fn schema_ref() -> MetaSchemaRef {
        <Binary<Vec<u8>> as Payload>::schema_ref()
    }
}

impl IntoResponse for Png {
    fn into_response(self) -> Response {
        Response::builder()
            .header(header::CONTENT_TYPE, Self::CONTENT_TYPE)
            .body(Body::from_vec(self.0))
    }
}

#[derive(ApiResponse)]
enum Picture {
    /// The picture.
    #[oai(status = 200)]
    Png(
        Png,
        /// Changes when another frame takes this rank.
        #[oai(header = "ETag")]
        String,
        /// A rank may change its frame at any time: ask again, with the ETag.
        #[oai(header = "Cache-Control")]
        String,
    ),
    /// The picture that the client has is still the right one.
    #[oai(status = 304)]
    Same(
        /// The picture's tag.
        #[oai(header = "ETag")]
        String,
        /// A rank may change its frame at any time: ask again, with the ETag.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[OpenApi(prefix_path = "/v1/sessions", tag = "Tag::Frames")]
impl Frames {
    /// List the best frames
    ///
    /// Best first; while the session runs, the best so far. `revision` grows
    /// with each change.
    #[oai(
        path = "/:session_id/frames",
        method = "get",
        operation_id = "listFrames"
    )]
    async fn list(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Result<Json<FrameList>, Problem> {
        let found = find(&sessions, &session_id).await?;
        Ok(Json(frame_list(&session_id, &found)))
    }

    /// Get a thumbnail
    ///
    /// The frame of this rank at the size that the session was asked for. While
    /// a session runs, the answer to a frame that has just won is held for the
    /// second that its picture takes.
    #[oai(
        path = "/:session_id/frames/:rank/thumbnail",
        method = "get",
        operation_id = "getThumbnail"
    )]
    async fn thumbnail(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
        /// Place among the best, from 1.
        #[oai(validator(minimum(value = "1", exclusive = "false")))]
        rank: Path<u32>,
        headers: &HeaderMap,
    ) -> Result<Picture, Problem> {
        picture(
            &sessions,
            &session_id,
            rank.0,
            PictureKind::Thumbnail,
            headers,
        )
        .await
    }

    /// Get an original
    ///
    /// The frame of this rank at the camera's own size. While a session runs,
    /// the answer to a frame that has just won is held for the few seconds that
    /// its picture takes.
    #[oai(
        path = "/:session_id/frames/:rank/original",
        method = "get",
        operation_id = "getOriginal"
    )]
    async fn original(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
        /// Place among the best, from 1.
        #[oai(validator(minimum(value = "1", exclusive = "false")))]
        rank: Path<u32>,
        headers: &HeaderMap,
    ) -> Result<Picture, Problem> {
        picture(
            &sessions,
            &session_id,
            rank.0,
            PictureKind::Original,
            headers,
        )
        .await
    }
}

/// The best frames of a session, so far or for ever.
pub(super) fn frame_list(id: &str, found: &Found) -> FrameList {
    let (revision, items) = match found {
        Found::Live(entry) => {
            let status = entry.status();
            let frame = |(rank, winner)| Frame::new(id, rank, winner);
            let items = (1..).zip(&status.winners).map(frame).collect();
            (status.revision, items)
        }
        Found::Past(End::Saved(gallery)) => {
            let manifest = gallery.manifest();
            let frame = |w: &ManifestWinner| Frame::new(id, w.rank, &w.winner);
            // Each scored frame changed the winners at most once: of a gallery that does
            // not tell, this is more than any revision while it ran.
            let most = manifest.stats.frames_scored.saturating_add(1);
            (
                manifest.revision.unwrap_or(most),
                manifest.winners.iter().map(frame).collect(),
            )
        }
        Found::Past(End::Empty(empty)) => (empty.status.revision, Vec::new()),
    };
    FrameList {
        session_id: id.to_owned(),
        revision,
        items,
    }
}

async fn picture(
    sessions: &Sessions,
    id: &str,
    rank: u32,
    kind: PictureKind,
    headers: &HeaderMap,
) -> Result<Picture, Problem> {
    let none = format!("The session has no {kind} at rank {rank}.");
    let png = match find(sessions, id).await? {
        Found::Live(entry) => match entry.picture(rank, kind).await {
            Ok(Sought::There(png)) => Ok(Some(png)),
            Ok(Sought::NoSuchRank) => Ok(None),
            Ok(Sought::Overtaken) => {
                return Err(Problem::not_found(format!(
                    "A better frame came before the {kind} of the one at rank {rank} was \
                     written. List the frames again."
                )));
            }
            Ok(Sought::Missing) => {
                return Err(Problem::not_found(format!(
                    "The {kind} at rank {rank} is not written yet. Ask again."
                )));
            }
            Err(error) => Err(error),
        },
        Found::Past(End::Saved(gallery)) => blocking(move || gallery.picture(rank, kind)).await,
        Found::Past(End::Empty(_)) => Ok(None),
    };
    let png = png.map_err(|e| not_stored(&e))?;
    let png = png.ok_or_else(|| Problem::not_found(none))?;
    let (tag, cache) = (etag(&png), "private, no-cache".to_owned());
    if is_known(&tag, headers) {
        return Ok(Picture::Same(tag, cache));
    }
    Ok(Picture::Png(Png(png), tag, cache))
}

/// The bytes' own tag: the same picture keeps it when it changes its rank.
fn etag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether `If-None-Match` holds the tag (RFC 9110, 13.1.2: weakly compared).
fn is_known(tag: &str, headers: &HeaderMap) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_tag_is_found_in_every_form_of_the_header() {
        let known = |value: &str| {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().unwrap())]);
            is_known("\"a-1\"", &headers)
        };
        assert!(known("\"a-1\""));
        assert!(known("W/\"a-1\""));
        assert!(known("\"b\", \"a-1\""));
        assert!(known("*"));
        assert!(!known("\"a-2\""));
        assert!(!known("a-1"));
        assert!(!is_known("\"a-1\"", &HeaderMap::new()));
    }
}
