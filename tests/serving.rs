//! How the service is set up: flags, environment and file, who may use it, and what it
//! says when it is full. What it serves is for other tests.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{fs, io::Write, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use bestshot_tests::{Camera, FaultPort, Launch, Service, program};
use reqwest::Method;
use serde_json::json;

const KEY: &str = "0123456789abcdef-of-letters";
const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// The status of a GET with these header lines and no others.
async fn status(service: &Service, target: &str, lines: &str) -> u16 {
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\n{lines}Connection: close\r\n\r\n",
        service.authority()
    );
    let answer = service.raw(request.as_bytes()).await;
    let status = answer.split(' ').nth(1).and_then(|text| text.parse().ok());
    status.unwrap_or_else(|| panic!("no status: {answer}"))
}

#[tokio::test]
async fn a_session_more_than_there_may_be_is_refused_until_one_is_stopped() {
    let cameras = Camera::with(&["/one=vtest_h264.mp4", "/two=vtest_h264.mp4"]);
    let launch = Launch::new().with(&["--max-sessions", "1"]);
    let (cameras, service) = tokio::join!(cameras, launch.start());
    let one = service.begin(&cameras.url("/one")).await;
    let body = json!({ "rtsp_url": cameras.url("/two") });
    for target in ["/start", "/v1/sessions"] {
        let refused = service.post_json(target, &body).await;
        let problem = refused.problem(&[503]);
        assert_eq!(problem["kind"], "limit", "{problem}");
        assert_eq!(refused.header("retry-after"), "10");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|text| text.contains("1 sessions run"))
        );
    }
    // The camera that is read already is no session more.
    service.begin(&cameras.url("/one")).await;
    service.halt(&one).await;
    service.begin(&cameras.url("/two")).await;
}

#[tokio::test]
async fn flags_win_over_the_environment_and_that_over_the_file_and_that_over_defaults() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("bestshot.toml");
    fs::write(&file, "max_sessions = 1\n").expect("a file can be written");
    let file = file.to_str().expect("a path of letters");
    let (port, other) = (FaultPort::silent().await, FaultPort::silent().await);
    // How many sessions of two may run.
    let cases: [(Launch, usize); 4] = [
        (Launch::new(), 2),
        (Launch::new().with(&["--config", file]), 1),
        (
            Launch::new()
                .with(&["--config", file])
                .environment("BESTSHOT_MAX_SESSIONS", "2"),
            2,
        ),
        (
            Launch::new()
                .with(&["--max-sessions", "1"])
                .environment("BESTSHOT_MAX_SESSIONS", "2"),
            1,
        ),
    ];
    for (number, (launch, expected)) in cases.into_iter().enumerate() {
        let service = launch.start().await;
        let mut started = 0;
        for port in [&port, &other] {
            let body = json!({ "rtsp_url": port.url("/cam") });
            let answer = service.post_json("/v1/sessions", &body).await;
            started += usize::from(answer.status == 201);
        }
        assert_eq!(started, expected, "case {number}");
    }
}

#[tokio::test]
async fn a_key_is_asked_for_everywhere_but_for_health_and_taken_in_three_ways() {
    let service = Launch::new().key(KEY).start().await;
    assert_eq!(status(&service, "/v1/health", "").await, 200);
    let basic = format!("Basic {}", STANDARD.encode(format!("anyone:{KEY}")));
    let wrong = format!(
        "Basic {}",
        STANDARD.encode("anyone:0123456789abcdef-of-lettere")
    );
    for target in [
        "/",
        "/v1/sessions",
        "/openapi.json",
        "/docs",
        "/metrics",
        "/assets/page.js",
        "/stop",
    ] {
        assert_eq!(status(&service, target, "").await, 401, "{target}");
        let lines = format!("Authorization: {wrong}\r\n");
        assert_eq!(status(&service, target, &lines).await, 401, "{target}");
    }
    for line in [
        format!("X-API-Key: {KEY}"),
        format!("Authorization: Bearer {KEY}"),
        format!("Authorization: {basic}"),
    ] {
        for target in ["/", "/v1/sessions"] {
            let lines = format!("{line}\r\n");
            assert_eq!(status(&service, target, &lines).await, 200, "{line}");
        }
    }
    assert!(!service.log().contains(KEY));
}

#[test]
fn beyond_loopback_nobody_is_let_in_by_accident() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut serve = program();
    serve
        .args(["serve", "--listen", "0.0.0.0:0", "--data-dir"])
        .arg(folder.path().join("data"));
    let output = serve.output().expect("the program can be started");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("--api-key-file") && said.contains("--no-api-key"),
        "{said}"
    );
}

#[tokio::test]
async fn a_name_that_is_allowed_is_answered_and_any_other_is_not() {
    let launch = Launch::new().with(&["--host", "cams.example"]);
    let service = launch.start().await;
    for (host, expected) in [("cams.example", 200), ("other.example", 421)] {
        let request =
            format!("GET /v1/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = service.raw(request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {expected}")),
            "{host}: {answer}"
        );
    }
}

#[tokio::test]
async fn cameras_are_read_in_the_networks_that_are_allowed_only() {
    let port = FaultPort::silent().await;
    let body = json!({ "rtsp_url": port.url("/cam") });
    for (flags, expected) in [
        (&["--allow", "127.0.0.0/8"][..], 201),
        (&["--allow", "192.168.0.0/16,127.0.0.1"], 201),
        (&["--allow", "192.168.0.0/16"], 422),
        (&["--allow", "127.0.0.0/8", "--deny", "127.0.0.1"], 422),
    ] {
        let service = Launch::new().with(flags).start().await;
        let answer = service.post_json("/v1/sessions", &body).await;
        assert_eq!(answer.status, expected, "{flags:?}: {}", answer.told());
        if expected == 422 {
            answer.blames(&[422], "rtsp_url");
        }
    }
}

/// Its own lock and the folder of its galleries take some of these.
const FILES: u32 = 8;

#[tokio::test]
async fn a_start_on_a_full_disk_is_507_in_words() {
    let mut namespace = Command::new("unshare");
    namespace.args(["--user", "--map-root-user", "--mount", "true"]);
    if !namespace.status().is_ok_and(|status| status.success()) {
        // Straight to the terminal: the test harness hides what `eprintln!` says.
        let note = b"NOT RUN: a full disk, since user namespaces are closed here\n";
        let _ = std::io::stderr().write_all(note);
        return;
    }
    let (port, service) = (
        FaultPort::silent().await,
        Launch::new().files(FILES).start().await,
    );
    let mut problem = None;
    for number in 0..FILES {
        let body = json!({ "rtsp_url": port.url(&format!("/{number}")) });
        let answer = service.post_json("/v1/sessions", &body).await;
        if answer.status != 201 {
            problem = Some(answer.problem(&[507]));
            break;
        }
    }
    let problem = problem.expect("the disk is full");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("disk is full"), "{problem}");
    service.get("/v1/health").await.expect(200);
}

#[tokio::test]
async fn a_person_reads_a_page_where_a_program_reads_a_problem() {
    let service = Service::start().await;
    let gone = "20260101-000000000-00000000";
    for target in [
        "/nowhere".to_owned(),
        format!("/stop?session={gone}"),
        format!("/v1/sessions/{gone}/gallery"),
    ] {
        let page = service.get_as(&target, HTML).await;
        assert_eq!(page.status, 404, "{target}");
        assert_eq!(page.media_type(), "text/html", "{target}");
        assert!(page.text().contains("<h1>"), "{target}: {}", page.text());
        let sent = service.request(Method::GET, &target);
        service.send(sent).await.problem(&[404]);
    }
}
