//! The part `service`: what the service costs, beside ffmpeg on the same camera.
//!
//! What lives here: the course of the measurement, its figures and promises. What
//! does not: the measurements (`load`, `memory`, `latency`).

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;

use super::figure::{Figure, Unit, percentile};
use super::latency::{self, Latency};
use super::load::{self, Load, Side, Task};
use super::{Bench, Measured};
use crate::camera::Camera;
use crate::clips;

/// The promises, as the product states them.
const PROCESSOR_RATIO: f64 = 1.10;
const ALL_SCORES_RATIO: f64 = 1.15;
const MEMORY_MB: f64 = 130.0;
const FIRST_FRAME_MS: f64 = 300.0;
const STOP_MS: f64 = 150.0;

pub(super) fn measure(bench: &Bench) -> Result<Measured> {
    let bestshot = bench.release()?;
    let folder = bench.folder("service")?;
    let clip = bench.workspace.clips().join(clips::HD);
    let camera = Camera::start(&bench.workspace, &clip)?;
    let (url, seconds, starts) = (camera.url(), bench.seconds, bench.starts);
    let duration = Duration::from_secs(u64::from(seconds));

    println!("Reading {seconds} s of 1080p25 H.264 with bestshot and ffmpeg …");
    let plain = load::measure(bestshot, &folder, url, duration, &Task::plain())?;
    println!("The same, scored by all eight characteristics …");
    let all = load::measure(bestshot, &folder, url, duration, &Task::all_scores())?;
    println!("Starting and stopping {starts} sessions …");
    let latency = latency::measure(bestshot, &folder, url, starts)?;

    Ok(Measured {
        figures: figures(seconds, &plain, &all, &latency)?,
        facts: json!({
            "seconds": seconds,
            "starts": starts,
            "frames": { "bestshot": plain.bestshot.frames, "ffmpeg": plain.ffmpeg.frames },
            "frames_all_scores": { "bestshot": all.bestshot.frames, "ffmpeg": all.ffmpeg.frames },
        }),
    })
}

fn figures(seconds: u32, plain: &Load, all: &Load, latency: &Latency) -> Result<Vec<Figure>> {
    let (ours, peer) = (&plain.bestshot, &plain.ffmpeg);
    for side in [ours, peer, &all.bestshot, &all.ffmpeg] {
        if side.frames == 0 {
            bail!("no frames were read");
        }
    }
    let beside = |name: &str, unit, of: &dyn Fn(&Side) -> f64| {
        let figure = Figure::new(name, unit).ours(of(ours));
        figure.peer("ffmpeg", of(peer))
    };
    let processor = |side: &Side| side.processor.as_secs_f64();
    let a_frame = |side: &Side| processor(side) * 1e3 / f64::from(side.frames);
    let first = |part| {
        let theirs = percentile(&latency.ffmpeg_first_frames, part);
        let name = format!("start to first frame, p{part}");
        Figure::new(name, Unit::MILLISECONDS)
            .ours(percentile(&latency.first_frames, part))
            .peer("ffmpeg", theirs)
    };
    let stop = |part| {
        let name = format!("stop to whole page, p{part}");
        Figure::new(name, Unit::MILLISECONDS).ours(percentile(&latency.stops, part))
    };
    let frames = |load: &Load| {
        let (ours, theirs) = (load.bestshot.frames, load.ffmpeg.frames);
        format!("{ours} frames scored, {theirs} decoded by ffmpeg")
    };
    let name = format!("processor time, {seconds} s of stream");
    let whole = beside(&name, Unit::SECONDS, &processor);
    let memory = |side: &Side| side.peaks.together_mb();
    Ok(vec![
        whole.ratio_at_most(PROCESSOR_RATIO).note(frames(plain)),
        beside("processor time a frame", Unit::MILLISECONDS, &a_frame),
        Figure::new(format!("{name}, all eight"), Unit::SECONDS)
            .ours(processor(&all.bestshot))
            .peer("ffmpeg", processor(&all.ffmpeg))
            .ratio_at_most(ALL_SCORES_RATIO)
            .note(frames(all)),
        beside("peak memory, sum of VmHWM", Unit::MEGABYTES, &|side| {
            side.peaks.resident_mb()
        }),
        beside("peak memory, libraries once", Unit::MEGABYTES, &memory).at_most(MEMORY_MB),
        Figure::new("the same, all eight with distinct", Unit::MEGABYTES)
            .ours(memory(&all.bestshot))
            .peer("ffmpeg", memory(&all.ffmpeg))
            .note("frames that may yet come to win are held too: 2 × limit + 12 at most"),
        first(50),
        first(95).at_most(FIRST_FRAME_MS),
        stop(50),
        stop(95).at_most(STOP_MS),
    ])
}
