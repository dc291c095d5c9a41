//! RTSP servers of other makers, which the tests read from: fetched in pinned
//! versions, built once, never part of the repository.
//!
//! What lives here: having them in cargo's target directory. What does not:
//! Debian's packages (`packages`), and running the servers, which the tests do.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::npm::{self, holds};
use crate::shell;
use crate::workspace::Workspace;

/// From crates.io. It speaks TCP only, and readers join in the middle of a group
/// of pictures.
const ODDITY: &str = "oddity-rtsp-server";
const ODDITY_VERSION: &str = "0.2.0";
/// What it links: another version of any of these makes it anew.
const ODDITY_LIBRARIES: &[&str] = &["libavcodec", "libavdevice", "libavfilter", "libavformat"];

/// From npm, in the versions of the lock file beside this package's own files. It
/// speaks UDP only, and is fed by another program.
const STREAMING: &str = "rtsp-streaming-server";
const STREAMING_FILES: &str = "tests/servers/rtsp-streaming-server";

/// Makes sure that both servers are there, and fetches only what is not.
pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    let directory = workspace.servers();
    fs::create_dir_all(&directory)
        .with_context(|| format!("{} cannot be made", directory.display()))?;
    build_oddity(workspace, &directory)?;
    npm::fetch(
        &workspace.root().join(STREAMING_FILES),
        &directory.join(STREAMING),
        "rtsp-streaming-server from npm (2 MB); needed as an RTSP server of another maker to read \
         from",
    )
}

fn build_oddity(workspace: &Workspace, directory: &Path) -> Result<()> {
    let mut versions = Command::new("pkg-config");
    let versions = shell::read(versions.arg("--modversion").args(ODDITY_LIBRARIES))?;
    let versions = String::from_utf8_lossy(&versions).into_owned();
    let stamp = format!("{ODDITY} {ODDITY_VERSION}\n{versions}");
    let program = directory.join("bin").join(ODDITY);
    let stamped = directory.join(format!("{ODDITY}.stamp"));
    if program.is_file() && holds(&stamped, &stamp) {
        return Ok(());
    }
    println!(
        "Fetching {ODDITY} {ODDITY_VERSION} from crates.io and building it, which takes up to a \
         minute; needed as an RTSP server of another maker to read from …"
    );
    let scratch = directory.join("build");
    let version = format!("={ODDITY_VERSION}");
    let mut command = workspace.cargo(&["install", "--locked", "--force", "--debug", "--quiet"]);
    command
        .args(["--version", &version, ODDITY])
        .arg("--root")
        .arg(directory)
        .arg("--target-dir")
        .arg(&scratch)
        // Nobody debugs it, and this is most of what the linker writes.
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    shell::run(&mut command)?;
    fs::remove_dir_all(&scratch)?;
    fs::write(stamped, stamp)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_pins_the_server_and_a_checksum_of_each_package() {
        let files = Workspace::find().unwrap().root().join(STREAMING_FILES);
        let lock = fs::read(files.join("package-lock.json")).unwrap();
        let lock: serde_json::Value = serde_json::from_slice(&lock).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        let server = &packages["node_modules/rtsp-streaming-server"];
        assert_eq!(server["version"], "2.1.0");
        for (name, package) in packages {
            let sealed = package["integrity"]
                .as_str()
                .is_some_and(|sum| sum.len() > 40);
            assert!(name.is_empty() || sealed, "{name} has no checksum");
        }
    }
}
