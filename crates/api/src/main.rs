//! The program `bestshot`. All of it is in the library beside this file, where
//! the fuzzer can reach it; a program is nothing that others can link to.

use std::process::ExitCode;

fn main() -> ExitCode {
    bestshot::main()
}
