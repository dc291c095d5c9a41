//! The part `pictures`: what each resizing filter keeps of a picture, and takes for it.
//!
//! What lives here: real frames at typical ratios, and means over them. What does not:
//! the resizing (`crates/gallery/examples/filters.rs`), and the comparison with
//! reference resizes (`tests/reference/resizing.py`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::figure::{Figure, Unit};
use super::{Bench, Measured};
use crate::{clips, shell};

/// How much smaller a square thumbnail of 300 × 300 is than the frame it is cut from.
/// Frames of other sizes are resized in these ratios.
const RATIOS: [(&str, f64); 3] = [
    ("1080p to 300", 1080.0 / 300.0),
    ("4K to 300", 2160.0 / 300.0),
    ("360p to 300", 360.0 / 300.0),
];
/// Heights at which times are measured, and a thumbnail's side.
const TIMED: [(&str, u32); 3] = [
    ("1080p to 300", 1080),
    ("4K to 300", 2160),
    ("360p to 300", 360),
];
const SIDE: u32 = 300;
const FILTERS: [&str; 9] = [
    "Box",
    "Bilinear",
    "Hamming",
    "CatmullRom",
    "Mitchell",
    "Gaussian",
    "Lanczos3",
    "Lanczos3 in light",
    "thumbnail",
];
/// What `thumbnail` is compared with.
const PEER: &str = "OpenCV area";
/// Seconds into the recording of the frames that are taken from it.
const MOMENTS: [&str; 3] = ["2", "30", "70"];
/// So many of the recordings in `BESTSHOT_CLIPS`, by name.
const MORE: usize = 16;
/// A frame smaller than this has too little to be made smaller.
const LEAST_HEIGHT: u32 = 300;

/// One frame to be resized, and what came of it.
struct Job {
    ratio: &'static str,
    picture: PathBuf,
    side: u32,
    folder: PathBuf,
}

pub(super) fn measure(bench: &Bench) -> Result<Measured> {
    let folder = bench.folder("pictures")?;
    println!("Building the filters (release) …");
    let words = [
        "--release",
        "--package",
        "bestshot-gallery",
        "--example",
        "filters",
    ];
    let program = bench.workspace.build(&words, "filters")?;

    println!("Taking frames out of recordings …");
    let frames = frames(bench, &folder)?;
    let mut jobs = Vec::new();
    for (ratio, factor) in RATIOS {
        for (picture, side) in &frames {
            let side = shrunk(*side, factor);
            jobs.push(Job::new(&folder, jobs.len(), ratio, picture, side)?);
        }
    }
    println!(
        "Resizing {} frames by {} filters …",
        jobs.len(),
        FILTERS.len()
    );
    resize(&program, &jobs)?;
    let likeness = compare(bench, &jobs)?;

    println!("Timing …");
    let mut timed = Vec::new();
    for (ratio, height) in TIMED {
        let picture = folder.join(format!("{height}.ppm"));
        let clip = bench.workspace.clips().join(clips::HD);
        cut(&clip, "2", Some(height), &picture)?;
        timed.push(Job::new(
            &folder,
            jobs.len() + timed.len(),
            ratio,
            &picture,
            SIDE,
        )?);
    }
    let ours = resize(&program, &timed)?;
    let theirs = compare(bench, &timed)?;

    let mut figures = Vec::new();
    for filter in FILTERS {
        figures.extend(likeness_figures(filter, &jobs, &likeness)?);
    }
    for (job, (ours, theirs)) in timed.iter().zip(ours.iter().zip(&theirs)) {
        for filter in FILTERS {
            let (ours, peer) = (&ours[filter], &theirs[PEER]["micros"]);
            let name = format!("{}, {filter}", job.ratio);
            let figure = Figure::new(name, Unit::MICROSECONDS).ours(number(ours)?);
            figures.push(figure.peer(PEER, number(peer)?));
        }
    }
    let facts = json!({ "frames": frames.len(), "likeness": likeness, "opencv_times": theirs });
    Ok(Measured { figures, facts })
}

/// SSIM by ratio, and means over all, beside those of OpenCV's INTER_AREA.
fn likeness_figures(filter: &str, jobs: &[Job], likeness: &[Value]) -> Result<Vec<Figure>> {
    let mean = |ratio: Option<&str>, who: &str, reference: &str, what: &str| {
        let chosen = jobs.iter().zip(likeness);
        let chosen = chosen.filter(|(job, _)| ratio.is_none_or(|ratio| ratio == job.ratio));
        let values = chosen.map(|(_, found)| number(&found[who][reference][what]));
        let values = values.collect::<Result<Vec<f64>>>()?;
        Ok::<_, anyhow::Error>(values.iter().sum::<f64>() / f64::from(small(values.len())))
    };
    let figure = |name: String, unit, ratio, reference, what| {
        let ours = mean(ratio, filter, reference, what)?;
        let figure = Figure::new(name, unit).ours(ours);
        Ok::<_, anyhow::Error>(figure.peer(PEER, mean(ratio, PEER, reference, what)?))
    };
    let mut figures = Vec::new();
    for (ratio, _) in RATIOS {
        let name = format!("{filter}: SSIM to ideal, {ratio}");
        figures.push(figure(name, Unit::RATIO, Some(ratio), "ideal", "ssim")?);
    }
    for (reference, title) in [("area", "area mean"), ("light", "ideal in light")] {
        let name = format!("{filter}: SSIM to {title}");
        figures.push(figure(name, Unit::RATIO, None, reference, "ssim")?);
    }
    for (reference, title) in [("ideal", "ideal"), ("light", "ideal in light")] {
        let name = format!("{filter}: PSNR to {title}");
        figures.push(figure(name, Unit::DECIBELS, None, reference, "psnr")?);
    }
    Ok(figures)
}

impl Job {
    fn new(
        folder: &Path,
        number: usize,
        ratio: &'static str,
        picture: &Path,
        side: u32,
    ) -> Result<Self> {
        let folder = folder.join(format!("{number:03}"));
        fs::create_dir_all(&folder)?;
        Ok(Self {
            ratio,
            picture: picture.to_owned(),
            side,
            folder,
        })
    }
}

/// Has every job done by every filter; gives the times of each.
fn resize(program: &Path, jobs: &[Job]) -> Result<Vec<Value>> {
    let mut command = Command::new(program);
    for job in jobs {
        command
            .arg(&job.picture)
            .arg(job.side.to_string())
            .arg(&job.folder);
    }
    list(&shell::read(&mut command)?, jobs.len()).context("what the filters wrote")
}

/// How near the results are to the reference resizes, and OpenCV's own times.
fn compare(bench: &Bench, jobs: &[Job]) -> Result<Vec<Value>> {
    let mut command = Command::new(bench.workspace.reference().join("bin/python"));
    command
        .arg(bench.workspace.root().join("tests/reference/resizing.py"))
        .arg("filters");
    for job in jobs {
        command.arg(&job.picture).arg(&job.folder);
    }
    list(&shell::read(&mut command)?, jobs.len()).context("what resizing.py wrote")
}

fn list(output: &[u8], length: usize) -> Result<Vec<Value>> {
    let answers: Vec<Value> = serde_json::from_slice(output)?;
    if answers.len() != length {
        bail!("{} answers instead of {length}", answers.len());
    }
    Ok(answers)
}

/// Squares out of real recordings at their own size, and their sides.
fn frames(bench: &Bench, folder: &Path) -> Result<Vec<(PathBuf, u32)>> {
    let recording = bench.workspace.clips().join(clips::RECORDING);
    let mut wanted: Vec<(PathBuf, &str)> = MOMENTS.map(|at| (recording.clone(), at)).into();
    if let Some(more) = std::env::var_os("BESTSHOT_CLIPS").filter(|more| !more.is_empty()) {
        let entries = fs::read_dir(bench.workspace.root().join(more))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        wanted.extend(files.into_iter().take(MORE).map(|file| (file, "0.5")));
    }
    let mut frames = Vec::new();
    for (number, (file, at)) in wanted.iter().enumerate() {
        let picture = folder.join(format!("frame-{number:02}.ppm"));
        // Not everything in that folder is video, and some of it is broken on purpose.
        if let Ok(side) = cut(file, at, None, &picture)
            && side >= LEAST_HEIGHT
        {
            frames.push((picture, side));
        }
    }
    if frames.len() < MOMENTS.len() {
        bail!(
            "only {} frames could be taken out of recordings",
            frames.len()
        );
    }
    Ok(frames)
}

/// The middle square of the frame at this moment, resized to `height` if there is one;
/// gives its side.
fn cut(file: &Path, at: &str, height: Option<u32>, picture: &Path) -> Result<u32> {
    let scale = height.map_or(String::new(), |height| {
        format!("scale=-2:{height}:flags=bicubic,")
    });
    let filter = format!("{scale}crop=min(iw\\,ih):min(iw\\,ih),format=rgb24");
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "fatal", "-y", "-ss", at, "-i"])
        .arg(file)
        .args(["-frames:v", "1", "-vf", &filter])
        .arg(picture);
    shell::run(&mut command)?;
    let head = fs::read(picture)?;
    let mut fields = head.splitn(4, u8::is_ascii_whitespace).skip(1);
    let width = fields.next().context("ffmpeg wrote no picture")?;
    Ok(std::str::from_utf8(width)?.parse()?)
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().context("a number is missing")
}

fn small(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A side in this ratio, in whole pixels.
fn shrunk(side: u32, factor: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the side"
    )]
    let shrunk = (f64::from(side) / factor).round().max(1.0) as u32;
    shrunk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_in_the_ratio_of_frame_and_thumbnail() {
        assert_eq!(
            RATIOS.map(|(_, factor)| shrunk(576, factor)),
            [160, 80, 480]
        );
        assert_eq!(shrunk(1080, RATIOS[0].1), 300);
    }

    #[test]
    fn likeness_is_a_mean_over_the_frames_of_a_ratio() {
        let job = |ratio| Job {
            ratio,
            picture: PathBuf::new(),
            side: 1,
            folder: PathBuf::new(),
        };
        let jobs = RATIOS.map(|(ratio, _)| job(ratio));
        let all = |ssim: f64| json!({ "ssim": ssim, "psnr": 40.0 });
        let one = |ssim| json!({ "ideal": all(ssim), "area": all(ssim), "light": all(ssim) });
        let found = [0.9, 0.8, 0.7].map(|ssim| json!({ "Box": one(ssim), PEER: one(0.5) }));
        let figures = likeness_figures("Box", &jobs, &found).unwrap();
        let ours: Vec<f64> = figures
            .iter()
            .filter_map(|figure| figure.json()["ours"].as_f64())
            .collect();
        let expected = [0.9, 0.8, 0.7, 0.8, 0.8, 40.0, 40.0];
        assert!(
            ours.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9),
            "{ours:?}"
        );
    }

    #[test]
    fn an_answer_too_few_is_an_error() {
        assert!(list(b"[{}]", 2).is_err());
        assert_eq!(list(b"[{}, {}]", 2).unwrap().len(), 2);
    }
}
