//! The worker process: takes one job on standard input, runs it, and reports on
//! standard output. It ends when told to, when its job is over, or when its
//! parent is gone.

use std::{
    io::{self, Stdin, Stdout},
    num::NonZeroUsize,
    os::unix::ffi::OsStringExt,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bestshot_decoder::{RtspUrl, Stop, keep_heap_small, limit_allocation};
use bestshot_gallery::ThumbnailSpec;
use bestshot_ranker::{Apart, Blend, Region};

use crate::{
    board::Board,
    encoder,
    job::{Job, Source},
    pipeline::Pipeline,
    protocol::{self, Order, Orders, Report, SourceText},
};

/// How often progress is reported; also the worker's sign of life.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(200);

/// How often the score over time is.
const REDRAWN: Duration = Duration::from_secs(1);

/// A call into libav looks up ten times a second and decodes a picture in less than
/// this. One that does neither hangs, and whoever watches over this process is to know:
/// there is no sign of life until it returns.
const STUCK: Duration = Duration::from_secs(1);

/// No real picture or message needs more at once.
const MAX_ALLOCATION: usize = 256 << 20;

/// Runs one session for the parent at the other end of standard input and
/// output. This is what the hidden command `worker` is.
pub fn worker_main() -> ExitCode {
    match run(io::stdin()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            tracing::error!("worker: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut input: Stdin) -> io::Result<()> {
    keep_heap_small();
    limit_allocation(MAX_ALLOCATION);
    let Some(Order::Start(orders)) = protocol::read_order(&mut input)? else {
        return Err(io::Error::other(
            "it is started by bestshot itself, not by hand",
        ));
    };
    let job = job(*orders)?;
    let board = Arc::new(Board::new(job.limit, job.apart));
    let (stop, done) = (Stop::new(), AtomicBool::new(false));
    let output = Output(Mutex::new(io::stdout()));
    let (reader, frozen) = (stop.clone(), Arc::clone(&board));
    // Not joined: it waits for the parent, which says nothing more at the end.
    thread::Builder::new()
        .name("orders".into())
        .spawn(move || {
            // Anything but a further order means that the parent is gone.
            let _ = protocol::read_order(&mut input);
            reader.request();
            // The winners are final from here on: their pictures need not wait until the
            // pipeline has noticed and the camera is taken leave of.
            frozen.finish();
        })?;
    thread::scope(|scope| {
        let heart = scope.spawn(|| beat(&board, &output, &stop, &done));
        let pictures = scope.spawn(|| encoder::run(&board, &job, &output));
        let (state, error) = Pipeline::new(&job, &board, &stop).run();
        board.lock().progress.error = error;
        board.finish();
        // A panic in either thread was already printed; the rest is still worth saving.
        let _ = pictures.join();
        done.store(true, Ordering::Release);
        board.tell();
        let _ = heart.join();
        board.lock().progress.state = state;
        // No revision is this one: the final winners are said in any case.
        Drawn::default().send(&board, &output)?;
        report(&board, &output, &mut u64::MAX.clone())?;
        output.send(&Report::Finished, &[])
    })
}

fn beat(board: &Board, output: &Output, stop: &Stop, done: &AtomicBool) {
    let (mut revision, mut heard) = (0, 0);
    let mut drawn = Drawn::default();
    while !done.load(Ordering::Acquire) {
        if board.lock().is_expired() {
            // Its time is over, whether the camera is there or not.
            stop.request();
        }
        // Pictures that can still be made are a sign of life.
        let stuck = stop.stuck_for() >= STUCK && !board.lock().is_saving();
        if !stuck && report(board, output, &mut revision).is_err() {
            // The parent is gone.
            stop.request();
            return;
        }
        if drawn.at.is_none_or(|at| at.elapsed() >= REDRAWN) && drawn.send(board, output).is_err() {
            stop.request();
            return;
        }
        board.news(HEARTBEAT, &mut heard);
    }
}

/// What was said of the score over time.
#[derive(Default)]
struct Drawn {
    changes: u64,
    at: Option<Instant>,
}

impl Drawn {
    fn send(&mut self, board: &Board, output: &Output) -> io::Result<()> {
        let points = {
            let inner = board.lock();
            let changes = inner.curve.changes();
            if changes == self.changes {
                return Ok(());
            }
            self.changes = changes;
            inner.curve.points()
        };
        self.at = Some(Instant::now());
        output.send(&Report::Curve(points), &[])
    }
}

/// Sends the winners where they changed since `revision`, then the progress.
fn report(board: &Board, output: &Output, revision: &mut u64) -> io::Result<()> {
    let (progress, winners) = {
        let inner = board.lock();
        let changed = inner.revision() != *revision;
        *revision = inner.revision();
        let mut progress = inner.progress.clone();
        progress.saving = inner.is_saving();
        (progress, changed.then(|| inner.winners()))
    };
    if let Some(winners) = winners {
        output.send(
            &Report::Winners {
                revision: *revision,
                winners,
            },
            &[],
        )?;
    }
    output.send(&Report::Progress(Box::new(progress)), &[])
}

/// Standard output, one whole message at a time.
pub(crate) struct Output(Mutex<Stdout>);

impl Output {
    pub(crate) fn send(&self, report: &Report, body: &[u8]) -> io::Result<()> {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        protocol::write(&mut *out, report, body)
    }
}

pub(crate) fn job(orders: Orders) -> io::Result<Job> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let source = match orders.source {
        SourceText::Rtsp(text) => {
            Source::Rtsp(RtspUrl::parse(&text).map_err(|e| invalid(e.to_string()))?)
        }
        SourceText::File(bytes) => Source::File(PathBuf::from(std::ffi::OsString::from_vec(bytes))),
    };
    let best: Blend = orders.best.parse().map_err(|e| invalid(format!("{e}")))?;
    let read = |text: &str| Region::rectangles(text).map_err(|e| invalid(e.to_string()));
    let region = Region::new(read(&orders.include)?, read(&orders.exclude)?);
    let limit = usize::try_from(orders.limit)
        .ok()
        .and_then(NonZeroUsize::new);
    let thumbnail = ThumbnailSpec::new(orders.width, orders.height, orders.fit);
    Ok(Job::new(source)
        .best(best)
        .apart(Apart {
            min_gap: orders.min_gap,
            distinct: orders.distinct,
        })
        .region(region.map_err(|e| invalid(e.to_string()))?)
        .sampling(orders.sampling)
        .limit(limit.ok_or_else(|| invalid("a limit of 0".into()))?)
        .thumbnail(thumbnail.map_err(|e| invalid(e.to_string()))?)
        .transport(orders.transport)
        .tls_insecure(orders.tls_insecure)
        .warmup(orders.warmup)
        .persist(orders.persist)
        .duration(orders.duration)
        .frames(orders.frames)
        .policy(orders.policy)
        .deadlines(orders.deadlines))
}
