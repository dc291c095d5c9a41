//! Reads a camera or a file in a worker process and prints how it goes.
//!
//! `cargo run -p bestshot-session --example watch -- rtsp://192.168.1.20/live 10`

use std::{error::Error, io, process::ExitCode, sync::Arc, time::Duration};

use bestshot_decoder::RtspUrl;
use bestshot_session::{
    Job, PictureKind, PictureSink, Session, Source, WorkerCommand, worker_main,
};

/// A real program would keep the pictures.
struct Sizes;

impl PictureSink for Sizes {
    fn put(&self, key: u64, kind: PictureKind, png: &[u8]) -> io::Result<()> {
        println!("  {kind} of frame {key}: {} bytes", png.len());
        Ok(())
    }

    fn remove(&self, key: u64) {
        println!("  frame {key} was overtaken");
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        return Ok(worker_main());
    }
    tokio::runtime::Runtime::new()?.block_on(watch())?;
    Ok(ExitCode::SUCCESS)
}

async fn watch() -> Result<(), Box<dyn Error>> {
    let source = std::env::args()
        .nth(1)
        .ok_or("give an rtsp:// address or a file")?;
    let source = match RtspUrl::parse(&source) {
        Ok(url) => Source::Rtsp(url),
        Err(_) => Source::File(source.into()),
    };
    let seconds = std::env::args().nth(2).map_or(Ok(10), |s| s.parse())?;
    let session = Session::start(
        &Job::new(source),
        &WorkerCommand::this_program(),
        Arc::new(Sizes),
    )?;
    let mut status = session.watch();
    let over = tokio::time::sleep(Duration::from_secs(seconds));
    tokio::pin!(over);
    loop {
        tokio::select! {
            () = &mut over => break,
            changed = status.changed() => {
                let now = status.borrow_and_update().clone();
                println!("{} {:?} best {:?}", now.state, now.stats, now.best_score);
                if changed.is_err() || now.state.is_over() { break }
            }
        }
    }
    let last = session.stop().await;
    println!("{}: {:?} {:?}", last.state, last.error, last.stream);
    for winner in &last.winners {
        println!(
            "{:.6} frame {} at {:.3} s",
            winner.score, winner.index, winner.stream_time
        );
    }
    Ok(())
}
