//! The parent's side of a session: starts the worker, takes in what it reports,
//! passes pictures on, stops it, and puts an end to it where it does not obey.

use std::{
    io,
    os::unix::ffi::OsStrExt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bestshot_gallery::manifest::Failure;
use bestshot_ranker::Rectangle;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, ChildStdout},
    sync::{mpsc, watch},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    command::WorkerCommand,
    job::{Job, Source},
    kept::Kept,
    protocol::{self, Order, Orders, Report, SourceText},
    reports::{PictureSink, Reader},
    status::{State, Status},
};

/// A worker reports five times a second; one that says nothing for so long
/// hangs.
const HUNG: Duration = Duration::from_secs(10);
/// No timer is so late in a process that runs.
const HALTED: Duration = Duration::from_secs(2);
/// Once asked to stop, somebody is waiting for it. Signs of life are no excuse, only
/// pictures that are being made …
const DISOBEYS: Duration = Duration::from_millis(750);
/// … and those for so long: a hundred large originals, on a slow machine or disk.
const SAVES: Duration = Duration::from_secs(30);

/// What a pipe to a worker holds: the most that Linux gives without privileges.
const PIPE: usize = 1 << 20;

/// A session under way, or over. Dropping it kills the worker.
#[derive(Debug)]
pub struct Session {
    status: watch::Receiver<Arc<Status>>,
    stop: mpsc::Sender<()>,
    pid: Option<u32>,
}

impl Session {
    /// Starts a worker process for `job`.
    ///
    /// # Errors
    /// Where the process cannot be started.
    ///
    /// # Panics
    /// Outside a tokio runtime, as all of tokio does.
    pub fn start(
        job: &Job,
        worker: &WorkerCommand,
        sink: Arc<dyn PictureSink>,
    ) -> io::Result<Self> {
        let order = protocol::head(&Order::Start(Box::new(orders(job))), 0)?;
        let mut child = worker.command().spawn()?;
        let pid = child.id();
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the worker has no pipes"));
        };
        // Pictures are megabytes: with the usual 64 KiB both sides would wait for each
        // other dozens of times for each. Where it is refused it is merely slower.
        let _ = rustix::pipe::fcntl_setpipe_size(&output, PIPE);
        let (sender, status) = watch::channel(Arc::new(Status::default()));
        // One place is enough: a second request adds nothing to the first.
        let (stop, asked) = mpsc::channel(1);
        let supervisor = Supervisor {
            child,
            input: Some(input),
            sender,
            asked,
            sink,
            kept: Kept::new(job.limit.get()),
        };
        tokio::spawn(supervisor.run(order, output));
        Ok(Self { status, stop, pid })
    }

    /// How the session stands, now and whenever that changes.
    pub fn watch(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// Stops the session and waits until the pictures of its last winners were
    /// put. Again, or when it is over: the same answer.
    pub async fn stop(&self) -> Arc<Status> {
        let _ = self.stop.try_send(());
        self.over().await
    }

    /// Waits until the session is over.
    pub async fn over(&self) -> Arc<Status> {
        let mut status = self.status.clone();
        match status.wait_for(|s| s.state.is_over()).await {
            Ok(last) => Arc::clone(&last),
            // The supervisor always says how it ended before it goes, unless the
            // runtime is being shut down under it.
            Err(_) => Arc::clone(&self.status.borrow()),
        }
    }

    /// The worker's process id.
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }
}

struct Supervisor {
    child: Child,
    /// Closed when the session is to stop: the worker takes that for the order.
    input: Option<ChildStdin>,
    sender: watch::Sender<Arc<Status>>,
    asked: mpsc::Receiver<()>,
    sink: Arc<dyn PictureSink>,
    kept: Kept,
}

/// Until when a worker that was asked to stop may go on.
struct Grace {
    until: Instant,
    last: Instant,
}

impl Grace {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            until: now + DISOBEYS,
            last: now + SAVES,
        }
    }

    /// Pictures are being made, or put.
    fn extend(&mut self) {
        self.until = self.last.min(Instant::now() + DISOBEYS);
    }

    fn is_spent(&self) -> bool {
        Instant::now() >= self.until
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.last
    }
}

/// What ended the conversation.
enum Ending {
    Finished(State, Option<Failure>),
    /// Asked to stop, it did not.
    Killed,
    Crashed(String),
}

impl Ending {
    fn disobedient() -> Self {
        tracing::warn!("a worker did not stop when asked and was killed");
        Self::Killed
    }
}

impl Supervisor {
    async fn run(mut self, order: Vec<u8>, output: ChildStdout) {
        // Read on a task of its own: giving up on a message half-way, to stop,
        // would lose the place of the next one. Few wait, so memory is bounded.
        let (sender, reports) = mpsc::channel(1);
        let storing = Arc::new(AtomicBool::new(false));
        let reader = Reader::new(sender, Arc::clone(&self.sink), Arc::clone(&storing));
        let reader = tokio::spawn(reader.run(output));
        let ending = self.converse(&order, reports, &storing).await;
        reader.abort();
        // One that finished has nothing left to do but to exit: nobody waits for that.
        // One that did not must be gone before the session is said to be over.
        let finished = matches!(ending, Ending::Finished(..));
        if !finished {
            self.end_worker().await;
        }
        let (state, error) = match ending {
            Ending::Finished(state, error) => (state, error),
            Ending::Killed => (State::Stopped, None),
            Ending::Crashed(message) => (
                State::Failed,
                Some(Failure {
                    kind: "crashed".to_owned(),
                    message,
                }),
            ),
        };
        self.sender.send_modify(|status| {
            let mut last = Status::clone(status);
            last.state = state;
            last.error = error;
            last.stats.fps = 0.0;
            if !finished {
                last.winners = self.kept.saved();
                last.revision += 1;
            }
            *status = Arc::new(last);
        });
        self.end_worker().await;
    }

    /// Idempotent: a process that was waited for is left alone.
    async fn end_worker(&mut self) {
        let _ = self.child.start_kill();
        let _ = self.child.wait().await;
    }

    async fn converse(
        &mut self,
        order: &[u8],
        mut reports: mpsc::Receiver<io::Result<Report>>,
        storing: &AtomicBool,
    ) -> Ending {
        if let Some(input) = &mut self.input
            && let Err(e) = input.write_all(order).await
        {
            return Ending::Crashed(format!("the reading process did not start: {e}"));
        }
        let mut last = Status::default();
        let mut stopping: Option<Grace> = None;
        loop {
            let since = Instant::now();
            let until = match &stopping {
                Some(grace) => grace.until,
                None => since + HUNG,
            };
            let message = tokio::select! {
                // Stopping comes first: a worker that floods us must not delay it.
                biased;
                asked = self.asked.recv(), if stopping.is_none() => {
                    stopping = Some(Grace::new());
                    self.ask_to_stop(&mut last).await;
                    // The session itself was dropped.
                    if asked.is_none() {
                        return Ending::Killed;
                    }
                    continue;
                }
                message = timeout_at(until, reports.recv()) => message,
            };
            match message {
                Ok(Some(Ok(Report::Finished))) => {
                    return Ending::Finished(last.state, last.error);
                }
                Ok(Some(Ok(report))) => {
                    if let Some(grace) = &mut stopping
                        && report.is_saving()
                    {
                        grace.extend();
                    }
                    self.take(report, &mut last, stopping.is_some()).await;
                    // Who talks without end is given no more time than who is silent.
                    if stopping.as_ref().is_some_and(Grace::is_spent)
                        && !storing.load(Ordering::Acquire)
                    {
                        return Ending::disobedient();
                    }
                }
                Ok(Some(Err(e))) => {
                    return Ending::Crashed(format!("the process that read this camera said {e}"));
                }
                Ok(None) => {
                    return Ending::Crashed(
                        "the process that read this camera ended unexpectedly; what it had found \
                         until then was kept"
                            .to_owned(),
                    );
                }
                // Silent because we have not listened: the disk is slow, not the worker.
                Err(_) if storing.load(Ordering::Acquire) => match &mut stopping {
                    Some(grace) if grace.is_over() => {
                        tracing::warn!("pictures could not be saved in time");
                        return Ending::Killed;
                    }
                    Some(grace) => grace.extend(),
                    None => {}
                },
                // Woken so late, this process was halted itself and may have heard nothing.
                Err(_) if stopping.is_none() && since.elapsed() > HUNG + HALTED => {}
                Err(_) if stopping.is_some() => return Ending::disobedient(),
                Err(_) => {
                    return Ending::Crashed(format!(
                        "the process that read this camera gave no sign of life for {} s and was \
                         ended; what it had found until then was kept",
                        HUNG.as_secs()
                    ));
                }
            }
        }
    }

    async fn ask_to_stop(&mut self, last: &mut Status) {
        if let Some(mut input) = self.input.take()
            && let Ok(order) = protocol::head(&Order::Stop, 0)
        {
            // Dropping the pipe says the same, should the worker not read it.
            let _ = timeout(DISOBEYS / 4, input.write_all(&order)).await;
        }
        last.state = State::Stopping;
        self.sender.send_replace(Arc::new(last.clone()));
    }

    async fn take(&mut self, report: Report, last: &mut Status, stopping: bool) {
        match report {
            Report::Progress(progress) => {
                last.update(*progress);
                // The worker's own final word is passed on after its pictures.
                let mut shown = last.clone();
                if stopping || shown.state.is_over() {
                    shown.state = State::Stopping;
                }
                self.sender.send_replace(Arc::new(shown));
            }
            Report::Winners { revision, winners } => {
                let gone = self.kept.winners(&winners);
                last.revision = revision;
                last.winners = winners;
                if !gone.is_empty() {
                    let sink = Arc::clone(&self.sink);
                    let removed = move || gone.into_iter().for_each(|key| sink.remove(key));
                    // A disk that hangs must not keep a stop from being heard.
                    let removal = tokio::task::spawn_blocking(removed);
                    let _ = timeout(HUNG, removal).await;
                }
            }
            Report::Picture { key, .. } => self.kept.put(key),
            Report::Curve(points) => last.curve = points.into(),
            Report::Finished => {}
        }
    }
}

/// As `Region::rectangles` reads them.
fn rectangles(all: &[Rectangle]) -> String {
    let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
    texts.join(";")
}

fn orders(job: &Job) -> Orders {
    Orders {
        source: match &job.source {
            Source::Rtsp(url) => SourceText::Rtsp(url.expose()),
            Source::File(path) => SourceText::File(path.as_os_str().as_bytes().to_vec()),
        },
        best: job.best.to_string(),
        min_gap: job.apart.min_gap,
        distinct: job.apart.distinct,
        include: rectangles(job.region.included()),
        exclude: rectangles(job.region.excluded()),
        limit: u32::try_from(job.limit.get()).unwrap_or(u32::MAX),
        width: job.thumbnail.width(),
        height: job.thumbnail.height(),
        fit: job.thumbnail.fit(),
        sampling: job.sampling,
        transport: job.transport,
        tls_insecure: job.tls_insecure,
        warmup: job.warmup,
        persist: job.persist,
        duration: job.duration,
        frames: job.frames,
        policy: job.policy.clone(),
        deadlines: job.deadlines,
    }
}

#[cfg(test)]
mod tests;
