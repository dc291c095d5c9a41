//! Winners to PNG, beside the pipeline: a few at a time while it runs, all that
//! is left at once when it ends.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bestshot_decoder::let_heap_grow;
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
        let finish = |task: &Task, kind: &PictureKind, whole: Option<&Picture>| {
            finish(board, job, output, task, *kind, whole);
        };
        match tasks.as_slice() {
            [] => {}
            [one] => with_picture(&canvases, one, |whole| {
                one.kinds.iter().for_each(|kind| finish(one, kind, whole));
            }),
            // The end: every core helps, also with the two pictures of the last frame,
            // because somebody is waiting.
            all => {
                let_heap_grow();
                all.par_iter().with_max_len(1).for_each(|task| {
                    with_picture(&canvases, task, |whole| {
                        let kinds = task.kinds.par_iter().with_max_len(1);
                        kinds.for_each(|kind| finish(task, kind, whole));
                    });
                });
            }
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

/// Makes a picture of the whole frame, from which both are made; `None` where it cannot be.
fn with_picture(canvases: &Canvases, task: &Task, make: impl FnOnce(Option<&Picture>)) {
    match whole(task, canvases.take()) {
        Ok(whole) => {
            make(Some(&whole));
            canvases.give_back(whole.into_rgb());
        }
        Err(e) => {
            tracing::warn!(task.key, "a frame could not be made a picture: {e}");
            make(None);
        }
    }
}

/// Makes and sends one picture of a frame.
fn finish(
    board: &Board,
    job: &Job,
    output: &Output,
    task: &Task,
    kind: PictureKind,
    whole: Option<&Picture>,
) {
    let (key, began) = (task.key, Instant::now());
    if let Some(whole) = whole {
        let sent = encoded(job, task, kind, whole)
            .and_then(|png| output.send(&Report::Picture { key, kind }, &png));
        if let Err(e) = sent {
            tracing::warn!(key, %kind, "a picture could not be saved: {e}");
        }
    }
    board.sent(key, kind, began.elapsed());
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
