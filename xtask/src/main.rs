//! `cargo xtask`: everything a developer does with this repository beyond
//! plain cargo.
//!
//! What lives here: the list of commands, their help, and exit codes. What does
//! not: the product. xtask depends on none of its crates, so that it builds on
//! a machine that has only Rust and a C compiler, and installs the rest.

mod arguments;
mod bench;
mod camera;
mod clients;
mod clips;
mod demo;
mod fuzz;
mod npm;
mod openapi;
mod packages;
mod proc;
mod reference;
mod screenshots;
mod servers;
mod service;
mod setup;
mod shell;
mod system;
mod test;
mod tied;
mod workspace;

use std::process::ExitCode;

use crate::arguments::{Arguments, UsageError};

/// One word after `cargo xtask`.
struct Command {
    name: &'static str,
    summary: &'static str,
    help: &'static str,
    run: fn(Arguments) -> anyhow::Result<()>,
}

impl Command {
    /// Its line in the overview.
    fn line(&self) -> String {
        format!("  {:<11} {}\n", self.name, self.summary)
    }
}

const COMMANDS: &[Command] = &[
    Command {
        name: "setup",
        summary: "Installs what is missing and makes the clips.",
        help: setup::HELP,
        run: setup::run,
    },
    Command {
        name: "demo",
        summary: "Shows the whole product on a camera of recorded video.",
        help: demo::HELP,
        run: demo::run,
    },
    Command {
        name: "test",
        summary: "Runs every test of the workspace.",
        help: test::HELP,
        run: test::run,
    },
    Command {
        name: "openapi",
        summary: "Writes the OpenAPI document, or checks it.",
        help: openapi::HELP,
        run: openapi::run,
    },
    Command {
        name: "clients",
        summary: "Generates clients and goes through a session with each.",
        help: clients::HELP,
        run: clients::run,
    },
    Command {
        name: "bench",
        summary: "Measures what is promised, beside other programs.",
        help: bench::HELP,
        run: bench::run,
    },
    Command {
        name: "screenshots",
        summary: "Takes a picture of every step on the pages.",
        help: screenshots::HELP,
        run: screenshots::run,
    },
    Command {
        name: "fuzz",
        summary: "Searches for inputs that break our own parsers.",
        help: fuzz::HELP,
        run: fuzz::run,
    },
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            // 2 says that nothing was tried: the words were wrong, or this
            // system is not one that can be set up.
            let untried = error.is::<UsageError>() || error.is::<system::NotDebian>();
            ExitCode::from(if untried { 2 } else { 1 })
        }
    }
}

fn dispatch(words: &[String]) -> anyhow::Result<()> {
    let Some((name, rest)) = words.split_first() else {
        return Err(UsageError::new(format!("a command is needed.\n\n{}", overview())).into());
    };
    if matches!(name.as_str(), "--help" | "-h" | "help") {
        println!("{}", overview());
        return Ok(());
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        let problem = format!("there is no command {name:?}.\n\n{}", overview());
        return Err(UsageError::new(problem).into());
    };
    if rest.iter().any(|word| word == "--help" || word == "-h") {
        println!("{}", command.help);
        return Ok(());
    }
    (command.run)(Arguments::new(rest))
}

fn overview() -> String {
    let mut text = String::from(
        "Usage: cargo xtask COMMAND [OPTIONS]\n\n\
         Each command installs what it needs first, and says so before it does.\n\n",
    );
    text.extend(COMMANDS.iter().map(Command::line));
    text.push_str("\n`cargo xtask COMMAND --help` tells more about one of them.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_help_that_names_it() {
        for command in COMMANDS {
            let usage = format!("Usage: cargo xtask {}", command.name);
            assert!(command.help.starts_with(&usage), "{}", command.name);
            assert!(overview().contains(command.summary));
        }
    }

    #[test]
    fn an_unknown_command_is_a_usage_error() {
        let error = dispatch(&["paint".to_owned()]).unwrap_err();
        assert!(error.is::<UsageError>());
        assert!(error.to_string().contains("\"paint\""));
    }

    #[test]
    fn an_unknown_option_is_a_usage_error_and_nothing_is_started() {
        for command in COMMANDS {
            let words = [command.name.to_owned(), "--no-such-option".to_owned()];
            assert!(
                dispatch(&words).unwrap_err().is::<UsageError>(),
                "{}",
                command.name
            );
        }
    }
}
