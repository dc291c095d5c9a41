//! Cameras that fail before they show a picture: each is told by its kind within
//! ten seconds, and none is followed or trusted where it should not be.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bestshot_tests::{
    Launch, Service, Told, eventually,
    fault_camera::{
        BrokenSdp, Clip, Close, FaultCamera, Faults, Media, Reply, Setup, Transport, When,
    },
    processor_time, together,
};
use serde_json::{Value, json};

/// Within this a dead camera has its diagnosis.
const DIAGNOSIS: Duration = Duration::from_secs(10);
/// What needs no waiting is told before any waiting would end. Most of this is for a
/// slow machine, which starts processes meanwhile.
const AT_ONCE: Duration = Duration::from_secs(5);

fn camera(faults: Faults) -> FaultCamera {
    Setup::playing(&clip()).faults(faults).start()
}

fn clip() -> Arc<Clip> {
    Clip::of("vtest_h264.mp4")
}

fn replying(when: When, reply: Reply) -> Faults {
    Faults::default().reply(when, reply)
}

fn assert_told(told: &Told, kind: &str, within: Duration) {
    assert_eq!(told.kind, kind, "{}", told.session);
    assert!(told.took <= within, "{kind} took {:?}", told.took);
}

/// Cameras with these faults are all told as of `kind` within the time. They are
/// read side by side.
async fn all_told(faults: Vec<Faults>, kind: &str, within: Duration) -> Vec<FaultCamera> {
    let service = Service::start().await;
    let cameras: Vec<FaultCamera> = faults.into_iter().map(camera).collect();
    let trials = cameras
        .iter()
        .map(async |camera| service.diagnose(&camera.url(), json!({})).await);
    for told in together(trials).await {
        assert_told(&told, kind, within);
    }
    eventually("the workers' end", async || {
        service.workers().is_empty().then_some(())
    })
    .await;
    cameras
}

#[tokio::test]
async fn a_port_that_refuses_is_told_as_refused_within_ten_seconds() {
    let (camera, service) = (camera(Faults::default()), Service::start().await);
    camera.refuse();
    let told = service.diagnose(&camera.url(), json!({})).await;
    assert_told(&told, "refused", DIAGNOSIS);
    assert!(camera.seen().connections.is_empty());
}

#[tokio::test]
async fn silence_at_any_step_of_the_handshake_is_a_timeout_within_ten_seconds() {
    let steps = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"];
    let mut faults = vec![replying(When::always(), Reply::Mute)];
    faults.extend(steps.map(|step| replying(When::method(step), Reply::Mute)));
    all_told(faults, "timeout", DIAGNOSIS).await;
}

#[tokio::test]
async fn a_byte_every_0_4_s_is_a_timeout_within_ten_seconds() {
    let steps = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"];
    let faults = steps.map(|step| replying(When::method(step), Reply::Drip));
    all_told(faults.to_vec(), "timeout", DIAGNOSIS).await;
}

#[tokio::test]
async fn a_black_hole_in_the_handshake_is_a_timeout_within_ten_seconds() {
    let steps = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"];
    let hole = Reply::Close(Close::Hole);
    let faults = steps.map(|step| replying(When::method(step), hole.clone()));
    all_told(faults.to_vec(), "timeout", DIAGNOSIS).await;
}

#[tokio::test]
async fn a_connection_that_breaks_off_in_the_handshake_is_unreachable_within_ten_seconds() {
    let faults = [Close::Fin, Close::Rst].into_iter().flat_map(|how| {
        let steps = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"];
        steps.map(|step| replying(When::method(step), Reply::Close(how)))
    });
    all_told(faults.collect(), "unreachable", DIAGNOSIS).await;
}

#[tokio::test]
async fn status_401_and_403_are_told_as_unauthorized_at_once() {
    let statuses = [401, 403].into_iter().flat_map(|status| {
        let steps = ["DESCRIBE", "SETUP"];
        steps.map(|step| replying(When::method(step), Reply::Status(status)))
    });
    let cameras = all_told(statuses.collect(), "unauthorized", AT_ONCE).await;
    for camera in cameras {
        // Whoever knocks often with a wrong password is locked out.
        assert_eq!(camera.seen().connections.len(), 1);
    }
}

#[tokio::test]
async fn status_404_is_told_as_not_found_at_once() {
    let faults = replying(When::method("DESCRIBE"), Reply::Status(404));
    let cameras = all_told(vec![faults], "not_found", AT_ONCE).await;
    assert_eq!(cameras[0].seen().count("DESCRIBE"), 1);
}

#[tokio::test]
async fn status_454_is_told_within_ten_seconds() {
    let service = Service::start().await;
    for step in ["DESCRIBE", "SETUP", "PLAY"] {
        let camera = camera(replying(When::method(step), Reply::Status(454)));
        let told = service.diagnose(&camera.url(), json!({})).await;
        let kinds = ["not_found", "unreachable", "unsupported"];
        assert!(kinds.contains(&told.kind.as_str()), "{}", told.session);
        assert!(told.took <= DIAGNOSIS, "{:?}", told.took);
    }
}

#[tokio::test]
async fn status_500_is_told_as_unreachable_within_ten_seconds() {
    let steps = ["DESCRIBE", "SETUP", "PLAY"];
    let faults = steps.map(|step| replying(When::method(step), Reply::Status(500)));
    all_told(faults.to_vec(), "unreachable", DIAGNOSIS).await;
}

#[tokio::test]
async fn a_camera_that_answers_the_second_time_is_read() {
    let faults = replying(When::method("DESCRIBE"), Reply::Status(500));
    let (camera, service) = (camera(faults), Service::start().await);
    let id = service.open(&camera.url(), json!({})).await;
    eventually("the first try", async || {
        (camera.seen().count("DESCRIBE") > 0).then_some(())
    })
    .await;
    camera.set(Faults::default());
    let running = |session: &Value| session["state"] == "running";
    let session = service.until_that(&id, "it runs", running).await;
    assert!(session["error"].is_null(), "{session}");
}

#[tokio::test]
async fn a_description_and_then_nothing_is_no_video_within_ten_seconds() {
    let faults = vec![
        Faults::default().media(Media::Still),
        Faults::default().media(Media::Silent),
    ];
    all_told(faults, "no_video", DIAGNOSIS).await;
}

#[tokio::test]
async fn reports_alone_over_tcp_only_are_no_video_within_ten_seconds() {
    let camera = camera(Faults::default().media(Media::Silent));
    let service = Service::start().await;
    let tcp = json!({ "transport": "tcp" });
    let told = service.diagnose(&camera.url(), tcp).await;
    assert_told(&told, "no_video", DIAGNOSIS);
    let seen = camera.seen();
    assert!(seen.sessions.iter().any(|session| session.reports > 3));
    assert!(
        seen.sessions
            .iter()
            .all(|session| session.transport == Transport::Tcp)
    );
}

/// What becomes of a broken description.
fn outcome(broken: BrokenSdp) -> &'static [&'static str] {
    match broken {
        // The pictures bring their parameters along.
        BrokenSdp::Cut
        | BrokenSdp::CutConnection
        | BrokenSdp::BadBase64
        | BrokenSdp::AnnexB
        | BrokenSdp::NoControl
        | BrokenSdp::NegativePort => &["running"],
        BrokenSdp::SoundOnly | BrokenSdp::LoneMedia => &["no_video"],
        BrokenSdp::NoRtpmap | BrokenSdp::UnknownCodec => &["unsupported"],
        BrokenSdp::Noise | BrokenSdp::Empty => &["no_video", "corrupt"],
        // Whoever reads it may, whoever finds it too long may say so.
        BrokenSdp::Endless => &["running", "limit", "corrupt", "no_video"],
    }
}

#[tokio::test]
async fn thirteen_broken_descriptions_are_read_or_told_within_ten_seconds() {
    let service = Service::start().await;
    let trials = BrokenSdp::ALL.map(async |broken| {
        let camera = camera(Faults::default().sdp(broken));
        let start = Instant::now();
        let id = service.open(&camera.url(), json!({})).await;
        let decided = |session: &Value| {
            let scored = session["stats"]["frames_scored"].as_u64() > Some(0);
            session["state"] == "failed" || (session["state"] == "running" && scored)
        };
        let session = service.until_that(&id, "it is decided", decided).await;
        let took = start.elapsed();
        let kind = session["error"]["kind"].as_str().unwrap_or("running");
        println!("{broken:?}: {kind} after {took:?}: {}", session["error"]);
        (broken, kind.to_owned(), took)
    });
    let told = Box::pin(together(trials)).await;
    let wrong = told.iter().filter(|(broken, kind, took)| {
        !outcome(*broken).contains(&kind.as_str()) || *took > DIAGNOSIS
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn a_body_of_two_gibibytes_is_over_the_limit_within_ten_seconds() {
    let faults = replying(When::method("DESCRIBE"), Reply::Length(2_147_483_646));
    all_told(vec![faults], "limit", DIAGNOSIS).await;
}

#[tokio::test]
async fn a_picture_of_8192_by_8192_is_over_the_limit_within_ten_seconds() {
    let camera = Setup::playing(&Clip::gigantic()).start();
    let service = Service::start().await;
    let told = service.diagnose(&camera.url(), json!({})).await;
    assert_told(&told, "limit", DIAGNOSIS);
}

#[tokio::test]
async fn without_a_keyframe_no_picture_counts() {
    let faults = Faults {
        no_keyframes: true,
        ..Faults::default()
    };
    let camera = Setup::playing(&clip()).speed(4.0).faults(faults).start();
    let service = Service::start().await;
    let id = service.open(&camera.url(), json!({})).await;
    eventually("forty pictures being sent", async || {
        let seen = camera.seen();
        (seen.sessions.first()?.units >= 40).then_some(())
    })
    .await;
    let session = service.session(&id).await;
    assert_eq!(session["stats"]["frames_scored"], 0, "{session}");
    assert!(service.frames(&id).await.is_empty());
}

/// Some cameras send one keyframe a minute, so that by default it is 90 s.
#[tokio::test]
async fn without_a_keyframe_for_the_five_seconds_that_are_allowed_it_is_told_as_no_keyframe() {
    let faults = Faults {
        no_keyframes: true,
        ..Faults::default()
    };
    let camera = Setup::playing(&clip()).speed(4.0).faults(faults).start();
    let launch = Launch::new().with(&["--keyframe-timeout", "5"]);
    let service = launch.start().await;
    let told = service.diagnose(&camera.url(), json!({})).await;
    assert_told(&told, "no_keyframe", DIAGNOSIS);
    assert!(told.took >= Duration::from_secs(5), "{:?}", told.took);
    assert_eq!(told.session["stats"]["frames_scored"], 0);
}

#[tokio::test]
async fn retries_of_a_redirect_and_of_a_refused_port_take_under_two_percent_of_a_core() {
    let circle = camera(replying(When::always(), Reply::RedirectToItself));
    let closed = camera(Faults::default());
    closed.refuse();
    let service = Service::start().await;
    for camera in [&circle, &closed] {
        let persist = json!({ "persist": true });
        service.open(&camera.url(), persist).await;
    }
    let used = || {
        let workers = service.workers().into_iter().map(processor_time);
        workers.sum::<Duration>() + processor_time(service.pid())
    };
    // The start of two processes is not a retry.
    eventually("the first answers", async || {
        let list = service.get("/v1/sessions").await.json();
        let tried = list["items"].as_array()?.iter();
        (tried.filter(|s| s["state"] == "reconnecting").count() == 2).then_some(())
    })
    .await;
    let (before, time) = (used(), Duration::from_secs(8));
    tokio::time::sleep(time).await;
    let share = used().saturating_sub(before).as_secs_f64() / time.as_secs_f64();
    println!("{:.2} % of a core", share * 100.0);
    // Both together are below what one may take.
    assert!(share < 0.02, "{share}");
    assert!(circle.seen().connections.len() < 12);
}
