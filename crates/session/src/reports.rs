//! What a worker says, read from its pipe in turn: pictures go to the sink, everything
//! else to the supervisor. What follows from it is `supervisor`'s business.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bestshot_gallery::PictureKind;
use tokio::{io::AsyncReadExt, process::ChildStdout, sync::mpsc, task::JoinSet};

use crate::protocol::{self, Report};

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

/// Reads what the worker says, on a task of its own, and passes it on.
pub(crate) struct Reader {
    sender: mpsc::Sender<io::Result<Report>>,
    sink: Arc<dyn PictureSink>,
    /// Whether nothing is read because pictures are still being put.
    storing: Arc<AtomicBool>,
    /// Each gives back the memory that its picture was in.
    puts: JoinSet<Vec<u8>>,
    /// Such memory, while one picture follows another: at a stop they do.
    spare: Vec<Vec<u8>>,
}

impl Reader {
    pub(crate) fn new(
        sender: mpsc::Sender<io::Result<Report>>,
        sink: Arc<dyn PictureSink>,
        storing: Arc<AtomicBool>,
    ) -> Self {
        Self {
            sender,
            sink,
            storing,
            puts: JoinSet::new(),
            spare: Vec::new(),
        }
    }

    /// Reads until the pipe ends or makes no sense.
    pub(crate) async fn run(mut self, mut output: ChildStdout) {
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
        // To take memory from the system anew costs as much as to copy a picture into it.
        let mut png = self.spare.pop().unwrap_or_default();
        png.resize(body, 0);
        output.read_exact(&mut png).await?;
        let report = protocol::decode(&bytes)?;
        if let Report::Picture { key, kind } = report {
            self.settle(PUTS_AT_ONCE - 1).await;
            let sink = Arc::clone(&self.sink);
            self.puts.spawn_blocking(move || {
                let put = sink.put(key, kind, &png);
                if let Err(e) = put {
                    tracing::warn!(key, %kind, "a picture was not saved: {e}");
                } else if kind == PictureKind::Original {
                    // Nobody waits for this one.
                    tokio::task::spawn_blocking(move || flush(&*sink, key, kind));
                }
                png
            });
        } else {
            self.spare.clear();
        }
        Ok(report)
    }

    /// Waits until no more than `most` pictures are being put.
    async fn settle(&mut self, most: usize) {
        self.storing.store(true, Ordering::Release);
        while self.puts.len() > most {
            match self.puts.join_next().await {
                Some(Ok(png)) => self.spare.push(png),
                Some(Err(_)) => {}
                None => break,
            }
        }
        self.storing.store(false, Ordering::Release);
    }
}

fn flush(sink: &dyn PictureSink, key: u64, kind: PictureKind) {
    if let Err(e) = sink.flush(key, kind) {
        tracing::warn!(key, %kind, "a picture may not be on the disk yet: {e}");
    }
}
