//! `cargo xtask test`: every test, with what the tests need.
//!
//! What lives here: the environment of the tests, running them, the summary.
//! What does not: the tests.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::arguments::Arguments;
use crate::clients;
use crate::openapi;
use crate::setup::{self, Install, Purpose};
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask test [--nightly] [--no-install] [FILTER…]

Makes the machine ready (see `setup --help`), builds bestshot, and runs every
test of the workspace: unit tests, doc tests, the real program against real RTSP
cameras, and the pages in a headless browser. At last the committed OpenAPI
document is compared with the program's, and clients are generated from it and
tried (see `clients --help`).

With one or more FILTERs only the tests whose names contain one of them are run,
and neither document nor clients are looked at.

Options:
  --nightly     Also runs the tests that take minutes.
  --no-install  Neither looks for packages nor installs any.

Environment:
  BESTSHOT_CLIPS     A folder of more recordings. Tests sweep over them only
                     where it is set.
  BESTSHOT_CAPTURES  A folder of recorded answers of real cameras, likewise.

The tests themselves are given BESTSHOT_BIN, the program, BESTSHOT_TEST_CLIPS and
BESTSHOT_TEST_SERVERS and BESTSHOT_TEST_TOOLS, the folders of the clips, servers
and tools that set-up made, BESTSHOT_TEST_REFERENCE, the Python that computes
scores independently, and BESTSHOT_NIGHTLY=1 for --nightly.";

/// What a sweep needs, and what it goes over.
const SWEEPS: &[(&str, &str)] = &[
    ("BESTSHOT_CLIPS", "more recordings"),
    ("BESTSHOT_CAPTURES", "recorded answers of real cameras"),
];

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    let nightly = arguments.flag("--nightly");
    let install = Install::take(&mut arguments);
    let filters = arguments.free_words()?;

    let workspace = Workspace::find()?;
    setup::prepare(&workspace, install, Purpose::Test)?;
    let bestshot = workspace.build_debug()?;

    let mut command = workspace.cargo(&["test", "--workspace", "--no-fail-fast", "--"]);
    environment(&mut command, &workspace, &bestshot);
    command
        .args(&filters)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if nightly {
        command.env("BESTSHOT_NIGHTLY", "1");
    }
    let mut child = command.spawn().context("cargo could not be started")?;
    let stdout = child.stdout.take().context("cargo gave no output")?;
    let counts = pass_on(BufReader::new(stdout), &mut std::io::stdout())?;
    let status = child.wait()?;

    let document = if filters.is_empty() {
        openapi::check(&workspace, &bestshot).and_then(|()| clients::check(&workspace, &bestshot))
    } else {
        Ok(())
    };
    println!("\n{}", counts.summary(nightly));
    for (variable, what) in SWEEPS {
        if std::env::var_os(variable).is_none() {
            println!("Not run: the sweep over {what}, because {variable} is not set.");
        }
    }
    document?;
    if !status.success() {
        bail!("not every test passed");
    }
    Ok(())
}

/// Tells a program of the crate `tests` where the product and its tools are.
pub(crate) fn environment(command: &mut Command, workspace: &Workspace, bestshot: &Path) {
    command
        .env("BESTSHOT_BIN", bestshot)
        .env("BESTSHOT_TEST_CLIPS", workspace.clips())
        .env("BESTSHOT_TEST_SERVERS", workspace.servers())
        .env("BESTSHOT_TEST_REFERENCE", workspace.reference())
        .env("BESTSHOT_TEST_TOOLS", workspace.tools())
        .env_remove("BESTSHOT_NIGHTLY");
}

/// What the test programs said about their tests, added up.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    programs: u32,
    passed: u32,
    failed: u32,
    ignored: u32,
}

impl Counts {
    /// Adds a line such as `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some((_, numbers)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        self.programs += 1;
        for part in numbers.split("; ") {
            let Some((number, word)) = part.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    fn summary(&self, nightly: bool) -> String {
        format!(
            "{} tests passed, {} failed and {} were ignored in {} programs; the tests that take \
             minutes were {}.",
            self.passed,
            self.failed,
            self.ignored,
            self.programs,
            if nightly {
                "among them"
            } else {
                "left out (--nightly)"
            }
        )
    }
}

/// Writes what it reads as it comes, and counts the results in it.
fn pass_on(mut output: impl BufRead, ours: &mut impl Write) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut line = Vec::new();
    loop {
        // A test's name is written before it runs: half lines are shown too.
        let bytes = output.fill_buf()?.to_vec();
        if bytes.is_empty() {
            return Ok(counts);
        }
        output.consume(bytes.len());
        ours.write_all(&bytes)?;
        ours.flush()?;
        for byte in bytes {
            if byte == b'\n' {
                counts.add(&String::from_utf8_lossy(&line));
                line.clear();
            } else {
                line.push(byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_programs_are_added_up() {
        let output = "running 2 tests\ntest a ... ok\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\n\
            test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1s\n";
        let mut shown = Vec::new();
        let counts = pass_on(output.as_bytes(), &mut shown).unwrap();
        assert_eq!(shown, output.as_bytes());
        let expected = Counts {
            programs: 2,
            passed: 5,
            failed: 4,
            ignored: 1,
        };
        assert_eq!(counts, expected);
    }

    #[test]
    fn the_summary_says_what_was_left_out() {
        let counts = Counts {
            programs: 3,
            passed: 40,
            failed: 0,
            ignored: 0,
        };
        assert!(
            counts
                .summary(false)
                .starts_with("40 tests passed, 0 failed")
        );
        assert!(counts.summary(false).contains("left out"));
        assert!(counts.summary(true).contains("among them"));
    }
}
