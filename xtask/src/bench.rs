//! `cargo xtask bench`: what the service costs, beside ffmpeg, in one run.
//!
//! What lives here: the course of the measurement and the table that is
//! printed. What does not: the measurements, which are in `bench/`.

mod figure;
mod latency;
mod load;
mod memory;

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use self::figure::{Figure, Unit, percentile};
use self::latency::Latency;
use self::load::Load;
use crate::arguments::{Arguments, UsageError};
use crate::camera::Camera;
use crate::clips;
use crate::setup::{self, Install, Purpose};
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask bench [--seconds N] [--starts N] [--no-install]

Measures the optimised service beside ffmpeg on one camera: 1080p at 25 frames a
second, H.264, about 4.7 Mb/s, over TCP on loopback. Both are given the clip from
its first frame. The table holds:

  processor time  User and system time of the service and its worker, from before
                  /start until the answer of /stop, and of
                  `ffmpeg -threads 1 -rtsp_transport tcp -i URL -f null -`, which
                  reads the same camera at the same time.
  peak memory     The sum of VmHWM, each process's own peak. The promise is on what
                  is left of it when pages that service and worker map from one file
                  (libav and the libraries it needs: one piece of memory) are counted
                  once. Peaks of different moments are added up, so neither figure
                  is ever too small.
  first frame     POST /start with wait=10 until its answer, which comes with the
                  first scored frame. The camera begins at a keyframe.
  stop            GET /stop until the page is answered and it and all originals
                  and thumbnails lie on disk. The sessions before it run for
                  differing times, so that winners are caught at every age.

A promise that is not kept is marked `missed`; the command succeeds all the same.
The figures are also written to bench.json in cargo's target directory. Let the
machine do nothing else meanwhile.

Options:
  --seconds N   How long both read the stream for processor time and memory (60).
  --starts N    How often a session is started and stopped for the other two (20).
  --no-install  Neither looks for packages nor installs any.";

/// The promises, as the product states them.
const PROCESSOR_RATIO: f64 = 1.10;
const MEMORY_MB: f64 = 130.0;
const FIRST_FRAME_MS: f64 = 300.0;
const STOP_MS: f64 = 150.0;

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    let seconds = arguments.value("--seconds")?.unwrap_or(60);
    let starts = arguments.value("--starts")?.unwrap_or(20);
    let install = Install::take(&mut arguments);
    arguments.finish()?;
    if !(5..=3600).contains(&seconds) || !(1..=1000).contains(&starts) {
        let limits = "--seconds lies between 5 and 3600, --starts between 1 and 1000";
        return Err(UsageError::new(limits).into());
    }

    let workspace = Workspace::find()?;
    setup::prepare(&workspace, install, Purpose::Bench)?;
    let bestshot = workspace.build_release()?;
    let folder = workspace.target().join("bench");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let camera = Camera::start(&workspace, &workspace.clips().join(clips::HD))?;

    println!("Reading {seconds} s of 1080p25 H.264 with bestshot and ffmpeg …");
    let duration = Duration::from_secs(u64::from(seconds));
    let load = load::measure(&bestshot, &folder, camera.url(), duration)?;
    println!("Starting and stopping {starts} sessions …");
    let latency = latency::measure(&bestshot, &folder, camera.url(), starts)?;

    let figures = figures(seconds, &load, &latency)?;
    println!(
        "bestshot scored {} frames, ffmpeg decoded {}.\n\n{}",
        load.bestshot.frames,
        load.ffmpeg.frames,
        figure::table(&figures)
    );
    let path = workspace.target().join("bench.json");
    let document = json!({
        "machine": machine(),
        "ffmpeg": first_line(Command::new("ffmpeg").arg("-version")),
        "seconds": seconds,
        "starts": starts,
        "frames": { "bestshot": load.bestshot.frames, "ffmpeg": load.ffmpeg.frames },
        "figures": figures.iter().map(Figure::json).collect::<Vec<Value>>(),
    });
    fs::write(&path, format!("{document:#}\n"))?;
    println!("The figures are also in {}.", path.display());
    Ok(())
}

fn figures(seconds: u32, load: &Load, latency: &Latency) -> Result<Vec<Figure>> {
    let (ours, peer) = (&load.bestshot, &load.ffmpeg);
    if ours.frames == 0 || peer.frames == 0 {
        bail!("no frames were read");
    }
    let a_frame = |side: &load::Side| side.processor.as_secs_f64() * 1e3 / f64::from(side.frames);
    let first = |part| percentile(&latency.first_frames, part);
    let peer_first = |part| percentile(&latency.ffmpeg_first_frames, part);
    let stop = |part| percentile(&latency.stops, part);
    Ok(vec![
        Figure::new(
            format!("processor time, {seconds} s of stream"),
            Unit::Seconds,
        )
        .values(ours.processor.as_secs_f64(), peer.processor.as_secs_f64())
        .ratio_at_most(PROCESSOR_RATIO),
        Figure::new("processor time a frame", Unit::Milliseconds)
            .values(a_frame(ours), a_frame(peer)),
        Figure::new("peak memory, sum of VmHWM", Unit::Megabytes)
            .values(ours.peaks.resident_mb(), peer.peaks.resident_mb()),
        Figure::new("peak memory, libraries once", Unit::Megabytes)
            .values(ours.peaks.together_mb(), peer.peaks.together_mb())
            .at_most(MEMORY_MB),
        Figure::new("start to first frame, p50", Unit::Milliseconds)
            .values(first(50), peer_first(50)),
        Figure::new("start to first frame, p95", Unit::Milliseconds)
            .values(first(95), peer_first(95))
            .at_most(FIRST_FRAME_MS),
        Figure::new("stop to whole page, p50", Unit::Milliseconds).value(stop(50)),
        Figure::new("stop to whole page, p95", Unit::Milliseconds)
            .value(stop(95))
            .at_most(STOP_MS),
    ])
}

fn machine() -> Value {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    json!({
        "processor": model.map(|model| model.trim_start_matches([' ', '\t', ':'])),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": first_line(Command::new("uname").arg("-sr")),
    })
}

fn first_line(command: &mut Command) -> String {
    let text = shell::read(command).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}
