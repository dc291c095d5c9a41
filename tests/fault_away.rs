//! A camera that was read and is away: what its host answers meanwhile, how often it is
//! asked, and that it is read within five seconds of its return.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, Instant};

use bestshot_tests::{
    Service,
    breaks::{AT_ONCE, STALL, breaks_off, brisk_camera, comes_back, is, scored, settled, winners},
    eventually,
    fault_camera::{Act, At, Clip, Close, End, FaultCamera, Faults, Reply, Setup, TICKS, When},
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Ends the connection; whoever comes again is answered like this.
fn answers(camera: &FaultCamera, reply: Reply) {
    camera.set(Faults::default().reply(When::always(), reply));
    camera.hang_up(Close::Fin);
}

/// Waits until the camera was asked so many times since it is away.
async fn asked(camera: &FaultCamera, times: usize) {
    eventually("tries", async || {
        (camera.seen().connections.len() > times).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_camera_that_was_mute_is_read_within_five_seconds_of_its_return() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    let (id, won) = settled(&service, &camera.url()).await;
    answers(&camera, Reply::Mute);
    let mute = |session: &Value| session["error"]["kind"] == "timeout";
    let lost = service.until_that(&id, "it does not answer", mute).await;
    // A request that is never answered has just been sent.
    asked(&camera, 2).await;
    let start = Instant::now();
    camera.set(Faults::default());
    comes_back(&service, &id, start, &lost, 1).await;
    assert_eq!(winners(&service, &id).await, won);
}

#[tokio::test]
async fn a_camera_that_answered_500_while_it_booted_is_read_within_five_seconds_of_its_return() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    let (id, won) = settled(&service, &camera.url()).await;
    let start = Instant::now();
    answers(&camera, Reply::Status(500));
    breaks_off(&service, &id, start, AT_ONCE).await;
    // So late that waits have grown as long as they will.
    asked(&camera, 4).await;
    let lost = service.session(&id).await;
    assert_eq!(lost["error"]["kind"], "unreachable", "{lost}");
    let start = Instant::now();
    camera.set(Faults::default());
    comes_back(&service, &id, start, &lost, 1).await;
    assert_eq!(winners(&service, &id).await, won);
}

#[tokio::test]
async fn a_camera_that_refuses_a_password_or_a_path_meanwhile_is_asked_every_half_minute_only() {
    let service = Service::start().await;
    for (status, kind) in [
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "not_found"),
    ] {
        let camera = brisk_camera();
        let (id, won) = settled(&service, &camera.url()).await;
        answers(&camera, Reply::Status(status));
        let told = |session: &Value| session["error"]["kind"] == kind;
        let lost = service.until_that(&id, "it is told", told).await;
        assert_eq!(lost["state"], "reconnecting", "{status}: {lost}");
        let next = lost["next_try_at"].as_str().expect("a time");
        let next: Timestamp = next.parse().expect("RFC 3339");
        let wait = next.duration_since(Timestamp::now());
        assert!(wait.as_secs() >= 20, "{status}: {wait:?}");
        // 401 may be asked for the scheme and then with the password.
        let connections = camera.seen().connections.len();
        assert!(connections <= 3, "{status}: {connections}");
        let (took, report) = service.halt(&id).await;
        assert!(took <= Duration::from_secs(1), "{status}: {took:?}");
        let frames = report["frames"].as_array().expect("frames");
        let index = |frame: &Value| frame["index"].as_u64();
        assert!(frames.iter().map(index).eq(won.iter().map(index)));
    }
}

#[tokio::test]
async fn a_stream_over_udp_that_loses_its_connection_is_told_within_ten_seconds_and_read_again() {
    let service = Service::start().await;
    for how in [Close::Fin, Close::Rst, Close::Hole] {
        let camera = brisk_camera();
        let udp = json!({ "transport": "udp" });
        let id = service.begin_with(&camera.url(), udp).await;
        service.until_scored(&id, 20).await;
        let start = Instant::now();
        camera.hang_up(how);
        let lost = breaks_off(&service, &id, start, STALL).await;
        let start = Instant::now();
        comes_back(&service, &id, start, &lost, 1).await;
        service.forget(&id).await;
    }
}

#[tokio::test]
async fn a_session_whose_duration_runs_out_while_its_camera_is_away_ends_with_its_winners() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    let options = json!({ "duration": 6 });
    let id = service.begin_with(&camera.url(), options).await;
    service.until_scored(&id, 40).await;
    camera.unplug(Close::Fin);
    let over = |session: &Value| ["ended", "failed"].iter().any(|s| session["state"] == *s);
    let session = service.until_that(&id, "it is over", over).await;
    assert_eq!(session["state"], "ended", "{session}");
    assert!(session["error"].is_null(), "{session}");
    assert_eq!(service.frames(&id).await.len(), 9);
}

#[tokio::test]
async fn a_session_that_persists_for_a_duration_without_a_picture_fails_with_its_diagnosis() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    camera.refuse();
    let start = Instant::now();
    let options = json!({ "persist": true, "duration": 5 });
    let told = service.diagnose(&camera.url(), options).await;
    println!("after {:?}", start.elapsed());
    assert_eq!(told.kind, "refused", "{}", told.session);
    assert!(told.took >= Duration::from_secs(5), "{:?}", told.took);
    assert!(told.took <= Duration::from_secs(10), "{:?}", told.took);
}

/// A killed server ends connections in good order too.
#[tokio::test]
async fn a_connection_that_ends_before_the_announced_end_is_a_break_and_at_it_an_end() {
    let clip = Clip::of("vtest_h264.mp4");
    let service = Service::start().await;
    let passing = |announced: f64| {
        Setup::playing(&clip)
            .speed(4.0)
            .passes(1, End::Fin)
            .announcing(announced)
            .start()
    };
    // A hundred pictures, forty a second.
    let (long, exact) = (passing(60.0), passing(2.5));
    let id = service.begin(&long.url()).await;
    let lost = service
        .until_that(&id, "it reconnects", is("reconnecting"))
        .await;
    assert!(lost["ended_at"].is_null(), "{lost}");
    let again = |session: &Value| scored(session) > 100;
    service.until_that(&id, "it is read again", again).await;
    service.forget(&id).await;

    // Stamps that jump past the announced end are not the end.
    let jump = Act::Jump(100 * i64::from(TICKS));
    let jumping = Setup::playing(&clip)
        .speed(4.0)
        .passes(1, End::Fin)
        .announcing(60.0)
        .faults(Faults::default().cue(At::Unit(50), jump))
        .start();
    let id = service.begin(&jumping.url()).await;
    let told = |session: &Value| is("reconnecting")(session) || is("ended")(session);
    let lost = service.until_that(&id, "it is over", told).await;
    assert_eq!(lost["state"], "reconnecting", "{lost}");
    service.forget(&id).await;

    let id = service.begin(&exact.url()).await;
    let over = |session: &Value| {
        ["ended", "failed", "reconnecting"]
            .iter()
            .any(|s| session["state"] == *s)
    };
    let session = service.until_that(&id, "it is over", over).await;
    assert_eq!(session["state"], "ended", "{session}");
    assert_eq!(scored(&session), 100, "{session}");
    assert_eq!(exact.seen().count("PLAY"), 1);
}
