//! What the program `bestshot` is made of: [`main`] finds out which command is
//! meant and runs it. What each does stands in `commands`. This is a library only
//! for the program beside it and for the fuzzer; it offers nothing else.

use std::process::ExitCode;

mod accept;
mod assets;
mod body;
mod cli;
mod commands;
mod config;
mod document;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod guard;
mod metrics;
mod operations;
mod options;
mod pages;
mod problem;
mod routes;
mod schema;
mod server;
mod service;
mod state;
mod turn;

/// Runs the command that this process was started with, to its end.
pub fn main() -> ExitCode {
    // First of all: a worker reads no configuration and serves no HTTP. Whoever
    // starts it tells it everything through a pipe.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == commands::WORKER) {
        let log = words.next().and_then(|log| log.into_string().ok());
        return commands::run_worker(log);
    }
    // Pictures of megabytes pass through now and then.
    bestshot_decoder::keep_heap_small();
    match config::parse(std::env::args_os()) {
        Ok(cli) => commands::run(cli),
        Err(stop) => stop.exit(),
    }
}
