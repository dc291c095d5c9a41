//! What the service promises to clients that are mistaken, slow or hostile,
//! seen over a real socket. Cameras are the business of the workspace's tests.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

mod support;
use support::{Service, bestshot};

#[test]
fn wrong_addresses_and_methods_are_problems() {
    let service = Service::start(&[]);
    service.get("/nothing").problem(404);
    service.get("/v1/sessions/none").problem(404);
    service.get("/v1/sessions/..%2f..%2fetc").problem(404);
    service
        .get("/v1/sessions/none/frames/x/thumbnail")
        .problem(400);
    service.get("/v1/sessions?limit=0").problem(400);
    service.get("/v1/sessions?before=x").problem(400);
    let put = service.exchange("PUT /stop HTTP/1.1", b"");
    put.problem(405);
    assert_eq!(put.header("allow"), Some("get, post"));
    let post = service.exchange("POST / HTTP/1.1\r\nContent-Length: 0", b"");
    post.problem(405);
    assert_eq!(post.header("allow"), Some("get, head"));
}

#[test]
fn head_of_stop_has_no_effect_and_head_elsewhere_works() {
    let service = Service::start(&[]);
    let head = service.exchange("HEAD /stop HTTP/1.1", b"");
    assert_eq!(
        (head.status, head.header("allow")),
        (405, Some("get, post"))
    );
    let health = service.exchange("HEAD /v1/health HTTP/1.1", b"");
    assert_eq!((health.status, health.body.as_str()), (200, ""));
    assert_eq!(service.exchange("HEAD / HTTP/1.1", b"").status, 200);
}

#[test]
fn stop_before_any_start_says_so_to_people_and_programs() {
    let service = Service::start(&[]);
    let page = service.get("/stop");
    assert_eq!(page.status, 404);
    assert!(page.body.contains("Nothing was started"), "{}", page.body);
    service
        .exchange("GET /stop HTTP/1.1\r\nAccept: application/json", b"")
        .problem(404);
    let gone = service.exchange("GET /stop?session=none HTTP/1.1\r\nAccept: text/html", b"");
    assert_eq!(gone.status, 404);
    assert!(
        gone.body.contains("There is no such session"),
        "{}",
        gone.body
    );
}

#[test]
fn other_sites_prefetches_and_foreign_host_names_change_nothing() {
    let service = Service::start(&[]);
    for header in [
        "Sec-Fetch-Site: cross-site",
        "Sec-Purpose: prefetch",
        "Purpose: prefetch",
        "Origin: http://evil.example",
    ] {
        service
            .exchange(&format!("GET /stop HTTP/1.1\r\n{header}"), b"")
            .problem(403);
        service
            .exchange(&format!("DELETE /v1/sessions/x HTTP/1.1\r\n{header}"), b"")
            .problem(403);
        let read = service.exchange(&format!("GET /v1/sessions HTTP/1.1\r\n{header}"), b"");
        assert_eq!(read.status, 200, "{header}");
    }
    service
        .exchange("GET /v1/sessions HTTP/1.1\r\nHost: evil.example", b"")
        .problem(421);
}

#[test]
fn bodies_are_bounded_whether_or_not_their_length_is_announced() {
    let service = Service::start(&[]);
    let big = vec![b'a'; 100_000];
    let head = "POST /start HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
    service
        .exchange(&format!("{head}\r\nContent-Length: {}", big.len()), &big)
        .problem(413);
    let mut chunked = format!("{:x}\r\n", big.len()).into_bytes();
    chunked.extend_from_slice(&big);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    service
        .exchange(&format!("{head}\r\nTransfer-Encoding: chunked"), &chunked)
        .problem(413);
    // And a small chunked one is read.
    let small = b"8\r\nlimit=99\r\n0\r\n\r\n";
    service
        .exchange(&format!("{head}\r\nTransfer-Encoding: chunked"), small)
        .problem(400);
}

#[test]
fn bodies_that_are_not_what_they_claim_are_refused() {
    let service = Service::start(&[]);
    for path in ["/start", "/v1/sessions"] {
        service.post_json(path, "{").problem(400);
        service.post_json(path, "[1]").problem(400);
        service.post_json(path, "{}").problem(400);
        let problem = service.post_json(path, r#"{"rtsp_url":"rtsp://h/x","limit":0,"fit":"x"}"#);
        let errors = problem.problem(422)["errors"].as_array().map(Vec::len);
        assert_eq!(errors, Some(2));
        let text = "Content-Type: text/plain\r\nContent-Length: 1";
        service
            .exchange(&format!("POST {path} HTTP/1.1\r\n{text}"), b"x")
            .problem(415);
        service
            .exchange(&format!("POST {path} HTTP/1.1\r\nContent-Length: 0"), b"")
            .problem(415);
    }
}

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let service = Service::start(&[]);
    let mut stream = service.connect();
    stream
        .write_all(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        .unwrap();
    let begun = Instant::now();
    let mut rest = Vec::new();
    // Ends when the service closes the connection.
    let _ = stream.read_to_end(&mut rest);
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(service.get("/v1/health").status, 200);
}

#[test]
fn every_answer_carries_the_security_headers() {
    let service = Service::start(&[]);
    for path in [
        "/",
        "/docs",
        "/openapi.json",
        "/v1/sessions",
        "/nothing",
        "/stop",
        "/metrics",
    ] {
        let answer = service.get(path);
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
        assert_eq!(answer.header("x-frame-options"), Some("deny"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline"), "{path}: {policy}");
    }
}

#[test]
fn a_browser_that_asks_for_an_icon_gets_one() {
    let service = Service::start(&[]);
    let icon = service.get("/favicon.ico");
    assert_eq!(icon.status, 200);
    assert_eq!(icon.header("content-type"), Some("image/svg+xml"));
    assert!(icon.body.starts_with("<svg"), "{}", icon.body);
}

#[test]
fn a_refused_port_is_diagnosed_and_no_password_ever_shows() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let service = Service::start(&[]);
    let url = format!("rtsp://admin:canary-in-url@127.0.0.1:{port}/cam?password=canary-in-path");
    let answers = [
        service.post_json("/start", &format!(r#"{{"rtsp_url":"{url}","wait":10}}"#)),
        service.post_json(
            "/v1/sessions?wait=10",
            &format!(
                r#"{{"rtsp_url":"rtsp://127.0.0.1:{port}/","username":"u","password":"canary-apart"}}"#
            ),
        ),
        service.get("/v1/sessions"),
        service.get("/stop"),
        service.get("/metrics"),
    ];
    for answer in &answers[..2] {
        assert_eq!(answer.problem(502)["kind"], "refused");
    }
    assert!(
        answers[2].body.contains(r#""state":"failed""#),
        "{}",
        answers[2].body
    );
    assert_eq!(answers[3].status, 404);
    let (_, log) = service.terminate();
    for text in answers
        .iter()
        .map(|a| a.body.as_str())
        .chain([log.as_str()])
    {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn with_a_key_everything_but_health_asks_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "0123456789abcdef-key\n").unwrap();
    let service = Service::start(&["--api-key-file", file.to_str().unwrap()]);
    assert_eq!(service.get("/v1/health").status, 200);
    for path in [
        "/",
        "/docs",
        "/openapi.json",
        "/metrics",
        "/v1/sessions",
        "/stop",
        "/nothing",
    ] {
        let refused = service.get(path);
        refused.problem(401);
        assert!(
            refused
                .header("www-authenticate")
                .is_some_and(|v| v.starts_with("basic"))
        );
        let shown = format!("GET {path} HTTP/1.1\r\nX-API-Key: 0123456789abcdef-key");
        assert_ne!(service.exchange(&shown, b"").status, 401, "{path}");
    }
}

#[test]
fn beyond_loopback_a_key_or_an_explicit_flag_is_needed() {
    let output = bestshot()
        .args(["serve", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("--api-key-file"), "{text}");
}

#[test]
fn sigterm_ends_it_cleanly_and_a_second_service_cannot_share_its_directory() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().to_str().unwrap().to_owned();
    let service = Service::start_in(data, &[]);
    let second = bestshot()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", &path])
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    // An idle connection does not hold it up.
    let _idle = service.connect();
    let begun = Instant::now();
    let (status, log) = service.terminate();
    assert!(status.success(), "{log}");
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn the_command_prints_the_document_that_is_served() {
    let service = Service::start(&[]);
    let served = service.get("/openapi.json");
    assert_eq!(served.header("content-type"), Some("application/json"));
    let printed = bestshot().arg("openapi").output().unwrap();
    assert!(printed.status.success());
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), served.body);
}

#[test]
fn grab_and_probe_say_what_is_wrong_in_their_exit_code() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let dir = tempfile::tempdir().unwrap();
    let camera = format!("rtsp://u:canary@127.0.0.1:{port}/x");
    for (arguments, code) in [
        (vec!["grab", &camera], 3),
        (vec!["probe", &camera], 3),
        (vec!["probe", "no-such-file.mp4"], 3),
        (vec!["grab", "http://u:canary@host/x"], 2),
        (vec!["grab", &camera, "--limit", "0", "--best", "x"], 2),
        (vec!["grab", &camera, "rtsp://u:canary@127.0.0.1:1/x"], 3),
        (vec!["probe", &camera, "rtsp://u:canary@other/x"], 2),
        (vec!["grab"], 2),
        (vec!["grab", ""], 2),
        (vec!["probe", ""], 2),
        (vec!["--canary://u:canary@x"], 2),
    ] {
        let output = bestshot()
            .args(&arguments)
            .current_dir(dir.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(!text.contains(":canary"), "{text}");
        assert!(!text.is_empty());
    }
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        0,
        "something was left behind"
    );
}

#[test]
fn a_worker_logs_as_much_as_the_command_that_started_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("broken.mp4");
    std::fs::write(&file, [0; 4096]).unwrap();
    let told = |change: &dyn Fn(&mut Command) -> &mut Command| {
        let mut command = bestshot();
        command.arg("probe").arg(&file);
        let output = change(&mut command).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    // Only the worker runs libav.
    assert!(!told(&|c| c).contains("libav"));
    for text in [
        told(&|c| c.args(["--log", "debug"])),
        told(&|c| c.env("BESTSHOT_LOG", "debug")),
    ] {
        assert!(text.contains("DEBUG libav"), "{text}");
    }
}
