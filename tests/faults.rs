//! What goes wrong with cameras: each fault is told by its kind and in words
//! within 12 seconds, costs its own session only, and loses no winner.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, Instant};

use bestshot_tests::{Camera, FaultPort, Login, Service, eventually, kill_hard};
use serde_json::{Value, json};

/// Within this a caller who waits has the diagnosis.
const DIAGNOSIS: Duration = Duration::from_secs(12);

/// Starts a session on `url` twice, waiting and not, and checks that both tell
/// of one of `kinds`: the one in its answer, the other in the session.
async fn assert_diagnosed(service: &Service, url: &str, options: Value, kinds: &[&str]) -> String {
    let mut body = options;
    body["rtsp_url"] = url.into();
    let reply = service.post_json("/v1/sessions", &body).await.expect(201);
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    let session = service.until(&id, &["failed"]).await;
    assert_kind(&session["error"]["kind"], kinds, &session);
    assert_readable(&session["error"]["message"]);
    assert!(session["ended_at"].is_string());

    body["wait"] = 15.into();
    let start = Instant::now();
    let answer = service.post_json("/start", &body).await;
    let took = start.elapsed();
    let problem = answer.problem(&[502, 504]);
    assert!(took < DIAGNOSIS, "the diagnosis took {took:?}");
    assert_kind(&problem["kind"], kinds, &problem);
    assert_readable(&problem["detail"]);
    problem["kind"].as_str().unwrap_or_default().to_owned()
}

fn assert_kind(kind: &Value, kinds: &[&str], whole: &Value) {
    let kind = kind.as_str().unwrap_or_default();
    assert!(kinds.contains(&kind), "{kind}, not {kinds:?}: {whole}");
}

/// A sentence, without the names of libraries and the numbers of errors.
fn assert_readable(message: &Value) {
    let text = message.as_str().unwrap_or_default();
    assert!(
        text.split_whitespace().count() > 3,
        "{text:?} is no sentence"
    );
    let small = text.to_lowercase();
    for word in [
        "ffmpeg", "libav", "errno", "os error", "panick", "avformat", "::",
    ] {
        assert!(!small.contains(word), "{text:?} is for programmers");
    }
}

#[tokio::test]
async fn a_host_name_that_does_not_resolve_is_told() {
    let service = Service::start().await;
    let url = "rtsp://no-such-camera.invalid/cam";
    assert_diagnosed(&service, url, json!({}), &["dns"]).await;
}

#[tokio::test]
async fn a_port_that_refuses_is_told() {
    let (port, service) = (FaultPort::refusing(), Service::start().await);
    assert_diagnosed(&service, &port.url("/cam"), json!({}), &["refused"]).await;
}

#[tokio::test]
async fn a_wrong_password_is_told_under_basic_and_digest() {
    let service = Service::start().await;
    for method in ["basic", "digest"] {
        let (user, password) = ("owner", "right");
        let login = Login {
            method,
            user,
            password,
        };
        let camera = Camera::with_login(login, &["/cam=vtest_hevc.mp4"]).await;
        let wrong = camera.url_for(user, "wrong", "/cam");
        assert_diagnosed(&service, &wrong, json!({}), &["unauthorized"]).await;
        let none = camera.url("/cam");
        assert_diagnosed(&service, &none, json!({}), &["unauthorized"]).await;
        let given = json!({ "username": user, "password": "wrong" });
        assert_diagnosed(&service, &none, given, &["unauthorized"]).await;

        // The right one opens the door, given either way.
        let id = service.begin(&camera.url_for(user, password, "/cam")).await;
        service
            .get(&format!("/stop?session={id}"))
            .await
            .expect(200);
        let given = json!({ "username": user, "password": password });
        let id = service.begin_with(&none, given).await;
        service
            .get(&format!("/stop?session={id}"))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_path_that_the_camera_does_not_have_is_told() {
    let camera = Camera::with(&["/cam=vtest_hevc.mp4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    assert_diagnosed(&service, &camera.url("/other"), json!({}), &["not_found"]).await;
}

#[tokio::test]
async fn a_camera_with_sound_only_is_told() {
    let camera = Camera::with(&["/alaw=audio", "/opus=opus"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    for path in ["/alaw", "/opus"] {
        assert_diagnosed(&service, &camera.url(path), json!({}), &["no_video"]).await;
    }
}

#[tokio::test]
async fn sound_beside_the_pictures_does_no_harm() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,audio=yes"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
}

#[tokio::test]
async fn a_port_that_accepts_and_says_nothing_is_told() {
    let port = FaultPort::silent().await;
    let service = Service::start().await;
    assert_diagnosed(&service, &port.url("/cam"), json!({}), &["timeout"]).await;
}

#[tokio::test]
async fn a_camera_that_never_sends_a_picture_is_told() {
    let (camera, service) = tokio::join!(Camera::with(&["/cam=mute"]), Service::start());
    assert_diagnosed(&service, &camera.url("/cam"), json!({}), &["no_video"]).await;
}

#[tokio::test]
async fn a_port_that_hangs_up_is_told() {
    let port = FaultPort::closing().await;
    let service = Service::start().await;
    let kinds = ["unreachable", "refused", "timeout", "corrupt"];
    assert_diagnosed(&service, &port.url("/cam"), json!({}), &kinds).await;
}

#[tokio::test]
async fn a_port_that_is_no_camera_is_told() {
    let service = Service::start().await;
    let kinds = ["unreachable", "unsupported", "corrupt", "timeout"];
    let babble = FaultPort::babbling().await;
    assert_diagnosed(&service, &babble.url("/cam"), json!({}), &kinds).await;
    let web = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let web = FaultPort::answering(web).await;
    assert_diagnosed(&service, &web.url("/cam"), json!({}), &kinds).await;
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let service = Service::start().await;
    let moved = "RTSP/1.0 302 Found\r\nCSeq: 1\r\nLocation: rtsp://127.0.0.2:9/cam\r\n\r\n";
    let moved = FaultPort::answering(moved).await;
    assert_diagnosed(&service, &moved.url("/cam"), json!({}), &["redirected"]).await;
}

#[tokio::test]
async fn a_failed_session_is_over_and_can_be_started_again() {
    let (port, service) = (FaultPort::refusing(), Service::start().await);
    let url = port.url("/cam");
    assert_diagnosed(&service, &url, json!({}), &["refused"]).await;
    // Nothing was seen, so that there is nothing to show; but why, is said.
    let page = service.get_as("/stop", "text/html").await.expect(404);
    assert!(page.text().contains(&url), "{}", page.text());
    eventually("the worker's end", async || {
        service.workers().is_empty().then_some(())
    })
    .await;
    let health = service.get("/v1/health").await.expect(200).json();
    assert_eq!(health["sessions_running"], 0);
}

#[tokio::test]
async fn a_killed_worker_costs_its_own_session_only() {
    let camera = Camera::with(&["/a=vtest_h264.mp4,speed=4", "/b=vtest_hevc.mp4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let killed = service.begin(&camera.url("/a")).await;
    let workers = service.workers();
    let other = service.begin(&camera.url("/b")).await;
    // From the second pass over its hundred frames on, the winners stay.
    service.until_scored(&killed, 110).await;
    service.until_winners(&killed, 9).await;
    let winners = service.frames(&killed).await;
    let before = service.session(&other).await["stats"]["frames_scored"].as_u64();
    for pid in workers {
        kill_hard(pid);
    }

    let session = eventually("the crash being told", async || {
        let session = service.session(&killed).await;
        let back = session["stats"]["reconnects"].as_u64() > Some(0);
        (session["state"] == "failed" || back).then_some(session)
    })
    .await;
    if session["state"] == "failed" {
        assert_kind(&session["error"]["kind"], &["crashed"], &session);
        assert_readable(&session["error"]["message"]);
    }
    // The winners were seen, so they are kept.
    assert_eq!(service.frames(&killed).await, winners);
    let page = service.get(&format!("/stop?session={killed}")).await;
    assert_eq!(page.expect(200).text().matches("/thumbnail\"").count(), 9);
    for rank in 1..=9 {
        let target = format!("/v1/sessions/{killed}/frames/{rank}/thumbnail");
        service.get(&target).await.expect(200);
    }
    // And the other camera goes on.
    eventually("the other session going on", async || {
        let session = service.session(&other).await;
        assert_eq!(session["state"], "running");
        let scored = session["stats"]["frames_scored"].as_u64();
        (scored > before.map(|n| n + 3)).then_some(())
    })
    .await;
    assert_eq!(service.get("/v1/health").await.expect(200).status, 200);
}

#[tokio::test]
async fn a_camera_that_goes_away_loses_no_winner() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    camera.unplug();
    service.until(&id, &["reconnecting"]).await;
    let frames = service.frames(&id).await;
    assert_eq!(frames.len(), 9);
    let page = service.get("/stop").await.expect(200);
    assert_eq!(page.text().matches("/thumbnail\"").count(), 9);
    let saved = service.frames(&id).await;
    assert_eq!(saved, frames);
    assert_eq!(service.session(&id).await["state"], "stopped");
}

#[tokio::test]
async fn a_camera_that_comes_back_is_read_on() {
    let mounts = ["/cam=vtest_h264.mp4,speed=2"];
    let (camera, service) = tokio::join!(Camera::with(&mounts), Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let port = camera.port();
    camera.unplug();
    let lost = service.until(&id, &["reconnecting"]).await;
    let _camera = Camera::on_port(port, &mounts).await;
    let back = service.until(&id, &["running"]).await;
    assert!(back["stats"]["reconnects"].as_u64() > Some(0), "{back}");
    let before = lost["stats"]["frames_scored"].as_u64();
    eventually("more frames", async || {
        let session = service.session(&id).await;
        (session["stats"]["frames_scored"].as_u64() > before).then_some(())
    })
    .await;
    let report = service.get_as("/stop", "application/json").await;
    let frames = report.expect(200).json()["frames"].clone();
    let mut indices: Vec<u64> = frames
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|frame| frame["index"].as_u64())
        .collect();
    assert_eq!(indices.len(), 9);
    indices.sort_unstable();
    indices.dedup();
    assert_eq!(indices.len(), 9, "frames go on being counted");
}

#[tokio::test]
async fn a_camera_that_falls_silent_is_noticed_and_its_winners_kept() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4,stall=40"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until(&id, &["reconnecting", "failed"]).await;
    let page = service
        .get(&format!("/stop?session={id}"))
        .await
        .expect(200);
    assert_eq!(page.text().matches("/thumbnail\"").count(), 9);
}
