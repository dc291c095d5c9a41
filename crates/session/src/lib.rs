//! One camera, read in a worker process of its own, and the handle that its
//! parent holds.
//!
//! A worker joins decoder, ranker and encoder; what crosses the pipe to the
//! parent is encoded pictures and numbers, never what a camera sent. A worker
//! that hangs, crashes or is killed costs its own session and nothing else.
//! Where galleries live, and how people reach them, is for others.

mod backoff;
mod board;
mod command;
mod curve;
mod describe;
mod encoder;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod job;
mod kept;
mod pipeline;
mod planes;
mod protocol;
mod rate;
mod refine;
#[cfg(test)]
mod regret;
mod reports;
mod retry;
mod status;
mod supervisor;
mod worker;

pub use bestshot_gallery::{
    PictureKind,
    manifest::{Failure, Rejected, Stats, Stream, Winner},
};
pub use command::WorkerCommand;
pub use job::{Job, Source};
pub use reports::PictureSink;
pub use status::{State, Status};
pub use supervisor::Session;
pub use worker::worker_main;
