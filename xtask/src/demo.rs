//! `cargo xtask demo`: the whole product on recorded video, in front of the
//! user's eyes.
//!
//! What lives here: the course of the demo and what it prints. What does not:
//! set-up (`setup`), camera and service.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::arguments::Arguments;
use crate::camera::Camera;
use crate::clips;
use crate::service::{self, Service};
use crate::setup::{self, Install, Purpose};
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask demo [--keep] [--no-install]

Shows bestshot at work, from nothing to nine pictures:

  1. What is missing on this machine is named and installed (see `setup --help`).
  2. bestshot is built, optimised.
  3. A street recorded by a real surveillance camera is served in an endless
     loop by a real RTSP server on this machine.
  4. `bestshot serve` is started, POST /start names the camera, and the session
     is watched for 15 seconds.
  5. GET /stop ends it. Where the nine PNG files and the page lie is printed.

Camera and service end with the demo.

Options:
  --keep        Leaves camera and service running with a new session, so that
                the pages can be looked at in a browser, until you press Ctrl-C.
                The service then has port 8000, or a free one where 8000 is
                taken.
  --no-install  Neither looks for packages nor installs any.";

const WATCH: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(250);
const TELL_EVERY: Duration = Duration::from_secs(1);
/// What `bestshot serve` has by default.
const USUAL_PORT: u16 = 8000;

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    let keep = arguments.flag("--keep");
    let install = Install::take(&mut arguments);
    arguments.finish()?;

    let workspace = Workspace::find()?;
    setup::prepare(&workspace, install, Purpose::Demo)?;
    let bestshot = workspace.build_release()?;

    let camera = Camera::start(&workspace, &workspace.clips().join(clips::STREET))?;
    println!("\nThe camera plays a recorded street at {}", camera.url());
    let service = start_service(&workspace, &bestshot, keep)?;
    println!("bestshot answers at                   {}", service.base());

    let id = service.start_session(camera.url())?;
    println!("POST /start began the session         {id}\n");
    watch(&service, &id)?;
    let report = service.stop(&id)?;
    let gallery = tell_gallery(&service, &id, &report)?;
    if keep {
        stay(&service, &camera, &id)?;
    } else {
        drop(service);
        println!(
            "\nThe service has ended; the page opens without it:\n  file://{}\n\
             `cargo xtask demo --keep` leaves it running for the browser, with Swagger UI at /docs.",
            gallery.join("index.html").display()
        );
    }
    Ok(())
}

fn start_service(workspace: &Workspace, bestshot: &Path, keep: bool) -> Result<Service> {
    let folder = workspace.target().join("demo");
    let port = if keep && service::is_free(USUAL_PORT) {
        USUAL_PORT
    } else {
        0
    };
    let (data, log) = (folder.join("data"), folder.join("service.log"));
    Service::start(bestshot, port, &data, &log)
}

/// Shows the session's numbers: one line that is rewritten on a terminal, else
/// a line a second.
fn watch(service: &Service, id: &str) -> Result<()> {
    let terminal = std::io::stdout().is_terminal();
    let began = Instant::now();
    let mut told = None::<Instant>;
    while began.elapsed() < WATCH {
        thread::sleep(LOOK_EVERY);
        let session = service.session(id)?;
        let line = progress(&session, service.best_score(id)?, began.elapsed());
        if terminal {
            print!("\r\x1b[K{line}");
            std::io::stdout().flush()?;
        } else if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            told = Some(Instant::now());
            println!("{line}");
        }
        if let Some(message) = session["error"]["message"].as_str() {
            bail!("the session failed: {message}");
        }
    }
    if terminal {
        println!();
    }
    Ok(())
}

fn progress(session: &Value, best: Option<f64>, elapsed: Duration) -> String {
    let stats = &session["stats"];
    format!(
        "{:>4.1} s  {:<10}  {:>5} frames  {:>5.1} fps  best score {}",
        elapsed.as_secs_f64(),
        session["state"].as_str().unwrap_or("?"),
        stats["frames_scored"].as_u64().unwrap_or(0),
        stats["fps"].as_f64().unwrap_or(0.0),
        best.map_or_else(|| "–".to_owned(), |score| format!("{score:.4}")),
    )
}

/// Prints what the session left behind, and fails where something is missing.
fn tell_gallery(service: &Service, id: &str, report: &Value) -> Result<std::path::PathBuf> {
    let frames = report["frames"]
        .as_array()
        .context("GET /stop told no frames")?;
    let gallery = std::path::absolute(service.gallery(id))?;
    println!("\nGET /stop saved the {} brightest frames in", frames.len());
    println!("  {}", gallery.display());
    for frame in frames {
        let rank = frame["rank"].as_u64().unwrap_or(0);
        let thumbnail = format!("thumbnails/{rank:02}.png");
        let original = format!("originals/{rank:02}.png");
        for name in [&thumbnail, &original] {
            if !gallery.join(name).is_file() {
                bail!("{} is missing", gallery.join(name).display());
            }
        }
        println!(
            "  {thumbnail}  {original}  score {:.4}  at {:>6.2} s",
            frame["score"].as_f64().unwrap_or(0.0),
            frame["stream_time"].as_f64().unwrap_or(0.0),
        );
    }
    println!("  index.html");
    Ok(gallery)
}

/// Keeps everything running until the user or the system ends us; camera and
/// service are tied to our life and end with it.
fn stay(service: &Service, camera: &Camera, stopped: &str) -> Result<()> {
    let running = service.start_session(camera.url())?;
    let base = service.base();
    println!(
        "\nA new session, {running}, is running. Look at\n\
         \x20 {base}/  the sessions, with a start form\n\
         \x20 {base}/v1/sessions/{stopped}/gallery  the page of the session above\n\
         \x20 {base}/stop  ends the running session and shows its page\n\
         \x20 {base}/docs  Swagger UI\n\
         The camera is {}\n\
         Press Ctrl-C to end camera and service.",
        camera.url()
    );
    while !service.has_ended() {
        thread::sleep(TELL_EVERY);
    }
    bail!(
        "the service has ended; its log lies beside {}",
        service.gallery("").display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn progress_tells_state_frames_speed_and_best_score() {
        let session = json!({
            "state": "running",
            "stats": { "frames_scored": 42, "fps": 9.98 },
        });
        let line = progress(&session, Some(0.480_06), Duration::from_millis(4200));
        assert_eq!(
            line,
            " 4.2 s  running        42 frames   10.0 fps  best score 0.4801"
        );
    }

    #[test]
    fn progress_before_the_first_frame_has_no_score() {
        let line = progress(&json!({ "state": "connecting" }), None, Duration::ZERO);
        assert!(line.ends_with("best score –"), "{line}");
    }
}
