//! How a worker is started: which program, with which environment.

use std::{ffi::OsString, path::PathBuf, process::Stdio};

use tokio::process::Command;

/// Variables that a worker may see. Not the proxies: libav would honour them.
const PASSED_ON: [&str; 6] = [
    "LD_LIBRARY_PATH",
    "LANG",
    "TZ",
    "RUST_BACKTRACE",
    "BESTSHOT_LOG",
    "RAYON_NUM_THREADS",
];

/// The program and arguments that make a process a worker, by running
/// [`worker_main`](crate::worker_main).
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl WorkerCommand {
    /// `program` with `arguments`.
    pub fn new(program: impl Into<PathBuf>, arguments: Vec<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments,
        }
    }

    /// The program that is running, with the argument `worker`. Also right when
    /// the file was replaced by a newer version meanwhile.
    pub fn this_program() -> Self {
        Self::new("/proc/self/exe", vec!["worker".into()])
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg0("bestshot")
            .args(&self.arguments)
            .env_clear()
            .envs(
                PASSED_ON
                    .iter()
                    .filter_map(|name| Some((*name, std::env::var_os(name)?))),
            )
            // Ctrl-C in a terminal is for the parent, which stops its workers in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}
