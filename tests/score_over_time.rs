//! The score over time, as numbers and as a picture: while a session runs, when it
//! is over, in its gallery and from the shell.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::fs;

use bestshot_tests::{Camera, Reading, Service, clip, eventually, program};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Checks the spans against the brightness of each frame, and their times.
fn assert_curve(items: &[Value], brightness: &[f64], seconds_a_frame: f64) {
    assert!(!items.is_empty() && items.len() <= 256);
    let starts: Vec<f64> = items
        .iter()
        .map(|item| number(&item["stream_time"]))
        .collect();
    assert!(starts.is_sorted(), "{starts:?}");
    let mut least = 1.0_f64;
    let mut greatest = 0.0_f64;
    for item in items {
        let (low, mean, high) = (
            number(&item["low"]),
            number(&item["mean"]),
            number(&item["high"]),
        );
        assert!(low <= mean && mean <= high, "{item}");
        least = least.min(low);
        greatest = greatest.max(high);
    }
    let low = brightness.iter().copied().fold(1.0, f64::min);
    let high = brightness.iter().copied().fold(0.0, f64::max);
    assert!((least - low).abs() < 1e-6 && (greatest - high).abs() < 1e-6);
    #[expect(clippy::cast_precision_loss, reason = "few frames")]
    let end = brightness.len() as f64 * seconds_a_frame;
    assert!(
        starts[starts.len() - 1] > 0.9 * end - 1.0,
        "{starts:?} up to {end}"
    );
}

#[tokio::test]
async fn the_score_of_a_running_session_is_shown_over_time() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let scores = format!("/v1/sessions/{id}/scores");
    let list = eventually("a curve", async || {
        let list = service.get(&scores).await.expect(200).json();
        (list["items"].as_array()?.len() > 3).then_some(list)
    })
    .await;
    assert_eq!(list["session_id"], id.as_str());
    let plot = format!("/v1/sessions/{id}/plot");
    let live = service.get(&plot).await.expect(200);
    assert_eq!(live.media_type(), "image/svg+xml");
    assert_eq!(live.text().matches("<circle").count(), 9);
    service.halt(&id).await;
    let done = service.get(&plot).await.expect(200);
    let saved = fs::read_to_string(service.data().join(&id).join("plot.svg")).expect("a plot");
    assert_eq!(done.text(), saved);
    assert_eq!(saved.matches("<circle").count(), 9);
}

#[tokio::test]
async fn a_session_without_a_frame_has_no_plot() {
    let service = Service::start().await;
    service.get("/v1/sessions/none/plot").await.problem(&[404]);
    service
        .get("/v1/sessions/none/scores")
        .await
        .problem(&[404]);
}

#[test]
fn grab_draws_the_score_of_every_frame_of_a_file() {
    let file = clip("vtest_h264.mp4");
    let reading = Reading::of(&file).expect("ffmpeg decodes the clip");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (gallery, drawn) = (
        folder.path().join("gallery"),
        folder.path().join("score.svg"),
    );
    let output = program()
        .args(["grab", "--json", "--out"])
        .arg(&gallery)
        .arg("--plot")
        .arg(&drawn)
        .arg(&file)
        .output()
        .expect("the program can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let manifest: Value = serde_json::from_slice(&output.stdout).expect("a manifest");
    let brightness: Vec<f64> = (0..reading.sums.len())
        .map(|at| reading.brightness(at))
        .collect();
    let items = manifest["curve"].as_array().expect("a curve");
    assert_curve(items, &brightness, 0.1);
    let svg = fs::read_to_string(drawn).expect("a plot");
    assert_eq!(
        svg,
        fs::read_to_string(gallery.join("plot.svg")).expect("a plot")
    );
    assert_eq!(svg.matches("<circle").count(), 9);
}
