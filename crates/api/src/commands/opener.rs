//! Opens a page with the desktop's own program: `xdg-open`, which every desktop of
//! Linux has.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

const OPENER: &str = "xdg-open";
/// One of these is set wherever there is a desktop.
const DESKTOPS: [&str; 2] = ["DISPLAY", "WAYLAND_DISPLAY"];
/// A browser that was started may stay in the foreground; one that could not be is told
/// of within this time.
const PATIENCE: Duration = Duration::from_secs(3);

/// Opens the page and does not wait for the browser's end.
///
/// # Errors
/// A sentence that says why it was not opened.
pub(super) async fn open(page: &Path) -> Result<(), String> {
    let told = |why: &str| Err(format!("{} was not opened: {why}.", page.display()));
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !DESKTOPS.iter().any(is_set) {
        return told("there is no desktop here");
    }
    let opened = Command::new(OPENER)
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut opened = match opened {
        Ok(opened) => opened,
        Err(error) => return told(&format!("{OPENER} could not be started ({error})")),
    };
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        match opened.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return told(&format!("{OPENER} ended with {status}")),
            _ => sleep(Duration::from_millis(20)).await,
        }
    }
    Ok(())
}
