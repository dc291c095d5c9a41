//! `cargo xtask fuzz`: searches for inputs that break our own parsers.
//!
//! What lives here: finding the targets, the tool and a compiler for them, and
//! running one after the other. What does not: the targets (`fuzz/`), and what
//! they promise (a file `fuzzing.rs` in the crate of each).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::arguments::{Arguments, UsageError};
use crate::setup::{self, Install, Purpose};
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask fuzz [--seconds N] [--no-install] [TARGET…]

Feeds the parsers of addresses, start options, worker messages and log lines with
inputs that a fuzzer (libFuzzer) makes up, and fails where one of them panics,
shows a password, takes too much memory or takes longer than ten seconds. The
targets are the files in fuzz/fuzz_targets; without a TARGET each has its turn.

It begins with the inputs in fuzz/corpus, which are committed, and with those that
earlier runs found, in the folder `fuzz-found` of cargo's target directory. An
input that breaks a promise is written to fuzz/artifacts; fuzz/README.md says what
to do with it.

The program cargo-fuzz is needed. The version that this command was written for is
built from crates.io into the folder `tools` of cargo's target directory, unless
it is there; nothing outside of that directory changes. Where rustup has a
nightly toolchain, the targets are built with it and AddressSanitizer watches
memory; no toolchain is installed for that. Otherwise they are built with the
usual stable one, and without a sanitizer.

Options:
  --seconds N   How long each target has, 60 by default. A release gets 300.
  --no-install  Neither looks for Debian packages nor installs any.";

/// Of cargo-fuzz; its options have changed between versions.
const VERSION: &str = "0.13.2";

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    let seconds = arguments.value("--seconds")?.unwrap_or(60_u32);
    let install = Install::take(&mut arguments);
    let words = arguments.free_words()?;
    let workspace = Workspace::find()?;
    let targets = chosen(words, targets(workspace.root())?)?;
    setup::prepare(&workspace, install, Purpose::Fuzz)?;
    let fuzzer = Fuzzer {
        tool: tool(&workspace)?,
        nightly: nightly(),
        workspace,
    };
    fuzzer.announce();
    shell::run(&mut fuzzer.command("build"))?;
    let time = Duration::from_secs(seconds.into());
    let mut broken = Vec::new();
    for target in targets {
        if let Err(error) = fuzzer.run(&target, time) {
            println!("{target}: {error:#}");
            broken.push(target);
        }
    }
    if !broken.is_empty() {
        bail!(
            "there are findings in {}: see fuzz/artifacts and fuzz/README.md",
            broken.join(", ")
        );
    }
    println!("No finding; each target had {seconds} s.");
    Ok(())
}

/// The targets by name: the files in `fuzz/fuzz_targets`.
fn targets(root: &Path) -> Result<Vec<String>> {
    let directory = root.join("fuzz/fuzz_targets");
    let files = fs::read_dir(&directory)
        .with_context(|| format!("{} cannot be read", directory.display()))?;
    let mut names: Vec<String> = files
        .flatten()
        .filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Those that were asked for, or all.
fn chosen(asked: Vec<String>, all: Vec<String>) -> Result<Vec<String>, UsageError> {
    if let Some(unknown) = asked.iter().find(|name| !all.contains(name)) {
        let problem = format!("there is no target {unknown:?}, only {}", all.join(", "));
        return Err(UsageError::new(problem));
    }
    Ok(if asked.is_empty() { all } else { asked })
}

/// cargo-fuzz in the right version, built where it is not there.
fn tool(workspace: &Workspace) -> Result<PathBuf> {
    let place = workspace.target().join("tools");
    let program = place.join("bin/cargo-fuzz");
    let is_there = program.is_file()
        && shell::read(Command::new(&program).arg("--version"))
            .is_ok_and(|text| text == format!("cargo-fuzz {VERSION}\n").as_bytes());
    if !is_there {
        println!(
            "Building cargo-fuzz {VERSION} from crates.io into {} …",
            place.display()
        );
        let version = format!("={VERSION}");
        let words = ["install", "cargo-fuzz", "--version", &version, "--locked"];
        // Its own target directory, so that its profile and ours do not mix.
        let build = workspace.target().join("tools/build");
        let mut command = workspace.cargo(&words);
        command
            .args(["--force", "--quiet"])
            .arg("--root")
            .arg(&place);
        shell::run(command.arg("--target-dir").arg(&build))?;
        fs::remove_dir_all(&build)?;
    }
    Ok(program)
}

/// The name of rustup's nightly toolchain, if there is one.
fn nightly() -> Option<String> {
    let list = shell::exists("rustup")
        .then(|| shell::read(Command::new("rustup").args(["toolchain", "list"])))?
        .ok()?;
    first_nightly(&String::from_utf8_lossy(&list)).map(str::to_owned)
}

/// A line of `rustup toolchain list` is a name and perhaps `(active, default)`.
fn first_nightly(list: &str) -> Option<&str> {
    list.lines()
        .filter_map(|line| line.split_whitespace().next())
        .find(|name| name.starts_with("nightly"))
}

/// cargo-fuzz, and what it is to compile with.
struct Fuzzer {
    tool: PathBuf,
    nightly: Option<String>,
    workspace: Workspace,
}

impl Fuzzer {
    fn announce(&self) {
        match &self.nightly {
            Some(name) => println!("Building the targets with {name} and AddressSanitizer …"),
            None => println!(
                "Building the targets with the stable toolchain, without a sanitizer, because \
                 rustup has no nightly …"
            ),
        }
    }

    /// `cargo fuzz WORD` with the options that all of its words share.
    fn command(&self, word: &str) -> Command {
        let (mut command, sanitizer) = match &self.nightly {
            Some(name) => {
                let mut command = Command::new("rustup");
                command.args(["run", name]).arg(&self.tool);
                (command, "address")
            }
            // Coverage is what the fuzzer steers by, and stable has the flags for it.
            None => (Command::new(&self.tool), "none"),
        };
        command
            .current_dir(self.workspace.root())
            .args([word, "--sanitizer", sanitizer, "--target-dir"])
            .arg(self.workspace.target().join("fuzz"));
        command
    }

    /// Lets one target run for this long.
    fn run(&self, target: &str, time: Duration) -> Result<()> {
        println!("\n{target}, {} s:", time.as_secs());
        let found = self.workspace.target().join("fuzz-found").join(target);
        fs::create_dir_all(&found)?;
        let mut command = self.command("run");
        // The fuzzer writes what it finds of interest into the first of the two.
        command
            .arg(target)
            .arg(&found)
            .arg(corpus(self.workspace.root(), target))
            .arg("--")
            .arg(format!("-max_total_time={}", time.as_secs()))
            .args(["-timeout=10", "-print_final_stats=1"]);
        shell::run(&mut command)
    }
}

/// Where a target's committed inputs lie.
fn corpus(root: &Path, target: &str) -> PathBuf {
    root.join("fuzz/corpus").join(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_declared_and_has_a_corpus() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
        let targets = targets(&root).unwrap();
        assert!(!targets.is_empty());
        for target in &targets {
            let path = format!("name = \"{target}\"\npath = \"fuzz_targets/{target}.rs\"\n");
            assert!(manifest.contains(&path), "{target}");
            let files = fs::read_dir(corpus(&root, target)).unwrap();
            assert!(files.count() > 0, "{target}");
        }
        let corpora = fs::read_dir(root.join("fuzz/corpus")).unwrap();
        assert_eq!(corpora.count(), targets.len());
    }

    #[test]
    fn only_targets_that_there_are_can_be_asked_for() {
        let all = || vec!["log".to_owned(), "url".to_owned()];
        assert_eq!(chosen(vec![], all()).unwrap(), all());
        assert_eq!(chosen(vec!["url".to_owned()], all()).unwrap(), ["url"]);
        let error = chosen(vec!["nothing".to_owned()], all()).unwrap_err();
        assert!(error.to_string().contains("only log, url"));
    }

    #[test]
    fn a_nightly_toolchain_is_found_in_rustups_list() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\n\
                    nightly-2026-05-20-x86_64-unknown-linux-gnu\n";
        assert_eq!(
            first_nightly(list),
            Some("nightly-2026-05-20-x86_64-unknown-linux-gnu")
        );
        assert_eq!(first_nightly("stable-x86_64-unknown-linux-gnu\n"), None);
    }
}
