//! Workers that speak our language and still do not obey.

use std::{io, num::NonZeroUsize, time::Duration};

use bestshot_decoder::RtspUrl;
use bestshot_gallery::PictureKind;

use super::*;
use crate::status::Progress;

struct Nowhere;

impl PictureSink for Nowhere {
    fn put(&self, _: u64, _: PictureKind, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: u64) {}
}

/// Says this again and again, with so many seconds between, and hears nothing.
fn repeating(report: &Report, seconds: &str) -> (Session, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let said = protocol::head(report, 0).unwrap().repeat(9);
    let file = folder.path().join("said");
    std::fs::write(&file, said).unwrap();
    let script = format!("while :; do cat {}; sleep {seconds}; done", file.display());
    let arguments = vec!["-c".into(), script.into()];
    let worker = WorkerCommand::new("/bin/sh", arguments);
    let url = RtspUrl::parse("rtsp://127.0.0.1:9/none").unwrap();
    let job = Job::new(Source::Rtsp(url)).limit(NonZeroUsize::MIN);
    (
        Session::start(&job, &worker, Arc::new(Nowhere)).unwrap(),
        folder,
    )
}

fn progress(saving: bool) -> Report {
    Report::Progress(Box::new(Progress {
        state: State::Running,
        saving,
        ..Progress::default()
    }))
}

/// Waits until the worker was heard.
async fn heard(session: &Session) {
    let mut status = session.watch();
    status
        .wait_for(|status| status.state == State::Running)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_worker_whose_heart_beats_on_is_killed_all_the_same_when_it_does_not_stop() {
    // Now and then, and as fast as it can.
    for seconds in ["0.2", "0"] {
        let (session, _folder) = repeating(&progress(false), seconds);
        heard(&session).await;
        let pid = session.pid().unwrap();
        let began = std::time::Instant::now();
        let patience = Duration::from_secs(20);
        let last = timeout(patience, session.stop()).await.unwrap();
        assert_eq!(last.state, State::Stopped);
        println!("after {:?}", began.elapsed());
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}

#[tokio::test(start_paused = true)]
async fn pictures_in_work_earn_a_worker_more_time_but_not_for_ever() {
    let mut grace = Grace::new();
    let began = Instant::now();
    assert_eq!(grace.until, began + DISOBEYS);
    for _ in 0..10 {
        tokio::time::advance(DISOBEYS / 2).await;
        grace.extend();
        assert_eq!(grace.until, Instant::now() + DISOBEYS);
    }
    while !grace.is_over() {
        tokio::time::advance(DISOBEYS / 2).await;
        grace.extend();
    }
    assert_eq!(grace.until, began + SAVES);
    assert!(progress(true).is_saving() && !progress(false).is_saving());
}
