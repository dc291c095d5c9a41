//! How long a start and a stop take, as their caller sees it.
//!
//! What lives here: sessions started and stopped one after the other, and
//! ffmpeg's own time to a first frame. What does not: percentiles (`figure`).

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::service::Service;
use crate::shell;

/// ffmpeg's time hardly varies: it is made of fixed waits.
const FFMPEG_STARTS: u32 = 5;
/// A session runs at least this long, so that it holds all its winners …
const SHORTEST: Duration = Duration::from_millis(1500);
/// … and each of ten in a row this much longer than the one before.
const STEP: Duration = Duration::from_millis(210);
const WINNERS: usize = 9;
/// How every whole PNG file ends.
const PNG_END: &[u8] = b"IEND\xaeB`\x82";

/// Measurements in the order they were made.
#[derive(Debug)]
pub(crate) struct Latency {
    pub(crate) first_frames: Vec<Duration>,
    pub(crate) stops: Vec<Duration>,
    pub(crate) ffmpeg_first_frames: Vec<Duration>,
}

/// Starts and stops `starts` sessions on `url`.
pub(crate) fn measure(bestshot: &Path, folder: &Path, url: &str, starts: u32) -> Result<Latency> {
    let (data, log) = (folder.join("latency"), folder.join("latency.log"));
    let service = Service::start(bestshot, 0, &data, &log)?;
    let mut latency = Latency {
        first_frames: Vec::new(),
        stops: Vec::new(),
        ffmpeg_first_frames: Vec::new(),
    };
    for n in 0..starts {
        let asked = Instant::now();
        let id = service.start_session(url)?;
        latency.first_frames.push(asked.elapsed());
        thread::sleep(SHORTEST + STEP * (n % 10));
        let asked = Instant::now();
        let page = service.stop_page(&id)?;
        let answered = asked.elapsed();
        check(&page, &service.gallery(&id))?;
        latency.stops.push(answered);
    }
    for _ in 0..FFMPEG_STARTS.min(starts) {
        let asked = Instant::now();
        read_one_frame(url)?;
        latency.ffmpeg_first_frames.push(asked.elapsed());
    }
    Ok(latency)
}

/// Fails unless the page shows every winner and all files are whole: an answer
/// before that would not be the one that was promised.
fn check(page: &str, gallery: &Path) -> Result<()> {
    let shown = page.matches("<img").count();
    if shown < WINNERS {
        bail!("the page shows {shown} pictures instead of {WINNERS}");
    }
    for name in ["index.html", "manifest.json"] {
        let path = gallery.join(name);
        fs::metadata(&path).with_context(|| format!("{} is missing", path.display()))?;
    }
    for folder in ["thumbnails", "originals"] {
        for rank in 1..=WINNERS {
            let path = gallery.join(folder).join(format!("{rank:02}.png"));
            let png = fs::read(&path).with_context(|| format!("{} is missing", path.display()))?;
            if !png.ends_with(PNG_END) {
                bail!("{} is not whole", path.display());
            }
        }
    }
    Ok(())
}

fn read_one_frame(url: &str) -> Result<()> {
    shell::run(
        Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-v",
                "error",
                "-threads",
                "1",
                "-rtsp_transport",
                "tcp",
            ])
            .args(["-i", url, "-frames:v", "1", "-f", "null", "-"]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_too_few_pictures_is_not_complete() {
        let error = check("<img><img>", Path::new("/nonexistent")).unwrap_err();
        assert!(error.to_string().contains("2 pictures"));
        let error = check(&"<img>".repeat(9), Path::new("/nonexistent")).unwrap_err();
        assert!(error.to_string().contains("index.html is missing"));
    }
}
