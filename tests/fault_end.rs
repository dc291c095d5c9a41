//! Streams that end: which ends are ends, and which are merely breaks.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, Instant};

use bestshot_tests::{
    Service, eventually,
    fault_camera::{Clip, End, Setup},
};
use serde_json::{Value, json};

/// An announced end is told after this, though reports go on.
const TOLD: Duration = Duration::from_secs(10);

fn scored(session: &Value) -> u64 {
    session["stats"]["frames_scored"].as_u64().unwrap_or(0)
}

#[tokio::test]
async fn a_goodbye_ends_the_session_and_an_end_without_one_does_not() {
    let clip = Clip::of("vtest_hevc.mp4");
    let ending = |end: End| Setup::playing(&clip).speed(8.0).passes(1, end).start();
    let service = Service::start().await;
    // Over UDP a goodbye may overtake the last datagrams, and a decoder of H.265 would not
    // notice: that picture is not trusted.
    for (transport, pictures) in [("tcp", 40), ("udp", 39)] {
        let camera = ending(End::Bye);
        let options = json!({ "transport": transport });
        let id = service.open(&camera.url(), options).await;
        let over = |session: &Value| ["ended", "failed"].iter().any(|s| session["state"] == *s);
        let session = service.until_that(&id, "it is over", over).await;
        assert_eq!(session["state"], "ended", "{transport}: {session}");
        assert!(session["error"].is_null(), "{session}");
        assert_eq!(scored(&session), pictures, "{session}");
        assert_eq!(camera.seen().count("PLAY"), 1);
    }
    let camera = ending(End::Fin);
    let id = service.begin(&camera.url()).await;
    let lost = service
        .until_that(&id, "it reconnects", |s| s["state"] == "reconnecting")
        .await;
    assert!(lost["ended_at"].is_null(), "{lost}");
    let again = |session: &Value| scored(session) > 40;
    service.until_that(&id, "it is read again", again).await;
}

#[tokio::test]
async fn the_end_of_the_announced_range_ends_the_session_though_reports_go_on() {
    let clip = Clip::of("vtest_h264.mp4");
    let camera = Setup::playing(&clip)
        .speed(4.0)
        .passes(1, End::Announced)
        .start();
    let service = Service::start().await;
    let id = service.begin(&camera.url()).await;
    eventually("the last picture", async || {
        (camera.seen().sessions[0].units == 100).then_some(())
    })
    .await;
    let start = Instant::now();
    // `stopping` is on the way to it, while the last pictures are written.
    let decided = |session: &Value| session["state"] != "running" && session["state"] != "stopping";
    let session = service.until_that(&id, "it is decided", decided).await;
    let took = start.elapsed();
    assert_eq!(session["state"], "ended", "{session}");
    assert!(took <= TOLD, "{took:?}");
    assert_eq!(scored(&session), 100, "{session}");
    assert!(session["error"].is_null(), "{session}");
    assert_eq!(camera.seen().count("PLAY"), 1);
}
