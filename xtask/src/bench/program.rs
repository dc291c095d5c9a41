//! Parts whose figures come from a measuring program of the crate `tests`.
//!
//! What lives here: building such a program, running it beside the optimised
//! product with the environment of the tests, and reading what it found. What does
//! not: what it measures, which it says itself.
//!
//! A measuring program ends its standard output with one JSON document,
//! `{"figures": [{"name": …, "unit": …, "ours": …}, …]}` (`Figure::from_json` names
//! all fields). Whatever it writes before that is told by what it stands on.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::figure::Figure;
use super::{Bench, Measured};
use crate::{shell, test};

const PACKAGE: &str = "bestshot-tests";

/// Builds the program `name`, optimised, and runs it.
pub(super) fn measure(bench: &Bench, name: &str) -> Result<Measured> {
    let bestshot = bench.release()?;
    println!("Building {name} (release) …");
    let words = ["--release", "--package", PACKAGE, "--bin", name];
    let program = bench.workspace.build(&words, name).with_context(|| {
        format!("the measuring program `{name}` of the package {PACKAGE} could not be built")
    })?;
    println!("Running {name} …");
    let mut command = Command::new(program);
    test::environment(&mut command, &bench.workspace, bestshot);
    let output = shell::read(command.current_dir(bench.workspace.root()))?;
    let figures = parse(&output).with_context(|| format!("what `{name}` wrote"))?;
    Ok(Measured {
        figures,
        facts: json!({}),
    })
}

/// The figures in a program's document.
pub(super) fn parse(output: &[u8]) -> Result<Vec<Figure>> {
    let text = String::from_utf8_lossy(output);
    let document = &text[text.rfind("{\"figures\"").unwrap_or(0)..];
    let document: Value = serde_json::from_str(document).context("it is no JSON document")?;
    let figures = document["figures"]
        .as_array()
        .context("it has no list `figures`")?;
    figures.iter().map(Figure::from_json).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_program_are_read_in_their_order() {
        let output = br#"a session was stopped in 0.1 s
            {"figures": [
            {"name": "stall seen", "unit": "s", "ours": 9.5, "at_most": 10},
            {"name": "good frames given away", "unit": "%", "ours": 1.5}
        ]}"#;
        let figures = parse(output).unwrap();
        assert_eq!(figures.len(), 2);
        assert_eq!(figures[0].json()["met"], true);
        assert_eq!(figures[1].json()["name"], "good frames given away");
    }

    #[test]
    fn anything_else_is_an_error_that_says_what_is_missing() {
        let error = |output: &str| format!("{:#}", parse(output.as_bytes()).unwrap_err());
        assert!(error("frames: 12").contains("no JSON"));
        assert!(error("{}").contains("`figures`"));
        assert!(error(r#"{"figures": [{"name": "a"}]}"#).contains("no unit"));
    }
}
