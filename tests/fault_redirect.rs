//! Credentials: they reach the camera that they were given for, whatever signs
//! are in them, and nobody else, wherever that camera sends its readers.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{net::UdpSocket, sync::Arc, time::Duration};

use bestshot_tests::{
    Service,
    fault_camera::{Clip, FaultCamera, Faults, Lock, Reply, Scheme, Setup, When},
    together,
};
use serde_json::json;

const DIAGNOSIS: Duration = Duration::from_secs(10);
/// What needs no waiting is told before any waiting would end. Most of this is for a
/// slow machine, which starts processes meanwhile.
const AT_ONCE: Duration = Duration::from_secs(5);
const PASSWORD: &str = "Canary7f3a91";

fn clip() -> Arc<Clip> {
    Clip::of("vtest_h264.mp4")
}

fn locked(scheme: Scheme, user: &str, password: &str) -> Setup {
    Setup::playing(&clip()).speed(2.0).lock(Lock {
        scheme,
        user: user.into(),
        password: password.into(),
    })
}

fn redirecting(to: &str, method: &'static str) -> Faults {
    Faults::default().reply(When::method(method), Reply::Redirect(to.into()))
}

/// Reads a camera that sends its readers to another one, which must not see them.
async fn stays_with_its_camera(camera: FaultCamera, elsewhere: &FaultCamera, kinds: &[&str]) {
    let service = Service::start().await;
    let url = camera.url_for("owner", PASSWORD);
    let told = service.diagnose(&url, json!({})).await;
    assert!(kinds.contains(&told.kind.as_str()), "{}", told.session);
    let within = if told.kind == "redirected" {
        AT_ONCE
    } else {
        DIAGNOSIS
    };
    assert!(told.took <= within, "{:?}", told.took);
    // It did give them to the camera that it was told to read.
    assert!(camera.seen().credentials());
    // The other may have been connected to, and heard nothing.
    let seen = elsewhere.seen();
    assert!(!seen.credentials() && !seen.mentions(PASSWORD));
    let bytes: usize = seen.connections.iter().map(|c| c.bytes.len()).sum();
    assert_eq!(bytes, 0, "the other camera heard {:?}", seen.requests());
}

#[tokio::test]
async fn a_redirect_is_told_at_once_and_the_other_camera_hears_not_one_byte() {
    for scheme in [Scheme::Basic, Scheme::Digest] {
        for (step, kinds) in [
            ("DESCRIBE", &["redirected"][..]),
            // So late a redirect is as odd as any other answer.
            (
                "SETUP",
                &["redirected", "unsupported", "unreachable", "corrupt"],
            ),
        ] {
            let lock = locked(scheme, "owner", PASSWORD);
            // It would like to have them too.
            let elsewhere = lock.clone().start();
            let camera = lock.faults(redirecting(&elsewhere.url(), step)).start();
            stays_with_its_camera(camera, &elsewhere, kinds).await;
        }
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let lock = locked(Scheme::Basic, "owner", PASSWORD);
    let host = "127.0.0.2".parse().expect("an address");
    let elsewhere = lock.clone().host(host).start();
    let camera = lock
        .faults(redirecting(&elsewhere.url(), "DESCRIBE"))
        .start();
    stays_with_its_camera(camera, &elsewhere, &["redirected"]).await;
}

#[tokio::test]
async fn a_camera_that_sends_readers_to_itself_is_asked_no_more_than_three_times() {
    let faults = Faults::default().reply(When::always(), Reply::RedirectToItself);
    let camera = Setup::playing(&clip()).faults(faults).start();
    let service = Service::start().await;
    let told = service.diagnose(&camera.url(), json!({})).await;
    assert_eq!(told.kind, "redirected", "{}", told.session);
    assert!(told.took <= AT_ONCE, "{:?}", told.took);
    assert!(camera.seen().requests().len() <= 3, "{:?}", camera.seen());
}

#[tokio::test]
async fn two_cameras_that_send_readers_to_each_other_are_asked_no_more_than_three_times() {
    let one = Setup::playing(&clip()).start();
    let two = Setup::playing(&clip()).start();
    for (camera, other) in [(&one, &two), (&two, &one)] {
        let to = Reply::Redirect(other.url());
        camera.set(Faults::default().reply(When::always(), to));
    }
    let service = Service::start().await;
    let told = service.diagnose(&one.url(), json!({})).await;
    assert_eq!(told.kind, "redirected", "{}", told.session);
    assert!(told.took <= AT_ONCE, "{:?}", told.took);
    let asked = one.seen().requests().len();
    assert!(asked <= 3, "{asked} requests");
    assert!(two.seen().requests().is_empty());
}

/// Names and passwords that are hard to write into an address: as they are, and
/// as they stand there.
const HARD: [(&str, &str, &str, &str); 6] = [
    (
        "owner",
        "a@b:c/d?e#f%g",
        "owner",
        "a%40b%3Ac%2Fd%3Fe%23f%25g",
    ),
    ("own@er", "x", "own%40er", "x"),
    (
        "two words",
        "and three more",
        "two%20words",
        "and%20three%20more",
    ),
    (
        "käse",
        "Größe und 日本",
        "k%C3%A4se",
        "Gr%C3%B6%C3%9Fe%20und%20%E6%97%A5%E6%9C%AC",
    ),
    ("owner", "100%25", "owner", "100%2525"),
    ("o+w&n=r", "a+b&c=d;e", "o+w&n=r", "a+b&c=d;e"),
];

/// Reads cameras that ask for each of the hard pairs, given in one way.
async fn opens_every_lock(scheme: Scheme, in_the_address: bool) {
    let service = Service::start().await;
    let trials = HARD.map(async |(user, password, escaped_user, escaped)| {
        let camera = locked(scheme, user, password).start();
        let (url, options) = if in_the_address {
            (camera.url_for(escaped_user, escaped), json!({}))
        } else {
            let given = json!({ "username": user, "password": password });
            (camera.url(), given)
        };
        let id = service.open(&url, options).await;
        let decided = |session: &serde_json::Value| {
            let scored = session["stats"]["frames_scored"].as_u64() > Some(0);
            scored || session["state"] == "failed"
        };
        let session = service.until_that(&id, "it is decided", decided).await;
        (user, password, session["state"] == "running")
    });
    let tried = Box::pin(together(trials)).await;
    let shut: Vec<_> = tried.iter().filter(|(_, _, open)| !open).collect();
    assert!(shut.is_empty(), "{scheme:?} refused {shut:?}");
}

#[tokio::test]
async fn six_hard_passwords_in_the_address_open_basic_locks() {
    opens_every_lock(Scheme::Basic, true).await;
}

#[tokio::test]
async fn six_hard_passwords_in_the_address_open_digest_locks() {
    opens_every_lock(Scheme::Digest, true).await;
}

#[tokio::test]
async fn six_hard_passwords_in_their_own_field_open_basic_locks() {
    opens_every_lock(Scheme::Basic, false).await;
}

#[tokio::test]
async fn six_hard_passwords_in_their_own_field_open_digest_locks() {
    opens_every_lock(Scheme::Digest, false).await;
}

#[tokio::test]
async fn a_password_that_is_cut_to_127_bytes_is_refused_instead() {
    let service = Service::start().await;
    // Room for `owner:` and a password.
    let (fits, too_long) = ("x".repeat(121), "x".repeat(122));
    let camera = locked(Scheme::Basic, "owner", &fits).start();
    let id = service.begin(&camera.url_for("owner", &fits)).await;
    service.halt(&id).await;

    let asked = camera.seen().connections.len();
    for body in [
        json!({ "rtsp_url": camera.url_for("owner", &too_long) }),
        json!({ "rtsp_url": camera.url(), "username": "owner", "password": too_long }),
    ] {
        let problem = service
            .post_json("/v1/sessions", &body)
            .await
            .problem(&[400, 422]);
        let field = problem["errors"][0]["field"].as_str().unwrap_or_default();
        assert!(["rtsp_url", "password"].contains(&field), "{problem}");
    }
    assert_eq!(camera.seen().connections.len(), asked);
}

#[tokio::test]
async fn no_credentials_are_sent_to_a_camera_that_asks_for_none() {
    let camera = Setup::playing(&clip()).speed(2.0).start();
    let service = Service::start().await;
    let id = service.begin(&camera.url_for("owner", PASSWORD)).await;
    service.halt(&id).await;
    let seen = camera.seen();
    assert!(!seen.credentials() && !seen.mentions(PASSWORD));
}

/// libav opens a way for datagrams to whomever an answer names as their source.
#[tokio::test]
async fn a_camera_that_lets_a_stranger_send_its_media_is_told_and_the_stranger_hears_nothing() {
    let stranger = UdpSocket::bind("127.0.0.9:0").expect("an address of this machine");
    let port = stranger.local_addr().expect("it is bound").port();
    let answer = format!(
        "RTSP/1.0 200 OK\r\nCSeq: 0\r\nSession: 20471011;timeout=60\r\nTransport: \
         RTP/AVP/UDP;unicast;client_port=50000-50001;server_port={port}-{};source=127.0.0.9\r\n\r\n",
        port.wrapping_add(1)
    );
    let setup = When::method("SETUP");
    let faults = Faults::default().reply(setup, Reply::Recorded(answer.into_bytes()));
    let camera = Setup::playing(&clip()).faults(faults).start();
    let service = Service::start().await;
    let udp = json!({ "transport": "udp" });
    let told = service.diagnose(&camera.url(), udp).await;
    assert_eq!(told.kind, "redirected", "{}", told.session);
    assert!(told.took <= AT_ONCE, "{:?}", told.took);
    assert_eq!(camera.seen().count("PLAY"), 0);
    stranger.set_nonblocking(true).expect("a flag can be set");
    let heard = stranger.recv_from(&mut [0; 64]);
    assert!(heard.is_err(), "{heard:?}");
}
