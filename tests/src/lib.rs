//! What the end-to-end tests stand on: the real binary, cameras that GStreamer
//! serves, RTSP servers of other makers, faulty peers, an independent reader of
//! clips, and a browser.
//!
//! What lives here: starting, asking and ending those things. What does not:
//! any promise of the product, which the tests beside this folder state, and
//! any knowledge of its crates: only the program, HTTP and files are used.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a harness fails a test by panicking, with words that say what was missing"
)]

mod answer;
pub mod breaks;
mod browser;
mod camera;
mod capture;
mod document;
mod fault;
pub mod fault_camera;
mod gallery;
mod harvest;
mod launch;
mod namespace;
mod page;
mod place;
mod png;
mod process;
mod reader;
mod servers;
mod service;
mod survivors;
mod twin;
mod usage;
mod wait;
mod watching;

pub use answer::Answer;
pub use browser::{Browser, Device, RECORD};
pub use camera::{Camera, Login};
pub use capture::{Capture, DescribedVideo, files_below};
pub use document::Document;
pub use fantoccini::key::Key;
pub use fault::FaultPort;
pub use gallery::copy_gallery;
pub use harvest::{Harvest, Likeness, VISIBLE};
pub use launch::{Launch, program};
pub use namespace::{not_run, run_where};
pub use page::{NINE_PICTURES, WEIGHT, assert_sound, assert_still, grave, start_on_page};
pub use place::{
    binary, captures, clip, more_recordings, nightly, reference_python, screenshots, target,
    workspace,
};
pub use png::PngFile;
pub use process::{
    Process, command_line, descendants, environment, go_on, halt, is_alive, kill_hard,
};
pub use reader::{Reading, difference};
pub use servers::{Feeder, Oddity, Relay, Vlc};
pub use service::Service;
pub use survivors::{Role, survivors};
pub use twin::{Twins, psnr, rgb_of_png};
pub use usage::{Holdings, holdings, processor_time};
pub use wait::{DEADLINE, Stopwatch, eventually, together};
pub use watching::Told;
