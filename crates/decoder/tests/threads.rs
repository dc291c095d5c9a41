//! Decoding in several threads. The one test of its process: it counts its threads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use bestshot_decoder::{Frames, OpenOptions, Stop};

fn threads_of_this_process() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn decoding_takes_as_many_threads_as_were_asked_for_and_one_otherwise() {
    let folder = std::env::var_os("BESTSHOT_TEST_CLIPS").map(PathBuf::from);
    let folder =
        folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clips"));
    let before = threads_of_this_process();
    for (options, more) in [
        (OpenOptions::default().threads(5), 5),
        (OpenOptions::default(), 0),
    ] {
        let path = folder.join("vtest_h264.mp4");
        let mut frames = Frames::open_file(&path, &options, &Stop::new()).unwrap();
        assert!(frames.next().unwrap().is_ok());
        assert_eq!(threads_of_this_process(), before + more);
        drop(frames);
        assert_eq!(threads_of_this_process(), before, "they end with it");
    }
}
