//! Where things are: the checkout, cargo's target directory, built programs.
//!
//! What lives here: questions to cargo. What does not: what is done with the
//! answers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::shell;

/// The checkout that xtask was built from.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Asks cargo, which knows about `CARGO_TARGET_DIR` and its own settings.
    pub(crate) fn find() -> Result<Self> {
        let mut command = Command::new(cargo_program());
        command.current_dir(env!("CARGO_MANIFEST_DIR")).args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
        ]);
        let answer: Value = serde_json::from_slice(&shell::read(&mut command)?)
            .context("`cargo metadata` gave no JSON")?;
        let path = |name: &str| {
            answer[name]
                .as_str()
                .map(PathBuf::from)
                .with_context(|| format!("`cargo metadata` names no {name}"))
        };
        Ok(Self {
            root: path("workspace_root")?,
            target: path("target_directory")?,
        })
    }

    /// The checkout's topmost directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target directory: all that xtask makes lies in it.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where the clips lie.
    pub(crate) fn clips(&self) -> PathBuf {
        self.target.join("clips")
    }

    /// Where the Python is that computes the scores independently.
    pub(crate) fn reference(&self) -> PathBuf {
        self.target.join("reference")
    }

    /// Where the RTSP servers of other makers lie.
    pub(crate) fn servers(&self) -> PathBuf {
        self.target.join("servers")
    }

    /// Where lies what the tests load into pages.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// A cargo command in this checkout.
    pub(crate) fn cargo(&self, words: &[&str]) -> Command {
        let mut command = Command::new(cargo_program());
        command.current_dir(&self.root).args(words);
        command
    }

    /// Builds the product optimised, as users run it, and gives the program.
    pub(crate) fn build_release(&self) -> Result<PathBuf> {
        println!("Building bestshot (release) …");
        self.build(&["--release", "--package", "bestshot-api"], "bestshot")
    }

    /// Builds the product for tests. The whole workspace's features are chosen,
    /// as `cargo test --workspace` does, so that little is compiled twice.
    pub(crate) fn build_debug(&self) -> Result<PathBuf> {
        println!("Building bestshot (debug) …");
        self.build(&["--workspace", "--bin", "bestshot"], "bestshot")
    }

    /// Builds a program that stands beside the tests, with the product's features.
    pub(crate) fn build_tool(&self, name: &str) -> Result<PathBuf> {
        println!("Building {name} …");
        self.build(&["--workspace", "--bin", name], name)
    }

    /// Builds what `words` tell cargo to, and gives the program `name` among it.
    pub(crate) fn build(&self, words: &[&str], name: &str) -> Result<PathBuf> {
        build_with(self.build_command(words), name)
    }

    /// A command that builds what `words` tell cargo to, for [`build_with`].
    pub(crate) fn build_command(&self, words: &[&str]) -> Command {
        let mut command = self.cargo(&["build", "--message-format=json-render-diagnostics"]);
        command.args(words);
        command
    }
}

/// Runs a `build_command`, and gives the program `name` among what it built.
pub(crate) fn build_with(mut command: Command, name: &str) -> Result<PathBuf> {
    let messages = shell::read(&mut command)?;
    let Some(program) = executable(&String::from_utf8_lossy(&messages), name) else {
        bail!("cargo built no program `{name}`");
    };
    Ok(program)
}

/// The cargo that runs us, else the one in the path.
fn cargo_program() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// The program `name` among cargo's build messages, one JSON object a line.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_cargos_messages() {
        let messages = "not json\n\
            {\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"other\"},\"executable\":\"/t/other\"}\n\
            {\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"bestshot\"},\"executable\":null}\n\
            {\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"bestshot\"},\"executable\":\"/t/bestshot\"}\n";
        assert_eq!(
            executable(messages, "bestshot"),
            Some(PathBuf::from("/t/bestshot"))
        );
        assert_eq!(executable(messages, "absent"), None);
    }

    #[test]
    fn the_checkout_holds_this_crate() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.root().join("xtask/Cargo.toml").is_file());
        assert!(workspace.clips().starts_with(workspace.target()));
    }
}
