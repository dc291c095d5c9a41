//! Programs that run beside us and must never outlive us.
//!
//! What lives here: starting one, and its end in every case. What does not:
//! what the programs say (`camera`, `service`).

use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::proc;

/// How long a program may take to end itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A running program. Dropping it asks it to end, waits, and kills it if need
/// be. Where we are killed ourselves, the kernel asks it in our place.
pub(crate) struct Tied {
    child: Child,
}

/// A command that is told to end when its starter dies, however that happens.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}

impl Tied {
    /// Starts what `command` describes; see [`command`].
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let name = command.get_args().nth(3).unwrap_or_default().to_owned();
        let child = command
            .spawn()
            .with_context(|| format!("{} could not be started", name.display()))?;
        Ok(Self { child })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Whether it has ended. It stays in the process table, so that what it
    /// used can still be read.
    pub(crate) fn has_ended(&self) -> bool {
        let Some(pid) = self.pid() else { return true };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
    }

    /// Waits for its end and gives the processor time it used.
    pub(crate) fn wait_for_cost(&mut self) -> Result<Duration> {
        while !self.has_ended() {
            thread::sleep(LOOK_EVERY);
        }
        let cost = proc::processor_time(&[self.id()]);
        self.child
            .wait()
            .context("a program could not be waited for")?;
        Ok(cost)
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        if self.has_ended() {
            let _ = self.child.wait();
            return;
        }
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
        let _ = self.child.wait();
    }
}

/// A command whose three standard streams are closed or given to us.
pub(crate) fn piped(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = command(program);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_program_has_ended() {
        let child = Tied::spawn(piped("sleep").arg("1000")).unwrap();
        let id = child.id();
        assert!(!child.has_ended());
        drop(child);
        assert_eq!(proc::tree(id), Vec::<u32>::new());
    }

    #[test]
    fn the_cost_of_a_program_is_known_after_its_end() {
        let loop_for_a_while = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        let mut child = Tied::spawn(piped("sh").args(["-c", loop_for_a_while])).unwrap();
        assert!(child.wait_for_cost().unwrap() > Duration::ZERO);
        assert!(child.has_ended());
    }
}
