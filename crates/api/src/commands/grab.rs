//! `bestshot grab`: a session for each source, side by side, with their progress on
//! standard error and a gallery of each at the end.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bestshot_decoder::AddressPolicy;
use bestshot_gallery::{manifest::Manifest, plot};
use bestshot_session::{Failure, Session, Source, State, Status, WorkerCommand};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    Outcome, given, interrupted, opener, print,
    progress::{Goal, Line, Progress},
    source,
    target::{Target, targets},
    wrong_options,
};
use crate::{
    cli::Grab,
    options::{Checked, check_options},
    state::{Facts, Pictures, blocking, now},
};

/// Between two looks at a session.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) async fn run(args: Grab, worker: WorkerCommand) -> Outcome {
    match grab(args, worker).await {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

async fn grab(mut args: Grab, worker: WorkerCommand) -> Result<Outcome, Outcome> {
    let sources: Vec<Source> = args
        .source
        .iter()
        .map(|word| source(word, &args.camera))
        .collect::<Result<_, _>>()?;
    if args.plot.is_some() && sources.len() > 1 {
        return Err(Outcome::usage(
            "--plot takes a single source; each gallery has its own plot.svg",
        ));
    }
    let options = check_options(&given(Some(&args.start), &args.camera))
        .map_err(|faults| wrong_options(&faults))?;
    let stop = stop_when_asked()?;
    let targets = targets(args.out.take(), &sources, now()).map_err(Outcome::usage)?;

    let all = All {
        progress: Progress::new(),
        several: sources.len() > 1,
        options,
        stop,
        worker,
        args,
    };
    let grabs = sources
        .into_iter()
        .zip(targets)
        .map(|(source, target)| all.one(source, target));
    let grabbed = join_all(grabs).await;
    all.print(&grabbed)?;
    if all.args.open {
        for (directory, _) in grabbed.iter().filter_map(|g| g.saved.as_ref()) {
            if let Err(sentence) = opener::open(&directory.join("index.html")).await {
                eprintln!("bestshot: {sentence}");
            }
        }
    }
    Ok(all.outcome(grabbed))
}

/// Cancelled at the first Ctrl-C or SIGTERM.
fn stop_when_asked() -> Result<CancellationToken, Outcome> {
    let asked = interrupted().map_err(Outcome::fault)?;
    let stop = CancellationToken::new();
    let heard = stop.clone();
    tokio::spawn(async move {
        asked.await;
        heard.cancel();
    });
    Ok(stop)
}

/// What the sources have in common.
struct All {
    args: Grab,
    options: Checked,
    worker: WorkerCommand,
    stop: CancellationToken,
    progress: Progress,
    /// Then lines tell which source they are about.
    several: bool,
}

/// What came of one source.
struct Grabbed {
    source: String,
    saved: Option<(PathBuf, Manifest)>,
    error: Option<Failure>,
    outcome: Outcome,
}

/// The same for programs.
#[derive(Serialize)]
struct Entry<'a> {
    source: &'a str,
    directory: Option<String>,
    manifest: Option<&'a Manifest>,
    error: Option<&'a Failure>,
}

impl All {
    /// Reads one source to its end and saves its gallery. It fails alone.
    async fn one(&self, source: Source, target: Target) -> Grabbed {
        let shown = source.to_string();
        let label = self.several.then(|| target.name().to_owned());
        let mut grabbed = self.read(source, target).await.unwrap_or_else(|outcome| {
            let message = outcome.message.clone().unwrap_or_default();
            Grabbed {
                source: shown,
                saved: None,
                error: Some(Failure {
                    kind: "internal".to_owned(),
                    message,
                }),
                outcome,
            }
        });
        // Not only at the end, for which the others may take hours.
        if let Some(label) = label
            && let Some(message) = grabbed.outcome.message.take()
        {
            self.progress.say(&format!("bestshot: {label}: {message}"));
        }
        grabbed
    }

    async fn read(&self, source: Source, target: Target) -> Result<Grabbed, Outcome> {
        let pictures = Pictures::new(target.draft().map_err(Outcome::fault)?);
        let facts = Facts {
            id: target.id().to_owned(),
            source: source.to_string(),
            options: self.options.shown.clone(),
            started_at: now(),
        };
        let job = self
            .options
            .job(source, AddressPolicy::default())
            .frames(self.args.frames)
            .deadlines(self.args.deadlines.into());
        let session = Session::start(&job, &self.worker, Arc::clone(&pictures) as _)
            .map_err(|e| Outcome::fault(format!("the worker process could not be started: {e}")))?;
        let goal = Goal {
            frames: self.args.frames,
            duration: self.options.shown.duration,
        };
        let (name, label) = if self.several {
            (target.name(), Some(target.name()))
        } else {
            (&*facts.source, None)
        };
        let line = self.progress.line(name, label, goal);
        let status = self.follow(&session, line).await;

        let source = facts.source.clone();
        let error = status.error.clone();
        if status.winners.is_empty() {
            return Ok(nothing(source, &status));
        }
        let saving = blocking(move || {
            let manifest = facts.manifest(&status, now(), &pictures);
            target.finish(pictures, &manifest)
        });
        let saved = saving.await.map_err(Outcome::fault)?;
        Ok(Grabbed {
            source,
            saved: Some(saved),
            outcome: error.as_ref().map_or(Outcome::DONE, Outcome::of_failure),
            error,
        })
    }

    /// Shows progress until the session is over, by itself or because of a signal.
    async fn follow(&self, session: &Session, mut line: Line) -> Arc<Status> {
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let watch = session.watch();
        let mut over = std::pin::pin!(session.over());
        let status = loop {
            tokio::select! {
                status = &mut over => break status,
                () = self.stop.cancelled() => break session.stop().await,
                _ = tick.tick() => {
                    let status = Arc::clone(&watch.borrow());
                    line.show(&status);
                }
            }
        };
        line.end();
        status
    }

    /// Says what was saved.
    fn print(&self, grabbed: &[Grabbed]) -> Result<(), Outcome> {
        for one in grabbed {
            let Some((directory, manifest)) = &one.saved else {
                continue;
            };
            if let Some(file) = &self.args.plot {
                draw_plot(manifest, file)?;
            }
            let count = manifest.winners.len();
            let page = directory.join("index.html");
            let saved = format!("Saved {count} frames in {}", directory.display());
            let open = format!("Open {}", page.display());
            if self.args.json {
                eprintln!("{saved}");
            } else {
                print(saved);
                print(open);
            }
        }
        if self.args.json {
            let text = match (self.several, grabbed) {
                (false, [one]) => match &one.saved {
                    Some((_, manifest)) => serde_json::to_string_pretty(manifest),
                    None => return Ok(()),
                },
                _ => serde_json::to_string_pretty(&entries(grabbed)),
            };
            print(text.map_err(Outcome::fault)?);
        }
        Ok(())
    }

    /// What the command comes to: the first source, in the order in which they were
    /// named, of which something went wrong.
    fn outcome(&self, grabbed: Vec<Grabbed>) -> Outcome {
        let mut outcomes = grabbed.into_iter().map(|one| one.outcome);
        let wrong = outcomes.find(|outcome| outcome.code != 0 || !self.several);
        wrong.unwrap_or(Outcome::DONE)
    }
}

/// The outcome of a session of which there is nothing to save.
fn nothing(source: String, status: &Status) -> Grabbed {
    let (code, error, message) = match &status.error {
        Some(failure) => {
            let outcome = Outcome::of_failure(failure);
            (outcome.code, Some(failure.clone()), outcome.message)
        }
        None if status.state == State::Stopped => {
            let message = "stopped before a frame was scored; there is nothing to save";
            (0, None, Some(message.to_owned()))
        }
        None => {
            let message = "the source ended before a frame could be scored".to_owned();
            let failure = Failure {
                kind: "no_video".to_owned(),
                message: message.clone(),
            };
            (5, Some(failure), Some(message))
        }
    };
    Grabbed {
        source,
        saved: None,
        error,
        outcome: Outcome { code, message },
    }
}

fn entries(grabbed: &[Grabbed]) -> Vec<Entry<'_>> {
    let entry = |one| {
        let Grabbed {
            source,
            saved,
            error,
            ..
        }: &Grabbed = one;
        let saved = saved.as_ref();
        Entry {
            source,
            directory: saved.map(|(directory, _)| directory.to_string_lossy().into_owned()),
            manifest: saved.map(|(_, manifest)| manifest),
            error: error.as_ref(),
        }
    };
    grabbed.iter().map(entry).collect()
}

/// Draws the score over time into a file.
fn draw_plot(manifest: &Manifest, file: &Path) -> Result<(), Outcome> {
    let svg = plot(manifest).map_err(Outcome::fault)?.unwrap_or_default();
    std::fs::write(file, svg).map_err(|e| {
        let file = file.display();
        Outcome::fault(format!("the plot cannot be written to {file}: {e}"))
    })
}
