//! The parent's promises about workers that misbehave, kept against real
//! processes that are no workers at all.
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

use std::{io, sync::Arc, time::Duration};

use bestshot_decoder::RtspUrl;
use bestshot_session::{Job, PictureKind, PictureSink, Session, Source, State, WorkerCommand};

struct Nowhere;

impl PictureSink for Nowhere {
    fn put(&self, _: u64, _: PictureKind, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: u64) {}
}

fn start(program: &str, arguments: &[&str]) -> io::Result<Session> {
    let url = RtspUrl::parse("rtsp://127.0.0.1:9/none").expect("a fixed URL");
    let worker = WorkerCommand::new(program, arguments.iter().map(Into::into).collect());
    Session::start(&Job::new(Source::Rtsp(url)), &worker, Arc::new(Nowhere))
}

fn is_alive(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}/stat")).exists()
}

#[tokio::test]
async fn a_worker_that_ignores_stop_is_killed_and_stop_answers() {
    let session = start("/bin/sleep", &["1000"]).unwrap();
    let pid = session.pid().unwrap();
    // The bound is a hundred times the promise's margin: it tells a hang from an answer.
    let last = tokio::time::timeout(Duration::from_secs(60), session.stop())
        .await
        .unwrap();
    assert_eq!(last.state, State::Stopped);
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_worker_that_dies_is_reported_as_crashed() {
    let session = start("/bin/false", &[]).unwrap();
    let last = session.over().await;
    assert_eq!(last.state, State::Failed);
    assert_eq!(last.error.as_ref().unwrap().kind, "crashed");
    let again = session.stop().await;
    assert_eq!(again, last, "stopping what is over changes nothing");
}

#[tokio::test]
async fn a_worker_that_talks_nonsense_is_ended() {
    // It sends our own order back, which is no report.
    let session = start("/bin/cat", &[]).unwrap();
    let pid = session.pid().unwrap();
    let last = session.over().await;
    assert_eq!(last.error.as_ref().unwrap().kind, "crashed");
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn dropping_a_session_ends_its_worker() {
    let session = start("/bin/sleep", &["1000"]).unwrap();
    let (pid, mut status) = (session.pid().unwrap(), session.watch());
    drop(session);
    // The supervisor lets go of the channel last of all.
    while status.changed().await.is_ok() {}
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_at_once() {
    assert!(start("/nonexistent/bestshot", &["worker"]).is_err());
}
