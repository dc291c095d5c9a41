//! Processes: started with what they print kept, ended with the test that
//! started them; and what the system tells of others by their number.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

use crate::wait::{DEADLINE, eventually};

/// A running program. Dropping it kills it; if the test fails, what it printed
/// is shown.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: Arc<Mutex<String>>,
    lines: UnboundedReceiver<String>,
}

impl Process {
    /// Starts a program with its standard streams as pipes.
    pub fn start(name: &'static str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} could not be started: {error}"));
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, lines) = unbounded_channel();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        keep(stdout, Arc::clone(&log), sender.clone());
        keep(stderr, Arc::clone(&log), sender);
        Self {
            name,
            child,
            log,
            lines,
        }
    }

    /// Waits for a printed line in which `find` finds something.
    pub async fn line<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> T {
        let found = self.line_or_end(find).await;
        found.unwrap_or_else(|| panic!("{} ended without saying that it is ready", self.name))
    }

    /// The same, or nothing if it ends before it prints such a line.
    pub async fn line_or_end<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let search = async {
            while let Some(line) = self.lines.recv().await {
                if let Some(found) = find(&line) {
                    return Some(found);
                }
            }
            None
        };
        let Ok(found) = timeout(DEADLINE, search).await else {
            panic!("{} did not become ready within {DEADLINE:?}", self.name);
        };
        found
    }

    /// All that it printed so far, on both streams.
    pub fn log(&self) -> String {
        self.log.lock().expect("no reader panics").clone()
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, as a service manager does.
    pub fn terminate(&self) {
        signal(self.pid(), Signal::TERM);
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn interrupt(&self) {
        signal(self.pid(), Signal::INT);
    }

    /// Ends it at once and waits until it is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let name = self.name;
        eventually(&format!("the end of {name}"), async || {
            self.child.try_wait().expect("a child can be waited for")
        })
        .await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("--- {} printed:\n{}---", self.name, self.log());
        }
    }
}

/// Reads a pipe to its end on a thread of its own, so that it never fills.
fn keep(pipe: impl Read + Send + 'static, log: Arc<Mutex<String>>, lines: UnboundedSender<String>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
            let line = String::from_utf8_lossy(&bytes).into_owned();
            log.lock().expect("no reader panics").push_str(&line);
            // Nobody may be waiting for lines any more.
            let _ = lines.send(line.trim_end().to_owned());
            bytes.clear();
        }
    });
}

/// Ends the process of this number at once, as the kernel's memory killer does.
pub fn kill_hard(pid: u32) {
    signal(pid, Signal::KILL);
}

/// Lets the process of this number do nothing more until it may go on.
pub fn halt(pid: u32) {
    signal(pid, Signal::STOP);
}

/// Lets a process that was halted go on.
pub fn go_on(pid: u32) {
    signal(pid, Signal::CONT);
}

fn signal(pid: u32, signal: Signal) {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // It may be gone already.
    let _ = kill_process(number.expect("a process number"), signal);
}

/// Whether a process of this number runs; one that is dead but not yet waited
/// for does not.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(_, state)| state != 'Z')
}

/// The children of a process, and theirs.
pub fn descendants(pid: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = all().filter_map(|p| Some((p, stat(p)?.0))).collect();
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(p, _)| p));
        at += 1;
    }
    found.split_off(1)
}

/// The words of a process's command line, as `ps` shows them to everyone.
pub fn command_line(pid: u32) -> String {
    words(pid, "cmdline")
}

/// The environment with which a process was started.
pub fn environment(pid: u32) -> String {
    words(pid, "environ")
}

fn words(pid: u32, file: &str) -> String {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

pub(crate) fn all() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .expect("Linux has /proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The parent's number and the state.
fn stat(pid: u32) -> Option<(u32, char)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    let state = words.next()?.chars().next()?;
    Some((words.next()?.parse().ok()?, state))
}
