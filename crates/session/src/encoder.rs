//! Winners to PNG, beside the pipeline: a few at a time while it runs, all that
//! is left at once when it ends.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bestshot_gallery::{Effort, Picture, PictureKind, encode, thumbnail};
use rayon::prelude::*;

use crate::{
    board::{Board, Task},
    job::Job,
    protocol::Report,
    worker::Output,
};

/// How long to look away when nothing is due.
const PATIENCE: Duration = Duration::from_millis(200);

/// Makes and sends pictures until the board has no more.
pub(crate) fn run(board: &Board, job: &Job, output: &Output) {
    let canvases = Canvases::default();
    while let Some(tasks) = board.due(PATIENCE) {
        match tasks.as_slice() {
            [one] => finish(board, job, output, &canvases, one),
            // The end: every core helps, because somebody is waiting.
            all => all
                .par_iter()
                .with_max_len(1)
                .for_each(|task| finish(board, job, output, &canvases, task)),
        }
    }
}

/// Memory for the RGB of pictures in work, kept from task to task and from thread to
/// thread: as many as are in work at once, megabytes each.
#[derive(Default)]
struct Canvases(Mutex<Vec<Vec<u8>>>);

impl Canvases {
    fn take(&self) -> Vec<u8> {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.pop().unwrap_or_default()
    }

    fn give_back(&self, canvas: Vec<u8>) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push(canvas);
    }
}

fn finish(board: &Board, job: &Job, output: &Output, canvases: &Canvases, task: &Task) {
    let key = task.key;
    let whole = match whole(task, canvases.take()) {
        Ok(whole) => Some(whole),
        Err(e) => {
            tracing::warn!(key, "a frame could not be made a picture: {e}");
            None
        }
    };
    for &kind in &task.kinds {
        let began = Instant::now();
        if let Some(whole) = &whole {
            let sent = encoded(job, task, kind, whole)
                .and_then(|png| output.send(&Report::Picture { key, kind }, &png));
            if let Err(e) = sent {
                tracing::warn!(key, %kind, "a picture could not be saved: {e}");
            }
        }
        board.sent(key, kind, began.elapsed());
    }
    if let Some(whole) = whole {
        canvases.give_back(whole.into_rgb());
    }
}

fn whole(task: &Task, canvas: Vec<u8>) -> io::Result<Picture> {
    let rgb = task.frame.to_rgb_in(canvas).map_err(io::Error::other)?;
    Picture::new(rgb.width, rgb.height, rgb.data).map_err(io::Error::other)
}

fn encoded(job: &Job, task: &Task, kind: PictureKind, whole: &Picture) -> io::Result<Vec<u8>> {
    match kind {
        PictureKind::Original => encode(whole, Effort::Fast),
        PictureKind::Thumbnail => {
            let ratio = task.frame.sample_aspect_ratio();
            thumbnail(whole, ratio, &job.thumbnail).and_then(|small| encode(&small, Effort::Fast))
        }
    }
    .map_err(io::Error::other)
}
