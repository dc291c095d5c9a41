//! What comes from npm: in the versions of a lock file, into cargo's target
//! directory, never part of the repository.
//!
//! What lives here: fetching it once, and what the browser tests need of it. What
//! does not: servers (`servers`), which fetch by this.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell;
use crate::workspace::Workspace;

/// What checks the pages for accessibility.
const AXE: &str = "axe";
const AXE_FILES: &str = "tests/axe";

/// Makes sure that what the browser tests load into pages is there.
pub(crate) fn ensure_axe(workspace: &Workspace) -> Result<()> {
    fetch(
        &workspace.root().join(AXE_FILES),
        &workspace.tools().join(AXE),
        "axe-core from npm (3 MB); needed to check the pages for accessibility",
    )
}

/// Installs what the lock file in `files` pins into `directory`, unless it is there.
/// `what` completes the sentence "Fetching …".
pub(crate) fn fetch(files: &Path, directory: &Path, what: &str) -> Result<()> {
    let stamped = directory.join("installed.json");
    let lock = fs::read_to_string(files.join("package-lock.json"))
        .with_context(|| format!("{} holds no lock file", files.display()))?;
    if holds(&stamped, &lock) {
        return Ok(());
    }
    if !shell::exists("npm") {
        bail!("npm is not installed; the tests need Node.js with npm for {what}");
    }
    println!("Fetching {what} …");
    fs::create_dir_all(directory)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(files.join(name), directory.join(name))?;
    }
    let words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    let mut npm = Command::new("npm");
    shell::run(npm.args(words).current_dir(directory))?;
    fs::write(stamped, lock)?;
    Ok(())
}

/// Whether the file says just this: what it stands for was made of the same.
pub(crate) fn holds(stamped: &Path, stamp: &str) -> bool {
    fs::read_to_string(stamped).is_ok_and(|text| text == stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_of_something_else_is_made_anew() {
        let file = std::env::temp_dir().join(format!("xtask-npm-{}", std::process::id()));
        assert!(!holds(&file, "one"));
        fs::write(&file, "one").unwrap();
        assert!(holds(&file, "one"));
        assert!(!holds(&file, "two"));
        fs::remove_file(&file).unwrap();
    }

    #[test]
    fn the_lock_file_pins_axe_and_its_checksum() {
        let files = Workspace::find().unwrap().root().join(AXE_FILES);
        let lock = fs::read(files.join("package-lock.json")).unwrap();
        let lock: serde_json::Value = serde_json::from_slice(&lock).unwrap();
        let axe = &lock["packages"]["node_modules/axe-core"];
        assert_eq!(axe["version"], "4.14.1");
        assert!(axe["integrity"].as_str().is_some_and(|sum| sum.len() > 40));
    }
}
