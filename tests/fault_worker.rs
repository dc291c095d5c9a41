//! A reading process that hangs: whoever stops it does not wait for it, nobody has to
//! stop it, and what it had found is kept.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, Instant};

use bestshot_tests::{
    Service,
    breaks::{brisk_camera, is, scored},
    fault_camera::FaultCamera,
    go_on, halt, is_alive,
};
use serde_json::{Value, json};

/// A stop is answered after this.
const STOP: Duration = Duration::from_secs(1);
/// A process that gives no sign of life is told after this: ten seconds, and one in which
/// it last gave some.
const HUNG: Duration = Duration::from_secs(12);

/// A session whose pictures were all saved, and its process, which has just been halted.
async fn hung(service: &Service) -> (FaultCamera, String, Vec<Value>, u32) {
    let camera = brisk_camera();
    // Of a clip that is played over and over the three best are one picture, three times.
    let options = json!({ "limit": 3 });
    let id = service.begin_with(&camera.url(), options).await;
    service.until_scored(&id, 310).await;
    service.until_originals(&id, 3).await;
    let won = service.frames(&id).await;
    assert_eq!(won.len(), 3);
    let worker = service.workers()[0];
    halt(worker);
    (camera, id, won, worker)
}

fn indices(frames: &[Value]) -> Vec<&Value> {
    frames.iter().map(|frame| &frame["index"]).collect()
}

#[tokio::test]
async fn a_process_that_hangs_is_stopped_within_a_second_and_its_winners_are_kept() {
    let service = Service::start().await;
    let (_camera, id, won, worker) = hung(&service).await;
    let (took, report) = service.halt(&id).await;
    assert!(took <= STOP, "{took:?}");
    assert_eq!(report["session"]["state"], "stopped", "{report}");
    let frames = report["frames"].as_array().expect("frames");
    assert_eq!(indices(frames), indices(&won));
    assert!(!is_alive(worker));
}

#[tokio::test]
async fn a_process_that_hangs_is_told_as_crashed_within_twelve_seconds_and_its_winners_are_kept() {
    let service = Service::start().await;
    let (_camera, id, won, worker) = hung(&service).await;
    let start = Instant::now();
    let told = service.until_that(&id, "it is over", is("failed")).await;
    let took = start.elapsed();
    println!("told after {took:?}");
    assert!(took <= HUNG, "{took:?}");
    assert_eq!(told["error"]["kind"], "crashed", "{told}");
    let frames = service.frames(&id).await;
    assert_eq!(indices(&frames), indices(&won));
    assert!(!is_alive(worker));
}

#[tokio::test]
async fn a_service_that_was_halted_itself_takes_no_process_for_hung() {
    let service = Service::start().await;
    let camera = brisk_camera();
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 20).await;
    let before = service.session(&id).await;
    // As Ctrl-Z does, or a machine that sleeps.
    let all = [service.pid(), service.workers()[0]];
    all.into_iter().for_each(halt);
    tokio::time::sleep(HUNG + Duration::from_secs(2)).await;
    all.into_iter().for_each(go_on);
    // The service ends connections that lay idle for so long: ask over a new one.
    let alive = service.raw(b"GET /v1/health HTTP/1.0\r\n\r\n").await;
    assert!(alive.contains("200 OK"), "{alive}");
    let more =
        |session: &Value| scored(session) > scored(&before) + 20 || session["state"] == "failed";
    let after = service.until_that(&id, "it is read on", more).await;
    assert_ne!(after["state"], "failed", "{after}");
    assert_eq!(service.workers(), all[1..]);
}
