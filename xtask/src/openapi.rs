//! `cargo xtask openapi`: the committed document is the one the program gives.
//!
//! What lives here: writing and comparing. What does not: the document, which
//! `bestshot openapi` makes from the code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::arguments::Arguments;
use crate::setup::{self, Install, Purpose};
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask openapi [--check] [--no-install]

Writes the OpenAPI document of the service to openapi/openapi.json, as
`bestshot openapi` prints it. Commit the file together with the change of the
code that changed it.

Options:
  --check       Writes nothing, and fails where the file is not what the program
                prints, naming the first line that differs.
  --no-install  Neither looks for packages nor installs any.";

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    let only_check = arguments.flag("--check");
    let install = Install::take(&mut arguments);
    arguments.finish()?;
    let workspace = Workspace::find()?;
    setup::prepare(&workspace, install, Purpose::Build)?;
    let bestshot = workspace.build_debug()?;
    if only_check {
        return check(&workspace, &bestshot);
    }
    let path = file(&workspace);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&path, document(&bestshot)?)?;
    println!("{} is written.", path.display());
    Ok(())
}

/// Fails where the committed document is not the one `bestshot` prints.
pub(crate) fn check(workspace: &Workspace, bestshot: &Path) -> Result<()> {
    let path = file(workspace);
    let committed = fs::read_to_string(&path).unwrap_or_default();
    if let Some(difference) = difference(&committed, &document(bestshot)?) {
        bail!(
            "{} is not what the program prints. {difference}\n\
             `cargo xtask openapi` writes it anew; `git diff openapi` then shows the whole change.",
            path.display()
        );
    }
    println!("openapi/openapi.json is what the program prints.");
    Ok(())
}

fn file(workspace: &Workspace) -> PathBuf {
    workspace.root().join("openapi/openapi.json")
}

/// The document as it is committed: indented, with a newline at its end.
fn document(bestshot: &Path) -> Result<String> {
    let printed = shell::read(Command::new(bestshot).arg("openapi"))?;
    let printed = String::from_utf8(printed).context("the document is not UTF-8")?;
    serde_json::from_str::<Value>(&printed).context("the document is not JSON")?;
    // The text is kept as it is: parsing and printing would sort its keys.
    Ok(format!("{}\n", printed.trim_end()))
}

/// The first line in which two texts differ, in words.
fn difference(committed: &str, printed: &str) -> Option<String> {
    if committed == printed {
        return None;
    }
    let mut lines = (1..).zip(committed.lines().zip(printed.lines()));
    let text = match lines.find(|(_, (old, new))| old != new) {
        Some((number, (old, new))) => {
            format!(
                "Line {number} first differs:\n- {}\n+ {}",
                old.trim(),
                new.trim()
            )
        }
        None if committed.is_empty() => "It is absent or empty.".to_owned(),
        None => format!(
            "It has {} lines, the program prints {}, and the ends differ.",
            committed.lines().count(),
            printed.lines().count()
        ),
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_shown() {
        let text = difference("{\n  \"a\": 1\n}\n", "{\n  \"a\": 2\n}\n").unwrap();
        assert_eq!(text, "Line 2 first differs:\n- \"a\": 1\n+ \"a\": 2");
    }

    #[test]
    fn equal_documents_do_not_differ_and_a_missing_newline_does() {
        assert_eq!(difference("a\n", "a\n"), None);
        assert!(difference("a", "a\n").is_some());
        assert!(difference("", "a\n").unwrap().contains("absent"));
    }
}
