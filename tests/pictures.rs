//! The pictures of a session's frames over HTTP: what they are, and when a client
//! need not fetch them again.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, Instant};

use bestshot_tests::{
    Camera, PngFile, Service, eventually,
    fault_camera::{Clip, Setup},
};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn pictures_carry_tags_that_save_a_second_transfer() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=8"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_originals(&id, 9).await;
    service.get("/stop").await.expect(200);
    for kind in ["thumbnail", "original"] {
        let target = format!("/v1/sessions/{id}/frames/1/{kind}");
        let picture = service.get(&target).await.expect(200);
        assert_eq!(picture.media_type(), "image/png");
        PngFile::parse(&picture.body);
        let tag = picture.header("etag");
        assert!(tag.starts_with('"'), "{tag}");
        let ask = |known: &str| {
            let request = service.request(Method::GET, &target);
            service.send(request.header("If-None-Match", known))
        };
        let same = ask(tag).await.expect(304);
        assert!(same.body.is_empty());
        assert_eq!(same.header("etag"), tag);
        ask("\"another\"").await.expect(200);
        for rank in ["10", "101"] {
            let none = format!("/v1/sessions/{id}/frames/{rank}/{kind}");
            service.get(&none).await.problem(&[404]);
        }
        for rank in ["0", "-1", "first"] {
            let none = format!("/v1/sessions/{id}/frames/{rank}/{kind}");
            service.get(&none).await.problem(&[400, 404, 422]);
        }
    }
}

#[tokio::test]
async fn the_tag_changes_when_another_frame_takes_the_rank() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,loops=1,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service
        .begin_with(&camera.url("/cam"), json!({ "limit": 1 }))
        .await;
    let target = format!("/v1/sessions/{id}/frames/1/thumbnail");
    let mut tags = Vec::new();
    // The clip grows brighter towards its end, so that rank 1 changes hands.
    eventually("another winner", async || {
        let answer = service.get(&target).await;
        let index = service
            .frames(&id)
            .await
            .first()
            .map(|f| f["index"].clone());
        if answer.status == 200 {
            tags.push((index, answer.header("etag").to_owned()));
        }
        tags.dedup_by(|a, b| a.1 == b.1);
        (tags.len() > 1).then_some(())
    })
    .await;
}

/// The answer to a frame that has just won is held for eight seconds at most.
#[tokio::test]
async fn a_picture_whose_frame_was_overtaken_is_told_within_four_seconds() {
    let camera = Setup::playing(&Clip::brightening()).start();
    let service = Service::start().await;
    let id = service
        .begin_with(&camera.url(), json!({ "limit": 1 }))
        .await;
    let target = format!("/v1/sessions/{id}/frames/1/original");
    for _ in 0..3 {
        let start = Instant::now();
        let problem = service.get(&target).await.problem(&[404]);
        let took = start.elapsed();
        println!("told after {took:?}: {}", problem["detail"]);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("A better frame came"), "{problem}");
        assert!(took <= Duration::from_secs(4), "{took:?}");
    }
}
