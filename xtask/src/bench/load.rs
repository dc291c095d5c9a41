//! Processor time and peak memory while a stream is read, beside ffmpeg.
//!
//! What lives here: one session and one ffmpeg on the same camera at the same
//! time, so that whatever else the machine does hits both. What does not: the
//! promises (`service`).

use std::io::Read as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::memory::{Peaks, Watch};
use crate::proc;
use crate::service::Service;
use crate::tied::{self, Tied};

/// What a session is asked for.
pub(crate) struct Task {
    /// Start options beside the URL: an object.
    options: Value,
    /// The fewest winners that it must hold for the measurement to count.
    winners: usize,
}

impl Task {
    /// Nothing: brightness, and the nine winners that a session then keeps.
    pub(crate) fn plain() -> Self {
        Self {
            options: json!({}),
            winners: 9,
        }
    }

    /// A sum of all eight characteristics, and winners that look different, of which
    /// there may be few.
    pub(crate) fn all_scores() -> Self {
        let best = "brightness:1,darkness:1,sharpness:1,contrast:1,colorfulness:1,entropy:1,\
                    motion:1,stillness:1";
        Self {
            options: json!({ "best": best, "distinct": 0.1 }),
            winners: 1,
        }
    }
}

/// What one reader did and needed.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) processor: Duration,
    pub(crate) frames: u32,
    pub(crate) peaks: Peaks,
}

/// Both readers.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) bestshot: Side,
    pub(crate) ffmpeg: Side,
}

/// Has both read `url` for `duration`, bestshot as `task` says.
pub(crate) fn measure(
    bestshot: &Path,
    folder: &Path,
    url: &str,
    duration: Duration,
    task: &Task,
) -> Result<Load> {
    let service = Service::start(bestshot, 0, &folder.join("load"), &folder.join("load.log"))?;
    let peer = {
        let (url, seconds) = (url.to_owned(), duration.as_secs().to_string());
        thread::spawn(move || read_with_ffmpeg(&url, &seconds))
    };
    let bestshot = read_with_bestshot(&service, url, duration, task)?;
    let Ok(ffmpeg) = peer.join() else {
        bail!("the thread that watched ffmpeg ended early");
    };
    Ok(Load {
        bestshot,
        ffmpeg: ffmpeg?,
    })
}

fn read_with_bestshot(
    service: &Service,
    url: &str,
    duration: Duration,
    task: &Task,
) -> Result<Side> {
    let cost = || proc::processor_time(&proc::tree(service.id()));
    let watch = Watch::start(service.id());
    let before = cost();
    let id = service.start_session_with(url, &task.options)?;
    let began = Instant::now();
    thread::sleep(duration.saturating_sub(began.elapsed()));
    let report = service.stop(&id)?;
    let processor = cost().saturating_sub(before);
    let peaks = watch.finish();
    let frames = report["session"]["stats"]["frames_scored"].as_u64();
    let winners = report["frames"].as_array().map_or(0, Vec::len);
    if winners < task.winners {
        let wanted = task.winners;
        bail!("the session held {winners} winners instead of {wanted}");
    }
    Ok(Side {
        processor,
        frames: u32::try_from(frames.context("the report told no frames")?)?,
        peaks,
    })
}

fn read_with_ffmpeg(url: &str, seconds: &str) -> Result<Side> {
    let mut command = tied::piped("ffmpeg");
    command
        .args([
            "-nostdin",
            "-hide_banner",
            "-v",
            "error",
            "-nostats",
            "-progress",
            "pipe:1",
        ])
        .args(["-threads", "1", "-rtsp_transport", "tcp", "-i", url])
        .args(["-t", seconds, "-f", "null", "-"]);
    let mut program = Tied::spawn(&mut command)?;
    let watch = Watch::start(program.id());
    let mut stdout = program.take_stdout().context("ffmpeg has no output")?;
    let mut progress = String::new();
    stdout.read_to_string(&mut progress)?;
    // Its output closes as it ends; it stays to be looked at until waited for.
    let processor = program.wait_for_cost()?;
    let peaks = watch.finish();
    Ok(Side {
        processor,
        frames: last_frame(&progress).context("ffmpeg told no frames")?,
        peaks,
    })
}

/// The last `frame=N` of what `-progress` wrote.
fn last_frame(progress: &str) -> Option<u32> {
    let mut frames = progress
        .lines()
        .filter_map(|line| line.strip_prefix("frame="));
    frames.next_back()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_progress_counts() {
        let text = "frame=12\nfps=25\nprogress=continue\nframe=1500\nprogress=end\n";
        assert_eq!(last_frame(text), Some(1500));
        assert_eq!(last_frame(""), None);
    }
}
