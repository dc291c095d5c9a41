//! Sessions as resources, while they run and long after: created, listed, looked
//! at, stopped, deleted, and still there when the service is started again.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::fs;

use bestshot_tests::{Camera, Launch, Service, eventually, is_alive, nightly};
use reqwest::Method;
use serde_json::{Value, json};

fn id_of(session: &Value) -> &str {
    session["id"].as_str().expect("a session has an id")
}

/// Nobody waits for a worker that has nothing more to say: it ends a moment later.
async fn ended(workers: &[u32]) {
    eventually("the workers' end", async || {
        (!workers.iter().any(|pid| is_alive(*pid))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_session_is_created_looked_at_stopped_and_deleted() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let body = json!({ "rtsp_url": camera.url("/cam"), "wait": 30, "width": 120, "height": 90 });
    let created = service.post_json("/v1/sessions", &body).await.expect(201);
    let session = created.json();
    let id = id_of(&session);
    let place = format!("/v1/sessions/{id}");
    assert_eq!(created.header("location"), place);
    assert_eq!(session["state"], "running");
    assert!(session["ended_at"].is_null());
    assert_eq!(session["stream"]["codec"], "h264");
    assert_eq!(session["stream"]["transport"], "tcp");
    service
        .post_json("/v1/sessions", &body)
        .await
        .problem(&[409]);

    service.until_winners(id, 9).await;
    let gallery = format!("{place}/gallery");
    service.get(&gallery).await.problem(&[409]);
    let live = service
        .get(&format!("{place}/frames"))
        .await
        .expect(200)
        .json();
    assert_eq!(live["session_id"], id);
    let report = service
        .post(&format!("{place}/stop"))
        .await
        .expect(200)
        .json();
    assert_eq!(report["session"]["state"], "stopped");
    assert_eq!(report["frames"].as_array().map(Vec::len), Some(9));
    let again = service
        .post(&format!("{place}/stop"))
        .await
        .expect(200)
        .json();
    assert_eq!(again, report);
    let saved = service
        .get(&format!("{place}/frames"))
        .await
        .expect(200)
        .json();
    assert!(saved["revision"].as_u64() >= live["revision"].as_u64());
    let page = service.get(&gallery).await.expect(200);
    assert_eq!(page.media_type(), "text/html");

    let delete = || service.send(service.request(Method::DELETE, &place));
    let gone = delete().await.expect(204);
    assert!(gone.body.is_empty());
    assert!(!service.data().join(id).exists());
    delete().await.problem(&[404]);
    for target in ["", "/frames", "/gallery", "/frames/1/thumbnail"] {
        service
            .get(&format!("{place}{target}"))
            .await
            .problem(&[404]);
    }
}

#[tokio::test]
async fn deleting_a_running_session_stops_it() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    let worker = service.workers()[0];
    let delete = service.request(Method::DELETE, &format!("/v1/sessions/{id}"));
    service.send(delete).await.expect(204);
    ended(&[worker]).await;
    service
        .get(&format!("/v1/sessions/{id}"))
        .await
        .problem(&[404]);
    let left = fs::read_dir(service.data()).expect("the data directory");
    let left: Vec<String> = left
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(&id))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn the_list_is_newest_first_and_paged() {
    let mounts = [
        "/a=vtest_h264.mp4",
        "/b=vtest_h264.mp4",
        "/c=vtest_h264.mp4",
    ];
    let (camera, service) = tokio::join!(Camera::with(&mounts), Service::start());
    let mut ids = Vec::new();
    for path in ["/a", "/b", "/c"] {
        ids.insert(0, service.begin(&camera.url(path)).await);
    }
    // One of them is over.
    service
        .post(&format!("/v1/sessions/{}/stop", ids[1]))
        .await
        .expect(200);
    let list = async |target: &str| service.get(target).await.expect(200).json();
    let all = list("/v1/sessions").await;
    let found: Vec<&str> = all["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(id_of)
        .collect();
    assert_eq!(found, ids);
    assert!(all["next"].is_null());

    let mut target = "/v1/sessions?limit=1".to_owned();
    for (at, id) in ids.iter().enumerate() {
        let page = list(&target).await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(page["items"][0]["id"], *id);
        assert_eq!(page["next"].is_string(), at < 2, "{page}");
        let next = page["next"].as_str().unwrap_or_default();
        target = format!("/v1/sessions?limit=1&before={next}");
    }
    // By camera, in whatever case, and by the day of UTC, running and past alike.
    let today = all["items"][0]["started_at"].as_str().expect("a time");
    let day = today.split('T').next().expect("a day");
    for (query, wanted) in [
        ("camera=%2FA".to_owned(), vec![&ids[2]]),
        ("camera=%2Fb".to_owned(), vec![&ids[1]]),
        (format!("camera=127.0.0.1&day={day}"), ids.iter().collect()),
        ("camera=%25".to_owned(), vec![]),
        (format!("camera=street&day={day}"), vec![]),
        ("day=2001-02-03".to_owned(), vec![]),
    ] {
        let page = list(&format!("/v1/sessions?{query}")).await;
        let found: Vec<&str> = page["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(id_of)
            .collect();
        assert_eq!(found, wanted, "{query}");
    }
    for wrong in [
        "limit=0",
        "limit=101",
        "limit=x",
        "before=%21",
        "day=today",
        "day=2026-02-30",
    ] {
        let field = wrong.split('=').next().unwrap_or_default();
        let answer = service.get(&format!("/v1/sessions?{wrong}")).await;
        answer.blames(&[400, 422], field);
    }
}

#[tokio::test]
async fn duration_ends_a_session_by_itself() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let options = json!({ "duration": 1.5 });
    let id = service.begin_with(&camera.url("/cam"), options).await;
    let session = service.until(&id, &["ended"]).await;
    assert_eq!(session["options"]["duration"], 1.5);
    assert!(session["error"].is_null());
    // Ten frames a second.
    let frames = session["stats"]["frames_scored"].as_u64().unwrap_or(0);
    assert!((14..=17).contains(&frames), "{frames} frames");
    assert_eq!(service.frames(&id).await.len(), 9);
    let page = service.get("/stop").await.expect(200);
    assert!(page.text().contains("Top 9 Brightest Frames"));
}

#[tokio::test]
async fn a_session_that_says_it_is_over_has_its_gallery() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,loops=1,speed=8"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    // Many pictures take long enough to save for this to be seen.
    let options = json!({ "limit": 60 });
    let id = service.begin_with(&camera.url("/cam"), options).await;
    let look = async || service.session(&id).await;
    let over = eventually("the end of the session", async || {
        // Without a pause, unless it takes long.
        for _ in 0..100 {
            let session = look().await;
            if session["state"] == "ended" {
                return Some(session);
            }
        }
        None
    })
    .await;
    assert!(over["ended_at"].is_string(), "{over}");
    let gallery = service.get(&format!("/v1/sessions/{id}/gallery")).await;
    gallery.expect(200);
    assert_eq!(service.frames(&id).await.len(), 60);
}

#[tokio::test]
async fn past_sessions_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let launch = Launch::new().in_folder(folder.path()).start();
    let (camera, service) = tokio::join!(camera, launch);
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let page = service.get("/stop").await.expect(200).text();
    let before = (service.session(&id).await, service.frames(&id).await);
    let picture = service
        .get(&format!("/v1/sessions/{id}/frames/1/original"))
        .await;
    assert!(service.terminate().await.success());

    let service = Launch::new().in_folder(folder.path()).start().await;
    assert_eq!(
        (service.session(&id).await, service.frames(&id).await),
        before
    );
    assert_eq!(service.get("/stop").await.expect(200).text(), page);
    let same = service
        .get(&format!("/v1/sessions/{id}/frames/1/original"))
        .await;
    assert_eq!(same.expect(200).body, picture.expect(200).body);
    service.kill();

    // Even without its catalogue: the directories are the truth.
    for entry in fs::read_dir(folder.path()).expect("the folder").flatten() {
        if entry.file_name().to_string_lossy().starts_with("catalogue") {
            fs::remove_file(entry.path()).expect("a file can be removed");
        }
    }
    let service = Launch::new().in_folder(folder.path()).start().await;
    assert_eq!(
        (service.session(&id).await, service.frames(&id).await),
        before
    );
}

#[tokio::test]
async fn ending_the_service_saves_what_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let launch = Launch::new().in_folder(folder.path()).start();
    let (camera, service) = tokio::join!(camera, launch);
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let workers = service.workers();
    assert!(service.terminate().await.success());
    ended(&workers).await;

    let manifest = fs::read(folder.path().join(&id).join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    assert_eq!(manifest["winners"].as_array().map(Vec::len), Some(9));
    let service = Launch::new().in_folder(folder.path()).start().await;
    let session = service.session(&id).await;
    assert_eq!(session["state"], "stopped");
    assert_eq!(service.frames(&id).await.len(), 9);
}

#[tokio::test]
async fn a_killed_service_leaves_no_worker_and_starts_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let launch = Launch::new().in_folder(folder.path()).start();
    let (camera, service) = tokio::join!(camera, launch);
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let workers = service.workers();
    service.kill();
    ended(&workers).await;
    let service = Launch::new().in_folder(folder.path()).start().await;
    // A gallery is whole or absent.
    let list = service.get("/v1/sessions").await.expect(200).json();
    for session in list["items"].as_array().expect("a list") {
        assert_eq!(service.frames(id_of(session)).await.len(), 9);
    }
    service.begin(&camera.url("/cam")).await;
}

#[tokio::test]
async fn ids_are_never_paths() {
    let service = Service::start().await;
    let secret = "not to be seen";
    let outside = service.data().join("..").join("manifest.json");
    fs::write(outside, secret).expect("a file can be written");
    for id in [
        "..",
        "%2e%2e",
        "..%2f",
        "%2e%2e%2f..",
        ".",
        "a%2Fb",
        "%00",
        "catalogue.sqlite",
    ] {
        for rest in [
            "",
            "/frames",
            "/gallery",
            "/frames/1/original",
            "/manifest.json",
        ] {
            // A client would clean such an address up.
            let answer = service
                .raw(
                    format!(
                        "GET /v1/sessions/{id}{rest} HTTP/1.1\r\nHost: {}\r\n\
                         Connection: close\r\n\r\n",
                        service.authority()
                    )
                    .as_bytes(),
                )
                .await;
            let refused = ["HTTP/1.1 404 ", "HTTP/1.1 400 "];
            assert!(
                refused.iter().any(|status| answer.starts_with(status)),
                "{id}{rest}: {answer}"
            );
            assert!(!answer.contains(secret));
        }
    }
}

#[tokio::test]
async fn sessions_leave_no_process_and_no_descriptor_behind() {
    let rounds = if nightly() { 200 } else { 4 };
    let camera = Camera::with(&["/cam=vtest_hevc.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let open = || {
        let entries = fs::read_dir(format!("/proc/{}/fd", service.pid()));
        entries.expect("the service runs").count()
    };
    let round = async || {
        let id = service
            .begin_with(&camera.url("/cam"), json!({ "limit": 2 }))
            .await;
        service.get("/stop").await.expect(200);
        let delete = service.request(Method::DELETE, &format!("/v1/sessions/{id}"));
        service.send(delete).await.expect(204);
    };
    round().await;
    round().await;
    let before = open();
    for _ in 0..rounds {
        round().await;
    }
    ended(&service.workers()).await;
    eventually("descriptors being given back", async || {
        (open() <= before + 2).then_some(())
    })
    .await;
}
