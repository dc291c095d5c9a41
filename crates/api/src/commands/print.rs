//! `bestshot openapi`, `completions` and `man`: what is made of definitions alone.

use std::{fs, io};

use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::{Outcome, print};
use crate::{cli, document};

const PROGRAM: &str = "bestshot";

pub(super) fn openapi() -> Outcome {
    print(document::text().trim_end());
    Outcome::DONE
}

/// Prints the script for this shell.
pub(super) fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    generate(shell, &mut cli::command(), PROGRAM, &mut script);
    print(String::from_utf8_lossy(&script).trim_end());
    Outcome::DONE
}

/// Prints a page, or writes all of them.
pub(super) fn man(args: cli::Man) -> Outcome {
    let written = match args.out {
        Some(directory) => fs::create_dir_all(&directory)
            .and_then(|()| {
                pages()
                    .iter()
                    .try_for_each(|page| page.generate_to(&directory).map(drop))
            })
            .map_err(|e| format!("{} cannot be written: {e}", directory.display())),
        None => one(args.command.as_deref()).map_err(|e| e.to_string()),
    };
    written.map_or_else(Outcome::fault, |()| Outcome::DONE)
}

/// Prints the page of this command, or of the program.
fn one(command: Option<&str>) -> io::Result<()> {
    let name = command.map_or(PROGRAM.to_owned(), |command| format!("{PROGRAM}-{command}"));
    let mut text = Vec::new();
    for page in pages() {
        if page.get_filename() == format!("{name}.1") {
            page.render(&mut text)?;
        }
    }
    print(String::from_utf8_lossy(&text).trim_end());
    Ok(())
}

/// The program's page and one for each command.
fn pages() -> Vec<Man> {
    let command = cli::command().disable_help_subcommand(true);
    let source = format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION"));
    let commands = command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help");
    std::iter::once(&command)
        .chain(commands)
        .map(|command| Man::new(command.clone()).source(&source).manual("Commands"))
        .collect()
}
