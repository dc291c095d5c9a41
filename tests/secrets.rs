//! A password given to bestshot is never shown again: not in an answer, not on
//! standard error at the most talkative level, not in a file, and not in what
//! the system tells everyone about its processes.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use bestshot_tests::{
    Camera, FaultPort, Launch, Login, Service, command_line, environment, program,
};
use serde_json::json;

const USER: &str = "owner";
/// No shorter piece is looked for: this alone gives the password away, however
/// the signs around it are escaped.
const CORE: &str = "Canary7f3a91";
/// All that has a meaning in an address.
const PASSWORD: &str = "Canary7f3a91@:/?#%x";
const ESCAPED: &str = "Canary7f3a91%40%3A%2F%3F%23%25x";

/// What must be found nowhere: the password's core, and the credentials as
/// HTTP and RTSP send them under Basic.
fn canaries() -> Vec<String> {
    let plain = base64(format!("{USER}:{PASSWORD}").as_bytes());
    let escaped = base64(format!("{USER}:{ESCAPED}").as_bytes());
    // The last group depends on padding.
    let cut = |text: String| text[..text.len() - 4].to_owned();
    vec![CORE.to_owned(), cut(plain), cut(escaped)]
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let at = |n: usize| u32::from(group.get(n).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..=group.len() {
            text.push(char::from(SIGNS[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text + &"=="[..(3 - bytes.len() % 3) % 3]
}

fn assert_silent(what: &str, bytes: &[u8]) {
    for canary in canaries() {
        let found = bytes
            .windows(canary.len())
            .position(|piece| piece == canary.as_bytes());
        let around = found.map(|at| {
            let around = &bytes[at.saturating_sub(200)..bytes.len().min(at + 100)];
            String::from_utf8_lossy(around).into_owned()
        });
        assert_eq!(around, None, "{what} shows the password");
    }
}

/// All files under a folder, hidden ones too.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        // Drafts come and go while this looks.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            Ok(_) => found.push(entry.path()),
            Err(_) => {}
        }
    }
    found
}

/// Looks for the password wherever it could come out.
async fn assert_kept(service: &Service) {
    for target in ["/v1/sessions", "/metrics", "/", "/openapi.json"] {
        service.get(target).await.expect(200);
    }
    let list = service.get("/v1/sessions").await.json();
    for session in list["items"].as_array().into_iter().flatten() {
        let id = session["id"].as_str().unwrap_or_default();
        for rest in [
            "",
            "/frames",
            "/gallery",
            "/frames/1/thumbnail",
            "/frames/1/original",
        ] {
            service.get(&format!("/v1/sessions/{id}{rest}")).await;
        }
    }
    assert_all_silent(service);
}

fn assert_all_silent(service: &Service) {
    for (request, answer) in service.seen() {
        assert_silent(&request, request.as_bytes());
        assert_silent(&format!("the answer to {request}"), &answer);
    }
    assert_silent("the log", service.log().as_bytes());
    for file in files(service.data()) {
        let name = file.display().to_string();
        assert_silent("a file's name", name.as_bytes());
        assert_silent(&name, &fs::read(&file).unwrap_or_default());
    }
    for pid in service.workers().into_iter().chain([service.pid()]) {
        assert_silent("the process list", command_line(pid).as_bytes());
        assert_silent("a process's environment", environment(pid).as_bytes());
    }
}

async fn talkative() -> Service {
    Launch::new().logging("trace").start().await
}

async fn locked_camera(method: &str) -> Camera {
    let login = Login {
        method,
        user: USER,
        password: PASSWORD,
    };
    Camera::with_login(login, &["/cam=vtest_h264.mp4,speed=4"]).await
}

#[tokio::test]
async fn a_password_in_the_address_is_never_shown() {
    for method in ["digest", "basic"] {
        let (camera, service) = tokio::join!(locked_camera(method), talkative());
        let url = camera.url_for(USER, ESCAPED, "/cam");
        let id = service.begin(&url).await;
        service.until_winners(&id, 9).await;
        let session = service.session(&id).await;
        assert_eq!(session["rtsp_url"], camera.url("/cam"));
        assert_kept(&service).await;
        // The same camera again, by another way of starting.
        let body = json!({ "rtsp_url": url });
        service
            .post_json("/v1/sessions", &body)
            .await
            .problem(&[409]);
        service.get("/stop").await.expect(200);
        service
            .get_as("/stop", "application/json")
            .await
            .expect(200);
        assert_kept(&service).await;
    }
}

#[tokio::test]
async fn a_password_in_its_own_field_needs_no_escaping_and_is_never_shown() {
    let (camera, service) = tokio::join!(locked_camera("digest"), talkative());
    let url = camera.url("/cam");
    let login = json!({ "username": USER, "password": PASSWORD });
    let id = service.begin_with(&url, login).await;
    service.until_winners(&id, 9).await;
    assert_kept(&service).await;
    service.get("/stop").await.expect(200);
    assert_kept(&service).await;

    let form = [
        ("rtsp_url", &*url),
        ("username", USER),
        ("password", PASSWORD),
        ("wait", "30"),
    ];
    let start = service.request(reqwest::Method::POST, "/start").form(&form);
    let reply = service.send(start).await.expect(200).json();
    assert_eq!(reply["session"]["state"], "running");
    assert_kept(&service).await;
}

#[tokio::test]
async fn a_password_that_fails_is_never_shown() {
    let login = Login {
        method: "both",
        user: USER,
        password: "another",
    };
    let camera = Camera::with_login(login, &["/cam=vtest_hevc.mp4"]);
    let (camera, service) = tokio::join!(camera, talkative());
    let closing = FaultPort::closing().await;
    let babble = FaultPort::babbling().await;
    let refusing = FaultPort::refusing();
    let at = |port: u16, path: &str| format!("rtsp://{USER}:{ESCAPED}@127.0.0.1:{port}{path}");
    for url in [
        at(camera.port(), "/cam"),
        at(camera.port(), "/other"),
        at(closing.port(), "/cam"),
        at(babble.port(), "/cam"),
        at(refusing.port(), "/cam"),
        format!("rtsp://{USER}:{ESCAPED}@no-such-camera.invalid/cam"),
    ] {
        let body = json!({ "rtsp_url": url, "wait": 15 });
        service
            .post_json("/start", &body)
            .await
            .problem(&[502, 504]);
    }
    let fields = json!({
        "rtsp_url": camera.url("/cam"), "username": USER, "password": PASSWORD, "wait": 15,
    });
    service
        .post_json("/start", &fields)
        .await
        .problem(&[502, 504]);
    service.get_as("/stop", "text/html").await.expect(404);
    assert_kept(&service).await;
}

#[tokio::test]
async fn a_password_in_a_bad_request_is_never_shown() {
    let service = talkative().await;
    for url in [
        format!("http://{USER}:{ESCAPED}@127.0.0.1/cam"),
        format!("rtsp://{USER}:{ESCAPED}@"),
        format!("rtsp://{USER}:{ESCAPED}@127.0.0.1:99999/cam"),
        format!("rtsp://{USER}:{PASSWORD}@127.0.0.1/cam"),
        format!("{USER}:{PASSWORD}@127.0.0.1"),
        format!("rtsp//{USER}:{ESCAPED}@127.0.0.1/cam"),
    ] {
        for options in [
            json!({}),
            json!({ "limit": 0 }),
            json!({ "password": PASSWORD }),
        ] {
            let mut body = options;
            body["rtsp_url"] = url.clone().into();
            let answer = service.post_json("/start", &body).await;
            assert!(answer.status >= 400 || body["limit"].is_null(), "{url}");
        }
    }
    let cut = format!("{{\"rtsp_url\": \"rtsp://{USER}:{PASSWORD}@h/\", \"limit\"");
    for claimed in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=b",
    ] {
        let request = service.request(reqwest::Method::POST, "/start");
        let request = request.header("Content-Type", claimed).body(cut.clone());
        service.send(request).await.problem(&[400, 415]);
    }
    let password = json!({ "rtsp_url": "rtsp://127.0.0.1/", "password": [PASSWORD] });
    service
        .post_json("/start", &password)
        .await
        .problem(&[400, 422]);
    assert_all_silent(&service);
}

#[tokio::test]
async fn the_command_line_never_shows_a_password() {
    let camera = locked_camera("digest").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let gallery = folder.path().join("gallery");
    let refusing = FaultPort::refusing();
    let url = camera.url("/cam");
    let failing = refusing.url("/cam");
    let inside = camera.url_for(USER, ESCAPED, "/cam");
    let wrong = format!("http://{USER}:{ESCAPED}@127.0.0.1/");
    let out = gallery.to_str().expect("a name");
    for (words, code) in [
        (vec!["grab", &url, "--out", out, "--duration", "1"], 0),
        (vec!["probe", &url, "--json"], 0),
        (vec!["probe", &inside], 0),
        (vec!["probe", &failing], 3),
        (vec!["grab", &wrong], 2),
        (vec!["probe", &inside, "--nonsense", &inside], 2),
    ] {
        let output = program()
            .args(words.iter())
            .env("BESTSHOT_USERNAME", USER)
            .env("BESTSHOT_PASSWORD", PASSWORD)
            .env("BESTSHOT_LOG", "trace")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("the program can be started");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_silent("standard output", &output.stdout);
        assert_silent("standard error", &output.stderr);
        let what = words[0];
        assert_eq!(output.status.code(), Some(code), "{what}: {told}");
    }
    let saved = files(&gallery);
    assert!(!saved.is_empty());
    for file in saved {
        assert_silent(
            &file.display().to_string(),
            &fs::read(&file).unwrap_or_default(),
        );
    }
}

#[test]
fn the_canaries_are_what_a_client_would_send() {
    assert_eq!(
        base64(b"Aladdin:open sesame"),
        "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    );
    assert_eq!(base64(b"owner:a"), "b3duZXI6YQ==");
}
