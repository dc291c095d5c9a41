//! `cargo xtask bench`: every number that the product promises, measured beside
//! its peer in one run.
//!
//! What lives here: the list of parts, the course of a run, and the document that
//! it leaves. What does not: the measurements, which are in `bench/`, one file a
//! part, or in measuring programs of the crate `tests` (`bench/program.rs`).

mod figure;
mod file;
mod latency;
mod load;
mod memory;
mod pictures;
mod program;
mod scores;
mod service;
mod table;

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use self::figure::Figure;
use crate::arguments::{Arguments, UsageError};
use crate::setup::{self, Install, Purpose};
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask bench [PART…] [--seconds N] [--starts N] [--no-install]

Measures the optimised product beside its peers and prints each figure with the
peer's, their ratio and what is promised. A promise that is not kept is marked
`missed`; the command succeeds all the same. Without PART all parts run, one after
the other. Let the machine do nothing else meanwhile.

Parts:
  service   The service beside ffmpeg on one camera: 1080p at 25 frames a second,
            H.264, about 4.7 Mb/s, over TCP on loopback, from the clip's first frame.
  file      A recording of 60 s, 1080p, H.264, read from the disk by `bestshot grab`,
            beside `ffmpeg -i FILE -f null -`, which decodes it with as many threads
            as it likes, and with one.
  scores    Every characteristic of one picture, 1080p and 4K, on one thread, beside
            what OpenCV and NumPy need for the same number, and for one that is a
            little off; with and without the instructions of AVX-512; pictures in
            turn, which lie in no near cache; a batch on one thread and on two.
  pictures  What each resizing filter keeps of real frames, as SSIM and PSNR to
            reference resizes, and takes for one, beside OpenCV's INTER_AREA. The
            ratio is ours to theirs. With BESTSHOT_CLIPS, frames of its recordings too.
  reader    How soon faults of a camera are seen, told and overcome.
  page      What the page costs the browser that shows it.

What `service` measures:
  processor time  User and system time of the service and its worker, from before
                  /start until the answer of /stop, and of
                  `ffmpeg -threads 1 -rtsp_transport tcp -i URL -f null -`, which
                  reads the same camera at the same time. Once by brightness; once
                  by a sum of all eight characteristics, with `distinct`.
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

The figures of all parts are also written to bench.json in cargo's target directory.

Options:
  --seconds N   service: how long both read the stream for processor time and
                memory (60).
  --starts N    service: how often a session is started and stopped for the other
                two (20).
  --no-install  Neither looks for packages nor installs any.";

/// One word after `cargo xtask bench`.
struct Part {
    name: &'static str,
    /// What it needs on this machine.
    purpose: Purpose,
    how: How,
}

enum How {
    /// Measured here.
    Here(fn(&Bench) -> Result<Measured>),
    /// Measured by this program of the crate `tests`.
    Program(&'static str),
}

const PARTS: &[Part] = &[
    Part {
        name: "service",
        purpose: Purpose::Bench,
        how: How::Here(service::measure),
    },
    Part {
        name: "file",
        purpose: Purpose::Bench,
        how: How::Here(file::measure),
    },
    Part {
        name: "scores",
        purpose: Purpose::Bench,
        how: How::Here(scores::measure),
    },
    Part {
        name: "pictures",
        purpose: Purpose::Bench,
        how: How::Here(pictures::measure),
    },
    Part {
        name: "reader",
        purpose: Purpose::Test,
        how: How::Program("reader-figures"),
    },
    Part {
        name: "page",
        purpose: Purpose::Test,
        how: How::Program("page-figures"),
    },
];

/// What the parts measure, and how long.
struct Bench {
    workspace: Workspace,
    seconds: u32,
    starts: u32,
    release: OnceCell<PathBuf>,
}

/// What a part found.
struct Measured {
    figures: Vec<Figure>,
    /// What else belongs beside the figures in bench.json: an object.
    facts: Value,
}

impl Bench {
    /// The optimised program, built when it is first asked for.
    fn release(&self) -> Result<&Path> {
        if let Some(program) = self.release.get() {
            return Ok(program);
        }
        let program = self.workspace.build_release()?;
        Ok(self.release.get_or_init(|| program))
    }

    /// An empty folder for a part's own files.
    fn folder(&self, part: &str) -> Result<PathBuf> {
        let folder = self.workspace.target().join("bench").join(part);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    let seconds = arguments.value("--seconds")?.unwrap_or(60);
    let starts = arguments.value("--starts")?.unwrap_or(20);
    let install = Install::take(&mut arguments);
    let parts = chosen(&arguments.free_words()?)?;
    if !(5..=3600).contains(&seconds) || !(1..=1000).contains(&starts) {
        let limits = "--seconds lies between 5 and 3600, --starts between 1 and 1000";
        return Err(UsageError::new(limits).into());
    }

    let bench = Bench {
        workspace: Workspace::find()?,
        seconds,
        starts,
        release: OnceCell::new(),
    };
    let mut measured = Map::new();
    let mut failed = Vec::new();
    for part in parts {
        println!("\n== {} ==", part.name);
        match part.run(&bench, install) {
            Ok(document) => drop(measured.insert(part.name.to_owned(), document)),
            Err(error) => {
                // The others are worth their time all the same.
                eprintln!("xtask: the part {} failed: {error:#}", part.name);
                failed.push(part.name);
            }
        }
    }
    let path = bench.workspace.target().join("bench.json");
    let document = json!({
        "machine": machine(),
        "ffmpeg": first_line(Command::new("ffmpeg").arg("-version")),
        "parts": measured,
    });
    fs::write(&path, format!("{document:#}\n"))?;
    println!("The figures are also in {}.", path.display());
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join(", "));
    }
    Ok(())
}

impl Part {
    /// Prints the part's table and gives its piece of bench.json.
    fn run(&self, bench: &Bench, install: Install) -> Result<Value> {
        setup::prepare(&bench.workspace, install, self.purpose)?;
        let Measured { figures, mut facts } = match self.how {
            How::Here(measure) => measure(bench)?,
            How::Program(name) => program::measure(bench, name)?,
        };
        println!("\n{}", table::table(&figures));
        facts["figures"] = figures.iter().map(Figure::json).collect();
        Ok(facts)
    }
}

/// The parts of these names in the order of the list; all where none is named.
fn chosen(names: &[String]) -> Result<Vec<&'static Part>, UsageError> {
    let unknown = |name: &&String| PARTS.iter().all(|part| part.name != **name);
    if let Some(name) = names.iter().find(unknown) {
        let known: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        let known = known.join(", ");
        return Err(UsageError::new(format!(
            "there is no part {name:?}; there are {known}"
        )));
    }
    let wanted = |part: &&Part| names.is_empty() || names.iter().any(|name| name == part.name);
    Ok(PARTS.iter().filter(wanted).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<&'static str> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let parts = chosen(&words).unwrap();
        parts.iter().map(|part| part.name).collect()
    }

    #[test]
    fn without_a_name_all_parts_run_and_otherwise_those_that_are_named() {
        assert_eq!(names(&[]).len(), PARTS.len());
        assert_eq!(names(&["page", "service"]), ["service", "page"]);
    }

    #[test]
    fn a_part_that_does_not_exist_is_a_usage_error_that_names_those_that_do() {
        let error = chosen(&["sercive".to_owned()]).err().unwrap();
        assert!(error.to_string().contains("service"), "{error}");
    }

    #[test]
    fn the_help_tells_of_every_part() {
        for part in PARTS {
            assert!(
                HELP.contains(&format!("\n  {} ", part.name)),
                "{}",
                part.name
            );
        }
    }
}
