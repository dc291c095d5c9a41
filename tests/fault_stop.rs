//! Stopping: within a second in every state, with TEARDOWN wherever there is
//! somebody to say it to, and nothing left behind at the camera.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::Duration;

use bestshot_tests::{
    Service, eventually,
    fault_camera::{Clip, Close, FaultCamera, Faults, Media, Reply, Setup, Transport, When},
};
use serde_json::{Value, json};

/// A stop is answered after this.
const STOP: Duration = Duration::from_secs(1);

fn camera(faults: Faults) -> FaultCamera {
    Setup::playing(&Clip::of("vtest_h264.mp4"))
        .speed(2.0)
        .faults(faults)
        .start()
}

async fn heard(camera: &FaultCamera, method: &str) {
    eventually(&format!("{method} being heard"), async || {
        (camera.seen().count(method) > 0).then_some(())
    })
    .await;
}

/// Stops a session within the promise, and checks that its worker is gone and
/// that the camera has no connection left.
async fn stops(service: &Service, id: &str, camera: &FaultCamera) -> Value {
    let report = is_stopped(service, id).await;
    leaves(service, camera).await;
    report
}

/// The same, and that the camera heard of it, once.
async fn stops_with_teardown(service: &Service, id: &str, camera: &FaultCamera) -> Value {
    let report = is_stopped(service, id).await;
    // Before its connections are cut.
    heard(camera, "TEARDOWN").await;
    leaves(service, camera).await;
    assert_eq!(camera.seen().count("TEARDOWN"), 1);
    report
}

async fn is_stopped(service: &Service, id: &str) -> Value {
    let (took, report) = service.halt(id).await;
    assert!(took <= STOP, "{took:?}: {report}");
    assert_eq!(report["session"]["state"], "stopped", "{report}");
    report
}

/// The worker is gone, and the camera has no connection left.
async fn leaves(service: &Service, camera: &FaultCamera) {
    eventually("the worker's end", async || {
        service.workers().is_empty().then_some(())
    })
    .await;
    // Into a black hole nobody looks.
    camera.hang_up(Close::Fin);
    eventually("the connections' end", async || {
        (camera.seen().open() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_session_is_one_connection_one_setup_one_play_and_one_teardown() {
    let service = Service::start().await;
    for transport in ["tcp", "udp", "auto"] {
        let camera = camera(Faults::default());
        let options = json!({ "transport": transport });
        let id = service.begin_with(&camera.url(), options).await;
        service.until_scored(&id, 20).await;
        let (took, _) = service.halt(&id).await;
        assert!(took <= STOP, "{took:?}");
        eventually("the connection's end", async || {
            (camera.seen().open() == 0).then_some(())
        })
        .await;
        let seen = camera.seen();
        assert_eq!(seen.connections.len(), 1, "{transport}");
        for method in ["DESCRIBE", "SETUP", "PLAY", "TEARDOWN"] {
            assert_eq!(seen.count(method), 1, "{transport}: {method}");
        }
        assert!(!seen.credentials());
        let last = seen.requests().last().map(|r| r.method.clone());
        assert_eq!(last.as_deref(), Some("TEARDOWN"));
    }
}

#[tokio::test]
async fn a_stop_in_each_step_of_the_handshake_takes_a_second_at_most() {
    let service = Service::start().await;
    for reply in [Reply::Mute, Reply::Drip, Reply::Close(Close::Hole)] {
        for step in ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"] {
            let faults = Faults::default().reply(When::method(step), reply.clone());
            let camera = camera(faults);
            let id = service.open(&camera.url(), json!({})).await;
            heard(&camera, step).await;
            println!("{reply:?} at {step}");
            let report = stops(&service, &id, &camera).await;
            assert_eq!(report["frames"], json!([]));
        }
    }
}

#[tokio::test]
async fn a_stop_while_a_name_is_looked_up_takes_a_second_at_most() {
    let service = Service::start().await;
    let id = service
        .open("rtsp://no-such-camera.invalid/cam", json!({}))
        .await;
    let (took, report) = service.halt(&id).await;
    assert!(took <= STOP, "{took:?}: {report}");
    // The answer does not wait for the process's own end.
    eventually("the worker's end", async || {
        service.workers().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stop_before_the_first_picture_takes_a_second_at_most_with_teardown() {
    let service = Service::start().await;
    let silent = Faults::default().media(Media::Silent);
    let still = Faults::default().media(Media::Still);
    let headless = Faults {
        no_keyframes: true,
        ..Faults::default()
    };
    for faults in [silent, still, headless] {
        let camera = camera(faults);
        let id = service.open(&camera.url(), json!({})).await;
        heard(&camera, "PLAY").await;
        eventually("the stream", async || {
            camera.seen().sessions.first().map(drop)
        })
        .await;
        println!("{:?}", camera.faults());
        stops_with_teardown(&service, &id, &camera).await;
    }
}

#[tokio::test]
async fn a_stop_of_a_stream_that_fell_silent_takes_a_second_at_most_with_teardown() {
    let service = Service::start().await;
    for media in [Media::Silent, Media::Still] {
        let camera = camera(Faults::default());
        let id = service.begin(&camera.url()).await;
        service.until_scored(&id, 20).await;
        camera.set(Faults::default().media(media));
        // Silent, and not yet missed.
        let report = stops_with_teardown(&service, &id, &camera).await;
        assert_eq!(report["frames"].as_array().map(Vec::len), Some(9));
    }
}

#[tokio::test]
async fn a_stop_in_a_black_hole_takes_a_second_at_most() {
    let (camera, service) = (camera(Faults::default()), Service::start().await);
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 20).await;
    camera.hang_up(Close::Hole);
    let report = stops(&service, &id, &camera).await;
    assert_eq!(report["frames"].as_array().map(Vec::len), Some(9));
}

#[tokio::test]
async fn a_stop_in_the_back_off_takes_a_second_at_most() {
    let (camera, service) = (camera(Faults::default()), Service::start().await);
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 20).await;
    camera.unplug(Close::Rst);
    let refused = |session: &Value| {
        session["state"] == "reconnecting" && session["error"]["kind"] == "refused"
    };
    service.until_that(&id, "it is refused", refused).await;
    let report = stops(&service, &id, &camera).await;
    assert_eq!(report["frames"].as_array().map(Vec::len), Some(9));
}

#[tokio::test]
async fn a_stop_of_a_session_that_never_connected_and_persists_takes_a_second_at_most() {
    let (camera, service) = (camera(Faults::default()), Service::start().await);
    camera.refuse();
    let id = service
        .open(&camera.url(), json!({ "persist": true }))
        .await;
    let waiting = |session: &Value| session["state"] == "reconnecting";
    service.until_that(&id, "it waits", waiting).await;
    stops(&service, &id, &camera).await;
}

#[tokio::test]
async fn a_teardown_that_is_not_answered_holds_a_stop_up_for_a_second_at_most() {
    let service = Service::start().await;
    for reply in [Reply::Mute, Reply::Drip, Reply::Close(Close::Rst)] {
        let faults = Faults::default().reply(When::method("TEARDOWN"), reply);
        let camera = camera(faults);
        let id = service.begin(&camera.url()).await;
        service.until_scored(&id, 20).await;
        let report = stops_with_teardown(&service, &id, &camera).await;
        assert_eq!(report["frames"].as_array().map(Vec::len), Some(9));
    }
}

#[tokio::test]
async fn a_stop_once_a_stall_was_told_takes_a_second_at_most() {
    let (camera, service) = (camera(Faults::default()), Service::start().await);
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 20).await;
    camera.set(Faults::default().media(Media::Still));
    let stalled = |session: &Value| session["error"]["kind"] == "stalled";
    service.until_that(&id, "it is told", stalled).await;
    let report = stops(&service, &id, &camera).await;
    assert_eq!(report["frames"].as_array().map(Vec::len), Some(9));
}

#[tokio::test]
async fn a_stop_while_a_camera_that_is_tried_again_does_not_answer_takes_a_second_at_most() {
    let (camera, service) = (camera(Faults::default()), Service::start().await);
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 20).await;
    camera.set(Faults::default().reply(When::always(), Reply::Mute));
    camera.hang_up(Close::Fin);
    eventually("the next try", async || {
        (camera.seen().connections.len() > 1).then_some(())
    })
    .await;
    let report = stops(&service, &id, &camera).await;
    assert_eq!(report["frames"].as_array().map(Vec::len), Some(9));
}

#[tokio::test]
async fn a_stop_while_udp_is_tried_in_place_of_tcp_takes_a_second_at_most() {
    let camera = camera(Faults::default().media(Media::Silent));
    let service = Service::start().await;
    let id = service.open(&camera.url(), json!({})).await;
    eventually("the session over UDP", async || {
        let seen = camera.seen();
        let udp = seen.sessions.iter().any(|s| s.transport == Transport::Udp);
        udp.then_some(())
    })
    .await;
    stops(&service, &id, &camera).await;
    assert_eq!(camera.seen().count("TEARDOWN"), 2, "each session was ended");
}
