//! Bad requests: each is refused before anything starts, with a status and words
//! that name the field or the cause.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::collections::HashMap;

use bestshot_tests::{Answer, Camera, Launch, Service, breaks::brisk_camera};
use reqwest::{Method, header};
use serde_json::{Value, json};

const REFUSED: [u16; 2] = [400, 422];

async fn assert_nothing_started(service: &Service) {
    let list = service.get("/v1/sessions").await.expect(200).json();
    assert_eq!(list["items"], json!([]), "nothing was started");
    assert!(service.workers().is_empty());
}

/// Sends the fields as JSON to both ways of starting, and the first also as a
/// form.
async fn start_in_every_way(service: &Service, fields: &Value) -> Vec<Answer> {
    let form: Vec<(&str, String)> = fields
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            (
                name.as_str(),
                value.as_str().map_or(value.to_string(), str::to_owned),
            )
        })
        .collect();
    let form = service.request(Method::POST, "/start").form(&form);
    vec![
        service.post_json("/start", fields).await,
        service.post_json("/v1/sessions", fields).await,
        service.send(form).await,
    ]
}

#[tokio::test]
async fn an_address_that_is_none_of_a_camera_is_refused() {
    let service = Service::start().await;
    for url in [
        "",
        "   ",
        "camera",
        "//host/cam",
        "rtsp",
        "rtsp:",
        "rtsp:/cam",
        "rtsp://",
        "rtsp:///cam",
        "rtsp://:554/cam",
        "rtsp://host:99999/cam",
        "rtsp://ho st/cam",
        "http://127.0.0.1:8000/cam",
        "https://127.0.0.1/cam",
        "file:/etc/passwd",
        "file:///etc/passwd",
        "/etc/passwd",
        "concat:/etc/passwd|/etc/hosts",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "tcp://127.0.0.1:554",
        "rtmp://127.0.0.1/cam",
        "javascript:alert(1)",
    ] {
        for answer in start_in_every_way(&service, &json!({ "rtsp_url": url })).await {
            let problem = answer.blames(&REFUSED, "rtsp_url");
            assert!(problem["detail"].is_string(), "{}", answer.told());
        }
    }
    assert_nothing_started(&service).await;
}

#[tokio::test]
async fn a_missing_address_is_refused() {
    let service = Service::start().await;
    for fields in [
        json!({}),
        json!({ "limit": 9 }),
        json!({ "rtsp_url": null }),
    ] {
        for answer in [
            service.post_json("/start", &fields).await,
            service.post_json("/v1/sessions", &fields).await,
        ] {
            answer.blames(&REFUSED, "rtsp_url");
        }
    }
    let empty = service.request(Method::POST, "/start");
    let empty = empty.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    service.send(empty).await.blames(&REFUSED, "rtsp_url");
    for value in [
        json!(5),
        json!(["rtsp://h/x"]),
        json!({ "a": 1 }),
        json!(true),
    ] {
        let answer = service
            .post_json("/start", &json!({ "rtsp_url": value }))
            .await;
        answer.blames(&REFUSED, "rtsp_url");
    }
    assert_nothing_started(&service).await;
}

#[tokio::test]
async fn options_out_of_range_are_refused_by_name() {
    let service = Service::start().await;
    for (field, value) in [
        ("limit", json!(0)),
        ("limit", json!(101)),
        ("limit", json!(-1)),
        ("limit", json!(1.5)),
        ("limit", json!("many")),
        ("limit", json!(1e30)),
        ("width", json!(0)),
        ("width", json!(-300)),
        ("width", json!(1_000_000)),
        ("width", json!("wide")),
        ("height", json!(0)),
        ("height", json!(4_294_967_297_u64)),
        ("fit", json!("diagonal")),
        ("fit", json!(1)),
        ("best", json!("loudness")),
        ("best", json!("brightness:2:3")),
        ("transport", json!("pigeon")),
        ("sampling", json!("some")),
        ("duration", json!(-1)),
        ("duration", json!(0)),
        ("duration", json!("soon")),
        ("wait", json!(-1)),
        ("wait", json!(30.5)),
        ("wait", json!("long")),
    ] {
        let mut fields = json!({ "rtsp_url": "rtsp://127.0.0.1:1/cam" });
        fields[field] = value.clone();
        for answer in start_in_every_way(&service, &fields).await {
            answer.blames(&REFUSED, field);
        }
    }
    // Browsers send empty fields of a form, which say nothing there; in JSON
    // they say something.
    for field in ["height", "best", "fit", "limit"] {
        let mut fields = json!({ "rtsp_url": "rtsp://127.0.0.1:1/cam" });
        fields[field] = "".into();
        let answer = service.post_json("/start", &fields).await;
        answer.blames(&REFUSED, field);
    }
    assert_nothing_started(&service).await;
}

#[tokio::test]
async fn all_fields_at_fault_are_named_at_once() {
    let service = Service::start().await;
    let fields = json!({ "rtsp_url": "http://h/", "limit": 0, "fit": "diagonal" });
    let answer = service.post_json("/start", &fields).await;
    for field in ["rtsp_url", "limit", "fit"] {
        answer.blames(&REFUSED, field);
    }
    assert_nothing_started(&service).await;
}

#[tokio::test]
async fn defaults_may_be_said_aloud() {
    let camera = Camera::with(&["/cam=vtest_hevc.mp4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let options = json!({
        "best": "brightness", "limit": 9, "min_gap": 0, "distinct": 0, "width": 300,
        "height": 300, "fit": "cover", "sampling": "all", "transport": "auto", "warmup": 0,
    });
    let id = service
        .begin_with(&camera.url("/cam"), options.clone())
        .await;
    let session = service.session(&id).await;
    for (name, value) in options.as_object().into_iter().flatten() {
        let shown = &session["options"][name];
        let same = shown == value || shown.as_f64().is_some_and(|n| value.as_f64() == Some(n));
        assert!(same, "{name} is {shown}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_it_claims_is_refused() {
    let service = Service::start().await;
    let form = "application/x-www-form-urlencoded";
    for (claimed, body, statuses) in [
        ("application/json", "{", &[400][..]),
        ("application/json", "", &[400]),
        ("application/json", "[]", &[400, 422]),
        ("application/json", "\"rtsp://h/x\"", &[400, 422]),
        ("application/json", "rtsp_url=rtsp%3A%2F%2Fh%2Fx", &[400]),
        ("application/json; charset=utf-8", "{\"rtsp_url\"", &[400]),
        (form, "{\"rtsp_url\": \"rtsp://h/x\"}", &[400, 422]),
        (form, "limit=1&limit=2&rtsp_url=rtsp://h/x", &[400, 422]),
        ("multipart/form-data; boundary=b", "nonsense", &[400]),
        ("multipart/form-data", "--b--", &[400]),
        ("text/plain", "rtsp://h/x", &[415]),
        ("application/xml", "<rtsp_url/>", &[415]),
        ("image/png", "", &[415]),
        ("", "", &[415]),
    ] {
        for target in ["/start", "/v1/sessions"] {
            let request = service.request(Method::POST, target);
            let request = request.header(header::CONTENT_TYPE, claimed).body(body);
            service.send(request).await.problem(statuses);
        }
    }
    assert_nothing_started(&service).await;
}

#[tokio::test]
async fn a_body_above_64_kib_is_refused() {
    let service = Service::start().await;
    let large = format!("{{\"rtsp_url\": \"rtsp://h/{}\"}}", "x".repeat(66_000));
    for claimed in ["application/json", "application/x-www-form-urlencoded"] {
        let request = service.request(Method::POST, "/start");
        let request = request.header(header::CONTENT_TYPE, claimed);
        service
            .send(request.body(large.clone()))
            .await
            .problem(&[413]);
    }
    assert_nothing_started(&service).await;
}

#[tokio::test]
async fn a_body_above_64_kib_is_refused_also_in_chunks() {
    let service = Service::start().await;
    let head = format!(
        "POST /start HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        service.authority()
    );
    let chunk = format!("{:x}\r\n{}\r\n", 8192, "x".repeat(8192));
    let request = format!("{head}{}0\r\n\r\n", chunk.repeat(12));
    let answer = service.raw(request.as_bytes()).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 413 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert_nothing_started(&service).await;
}

#[tokio::test]
async fn unknown_addresses_and_wrong_methods_are_problems() {
    let service = Service::start().await;
    for target in [
        "/nothing",
        "/v1",
        "/v1/nothing",
        "/v1/sessions/none/frames/1",
        "/start/x",
    ] {
        service.get(target).await.problem(&[404]);
        service.post(target).await.problem(&[404]);
    }
    for (method, target, allowed) in [
        (Method::GET, "/start", &["POST"][..]),
        (Method::DELETE, "/start", &["POST"]),
        (Method::PUT, "/stop", &["GET", "POST"]),
        (Method::DELETE, "/v1/sessions", &["GET", "POST"]),
        (Method::POST, "/v1/sessions/some", &["GET", "DELETE"]),
        (Method::GET, "/v1/sessions/some/stop", &["POST"]),
        (Method::POST, "/v1/health", &["GET"]),
        (Method::PATCH, "/v1/sessions/some/frames", &["GET"]),
    ] {
        let answer = service.send(service.request(method, target)).await;
        answer.problem(&[405]);
        for method in allowed {
            assert!(
                answer.header("allow").contains(method),
                "{} allows {}",
                answer.told(),
                answer.header("allow")
            );
        }
    }
}

#[tokio::test]
async fn addresses_outside_the_rules_are_refused_before_anything_is_sent() {
    let camera = brisk_camera();
    let service = Launch::new().with(&["--deny", "127.0.0.0/8"]).start().await;
    let body = json!({ "rtsp_url": camera.url(), "wait": 12 });
    let refused = service.post_json("/start", &body).await;
    refused.blames(&[422], "rtsp_url");
    assert!(camera.seen().connections.is_empty(), "nobody connected");
    for address in ["169.254.169.254", "0.0.0.0", "224.0.0.1", "[fe80::1]"] {
        let url = format!("rtsp://{address}/cam");
        let body = json!({ "rtsp_url": url, "wait": 12 });
        let refused = service.post_json("/start", &body).await;
        refused.blames(&[422], "rtsp_url");
    }
}

#[tokio::test]
async fn health_and_metrics_count_what_happened() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]).await;
    let service = Launch::new().with(&["--max-sessions", "3"]).start().await;
    let idle = service.get("/v1/health").await.expect(200).json();
    assert_eq!(idle["status"], "ok");
    assert_eq!(
        (&idle["sessions_running"], &idle["sessions_max"]),
        (&json!(0), &json!(3))
    );
    let id = service.begin(&camera.url("/cam")).await;
    let busy = service.get("/v1/health").await.expect(200).json();
    assert_eq!(busy["sessions_running"], 1);
    assert!(busy["uptime"].as_f64() > idle["uptime"].as_f64(), "{busy}");
    let running = metrics(&service).await;
    assert_eq!(running["bestshot_sessions{state=\"running\"}"], 1);

    let (_, report) = service.halt(&id).await;
    let stats = &report["session"]["stats"];
    let counted = metrics(&service).await;
    for (name, expected) in [
        ("bestshot_sessions{state=\"running\"}", &json!(0)),
        ("bestshot_sessions_started_total", &json!(1)),
        ("bestshot_frames_decoded_total", &stats["frames_decoded"]),
        ("bestshot_frames_scored_total", &stats["frames_scored"]),
        ("bestshot_frames_dropped_total", &stats["frames_dropped"]),
        ("bestshot_bytes_received_total", &stats["bytes"]),
        ("bestshot_reconnects_total", &json!(0)),
        (
            "bestshot_http_requests_total{operation=\"getHealth\",status=\"200\"}",
            &json!(2),
        ),
    ] {
        assert_eq!(Some(counted[name]), expected.as_u64(), "{name}");
    }
    assert!(counted["bestshot_frames_scored_total"] > 0);
}

/// The samples of Prometheus's text format; each belongs to a metric whose type is told.
async fn metrics(service: &Service) -> HashMap<String, u64> {
    let answer = service.get("/metrics").await.expect(200);
    assert_eq!(answer.media_type(), "text/plain");
    let mut samples = HashMap::new();
    let mut metric = "";
    let text = answer.text();
    for line in text.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            metric = told.split(' ').next().unwrap_or_default();
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            assert!(name.starts_with(metric) && !metric.is_empty(), "{line}");
            samples.insert(name.to_owned(), value.parse().expect("a number"));
        }
    }
    samples
}
