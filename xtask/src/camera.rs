//! The RTSP camera that demo and benchmarks read: `tests/camera/camera.py`.
//!
//! What lives here: starting it and learning its URLs. What does not: its
//! making; it runs GStreamer's RTSP server and is described beside its source.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::tied::{self, Tied};
use crate::workspace::Workspace;

/// Debian's own Python: others do not see the bindings of its packages.
const PYTHON: &str = "/usr/bin/python3";

/// A running camera with one path; it ends when this is dropped.
pub(crate) struct Camera {
    url: String,
    // Held open: the camera ends when it closes.
    _stdin: Option<ChildStdin>,
    _program: Tied,
}

impl Camera {
    /// Serves `clip` for ever at a free port of loopback.
    pub(crate) fn start(workspace: &Workspace, clip: &Path) -> Result<Self> {
        Self::spawn(&mut command(workspace, clip))
    }

    /// The same for those who log in with this name and password.
    pub(crate) fn start_with_login(
        workspace: &Workspace,
        clip: &Path,
        user: &str,
        password: &str,
    ) -> Result<Self> {
        let mut command = command(workspace, clip);
        command
            .args(["--auth", "digest"])
            .env("BESTSHOT_CAMERA_USER", user)
            .env("BESTSHOT_CAMERA_PASSWORD", password);
        Self::spawn(&mut command)
    }

    fn spawn(command: &mut Command) -> Result<Self> {
        let mut program = Tied::spawn(command)?;
        let stdin = program.take_stdin();
        let stdout = program.take_stdout().context("the camera has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value =
            serde_json::from_str(&line).context("the camera ended before it was ready")?;
        let url = ready["urls"]["/camera"]
            .as_str()
            .context("the camera did not tell its URL")?;
        Ok(Self {
            url: url.to_owned(),
            _stdin: stdin,
            _program: program,
        })
    }

    /// Where it is read, without the log-in.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn command(workspace: &Workspace, clip: &Path) -> Command {
    let mut command = tied::piped(PYTHON);
    command
        .arg(workspace.root().join("tests/camera/camera.py"))
        .arg("--mount")
        .arg(format!("/camera={}", clip.display()))
        .stdin(Stdio::piped());
    command
}
