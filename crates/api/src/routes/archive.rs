//! A gallery as one file to take along. What is in it is the gallery's business;
//! here it is only passed on, as fast as the client takes it.

use std::{
    io::{self, Write},
    sync::Arc,
};

use bytes::Bytes;
use poem::{
    Body, IntoResponse, Response,
    http::{StatusCode, header},
    web::Data,
};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::Path,
    payload::{Binary, Payload},
    registry::MetaSchemaRef,
};
use tokio::sync::mpsc;

use super::{ChainOf, Tag, find, without_gallery};
use crate::{
    problem::Problem,
    state::{End, Found, Sessions},
};

/// Parts on their way to the client, and the size of most of them.
const PARTS: usize = 4;
const PART: usize = 1 << 16;

/// A ZIP file.
struct Zip(Response);

impl Payload for Zip {
    const CONTENT_TYPE: &'static str = "application/zip";

    fn schema_ref() -> MetaSchemaRef {
        <Binary<Vec<u8>> as Payload>::schema_ref()
    }
}

impl IntoResponse for Zip {
    fn into_response(self) -> Response {
        self.0
    }
}

#[derive(ApiResponse)]
enum Archive {
    /// The archive.
    #[oai(status = 200)]
    Zip(
        Zip,
        /// Names the file for whoever saves it.
        #[oai(header = "Content-Disposition")]
        String,
    ),
}

pub(crate) struct Archives;

#[OpenApi(prefix_path = "/v1/sessions", tag = "Tag::Sessions")]
impl Archives {
    /// Download a gallery
    ///
    /// The saved directory of a session that is over as a ZIP file: the page, the
    /// manifest, the plot and all pictures.
    #[oai(
        path = "/:session_id/archive",
        method = "get",
        operation_id = "getArchive"
    )]
    async fn archive(
        &self,
        sessions: Data<&Arc<Sessions>>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Result<Archive, Problem> {
        let gallery = match find(&sessions, &session_id).await? {
            Found::Past(End::Saved(gallery)) => gallery,
            Found::Past(End::Empty(_)) => {
                return Err(without_gallery());
            }
            Found::Live(_) => {
                return Err(Problem::new(StatusCode::CONFLICT)
                    .detail("The session is not over yet; its gallery is made when it stops."));
            }
        };
        let named = format!("attachment; filename=\"bestshot-{}.zip\"", gallery.id());
        let (sender, parts) = mpsc::channel(PARTS);
        tokio::task::spawn_blocking(move || {
            let mut out = io::BufWriter::with_capacity(PART, Parts(sender.clone()));
            let written = gallery
                .archive(&mut out)
                .map_err(|e| ChainOf(&e).to_string());
            let done = written.and_then(|()| out.flush().map_err(|e| e.to_string()));
            if let Err(error) = done {
                tracing::info!("an archive was not sent whole: {error}");
                // The client must not take what came for the whole.
                let _ = sender.blocking_send(Err(io::Error::other("the archive broke off")));
            }
        });
        let stream = futures_util::stream::unfold(parts, |mut parts| async move {
            parts.recv().await.map(|part| (part, parts))
        });
        let response = Response::builder()
            .header(header::CONTENT_TYPE, Zip::CONTENT_TYPE)
            .header(header::CACHE_CONTROL, "private, no-cache")
            .body(Body::from_bytes_stream(stream));
        Ok(Archive::Zip(Zip(response), named))
    }
}

/// What is written goes to the client, which may be slow, or gone.
struct Parts(mpsc::Sender<io::Result<Bytes>>);

impl Write for Parts {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(part)));
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
