//! `rtsps`: a camera's certificate is checked where the linked libav can, and a camera
//! that nobody vouches for is read only by who says so.
//!
//! A machine that trusts the camera's certificate takes a mount namespace of one's own.
//! Where none is allowed, and where libav cannot check (before 8.1), the tests say so.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    process::Command,
    time::{Duration, Instant},
};

use bestshot_tests::{Camera, Service, binary, not_run, run_where};
use serde_json::{Value, json};

/// Within this a caller knows what is wrong with a camera.
const DIAGNOSIS: Duration = Duration::from_secs(10);
/// Where the machine keeps the certificates of those whom it trusts.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";
/// What is said where libav has no way to check.
const CANNOT: &str = "cannot check the certificate";
const TRUSTING: &str = "a machine that trusts a camera's certificate";

async fn camera() -> Camera {
    Camera::secure(&["/cam=vtest_h264.mp4"]).await
}

/// What `bestshot probe` tells of an address on a machine that trusts this certificate
/// alone, or nothing where this machine does not let a test do that.
fn probed_by_who_trusts(certificate: &str, url: &str) -> Option<Value> {
    let mut command = Command::new(binary());
    command.args(["probe", "--json", url]);
    let output = run_where((TRUSTED, certificate), &[], &command, TRUSTING)?;
    let told = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    println!("{told}");
    Some(told)
}

#[tokio::test]
async fn an_rtsps_camera_is_read_where_its_certificate_need_not_be_checked_and_refused_else() {
    let (camera, service) = tokio::join!(camera(), Service::start());
    let url = camera.url("/cam");
    assert!(url.starts_with("rtsps://"));
    let id = service
        .begin_with(&url, json!({ "tls_insecure": true }))
        .await;
    let session = service.session(&id).await;
    assert_eq!(session["stream"]["transport"], "tcp", "{session}");
    service.halt(&id).await;
    // Nobody vouches for it: libav refuses it, or bestshot where libav cannot check.
    let start = Instant::now();
    let options = json!({ "rtsp_url": url, "wait": 30 });
    let reply = service.post_json("/start", &options).await;
    assert!(start.elapsed() <= DIAGNOSIS, "{:?}", start.elapsed());
    let problem = reply.problem(&[502]);
    println!("{problem}");
    assert_eq!(problem["kind"], "unsupported");
    assert!(problem.to_string().contains("certificate"), "{problem}");
    assert!(problem.to_string().contains("tls_insecure"), "{problem}");
}

#[tokio::test]
async fn an_rtsps_camera_whose_certificate_is_trusted_is_read_by_the_name_in_it_and_by_no_other() {
    let camera = camera().await;
    let by_address = camera.url("/cam");
    let by_name = by_address.replace("127.0.0.1", "localhost");
    let Some(told) = probed_by_who_trusts(camera.certificate(), &by_name) else {
        return;
    };
    if told.to_string().contains(CANNOT) {
        not_run(TRUSTING, "the linked libav cannot check certificates");
    } else {
        assert_eq!(told["codec"], "h264", "{told}");
    }
    let told = probed_by_who_trusts(camera.certificate(), &by_address).expect("as before");
    assert_eq!(told["error"]["kind"], "unsupported", "{told}");
    assert!(told.to_string().contains("certificate"), "{told}");
}
