//! Streams whose pictures come seldom, at once or just now: what is read, how soon, and
//! what is given up where nobody could decode so fast.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use bestshot_tests::{
    Reading, Service,
    breaks::is,
    clip, eventually,
    fault_camera::{Clip, End, Join, Setup},
};
use serde_json::{Value, json};

const H264: &str = "vtest_h264.mp4";
const H265: &str = "vtest_hevc.mp4";

/// libav gives a picture out when the next one begins to arrive, and each of H.265 waits
/// for one more: at ten pictures a second two thirds of the time are gone by then.
#[tokio::test]
async fn the_first_frame_comes_within_300_ms_of_the_keyframe_that_is_sent() {
    let service = Service::start().await;
    for (name, speed) in [(H264, 1.0), (H265, 2.0)] {
        let waits = waits_for_a_frame(&service, name, speed).await;
        println!("{name}: from keyframe to answer: {waits:?}");
        assert!(waits[4] <= Duration::from_millis(300), "{waits:?}");
    }
}

/// From a keyframe's last packet to the answer that a frame was scored, five times,
/// shortest first.
async fn waits_for_a_frame(service: &Service, name: &str, speed: f64) -> Vec<Duration> {
    let clip = Clip::of(name);
    // Five pictures before the second keyframe.
    let before = clip.keyframes()[1] as u64 - 5;
    let camera = Setup::playing(&clip)
        .speed(speed)
        .join(Join::At(before))
        .start();
    let mut waits = Vec::new();
    for _ in 0..5 {
        let body = json!({ "rtsp_url": camera.url(), "wait": 10 });
        let reply = service.post_json("/start", &body).await.expect(200);
        let answered = Instant::now();
        let session = reply.json()["session"].clone();
        let id = session["id"].as_str().expect("an id").to_owned();
        assert!(session["stats"]["frames_scored"].as_u64() > Some(0));
        let played = camera.seen().sessions.last().expect("one plays").clone();
        let (picture, sent) = played.keyframes[0];
        assert_eq!(picture, before + 5);
        waits.push(answered.duration_since(sent));
        // Nothing that came before the keyframe counts.
        let frames = service.frames(&id).await;
        let seen = camera.seen();
        let units = seen.sessions.last().expect("one plays").units;
        // The camera counts a picture when it has sent it.
        assert!(frames.len() as u64 <= units + 1 - 5, "{frames:?}");
        service.forget(&id).await;
    }
    waits.sort();
    waits
}

#[tokio::test]
async fn one_frame_in_five_seconds_is_no_stall() {
    // Ten a second, fifty times slower.
    let camera = Setup::playing(&Clip::of(H264)).speed(0.02).start();
    let service = Service::start().await;
    let id = service.begin(&camera.url()).await;
    eventually("four pictures", async || {
        (camera.seen().sessions[0].units >= 4).then_some(())
    })
    .await;
    service.until_scored(&id, 3).await;
    let session = service.session(&id).await;
    assert_eq!(session["state"], "running", "{session}");
    assert_eq!(session["stats"]["reconnects"], 0, "{session}");
    assert_eq!(camera.seen().sessions.len(), 1);
}

/// Twenty seconds of large pictures come within a fifth of one, which nobody decodes so
/// fast. Whole groups are given up and counted; what is left is whole, and was all scored.
#[tokio::test]
async fn a_camera_that_sends_faster_than_pictures_are_decoded_costs_whole_groups_that_are_counted()
{
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("large.mp4");
    let encoder = "-frames:v 400 -vf scale=1920:1440 -c:v libx264 -preset ultrafast -g 20 -bf 0";
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(clip("vtest.avi"))
        .args(encoder.split(' '))
        .arg(&file)
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "ffmpeg makes a clip"
    );
    let reading = Reading::of(&file).expect("ffmpeg decodes it");
    let all = reading.sums.len() as u64;
    let camera = Setup::playing(&Arc::new(Clip::read(&file)))
        .speed(200.0)
        .passes(1, End::Bye)
        .start();
    let service = Service::start().await;
    let options = json!({ "limit": 100, "transport": "tcp" });
    let id = service.open(&camera.url(), options).await;
    let lags = |session: &Value| session["stats"]["lag_ms"].as_u64() >= Some(50);
    service.until_that(&id, "it lags", lags).await;
    let session = service.until_that(&id, "it is over", is("ended")).await;
    assert_eq!(session["state"], "ended", "{session}");
    let count = |name: &str| session["stats"][name].as_u64().expect("a number");
    assert_eq!(
        count("packets"),
        all,
        "the camera was not held up: {session}"
    );
    assert!(count("frames_dropped") > 0, "{session}");
    assert_eq!(
        count("frames_scored"),
        all - count("frames_dropped"),
        "{session}"
    );
    // A picture that leans on one that was given up is none of the clip's.
    let whole: Vec<f64> = (0..reading.sums.len())
        .map(|n| reading.brightness(n))
        .collect();
    for frame in service.frames(&id).await {
        let score = frame["score"].as_f64().expect("a number");
        let twin = whole.iter().any(|twin| (twin - score).abs() < 1e-9);
        assert!(twin, "{frame}");
    }
}
