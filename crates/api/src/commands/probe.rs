//! `bestshot probe`: connects, looks until a second keyframe came, and says
//! what the source sends, or what is wrong with it.

use std::{io, sync::Arc, time::Duration};

use bestshot_decoder::AddressPolicy;
use bestshot_session::{Failure, PictureKind, PictureSink, Session, Source, Status, WorkerCommand};
use serde::Serialize;

use super::{Outcome, given, interrupted, print, source, wrong_options};
use crate::{cli::Probe, options::check_options};

/// What is printed with `--json`; fields that are not known are null.
#[derive(Debug, Serialize)]
struct Report {
    source: String,
    codec: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    pixel_format: Option<String>,
    /// Frames a second.
    frame_rate: Option<f64>,
    transport: Option<String>,
    /// Seconds.
    keyframe_interval: Option<f64>,
    /// Milliseconds to the end of the handshake.
    connect_ms: Option<u64>,
    /// Milliseconds to the first scored frame.
    first_frame_ms: Option<u64>,
    /// Of a file, in seconds.
    duration: Option<f64>,
    warning: Option<String>,
    error: Option<Failure>,
}

/// Pictures are of no interest here.
struct Discard;

impl PictureSink for Discard {
    fn put(&self, _key: u64, _kind: PictureKind, _png: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _key: u64) {}
}

pub(super) async fn run(args: Probe, worker: WorkerCommand) -> Outcome {
    match probe(args, worker).await {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

async fn probe(args: Probe, worker: WorkerCommand) -> Result<Outcome, Outcome> {
    let [word] = &args.source[..] else {
        // None is repeated: an address may hold a password.
        return Err(Outcome::usage("probe takes one source at a time"));
    };
    let source = source(word, &args.camera)?;
    let options =
        check_options(&given(None, &args.camera)).map_err(|faults| wrong_options(&faults))?;
    let patience = Duration::try_from_secs_f64(args.look_for)
        .map_err(|_| Outcome::usage("--for is a number of seconds"))?;
    let stop_asked = interrupted().map_err(Outcome::fault)?;
    let job = options
        .job(source.clone(), AddressPolicy::default())
        .deadlines(args.deadlines.into());
    let session = Session::start(&job, &worker, Arc::new(Discard))
        .map_err(|e| Outcome::fault(format!("the worker process could not be started: {e}")))?;
    let interrupted = tokio::select! {
        () = look(&session, patience) => false,
        () = stop_asked => true,
    };
    let status = session.stop().await;
    let mut report = report(&source, &status);
    if report.codec.is_none() && report.error.is_none() {
        report.error = Some(nothing_seen(interrupted));
    }
    if args.json {
        print(serde_json::to_string_pretty(&report).map_err(Outcome::fault)?);
    } else if report.error.is_none() {
        print(sentences(&report));
    }
    Ok(match &report.error {
        Some(failure) => Outcome::of_failure(failure),
        None => Outcome::DONE,
    })
}

/// Why there is nothing to tell of a source that has nothing wrong with it.
fn nothing_seen(interrupted: bool) -> Failure {
    let (kind, message) = if interrupted {
        ("stopped", "interrupted before a frame could be decoded")
    } else {
        ("no_video", "no frame could be decoded")
    };
    Failure {
        kind: kind.to_owned(),
        message: message.to_owned(),
    }
}

/// Until a second keyframe was seen, or `patience` after the first frame.
async fn look(session: &Session, patience: Duration) {
    let mut watch = session.watch();
    let known = |s: &Arc<Status>| s.state.is_over() || s.stats.frames_scored > 0;
    if watch.wait_for(known).await.is_err() {
        return;
    }
    let repeated = |s: &Arc<Status>| s.state.is_over() || s.keyframe_interval.is_some();
    // Time is up: what is known by then is what there is to say.
    let _ = tokio::time::timeout(patience, watch.wait_for(repeated)).await;
}

fn report(source: &Source, status: &Status) -> Report {
    let stream = status.stream.as_ref();
    Report {
        source: source.to_string(),
        codec: stream.map(|s| s.codec.clone()),
        width: stream.map(|s| s.width),
        height: stream.map(|s| s.height),
        pixel_format: stream.map(|s| s.pixel_format.clone()),
        frame_rate: stream.and_then(|s| s.frame_rate),
        transport: stream.and_then(|s| s.transport.clone()),
        keyframe_interval: status.keyframe_interval,
        connect_ms: status.connect_ms,
        first_frame_ms: status.first_frame_ms,
        duration: status.duration,
        warning: status.warning.clone(),
        error: status.error.clone(),
    }
}

fn sentences(report: &Report) -> String {
    let seconds = |value: f64| format!("{value:.2} s");
    let unknown = || "unknown".to_owned();
    let ms = |value: Option<u64>| value.map_or_else(unknown, |ms| format!("{ms} ms"));
    let size = report
        .width
        .zip(report.height)
        .map(|(w, h)| format!("{w}×{h}"));
    let rate = report.frame_rate.map(|fps| format!("{fps:.2} a second"));
    let lines = [
        ("Source", Some(report.source.clone())),
        ("Codec", report.codec.clone().or_else(|| Some(unknown()))),
        ("Size", size.or_else(|| Some(unknown()))),
        (
            "Pixel format",
            report.pixel_format.clone().or_else(|| Some(unknown())),
        ),
        (
            "Frame rate",
            rate.or_else(|| Some("not announced".to_owned())),
        ),
        ("Transport", report.transport.clone()),
        (
            "Keyframe interval",
            Some(
                report
                    .keyframe_interval
                    .map_or("longer than was looked for".to_owned(), seconds),
            ),
        ),
        ("Connected after", Some(ms(report.connect_ms))),
        ("First frame after", Some(ms(report.first_frame_ms))),
        ("Length", report.duration.map(seconds)),
        ("Warning", report.warning.clone()),
    ];
    let lines = lines
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    lines
        .map(|(name, value)| format!("{name:<19}{value}"))
        .collect::<Vec<_>>()
        .join("\n")
}
