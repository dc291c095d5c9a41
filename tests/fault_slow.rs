//! Cameras that are slow, in what they answer or in what they send: which ones are read
//! all the same, and how long the others are waited for.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, Instant};

use bestshot_tests::{
    FaultPort, Launch, Service,
    breaks::{breaks_off, brisk_camera, stalls_and_comes_back},
    eventually,
    fault_camera::{Clip, FaultCamera, Faults, Media, Reply, Setup, Transport, When},
};
use serde_json::{Value, json};

/// Within this a dead camera has its diagnosis.
const DIAGNOSIS: Duration = Duration::from_secs(10);
/// A stop is answered after this.
const STOP: Duration = Duration::from_secs(1);

fn camera(faults: Faults) -> FaultCamera {
    Setup::playing(&Clip::of("vtest_h264.mp4"))
        .faults(faults)
        .start()
}

#[tokio::test]
async fn a_host_that_takes_no_connection_is_a_timeout_within_ten_seconds() {
    let (port, service) = (FaultPort::full().await, Service::start().await);
    let told = service.diagnose(&port.url("/cam"), json!({})).await;
    assert_eq!(told.kind, "timeout", "{}", told.session);
    assert!(told.took <= DIAGNOSIS, "{:?}", told.took);
}

#[tokio::test]
async fn a_stop_while_no_connection_is_taken_takes_a_second_at_most() {
    let (port, service) = (FaultPort::full().await, Service::start().await);
    for persist in [false, true] {
        let options = json!({ "persist": persist });
        let id = service.open(&port.url("/cam"), options).await;
        if persist {
            // In the wait, with looks whether the port is open.
            let waits = |session: &Value| session["state"] == "reconnecting";
            service.until_that(&id, "it waits", waits).await;
        } else {
            eventually("the process", async || service.workers().first().copied()).await;
        }
        let (took, report) = service.halt(&id).await;
        assert!(took <= STOP, "{took:?}: {report}");
    }
}

/// One picture in five seconds, and nearly five until the first one is due.
#[tokio::test]
async fn a_night_stream_is_read_wherever_a_reader_joins_it() {
    let service = Service::start().await;
    let camera = Setup::playing(&Clip::of("vtest_h264.mp4"))
        .speed(0.02)
        .delay(Duration::from_millis(4_700))
        .start();
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 2).await;
    let session = service.session(&id).await;
    assert_eq!(session["state"], "running", "{session}");
    assert_eq!(session["stats"]["reconnects"], 0, "{session}");
    let seen = camera.seen();
    assert_eq!(seen.count("PLAY"), 1, "it was not taken for silent");
    assert_eq!(seen.sessions[0].transport, Transport::Tcp);
}

#[tokio::test]
async fn a_stream_that_drips_is_no_video_within_ten_seconds() {
    let service = Service::start().await;
    for transport in ["auto", "tcp"] {
        let camera = camera(Faults::default().media(Media::Drip));
        let options = json!({ "transport": transport });
        let told = service.diagnose(&camera.url(), options).await;
        assert_eq!(told.kind, "no_video", "{transport}: {}", told.session);
        assert!(told.took <= DIAGNOSIS, "{transport}: {:?}", told.took);
    }
}

#[tokio::test]
async fn a_stream_that_drips_over_tcp_only_is_read_over_udp() {
    let faults = Faults::default().media_over(Transport::Tcp, Media::Drip);
    let (camera, service) = (camera(faults), Service::start().await);
    let id = service.begin(&camera.url()).await;
    let session = service.session(&id).await;
    assert_eq!(session["stream"]["transport"], "udp", "{session}");
}

#[tokio::test]
async fn a_running_stream_that_drips_is_told_as_stalled_within_ten_seconds() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 20).await;
    stalls_and_comes_back(&service, &id, &camera, Media::Drip).await;
}

#[tokio::test]
async fn each_deadline_is_the_one_that_was_asked_for() {
    const ASKED: Duration = Duration::from_secs(2);
    /// For a second try and a slow machine; the defaults are eight seconds and more.
    const MORE: Duration = Duration::from_secs(5);
    let service = |flag: &'static str| Launch::new().with(&[flag, "2"]).start();
    let mute = camera(Faults::default().reply(When::always(), Reply::Mute));
    let silent = camera(Faults::default().media(Media::Silent));
    let cases = [
        ("--connect-timeout", mute, "timeout"),
        ("--first-packet-timeout", silent, "no_video"),
    ];
    for (flag, camera, kind) in cases {
        let service = service(flag).await;
        let tcp = json!({ "transport": "tcp" });
        let told = service.diagnose(&camera.url(), tcp).await;
        assert_eq!(told.kind, kind, "{flag}: {}", told.session);
        assert!(told.took >= ASKED, "{flag}: {:?}", told.took);
        assert!(told.took <= ASKED + MORE, "{flag}: {:?}", told.took);
    }
    let (camera, service) = (brisk_camera(), service("--silence-timeout").await);
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 20).await;
    let start = Instant::now();
    camera.set(Faults::default().media(Media::Silent));
    let lost = breaks_off(&service, &id, start, ASKED + MORE).await;
    assert!(start.elapsed() >= ASKED, "{:?}", start.elapsed());
    assert_eq!(lost["error"]["kind"], "stalled", "{lost}");
}
