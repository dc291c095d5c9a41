//! The whole way of a session with the client that progenitor makes of
//! `trimmed.json`, which `cargo xtask clients` writes beside this crate's manifest.
//!
//! Usage: bestshot-client-flow SERVICE CAMERA USER PASSWORD

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::TryStreamExt as _;
use progenitor_client::{ByteStream, Error};

#[allow(clippy::all, clippy::pedantic)]
mod bestshot {
    progenitor::generate_api!(spec = "trimmed.json", interface = Builder);
}

use bestshot::{Client, types};

const LIMIT: u32 = 4;
const THUMBNAIL: (u32, u32) = (64, 48);
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [service, camera, user, password] = words.as_slice() else {
        bail!("usage: SERVICE CAMERA USER PASSWORD");
    };
    let client = Client::new(service);
    ensure!(client.get_health().send().await?.status == "ok");
    let known = client.list_characteristics().send().await?;
    ensure!(known.characteristics.iter().any(|one| one.name == "brightness"));

    let request = types::StartRequest::builder()
        .rtsp_url(camera)
        .username(user.clone())
        .password(password.clone())
        .limit(LIMIT)
        .width(THUMBNAIL.0)
        .height(THUMBNAIL.1);
    let reply = client.start().wait(20.0).body(request.clone()).send().await?;
    ensure!(reply.message == "Video processing started.", "{}", reply.message);
    let id = reply.session.id.clone();
    match client.create_session().body(request).send().await {
        Err(Error::ErrorResponse(refused)) => ensure!(refused.status() == 409),
        other => bail!("one camera was read twice: {other:?}"),
    }

    awaited("a dozen scored frames", async || {
        let session = client.get_session().session_id(&id).send().await?;
        ensure!(session.state == types::SessionState::Running, "{:?}", session.error);
        Ok((session.stats.frames_scored >= 12).then_some(()))
    })
    .await?;
    pictures(&client, &id).await?;

    let report = client.stop_session().session_id(&id).send().await?;
    ensure!(report.session.state == types::SessionState::Stopped);
    ensure!(report.frames.len() == 4, "{} frames", report.frames.len());
    ensure!(report.frames.is_sorted_by(|better, worse| better.score >= worse.score));
    let again = client.stop().session(&id).send().await?;
    ensure!(again.gallery_url == report.gallery_url && again.gallery_url.is_some());
    let archive = client.get_archive().session_id(&id).send().await?;
    ensure!(bytes(archive.into_inner()).await?.starts_with(b"PK\x03\x04"));
    let listed = client.list_sessions().limit(1).send().await?;
    ensure!(listed.items.first().is_some_and(|session| session.id == id));

    let gone = client.delete_session().session_id(&id).send().await?;
    ensure!(gone.status() == 204);
    match client.get_session().session_id(&id).send().await {
        Err(Error::ErrorResponse(absent)) => ensure!(absent.status() == 404),
        other => bail!("a deleted session is still there: {other:?}"),
    }
    let scored = report.session.stats.frames_scored;
    println!("{} of {scored} frames, then deleted", report.frames.len());
    Ok(())
}

/// Sees that the best frame so far comes as thumbnail and original.
async fn pictures(client: &Client, id: &str) -> Result<()> {
    let (frame, small, large) = awaited("two pictures", async || {
        let frames = client.list_frames().session_id(id).send().await?;
        ensure!(frames.items.len() == 4);
        let small = client.get_thumbnail().session_id(id).rank(1).send().await;
        let large = client.get_original().session_id(id).rank(1).send().await;
        let frame = frames.items[0].clone();
        // A better frame may have come before its picture was made.
        Ok(small.ok().zip(large.ok()).map(|(small, large)| (frame, small, large)))
    })
    .await?;
    let small = png_size(&bytes(small.into_inner()).await?)?;
    ensure!(small == (i64::from(THUMBNAIL.0), i64::from(THUMBNAIL.1)), "{small:?}");
    let large = png_size(&bytes(large.into_inner()).await?)?;
    ensure!(large == (frame.width, frame.height), "{large:?}");
    Ok(())
}

async fn bytes(stream: ByteStream) -> Result<Vec<u8>> {
    let parts: Vec<_> = stream.into_inner().try_collect().await?;
    Ok(parts.concat())
}

/// Width and height that a PNG's header tells.
fn png_size(picture: &[u8]) -> Result<(i64, i64)> {
    ensure!(picture.starts_with(b"\x89PNG\r\n\x1a\n"), "no PNG");
    let number = |at: usize| {
        let bytes = picture.get(at..at + 4).context("a PNG without a header")?;
        Ok::<_, anyhow::Error>(i64::from(u32::from_be_bytes(bytes.try_into()?)))
    };
    Ok((number(16)?, number(20)?))
}

/// Tries every quarter of a second until `attempt` gives something.
async fn awaited<T, F>(what: &str, mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(found) = attempt().await? {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    bail!("{what} did not come within {PATIENCE:?}")
}
