//! `bestshot grab`: one session from the shell, with its progress on standard
//! error and a gallery directory at the end.

use std::{
    fmt::Write,
    io::{self, IsTerminal},
    path::Path,
    sync::Arc,
    time::Duration,
};

use bestshot_decoder::AddressPolicy;
use bestshot_gallery::{manifest::Manifest, plot};
use bestshot_session::{Session, Source, Status, WorkerCommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Outcome, given, interrupted, print, source, target::Target, wrong_options};
use crate::{
    cli::Grab,
    options::check_options,
    state::{Facts, Pictures, blocking, now},
};

/// Between two lines of progress where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Between two looks at the session on a terminal.
const DRAW_EVERY: Duration = Duration::from_millis(200);

pub(super) async fn run(args: Grab, worker: WorkerCommand) -> Outcome {
    match grab(args, worker).await {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

async fn grab(args: Grab, worker: WorkerCommand) -> Result<Outcome, Outcome> {
    let source = source(&args.source, &args.camera)?;
    let options = check_options(&given(Some(&args.start), &args.camera))
        .map_err(|faults| wrong_options(&faults))?;
    let stop_asked = interrupted().map_err(Outcome::fault)?;
    let started_at = now();
    let target = Target::new(args.out, started_at).map_err(Outcome::usage)?;
    let pictures = Pictures::new(target.draft().map_err(Outcome::fault)?);

    let job = options
        .job(source.clone(), AddressPolicy::default())
        .deadlines(args.deadlines.into());
    let session = Session::start(&job, &worker, Arc::clone(&pictures) as _)
        .map_err(|e| Outcome::fault(format!("the worker process could not be started: {e}")))?;
    let status = follow(&session, &source, stop_asked).await;

    let failure = status.error.clone();
    if status.winners.is_empty() {
        return Err(match failure {
            Some(failure) => Outcome::of_failure(&failure),
            None => Outcome {
                code: 5,
                message: Some("the source ended before a frame could be scored".to_owned()),
            },
        });
    }
    let facts = Facts {
        id: target.id().to_owned(),
        source: source.to_string(),
        options: options.shown,
        started_at,
    };
    let saving = blocking(move || {
        let manifest = facts.manifest(&status, now(), &pictures);
        target.finish(pictures, &manifest)
    });
    let (directory, manifest) = saving.await.map_err(Outcome::fault)?;
    if let Some(file) = &args.plot {
        draw_plot(&manifest, file)?;
    }
    if args.json {
        print(serde_json::to_string_pretty(&manifest).map_err(Outcome::fault)?);
    } else {
        let count = manifest.winners.len();
        print(format_args!(
            "Saved {count} frames in {}",
            directory.display()
        ));
        print(format_args!(
            "Open {}",
            directory.join("index.html").display()
        ));
    }
    Ok(match failure {
        Some(failure) => Outcome::of_failure(&failure),
        None => Outcome::DONE,
    })
}

/// Draws the score over time into a file.
fn draw_plot(manifest: &Manifest, file: &Path) -> Result<(), Outcome> {
    let svg = plot(manifest).map_err(Outcome::fault)?.unwrap_or_default();
    std::fs::write(file, svg).map_err(|e| {
        let file = file.display();
        Outcome::fault(format!("the plot cannot be written to {file}: {e}"))
    })
}

/// Shows progress until the session is over, by itself or because of a signal.
async fn follow(
    session: &Session,
    source: &Source,
    stop_asked: impl Future<Output = ()>,
) -> Arc<Status> {
    let mut progress = Progress::new(source);
    let mut stop_asked = std::pin::pin!(stop_asked);
    let mut tick = interval(DRAW_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let watch = session.watch();
    let mut over = std::pin::pin!(session.over());
    let status = loop {
        tokio::select! {
            status = &mut over => break status,
            () = &mut stop_asked => {
                progress.note("Stopping; saving what there is.");
                break session.stop().await;
            }
            _ = tick.tick() => {
                let status = Arc::clone(&watch.borrow());
                progress.show(&status);
            }
        }
    };
    progress.end();
    status
}

/// A bar on a terminal, a line now and then elsewhere; always on standard error.
struct Progress {
    bar: Option<ProgressBar>,
    next_line: Instant,
}

impl Progress {
    fn new(source: &Source) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_prefix(source.to_string());
            bar
        });
        Self {
            bar,
            next_line: Instant::now() + LINE_EVERY,
        }
    }

    fn show(&mut self, status: &Status) {
        let stats = &status.stats;
        let mut text = format!("{}: {} frames scored", status.state, stats.frames_scored);
        // Writing to a String cannot fail.
        if stats.fps > 0.0 {
            let _ = write!(text, ", {:.0} a second", stats.fps);
        }
        if let Some(best) = status.best_score {
            let _ = write!(text, ", best {best:.4}");
        }
        match &self.bar {
            Some(bar) => draw(bar, status, text),
            None if Instant::now() >= self.next_line => {
                eprintln!("{text}");
                self.next_line = Instant::now() + LINE_EVERY;
            }
            None => {}
        }
    }

    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A file has a length and gets a bar; a camera a spinner.
fn draw(bar: &ProgressBar, status: &Status, text: String) {
    let pixels = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let length = status.duration.map(|seconds| pixels(seconds).as_millis());
    let length = length
        .and_then(|ms| u64::try_from(ms).ok())
        .filter(|ms| *ms > 0);
    let template = match length {
        Some(_) => "{prefix} [{bar:30}] {percent}% {msg}",
        None => "{spinner} {prefix} {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    if let Some(length) = length {
        let rate = status
            .stream
            .as_ref()
            .and_then(|s| s.frame_rate)
            .unwrap_or_default();
        bar.set_length(length);
        if rate > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "a position on a bar")]
            let seconds = status.stats.frames_decoded as f64 / rate;
            let position = u64::try_from(pixels(seconds).as_millis()).unwrap_or(length);
            bar.set_position(position.min(length));
        }
    }
    bar.set_message(text);
    bar.tick();
}
