//! `cargo xtask screenshots`: pictures of every step on the pages, and the README's.
//!
//! What lives here: building, running, and making the README's pictures small. What
//! does not: the way through the pages, which is `tests/src/bin/screenshots.rs`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::arguments::Arguments;
use crate::setup::{self, Install, Purpose};
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask screenshots [--readme] [--no-install]

Drives the real service with cameras of recorded video through each flow of its
pages, in a headless Chromium as wide as a desktop and as a phone, light and dark,
and writes a picture of each step to `screenshots` in cargo's target directory.

Options:
  --readme      Also replaces docs/live-page.png and docs/stop-page.png, the
                pictures in the README, by the new ones, in 256 colours.
  --no-install  Neither looks for packages nor installs any.";

/// Pictures of the README: as they are taken, and as they are kept.
const README: [(&str, &str); 2] = [
    ("readme-live.png", "docs/live-page.png"),
    ("readme-stop.png", "docs/stop-page.png"),
];

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    let readme = arguments.flag("--readme");
    let install = Install::take(&mut arguments);
    arguments.finish()?;

    let workspace = Workspace::find()?;
    setup::prepare(&workspace, install, Purpose::Screenshots)?;
    let bestshot = workspace.build_debug()?;
    let visitor = workspace.build_tool("screenshots")?;
    let mut visit = Command::new(visitor);
    visit
        .env("BESTSHOT_BIN", &bestshot)
        .env("BESTSHOT_TEST_CLIPS", workspace.clips());
    shell::run(&mut visit)?;

    let taken = workspace.target().join("screenshots");
    if readme {
        for (from, to) in README {
            reduce(&taken.join(from), &workspace.root().join(to))?;
        }
    }
    println!("The pictures are in {}.", taken.display());
    Ok(())
}

/// Writes a picture in the 256 colours that fit it best, a third of its size.
fn reduce(from: &Path, to: &Path) -> Result<()> {
    let colours = "split[a][b];[a]palettegen=max_colors=256:stats_mode=full[p];[b][p]paletteuse";
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-i"]).arg(from);
    command.args(["-vf", colours]).arg(to);
    shell::run(&mut command)
}
