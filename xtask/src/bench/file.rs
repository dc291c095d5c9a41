//! The part `file`: a recording read from the disk at full speed, beside ffmpeg.
//!
//! What lives here: runs of both in turn, and the figures. What does not: what the
//! clip is (`clips`), how a program is tied to this one (`tied`).

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::figure::{Figure, Unit, percentile};
use super::{Bench, Measured};
use crate::clips;
use crate::tied::{self, Tied};

/// Runs of each: in turn, so that whatever else the machine does hits all alike.
const RUNS: usize = 7;

/// What the runs of one program took.
#[derive(Default)]
struct Taken {
    time: Vec<Duration>,
    processor: Vec<Duration>,
}

impl Taken {
    fn run(&mut self, program: &Path, arguments: &[&str]) -> Result<()> {
        let began = Instant::now();
        let mut command = tied::command(program);
        command.args(arguments).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let cost = Tied::spawn(&mut command)?.wait_for_cost()?;
        self.time.push(began.elapsed());
        self.processor.push(cost);
        Ok(())
    }
}

fn median(of: &[Duration]) -> f64 {
    percentile(of, 50) / 1e3
}

pub(super) fn measure(bench: &Bench) -> Result<Measured> {
    let bestshot = bench.release()?;
    let folder = bench.folder("file")?;
    let clip = bench.workspace.clips().join(clips::HD);
    let clip = clip.to_str().context("the path of the clip is no text")?;
    let out = folder.join("page");
    let out = out.to_str().context("the path of the page is no text")?;
    let decode = |threads: &'static str| {
        let (read, nowhere) = (["-i", clip], ["-f", "null", "-"]);
        let mut words = vec!["-nostdin", "-v", "error", "-threads", threads];
        words.extend(read.into_iter().chain(nowhere));
        words
    };
    let ffmpeg = Path::new("ffmpeg");

    println!("Reading 60 s of 1080p25 H.264 from the disk {RUNS} times with each …");
    let (mut ours, mut theirs, mut alone) = (Taken::default(), Taken::default(), Taken::default());
    for _ in 0..RUNS {
        if Path::new(out).exists() {
            std::fs::remove_dir_all(out)?;
        }
        ours.run(bestshot, &["grab", clip, "--out", out])?;
        theirs.run(ffmpeg, &decode("0"))?;
        alone.run(ffmpeg, &decode("1"))?;
    }

    let beside = |name: &str, ours: &[Duration], peer: &str, theirs: &[Duration]| {
        Figure::new(name, Unit::SECONDS)
            .ours(median(ours))
            .peer(peer, median(theirs))
    };
    Ok(Measured {
        figures: vec![
            beside("file to page", &ours.time, "ffmpeg", &theirs.time)
                .note("ffmpeg decodes with frame threads and keeps nothing"),
            beside("the same", &ours.time, "ffmpeg -threads 1", &alone.time),
            beside(
                "processor time",
                &ours.processor,
                "ffmpeg",
                &theirs.processor,
            ),
        ],
        facts: json!({ "runs": RUNS }),
    })
}
