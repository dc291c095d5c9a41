//! Running other programs to their end.
//!
//! What lives here: one way to run, one way to read, both with errors that name
//! the program. What does not: programs that keep running, which are `tied`.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Runs a program with our own output, and fails where it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = name(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("{name} could not be started"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}

/// Runs a program and gives what it wrote to its standard output.
pub(crate) fn read(command: &mut Command) -> Result<Vec<u8>> {
    read_from(command, Stdio::null())
}

/// The same of a program whose standard input is `input`.
pub(crate) fn read_from(command: &mut Command, input: impl Into<Stdio>) -> Result<Vec<u8>> {
    let name = name(command);
    let output = command
        .stdin(input)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{name} could not be started"))?;
    if !output.status.success() {
        bail!("{name} failed ({})", output.status);
    }
    Ok(output.stdout)
}

/// Whether a program can be started at all.
pub(crate) fn exists(program: &str) -> bool {
    let started = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    !matches!(started, Err(error) if error.kind() == ErrorKind::NotFound)
}

fn name(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    let line = words.join(" ");
    match line.char_indices().nth(120) {
        Some((end, _)) => format!("`{}…`", &line[..end]),
        None => format!("`{line}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_program_and_its_words() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.to_string().starts_with("`sh -c exit 3` failed"));
        let error = run(&mut Command::new("no-such-program-at-all")).unwrap_err();
        assert!(error.to_string().contains("could not be started"));
    }

    #[test]
    fn what_a_program_writes_is_read() {
        let text = read(Command::new("echo").arg("hello")).unwrap();
        assert_eq!(text, b"hello\n");
        assert!(exists("sh"));
        assert!(!exists("no-such-program-at-all"));
    }
}
