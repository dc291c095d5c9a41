//! Programs on a machine that differs from this one in a file, such as the name servers
//! or the certificates that it trusts: in a mount namespace of their own, which not
//! every machine allows.

use std::{
    fs,
    io::Write,
    process::{Command, Output},
};

/// What the shell below answers where it may not mount.
const NOT_PERMITTED: i32 = 77;
const SCRIPT: &str = "mount --bind \"$1\" \"$2\" || exit 77; shift 2; exec \"$@\"";

/// Runs `command` where `contents` stand in the file at `path`, which exists, and in further
/// namespaces as these options of `unshare` say; `None` where this machine does not let a
/// test do that, which is told as what could not be tried.
pub fn run_where(
    (path, contents): (&str, &str),
    options: &[&str],
    command: &Command,
    what: &str,
) -> Option<Output> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), contents).expect("it can be written");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount"])
        .args(options)
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(file.path())
        .arg(path)
        .arg(command.get_program())
        .args(command.get_args())
        .output()
        .expect("unshare can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(NOT_PERMITTED) || said.starts_with("unshare:") {
        not_run(what, &said);
        return None;
    }
    Some(output)
}

/// Says why something was not tried, straight to the terminal: the test harness hides what
/// `eprintln!` says.
pub fn not_run(what: &str, why: &str) {
    let note = format!("NOT RUN: {what}: {why}\n");
    let _ = std::io::stderr().write_all(note.as_bytes());
}
