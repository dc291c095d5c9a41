//! `/start` and `/stop`, the two calls that scripts know: what starts, what
//! stops, and what never does.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use bestshot_tests::{Answer, Camera, Service, eventually};
use reqwest::{Method, multipart};
use serde_json::{Value, json};

const STARTED: &str = "Video processing started.";
const RUNNING: &str = "Video processing is already running.";

/// Checks the page of a stopped session: its heading and its nine pictures.
async fn assert_page(service: &Service, answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.told());
    assert_eq!(answer.media_type(), "text/html");
    let page = answer.text();
    assert!(page.contains("Top 9 Brightest Frames"), "{page}");
    let pictures: Vec<&str> = page
        .split("<img src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|address| address.ends_with("/thumbnail"))
        .collect();
    assert_eq!(pictures.len(), 9, "{page}");
    for picture in pictures {
        let answer = service.get(picture).await.expect(200);
        assert_eq!(answer.media_type(), "image/png");
    }
}

async fn assert_running(service: &Service, id: &str) {
    assert_eq!(service.session(id).await["state"], "running");
}

#[tokio::test]
async fn start_takes_a_form_a_multipart_form_and_json() {
    let camera = Camera::with(&[
        "/a=vtest_h264.mp4",
        "/b=vtest_h264.mp4",
        "/c=vtest_h264.mp4",
    ]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let start = || service.request(Method::POST, "/start");
    let form = [
        ("rtsp_url", camera.url("/a")),
        ("limit", "4".to_owned()),
        ("fit", "contain".to_owned()),
    ];
    let multipart = multipart::Form::new()
        .text("rtsp_url", camera.url("/b"))
        .text("limit", "4")
        .text("fit", "contain");
    let json = json!({ "rtsp_url": camera.url("/c"), "limit": 4, "fit": "contain" });
    let requests = [
        start().form(&form),
        start().multipart(multipart),
        start().json(&json),
    ];
    for (request, path) in requests.into_iter().zip(["/a", "/b", "/c"]) {
        let reply = service.send(request).await.expect(200).json();
        assert_eq!(reply["message"], STARTED);
        assert_eq!(reply["session"]["rtsp_url"], camera.url(path));
        assert_eq!(reply["session"]["options"]["limit"], 4);
        assert_eq!(reply["session"]["options"]["fit"], "contain");
        assert_eq!(reply["session"]["options"]["best"], "brightness");
        let id = reply["session"]["id"].as_str().expect("an id");
        service.until(id, &["running"]).await;
    }
}

#[tokio::test]
async fn start_answers_at_once_unless_asked_to_wait() {
    let (camera, service) = tokio::join!(Camera::with(&["/cam=mute"]), Service::start());
    let body = json!({ "rtsp_url": camera.url("/cam") });
    let reply = service.post_json("/start", &body).await.expect(200).json();
    assert_eq!(reply["session"]["state"], "connecting");
    assert!(reply["session"]["stream"].is_null());
    let body = json!({ "rtsp_url": camera.url("/cam"), "wait": 0.2 });
    let reply = service.post_json("/start", &body).await.expect(200).json();
    assert_eq!(reply["session"]["state"], "connecting");
}

#[tokio::test]
async fn a_wait_in_the_body_is_stronger_than_one_in_the_address() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let body = json!({ "rtsp_url": camera.url("/cam"), "wait": 20 });
    let answer = service.post_json("/start?wait=0", &body).await.expect(200);
    let session = answer.json()["session"].clone();
    assert!(
        session["stats"]["frames_scored"].as_u64() > Some(0),
        "{session}"
    );
}

#[tokio::test]
async fn starting_a_camera_twice_gives_the_running_session() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    let again = json!({ "rtsp_url": camera.url("/cam"), "limit": 3, "wait": 10 });
    let reply = service.post_json("/start", &again).await.expect(200).json();
    assert_eq!(reply["message"], RUNNING);
    assert_eq!(reply["session"]["id"], id);
    assert_eq!(reply["session"]["options"]["limit"], 9);
    assert_eq!(service.workers().len(), 1);

    service.get("/stop").await.expect(200);
    let reply = service.post_json("/start", &again).await.expect(200).json();
    assert_eq!(reply["message"], STARTED);
    assert_ne!(reply["session"]["id"], id);
}

#[tokio::test]
async fn a_camera_is_started_once_however_many_ask_at_the_same_time() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let body = json!({ "rtsp_url": camera.url("/cam") });
    let ask = || service.post_json("/start", &body);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    let replies: Vec<Value> = [a, b, c, d].map(|r| r.expect(200).json()).into();
    let started = replies.iter().filter(|r| r["message"] == STARTED).count();
    assert_eq!(started, 1);
    assert!(
        replies
            .iter()
            .all(|r| r["session"]["id"] == replies[0]["session"]["id"])
    );
}

#[tokio::test]
async fn stopping_shows_nine_winners_and_stopping_again_the_same_page() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let first = service.get("/stop").await;
    assert_page(&service, &first).await;
    assert_eq!(service.session(&id).await["state"], "stopped");
    for target in ["/stop".to_owned(), format!("/stop?session={id}")] {
        let again = service.get(&target).await.expect(200);
        assert_eq!(again.text(), first.text());
    }
    let posted = service.post("/stop").await.expect(200);
    assert_eq!(posted.text(), first.text());
    eventually("the worker's end", async || {
        service.workers().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn stop_answers_only_when_the_images_are_on_the_disk() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    service.get("/stop").await.expect(200);
    let folder = service.data().join(&id);
    for rank in 1..=9 {
        for kind in ["thumbnails", "originals"] {
            let file = folder.join(format!("{kind}/{rank:02}.png"));
            assert!(file.is_file(), "{} is there", file.display());
        }
    }
    let left: Vec<String> = std::fs::read_dir(service.data())
        .expect("the data directory is there")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(&id) && *name != id)
        .collect();
    assert!(left.is_empty(), "no draft is left: {left:?}");
}

#[tokio::test]
async fn stop_with_nothing_ever_started_is_404() {
    let service = Service::start().await;
    let page = service.get_as("/stop", "text/html").await.expect(404);
    assert_eq!(page.media_type(), "text/html");
    assert!(page.text().contains("Nothing was started"));
    let problem = service.get_as("/stop", "application/json").await;
    problem.problem(&[404]);
    service.post("/stop").await.expect(404);
    let unknown = service.get_as("/stop?session=20200101-000000-0", "application/json");
    unknown.await.problem(&[404]);
}

#[tokio::test]
async fn stop_gives_a_report_where_accept_ranks_json_above_html() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    for (accept, expected) in [
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.9", "application/json"),
        (
            "text/html;q=0.2, application/json;q=0.5",
            "application/json",
        ),
        ("text/html", "text/html"),
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/html",
        ),
        ("application/json;q=0.3, text/html;q=0.7", "text/html"),
        ("application/json;q=0, */*", "text/html"),
        ("*/*", "text/html"),
        ("image/png", "text/html"),
    ] {
        let answer = service.get_as("/stop", accept).await.expect(200);
        assert_eq!(answer.media_type(), expected, "{accept}");
        if expected == "application/json" {
            let report = answer.json();
            assert_eq!(report["session"]["id"], id);
            assert_eq!(report["session"]["state"], "stopped");
            assert!(report["session"]["ended_at"].is_string());
            assert_eq!(report["frames"], Value::from(service.frames(&id).await));
            let gallery = report["gallery_url"].as_str().expect("an address");
            let page = service.get(gallery).await;
            assert_page(&service, &page).await;
        }
    }
}

#[tokio::test]
async fn two_cameras_run_side_by_side_and_each_is_stopped_by_its_name() {
    let camera = Camera::with(&["/a=vtest_h264.mp4,speed=4", "/b=vtest_hevc.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let a = service.begin(&camera.url("/a")).await;
    let b = service.begin(&camera.url("/b")).await;
    assert_eq!(service.workers().len(), 2);
    for id in [&a, &b] {
        service.until_winners(id, 9).await;
    }
    let problem = service.get_as("/stop", "application/json").await;
    problem.problem(&[409]);
    let page = service.get_as("/stop", "text/html").await.expect(409);
    for id in [&a, &b] {
        assert!(problem.text().contains(id), "{}", problem.told());
        assert!(page.text().contains(id), "{}", page.told());
        assert_running(&service, id).await;
    }
    let stopped = service.get(&format!("/stop?session={a}")).await;
    assert_page(&service, &stopped).await;
    assert_running(&service, &b).await;
    // Only one runs now: it needs no name.
    let stopped = service
        .get_as("/stop", "application/json")
        .await
        .expect(200);
    assert_eq!(stopped.json()["session"]["id"], b);
    // The newest gallery again.
    let again = service
        .get_as("/stop", "application/json")
        .await
        .expect(200);
    assert_eq!(again.json()["session"]["id"], b);
}

#[tokio::test]
async fn what_only_looks_never_stops() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    let head = service.send(service.request(Method::HEAD, "/stop")).await;
    assert_eq!(head.status, 405);
    assert!(head.header("allow").contains("GET"));
    let options = service.request(Method::OPTIONS, "/stop");
    assert_ne!(service.send(options).await.status, 200);
    for (name, value) in [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Origin", "http://elsewhere.example"),
        ("Origin", "null"),
        ("Referer", "http://elsewhere.example/page"),
    ] {
        for method in [Method::GET, Method::POST] {
            let request = service.request(method, "/stop").header(name, value);
            let answer = service.send(request).await;
            assert_eq!(answer.status, 403, "{name}: {value}: {}", answer.told());
            assert_running(&service, &id).await;
        }
    }
    // A picture of a page that keeps its name back, as plain HTTP shows it.
    let picture = service.request(Method::GET, "/stop");
    let picture = picture
        .header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0")
        .header("Accept", "image/avif,image/webp,image/*,*/*;q=0.8");
    let answer = service.send(picture).await;
    assert_eq!(answer.status, 403, "{}", answer.told());
    let same_site = service.request(Method::GET, "/stop");
    let answer = service
        .send(same_site.header("Sec-Fetch-Site", "same-site"))
        .await;
    assert_eq!(answer.status, 403, "{}", answer.told());
    assert_running(&service, &id).await;
    let stop = service.request(Method::GET, "/stop");
    let asked = stop
        .header("Sec-Fetch-Site", "none")
        .header("Sec-Fetch-Mode", "navigate");
    service.send(asked).await.expect(200);
}

#[tokio::test]
async fn pages_of_other_sites_and_other_names_change_nothing() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let body = json!({ "rtsp_url": camera.url("/cam") });
    for (name, value, status) in [
        ("Sec-Fetch-Site", "cross-site", 403),
        ("Origin", "http://elsewhere.example", 403),
        // A name that an attacker's server resolves to this machine.
        ("Host", "elsewhere.example", 421),
    ] {
        let start = service.request(Method::POST, "/start").json(&body);
        let answer = service.send(start.header(name, value)).await;
        answer.problem(&[status]);
    }
    let list = service.get("/v1/sessions").await.expect(200).json();
    assert_eq!(list["items"], json!([]));
}
