//! RTSP servers of other makers than GStreamer, each with its own view of the
//! protocol, are read as cameras are: frames come, the winners are undamaged frames
//! of the clip, the transport is told, and a source that dies is named.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, Instant};

use bestshot_tests::{Oddity, Reading, Relay, Service, Vlc, clip, eventually};
use serde_json::{Value, json};

/// Within this a stop answers, in whatever state a session is.
const STOP: Duration = Duration::from_secs(1);
/// Within this a caller knows what is wrong with a camera.
const DIAGNOSIS: Duration = Duration::from_secs(10);
/// Scores are compared to this: a few roundings of a double.
const CLOSE: f64 = 1e-9;

/// Reads nine winners of a server that plays `name`, and checks all that is left.
async fn is_read(service: &Service, url: &str, name: &str, options: Value, transport: &str) {
    let reading = Reading::of(&clip(name)).expect("ffmpeg decodes the clip");
    let id = service.begin_with(url, options).await;
    nine_winners(service, &id).await;
    let session = service.session(&id).await;
    assert_eq!(session["stream"]["transport"], transport, "{session}");
    assert_eq!(session["stream"]["codec"], reading.codec.as_str());
    assert_eq!(session["stream"]["width"], reading.width);
    assert_eq!(session["stream"]["height"], reading.height);

    let page = stop(service, &id).await;
    assert_eq!(page.matches("/thumbnail\"").count(), 9);
    for frame in service.frames(&id).await {
        // A damaged picture would have a score that no frame of the clip has.
        let score = frame["score"].as_f64().expect("a score is a number");
        let same = |index| (reading.brightness(index) - score).abs() < CLOSE;
        let found = (0..reading.sums.len()).any(same);
        assert!(found, "{name} holds no frame that scores {score}");
    }
}

/// Waits until nine frames are winners, with pictures or yet without.
async fn nine_winners(service: &Service, id: &str) {
    eventually("nine winners", async || {
        (service.frames(id).await.len() == 9).then_some(())
    })
    .await;
}

/// Stops a session in time, and gives the page.
async fn stop(service: &Service, id: &str) -> String {
    let start = Instant::now();
    let page = service.get(&format!("/stop?session={id}")).await;
    let took = start.elapsed();
    assert!(took <= STOP, "the stop took {took:?}");
    page.expect(200).text()
}

/// Starts a session that must fail, and gives the problem and how long it took.
async fn refused(service: &Service, url: &str, transport: &str) -> (Value, Duration) {
    let body = json!({ "rtsp_url": url, "transport": transport, "wait": 20 });
    let start = Instant::now();
    let answer = service.post_json("/start", &body).await;
    (answer.problem(&[502, 504]), start.elapsed())
}

#[tokio::test]
async fn oddity_is_read_over_tcp_from_the_middle_of_a_group() {
    let name = "vtest_h264.mp4";
    let (oddity, service) = tokio::join!(Oddity::playing(name), Service::start());
    is_read(&service, &oddity.url(), name, json!({}), "tcp").await;
}

#[tokio::test]
async fn oddity_without_udp_is_unsupported_where_udp_is_demanded() {
    let (oddity, service) = tokio::join!(Oddity::playing("vtest_h264.mp4"), Service::start());
    let (problem, took) = refused(&service, &oddity.url(), "udp").await;
    assert_eq!(problem["kind"], "unsupported", "{problem}");
    assert!(took <= DIAGNOSIS, "the diagnosis took {took:?}");
}

#[tokio::test]
async fn a_path_that_oddity_does_not_have_is_not_found() {
    let (oddity, service) = tokio::join!(Oddity::playing("vtest_h264.mp4"), Service::start());
    let (problem, took) = refused(&service, &oddity.url_of("/other"), "auto").await;
    assert_eq!(problem["kind"], "not_found", "{problem}");
    assert!(took <= DIAGNOSIS, "the diagnosis took {took:?}");
}

#[tokio::test]
async fn rtsp_streaming_server_is_read_over_udp_since_it_refuses_tcp_with_461() {
    let (relay, service) = tokio::join!(Relay::start(), Service::start());
    for name in ["vtest_h264.mp4", "vtest_hevc.mp4"] {
        let path = format!("/{}", name.trim_end_matches(".mp4"));
        let _feeder = relay.feed(&path, name).await;
        is_read(&service, &relay.url(&path), name, json!({}), "udp").await;
    }
}

#[tokio::test]
async fn rtsp_streaming_server_is_read_over_udp_on_demand() {
    let name = "vtest_hevc.mp4";
    let (relay, service) = tokio::join!(Relay::start(), Service::start());
    let _feeder = relay.feed("/cam", name).await;
    let options = json!({ "transport": "udp" });
    is_read(&service, &relay.url("/cam"), name, options, "udp").await;
}

#[tokio::test]
async fn rtsp_streaming_server_without_tcp_is_unsupported_where_tcp_is_demanded() {
    let (relay, service) = tokio::join!(Relay::start(), Service::start());
    let _feeder = relay.feed("/cam", "vtest_h264.mp4").await;
    let (problem, took) = refused(&service, &relay.url("/cam"), "tcp").await;
    assert_eq!(problem["kind"], "unsupported", "{problem}");
    assert!(took <= DIAGNOSIS, "the diagnosis took {took:?}");
}

#[tokio::test]
async fn a_source_that_opens_and_never_sends_is_no_video_within_ten_seconds() {
    let (relay, service) = tokio::join!(Relay::start(), Service::start());
    let feeder = relay.feed("/cam", "vtest_h264.mp4").await;
    feeder.kill();
    // The relay goes on describing what nobody sends any more.
    let (problem, took) = refused(&service, &relay.url("/cam"), "auto").await;
    assert_eq!(problem["kind"], "no_video", "{problem}");
    assert!(took <= DIAGNOSIS, "the diagnosis took {took:?}");
}

#[tokio::test]
async fn a_source_that_dies_in_mid_stream_is_stalled_within_ten_seconds_and_loses_no_winner() {
    let (relay, service) = tokio::join!(Relay::start(), Service::start());
    let feeder = relay.feed("/cam", "vtest_h264.mp4").await;
    let id = service.begin(&relay.url("/cam")).await;
    nine_winners(&service, &id).await;
    feeder.kill();
    let start = Instant::now();
    let session = eventually("the silence being told", async || {
        let session = service.session(&id).await;
        (session["state"] != "running").then_some(session)
    })
    .await;
    let took = start.elapsed();
    assert_eq!(session["state"], "reconnecting", "{session}");
    assert_eq!(session["error"]["kind"], "stalled", "{session}");
    assert!(took <= DIAGNOSIS, "the diagnosis took {took:?}");
    // Also while it is being sought in vain.
    assert_eq!(stop(&service, &id).await.matches("/thumbnail\"").count(), 9);
}

#[tokio::test]
async fn vlc_is_read_over_udp_since_it_refuses_tcp_with_461() {
    let name = "vtest_h264.mp4";
    let (vlc, service) = tokio::join!(Vlc::playing(name), Service::start());
    is_read(&service, &vlc.url(), name, json!({}), "udp").await;
}
