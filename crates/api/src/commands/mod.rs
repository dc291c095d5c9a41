//! The commands: what `bestshot serve`, `grab`, `probe` and those that only print do,
//! and what they have in common: a runtime, a log, and one table of exit codes.

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use bestshot_decoder::RtspUrl;
use bestshot_session::{Failure, Source, WorkerCommand};
use serde_json::Value;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::{EnvFilter, filter::ParseError};

use crate::{
    cli::{CameraArgs, Cli, Command, StartArgs},
    config::USAGE,
    options::{Faults, Given},
};

mod grab;
mod opener;
mod print;
mod probe;
mod progress;
mod serve;
mod target;

/// What a command came to: the exit code, and the sentence for standard error.
struct Outcome {
    code: u8,
    message: Option<String>,
}

impl Outcome {
    const DONE: Self = Self {
        code: 0,
        message: None,
    };

    fn usage(message: impl Display) -> Self {
        Self {
            code: USAGE,
            message: Some(message.to_string()),
        }
    }

    fn fault(message: impl Display) -> Self {
        Self {
            code: 1,
            message: Some(message.to_string()),
        }
    }

    fn of_failure(failure: &Failure) -> Self {
        Self {
            code: exit_code(&failure.kind),
            message: Some(failure.message.clone()),
        }
    }
}

/// The exit code for a session's kind of failure.
fn exit_code(kind: &str) -> u8 {
    match kind {
        "unreachable" | "refused" | "dns" | "timeout" | "not_found" | "redirected" | "stalled" => 3,
        "unauthorized" => 4,
        "no_video" | "unsupported" | "no_keyframe" | "corrupt" => 5,
        _ => 1,
    }
}

/// The hidden command that makes this program a worker; its log filter follows.
pub(crate) const WORKER: &str = "worker";
/// The log filter of `serve` where none is given.
const SERVE_LOG: &str = "info";
/// The log filter of the commands that people watch.
const SHELL_LOG: &str = "warn";

/// Runs the command.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Serve(args) => {
            let log = args.common.log_or(SERVE_LOG);
            with_runtime(&log, serve::run(args, worker_command(&log)))
        }
        Command::Grab(args) => {
            let log = args.common.log_or(SHELL_LOG);
            with_runtime(&log, grab::run(args, worker_command(&log)))
        }
        Command::Probe(args) => {
            let log = args.common.log_or(SHELL_LOG);
            with_runtime(&log, probe::run(args, worker_command(&log)))
        }
        Command::Openapi => print::openapi(),
        Command::Completions(args) => print::completions(args.shell),
        Command::Man(args) => print::man(args),
    };
    if let Some(message) = outcome.message {
        eprintln!("bestshot: {message}");
    }
    ExitCode::from(outcome.code)
}

/// What a worker process does: the session's part, with a log of its own.
///
/// `log` is the filter that its parent passed on; one started without is as
/// talkative as `serve`, unless the environment says otherwise.
pub(crate) fn run_worker(log: Option<String>) -> ExitCode {
    let log = log.or_else(|| std::env::var("BESTSHOT_LOG").ok());
    if start_log(log.as_deref().unwrap_or(SERVE_LOG)).is_err() {
        // A camera is not left alone because of a wrong filter.
        let _ = start_log(SERVE_LOG);
    }
    bestshot_session::worker_main()
}

/// How to start a worker that logs as much as this process, wherever that was
/// set. `/proc/self/exe` is right also when the file was replaced meanwhile.
fn worker_command(log: &str) -> WorkerCommand {
    WorkerCommand::new("/proc/self/exe", vec![WORKER.into(), log.into()])
}

/// Writes log lines that `filter` lets through to standard error.
fn start_log(filter: &str) -> Result<(), ParseError> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

fn with_runtime(log: &str, command: impl Future<Output = Outcome>) -> Outcome {
    if start_log(log).is_err() {
        return Outcome::usage("--log is a level such as info, or a filter such as bestshot=debug");
    }
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Outcome::fault(format!("no threads could be started: {error}")),
    };
    let outcome = runtime.block_on(command);
    // Whatever still blocks (nothing should) must not hold up the end.
    runtime.shutdown_background();
    outcome
}

/// Prints a line to standard output. That nobody reads it is no fault of ours.
fn print(line: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Resolves at the first Ctrl-C or SIGTERM. From then on a second one ends the
/// process at once.
///
/// # Errors
/// Where the system does not let signals be caught.
fn interrupted() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (first, asked) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        };
        next().await;
        let _ = first.send(());
        next().await;
        std::process::exit(1);
    });
    Ok(async move {
        let _ = asked.await;
    })
}

/// What a word after `grab` or `probe` names.
fn source(word: &str, camera: &CameraArgs) -> Result<Source, Outcome> {
    if word.trim().is_empty() {
        return Err(Outcome::usage(
            "the source is missing: name a camera's rtsp:// address or a video file",
        ));
    }
    let scheme = word.split_once(':').map(|(scheme, _)| scheme);
    let looks_like_url = scheme.is_some_and(|scheme| {
        scheme.len() > 1
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    let path = PathBuf::from(word);
    if !looks_like_url || path.exists() {
        return Ok(Source::File(path));
    }
    let url = RtspUrl::parse(word).map_err(Outcome::usage)?;
    let (user, password) = (camera.username.as_deref(), camera.password.as_deref());
    if user.is_none() && password.is_none() {
        return Ok(Source::Rtsp(url));
    }
    url.with_credentials(user.unwrap_or_default(), password.unwrap_or_default())
        .map(Source::Rtsp)
        .map_err(Outcome::usage)
}

/// The options of the command line, for the check that all ways in share.
fn given(start: Option<&StartArgs>, camera: &CameraArgs) -> Given {
    let mut given = Given::default();
    let mut set = |name: &str, value: Option<&String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            given.or_insert(name, Value::from(value.as_str()));
        }
    };
    set("transport", Some(&camera.transport));
    set("persist", Some(&camera.persist.to_string()));
    set("tls_insecure", Some(&camera.tls_insecure.to_string()));
    if let Some(start) = start {
        for (name, value) in [
            ("best", &start.best),
            ("limit", &start.limit),
            ("min_gap", &start.min_gap),
            ("distinct", &start.distinct),
            ("width", &start.width),
            ("height", &start.height),
            ("fit", &start.fit),
            ("sampling", &start.sampling),
            ("warmup", &start.warmup),
        ] {
            set(name, Some(value));
        }
        set("roi", start.roi.as_ref());
        set("exclude", start.exclude.as_ref());
        set("duration", start.duration.as_ref());
    }
    given
}

fn wrong_options(faults: &Faults) -> Outcome {
    let lines: Vec<String> = faults
        .errors
        .iter()
        .map(|e| format!("--{}: {}", e.field.replace('_', "-"), e.message))
        .collect();
    Outcome::usage(lines.join("\nbestshot: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_has_its_exit_code() {
        for (kinds, code) in [
            (
                &[
                    "unreachable",
                    "refused",
                    "dns",
                    "timeout",
                    "not_found",
                    "redirected",
                    "stalled",
                ][..],
                3,
            ),
            (&["unauthorized"], 4),
            (&["no_video", "unsupported", "no_keyframe", "corrupt"], 5),
            (&["limit", "crashed", "internal", "anything"], 1),
        ] {
            for kind in kinds {
                assert_eq!(exit_code(kind), code, "{kind}");
            }
        }
    }

    #[test]
    fn a_word_is_a_camera_or_a_file() {
        let camera = CameraArgs {
            transport: "auto".to_owned(),
            persist: false,
            tls_insecure: false,
            username: None,
            password: None,
        };
        let read = |word: &str| source(word, &camera);
        assert!(matches!(read("rtsp://host/x"), Ok(Source::Rtsp(_))));
        assert!(matches!(read("RTSP://host/x"), Ok(Source::Rtsp(_))));
        assert!(matches!(read("clip.mp4"), Ok(Source::File(_))));
        assert!(matches!(read("./a:b.mp4"), Ok(Source::File(_))));
        for word in [
            "",
            " ",
            "http://host/x",
            "file:///etc/passwd",
            "concat:a",
            "rtsp:",
        ] {
            assert_eq!(read(word).err().map(|o| o.code), Some(USAGE), "{word}");
        }
    }
}
