//! Debian's package tools: what is installed, and installing more.
//!
//! What lives here: `dpkg-query`, `apt-get`, and telling Debian from other
//! systems. What does not: which packages are wanted (`packages`).

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// Lists of packages older than this are fetched again before an installation:
/// security updates replace files, and the old names then answer 404.
const LISTS_KEEP: Duration = Duration::from_secs(24 * 60 * 60);
const LISTS: &str = "/var/lib/apt/lists";

/// The system is not Debian, so that nothing can be installed for the user.
#[derive(Debug)]
pub(crate) struct NotDebian {
    system: String,
    packages: Vec<String>,
}

impl fmt::Display for NotDebian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "this system is {}, and only Debian can be set up by this program. Install what \
             corresponds to these Debian packages, then run the command again with --no-install: {}",
            self.system,
            self.packages.join(" ")
        )
    }
}

impl std::error::Error for NotDebian {}

/// Fails with the names of `packages` where this is not Debian.
pub(crate) fn require_debian(packages: &[&str]) -> Result<(), NotDebian> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if is_debian(&release) && shell::exists("apt-get") && shell::exists("dpkg-query") {
        return Ok(());
    }
    Err(NotDebian {
        system: pretty_name(&release).unwrap_or_else(|| "unknown".to_owned()),
        packages: packages.iter().map(|&name| name.to_owned()).collect(),
    })
}

/// Those of `packages` that are not installed, in the order given.
pub(crate) fn missing<'a>(packages: &[&'a str]) -> Result<Vec<&'a str>> {
    // An unknown package makes dpkg-query fail and complain; the rest is listed
    // all the same, so neither is of interest.
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Package} ${db:Status-Status}\n"])
        .args(packages)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .context("`dpkg-query` could not be started")?;
    let listing = String::from_utf8_lossy(&output.stdout);
    let installed = installed(&listing);
    let absent = |name: &&str| !installed.contains(*name);
    Ok(packages.iter().copied().filter(absent).collect())
}

/// Installs packages without those that are merely recommended.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(packages);
    let updated = lists_are_stale();
    if updated {
        update()?;
    }
    let first = shell::run(&mut apt_get_as_root(&words)?);
    if first.is_ok() || updated {
        return first;
    }
    println!("apt-get failed; its lists may be old, so they are fetched and it is run again.");
    update()?;
    shell::run(&mut apt_get_as_root(&words)?)
}

/// Fetches a package's file into `directory` without installing it.
pub(crate) fn download(package: &str, directory: &Path) -> Result<()> {
    let fetch = || {
        let mut command = Command::new("apt-get");
        // Root's own account fetches: apt's may not write into the checkout.
        command
            .args(["download", "--option", "APT::Sandbox::User=root", package])
            .current_dir(directory);
        shell::run(&mut command)
    };
    if !lists_are_stale() && fetch().is_ok() {
        return Ok(());
    }
    update()?;
    fetch()
}

fn update() -> Result<()> {
    println!("Fetching the lists of packages (apt-get update) …");
    shell::run(&mut apt_get_as_root(&["update"])?)
}

fn apt_get_as_root(words: &[&str]) -> Result<Command> {
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(words);
        return Ok(command);
    }
    let line = format!("apt-get {}", words.join(" "));
    let allowed = Command::new("sudo")
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        bail!("installing needs root, and `sudo -n` is not allowed here. Run this as root: {line}");
    }
    let mut command = Command::new("sudo");
    command
        .args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .args(words);
    Ok(command)
}

/// Whether apt knows no packages, or what it knows is old.
fn lists_are_stale() -> bool {
    let Ok(entries) = fs::read_dir(LISTS) else {
        return true;
    };
    let newest = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
        .filter_map(|entry| entry.metadata().ok()?.modified().ok())
        .max();
    // Servers set the files' times; the directory's own tells the last update.
    let updated = fs::metadata(LISTS).and_then(|directory| directory.modified());
    match (newest, updated) {
        (Some(_), Ok(time)) => SystemTime::now()
            .duration_since(time)
            .is_ok_and(|age| age > LISTS_KEEP),
        _ => true,
    }
}

fn installed(listing: &str) -> BTreeSet<&str> {
    listing
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"))
        .collect()
}

fn is_debian(release: &str) -> bool {
    release
        .lines()
        .any(|line| unquoted(line, "ID") == Some("debian"))
}

fn pretty_name(release: &str) -> Option<String> {
    let name = |line| unquoted(line, "PRETTY_NAME");
    release.lines().find_map(name).map(str::to_owned)
}

fn unquoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let value = line.strip_prefix(key)?.strip_prefix('=')?;
    Some(value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n";
    const UBUNTU: &str = "PRETTY_NAME=\"Ubuntu 24.04\"\nID=ubuntu\nID_LIKE=debian\n";

    #[test]
    fn only_debian_itself_is_set_up() {
        assert!(is_debian(DEBIAN));
        assert!(!is_debian(UBUNTU));
        assert!(!is_debian(""));
        assert_eq!(pretty_name(UBUNTU).as_deref(), Some("Ubuntu 24.04"));
    }

    #[test]
    fn only_whole_installations_count() {
        let listing =
            "ffmpeg installed\nclang config-files\nchromium unpacked\ncurl not-installed\n";
        assert_eq!(installed(listing), BTreeSet::from(["ffmpeg"]));
    }

    #[test]
    fn another_system_is_told_the_packages() {
        let error = NotDebian {
            system: "Fedora Linux 41".to_owned(),
            packages: vec!["ffmpeg".to_owned(), "clang".to_owned()],
        };
        let text = error.to_string();
        assert!(text.contains("Fedora Linux 41"));
        assert!(text.ends_with("ffmpeg clang"));
    }
}
