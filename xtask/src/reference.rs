//! What `tests/reference/scores.py` computes with: OpenCV, SciPy and NumPy from
//! PyPI, in pinned versions, in a virtual environment in cargo's target directory.
//!
//! What lives here: having it. What does not: Debian's packages (`packages`), and
//! running the script, which tests and benchmarks do.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell;
use crate::workspace::Workspace;

/// Debian's own, whose version the pinned packages have wheels for.
const PYTHON: &str = "/usr/bin/python3";
const REQUIREMENTS: &str = "tests/reference/requirements.txt";

/// Makes sure that the environment is there, and fetches only what is not.
pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    let directory = workspace.reference();
    let file = workspace.root().join(REQUIREMENTS);
    let wanted =
        fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let stamp = directory.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!(
        "Fetching OpenCV, SciPy and NumPy from PyPI (110 MB); needed to compute the scores \
         independently …"
    );
    let mut make = Command::new(PYTHON);
    make.args(["-m", "venv", "--clear"]).arg(&directory);
    shell::run(&mut make)?;
    let mut install = Command::new(directory.join("bin/pip"));
    install
        .args([
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
        ])
        .args(["--only-binary", ":all:", "--requirement"])
        .arg(&file);
    shell::run(&mut install)?;
    fs::write(stamp, wanted)?;
    Ok(())
}
