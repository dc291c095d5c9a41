//! The part `scores`: what each score of a picture takes, beside OpenCV and NumPy.
//!
//! What lives here: one picture for both, taking turns, figures and promises. What
//! does not: the timing itself, which `crates/ranker/examples/measure.rs` and
//! `tests/reference/timing.py` do for themselves.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::figure::{Figure, Unit};
use super::{Bench, Measured};
use crate::{clips, shell, workspace};

/// The promises, for a picture of 1080p on one thread, as the product states them.
const BRIGHTNESS_MICROS: f64 = 60.0;
const ALL_MICROS: f64 = 1200.0;
const TIMES_AS_FAST: f64 = 3.0;

/// The order of the figures, which is that of the documentation.
const NAMES: [&str; 10] = [
    "brightness",
    "darkness",
    "sharpness",
    "contrast",
    "colorfulness",
    "entropy",
    "motion",
    "stillness",
    "exposure",
    "all",
];
/// Those that OpenCV has quicker, and a little off, from a picture halved in 8 bit.
const ROUNDED: [&str; 7] = [
    "sharpness",
    "contrast",
    "entropy",
    "motion",
    "stillness",
    "exposure",
    "all",
];
/// How often everybody has a turn; the median counts.
const TURNS: usize = 3;

/// The second is what a processor without AVX-512 would run.
const BUILDS: [Build; 2] = [
    Build {
        name: "best of this processor",
        folder: None,
        flags: "",
    },
    Build {
        name: "without AVX-512",
        folder: Some("without-avx512"),
        flags: "--cfg disable_dispatch_avx512",
    },
];

struct Build {
    name: &'static str,
    /// Below cargo's target directory, where its own is not meant: other flags would
    /// have everything there compiled anew.
    folder: Option<&'static str>,
    flags: &'static str,
}

struct Size {
    name: &'static str,
    width: u32,
    height: u32,
    frames: u32,
}

const SIZES: [Size; 2] = [
    Size {
        name: "1080p",
        width: 1920,
        height: 1080,
        frames: 8,
    },
    Size {
        name: "4K",
        width: 3840,
        height: 2160,
        frames: 4,
    },
];

pub(super) fn measure(bench: &Bench) -> Result<Measured> {
    let folder = bench.folder("scores")?;
    let mut programs = Vec::new();
    for build in &BUILDS {
        println!("Building the scores, {} (release) …", build.name);
        programs.push(build.program(bench)?);
    }
    let (mut figures, mut facts) = (Vec::new(), json!({}));
    for size in &SIZES {
        let video = size.make(bench, &folder)?;
        println!("Scoring pictures of {}, {TURNS} turns each …", size.name);
        let mut ours = vec![Times::default(); BUILDS.len()];
        let mut peer = Times::default();
        for _ in 0..TURNS {
            for (program, times) in programs.iter().zip(&mut ours) {
                let mut command = Command::new(program);
                times.add(read_from(&mut command, &video)?);
            }
            peer.add(opencv(bench, &video)?);
        }
        for (build, times) in BUILDS.iter().zip(&ours) {
            facts[size.name][build.name] = times.turns.clone().into();
            figures.extend(size.figures(times, &peer)?);
        }
        facts[size.name]["OpenCV"] = peer.turns.into();
    }
    Ok(Measured { figures, facts })
}

impl Build {
    fn program(&self, bench: &Bench) -> Result<PathBuf> {
        let words = [
            "--release",
            "--package",
            "bestshot-ranker",
            "--example",
            "measure",
        ];
        let mut command = bench.workspace.build_command(&words);
        if let Some(folder) = self.folder {
            let folder = bench.workspace.target().join(folder);
            command.arg("--target-dir").arg(folder);
            command.env("RUSTFLAGS", self.flags);
        }
        workspace::build_with(command, "measure")
    }
}

impl Size {
    /// The first frames of the clip at this size, uncompressed.
    fn make(&self, bench: &Bench, folder: &Path) -> Result<PathBuf> {
        let video = folder.join(format!("{}.y4m", self.name));
        let mut command = Command::new("ffmpeg");
        command
            .args(["-nostdin", "-v", "error", "-y", "-i"])
            .arg(bench.workspace.clips().join(clips::HD))
            .args(["-frames:v", &self.frames.to_string(), "-pix_fmt", "yuv420p"])
            .args([
                "-vf",
                &format!("scale={}:{}:flags=bicubic", self.width, self.height),
            ])
            .arg(&video);
        shell::run(&mut command)?;
        Ok(video)
    }

    fn figures(&self, ours: &Times, peer: &Times) -> Result<Vec<Figure>> {
        let instructions = ours.text("instructions")?;
        let micros = |name: &str, run, peers, what: &str| {
            let title = self.title(&format!("{}{what}", titled(name)), instructions);
            let figure = Figure::new(title, Unit::MICROSECONDS).ours(ours.median(run, name)?);
            Ok::<_, anyhow::Error>(figure.peer("OpenCV", peer.median(peers, name)?))
        };
        let mut figures = Vec::new();
        for name in NAMES {
            let figure = micros(name, "one_picture", "exact", "")?;
            figures.push(self.promised(name, figure));
        }
        for name in ROUNDED {
            figures.push(micros(name, "one_picture", "rounded", ", theirs in 8 bit")?);
        }
        let bytes = f64::from(self.width) * f64::from(self.height) * f64::from(self.frames);
        let rate = |run, name| Ok::<_, anyhow::Error>(bytes / 1e3 / ours.median(run, name)?);
        for name in ["brightness", "all"] {
            figures.push(micros(name, "in_turn", "in_turn", ", pictures in turn")?);
            let title = format!("{}, batch of {}", titled(name), self.frames);
            let two = Figure::new(self.title(&title, instructions), Unit::GIGABYTES_A_SECOND)
                .ours(rate("batch_two_threads", name)?)
                .peer("one thread", rate("batch_one_thread", name)?);
            figures.push(two);
        }
        Ok(figures)
    }

    fn title(&self, name: &str, instructions: &str) -> String {
        format!("{} {instructions} {name}", self.name)
    }

    fn promised(&self, name: &str, figure: Figure) -> Figure {
        if self.name != "1080p" {
            return figure;
        }
        let figure = match name {
            "brightness" => figure.at_most(BRIGHTNESS_MICROS),
            "all" => figure.at_most(ALL_MICROS),
            _ => figure,
        };
        figure.times_as_fast(TIMES_AS_FAST)
    }
}

fn titled(name: &str) -> &str {
    if name == "all" { "all with look" } else { name }
}

/// What one of them wrote in each of its turns.
#[derive(Clone, Default)]
struct Times {
    turns: Vec<Value>,
}

impl Times {
    fn add(&mut self, turn: Value) {
        self.turns.push(turn);
    }

    fn text(&self, field: &str) -> Result<&str> {
        let first = self.turns.first().and_then(|turn| turn[field].as_str());
        first.with_context(|| format!("no `{field}` was told"))
    }

    /// Microseconds, the median of the turns.
    fn median(&self, run: &str, name: &str) -> Result<f64> {
        let mut times = Vec::new();
        for turn in &self.turns {
            let time = turn[run][name].as_f64();
            times.push(time.with_context(|| format!("no time `{name}` in `{run}`"))?);
        }
        times.sort_unstable_by(f64::total_cmp);
        let middle = times.get(times.len() / 2).copied();
        middle.context("nothing was timed")
    }
}

fn read_from(command: &mut Command, input: &Path) -> Result<Value> {
    let output = shell::read_from(command, File::open(input)?)?;
    serde_json::from_slice(&output).context("the ranker's example wrote no JSON")
}

fn opencv(bench: &Bench, video: &Path) -> Result<Value> {
    let mut command = Command::new(bench.workspace.reference().join("bin/python"));
    command
        .arg(bench.workspace.root().join("tests/reference/timing.py"))
        .arg(video);
    let output = shell::read(&mut command)?;
    serde_json::from_slice(&output).context("timing.py wrote no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_turn_counts_and_an_absent_time_is_named() {
        let mut times = Times::default();
        for micros in [30.0, 10.0, 20.0] {
            times.add(json!({ "micros": { "all": micros } }));
        }
        assert!((times.median("micros", "all").unwrap() - 20.0).abs() < 1e-9);
        let error = times.median("micros", "motion").unwrap_err();
        assert!(error.to_string().contains("motion"), "{error}");
        assert!(Times::default().median("micros", "all").is_err());
    }

    #[test]
    fn promises_are_those_of_1080p() {
        let [hd, uhd] = SIZES;
        let figure = || {
            let figure = Figure::new("all", Unit::MICROSECONDS).ours(1300.0);
            figure.peer("OpenCV", 9000.0)
        };
        assert_eq!(hd.promised("all", figure()).json()["met"], false);
        assert_eq!(hd.promised("motion", figure()).json()["met"], true);
        assert_eq!(uhd.promised("all", figure()).json()["met"], Value::Null);
    }
}
