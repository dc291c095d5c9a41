//! Winners to PNG, beside the pipeline: a few at a time while it runs, all that
//! is left at once when it ends.

use std::{cell::Cell, io, time::Duration};

use bestshot_gallery::{Effort, Picture, PictureKind, encode, thumbnail};
use rayon::prelude::*;

use crate::{
    board::{Board, Task},
    job::Job,
    protocol::Report,
    worker::Output,
};

thread_local! {
    /// One picture's RGB, kept from task to task.
    static RGB: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// How long to look away when nothing is due.
const PATIENCE: Duration = Duration::from_millis(200);

/// Makes and sends pictures until the board has no more.
pub(crate) fn run(board: &Board, job: &Job, output: &Output) {
    while let Some(tasks) = board.due(PATIENCE) {
        // At the end every core helps, because somebody is waiting.
        tasks
            .par_iter()
            .for_each(|task| finish(board, job, output, task));
    }
}

fn finish(board: &Board, job: &Job, output: &Output, task: &Task) {
    let sent = picture(job, task).and_then(|png| {
        let report = Report::Picture {
            key: task.key,
            kind: task.kind,
        };
        output.send(&report, &png)
    });
    if let Err(e) = sent {
        tracing::warn!(key = task.key, kind = %task.kind, "a picture could not be saved: {e}");
    }
    board.sent(task.key, task.kind);
}

fn picture(job: &Job, task: &Task) -> io::Result<Vec<u8>> {
    let rgb = task.frame.to_rgb_in(RGB.take()).map_err(io::Error::other)?;
    let whole = Picture::new(rgb.width, rgb.height, rgb.data).map_err(io::Error::other)?;
    let png = match task.kind {
        PictureKind::Original => encode(&whole, Effort::Fast),
        PictureKind::Thumbnail => {
            let ratio = task.frame.sample_aspect_ratio();
            thumbnail(&whole, ratio, &job.thumbnail).and_then(|small| encode(&small, Effort::Fast))
        }
    };
    RGB.set(whole.into_rgb());
    png.map_err(io::Error::other)
}
