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

use bestshot_gallery::{PictureKind, manifest::Failure};
use bestshot_ranker::Rectangle;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout},
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{
    command::WorkerCommand,
    job::{Job, Source},
    kept::Kept,
    protocol::{self, Order, Orders, Report, SourceText},
    status::{State, Status},
};

/// A worker reports five times a second; one that says nothing for so long
/// hangs.
const HUNG: Duration = Duration::from_secs(10);
/// Once asked to stop, somebody is waiting for it.
const DISOBEYS: Duration = Duration::from_millis(900);

/// What a pipe to a worker holds: the most that Linux gives without privileges.
const PIPE: usize = 1 << 20;

/// Pictures put at the same time: each is some megabytes in this process until then.
const PUTS_AT_ONCE: usize = 2;

/// Takes a session's pictures: somebody who knows where galleries live.
pub trait PictureSink: Send + Sync + 'static {
    /// A picture of the winner `key`, as a complete PNG. Called on threads that may
    /// block, several at a time.
    ///
    /// # Errors
    /// An error is logged and the session goes on: the picture may be missing
    /// from the gallery.
    fn put(&self, key: u64, kind: PictureKind, png: &[u8]) -> io::Result<()>;

    /// Called when a picture was put and let go of: time to wait for a slow disk, if
    /// that is to be done, while the next pictures are put.
    ///
    /// # Errors
    /// As [`PictureSink::put`].
    fn flush(&self, key: u64, kind: PictureKind) -> io::Result<()> {
        let _ = (key, kind);
        Ok(())
    }

    /// `key` is no winner any more.
    fn remove(&self, key: u64);
}

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

/// What ended the conversation.
enum Ending {
    Finished(State, Option<Failure>),
    /// Asked to stop, it did not.
    Killed,
    Crashed(String),
}

impl Supervisor {
    async fn run(mut self, order: Vec<u8>, output: ChildStdout) {
        // Read on a task of its own: giving up on a message half-way, to stop,
        // would lose the place of the next one. Few wait, so memory is bounded.
        let (sender, reports) = mpsc::channel(1);
        let storing = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            sender,
            sink: Arc::clone(&self.sink),
            storing: Arc::clone(&storing),
            puts: JoinSet::new(),
        };
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
        let mut stopping = false;
        loop {
            let patience = if stopping { DISOBEYS } else { HUNG };
            let message = tokio::select! {
                // Stopping comes first: a worker that floods us must not delay it.
                biased;
                asked = self.asked.recv(), if !stopping => {
                    stopping = true;
                    self.ask_to_stop(&mut last).await;
                    // The session itself was dropped.
                    if asked.is_none() {
                        return Ending::Killed;
                    }
                    continue;
                }
                message = timeout(patience, reports.recv()) => message,
            };
            match message {
                Ok(Some(Ok(Report::Finished))) => {
                    return Ending::Finished(last.state, last.error);
                }
                Ok(Some(Ok(report))) => self.take(report, &mut last, stopping).await,
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
                Err(_) if storing.load(Ordering::Acquire) => {}
                Err(_) if stopping => {
                    tracing::warn!("a worker did not stop when asked and was killed");
                    return Ending::Killed;
                }
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
            let _ = timeout(DISOBEYS, input.write_all(&order)).await;
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
                    let _ = tokio::task::spawn_blocking(removed).await;
                }
            }
            Report::Picture { key, .. } => self.kept.put(key),
            Report::Curve(points) => last.curve = points.into(),
            Report::Finished => {}
        }
    }
}

/// Reads what the worker says, on a task of its own, and passes it on.
struct Reader {
    sender: mpsc::Sender<io::Result<Report>>,
    sink: Arc<dyn PictureSink>,
    /// Whether nothing is read because pictures are still being put.
    storing: Arc<AtomicBool>,
    puts: JoinSet<()>,
}

impl Reader {
    /// Reads until the pipe ends or makes no sense.
    async fn run(mut self, mut output: ChildStdout) {
        loop {
            let message = self.next(&mut output).await;
            let over = message.is_err();
            // Reports that rest on pictures come after these are put.
            if !matches!(
                message,
                Ok(Report::Progress(_) | Report::Curve(_) | Report::Picture { .. })
            ) {
                self.settle(0).await;
            }
            // The pipe's end is the channel's end; anything else wrong is told.
            let ended = matches!(&message, Err(e) if e.kind() == io::ErrorKind::UnexpectedEof);
            if ended || self.sender.send(message).await.is_err() || over {
                return;
            }
        }
    }

    /// The next report. A picture is being put when this returns.
    async fn next(&mut self, output: &mut ChildStdout) -> io::Result<Report> {
        let mut prefix = [0; 8];
        output.read_exact(&mut prefix).await?;
        let (header, body) = protocol::lengths(prefix)?;
        let mut bytes = vec![0; header];
        output.read_exact(&mut bytes).await?;
        let mut png = vec![0; body];
        output.read_exact(&mut png).await?;
        let report = protocol::decode(&bytes)?;
        if let Report::Picture { key, kind } = report {
            self.settle(PUTS_AT_ONCE - 1).await;
            let sink = Arc::clone(&self.sink);
            self.puts.spawn_blocking(move || {
                let put = sink.put(key, kind, &png);
                drop(png);
                if let Err(e) = put {
                    tracing::warn!(key, %kind, "a picture was not saved: {e}");
                } else if kind == PictureKind::Original {
                    // Nobody waits for this one.
                    tokio::task::spawn_blocking(move || flush(&*sink, key, kind));
                }
            });
        }
        Ok(report)
    }

    /// Waits until no more than `most` pictures are being put.
    async fn settle(&mut self, most: usize) {
        self.storing.store(true, Ordering::Release);
        while self.puts.len() > most && self.puts.join_next().await.is_some() {}
        self.storing.store(false, Ordering::Release);
    }
}

fn flush(sink: &dyn PictureSink, key: u64, kind: PictureKind) {
    if let Err(e) = sink.flush(key, kind) {
        tracing::warn!(key, %kind, "a picture may not be on the disk yet: {e}");
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
