//! The whole way through the pages on a machine whose only network is its own
//! loopback: nothing is asked of anybody else, so nothing is missing.
//!
//! It takes a network namespace of one's own. Where a machine allows none, the browser
//! alone is cut off, and the test says so.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    collections::BTreeSet,
    env, fs,
    io::Write,
    process::{Command, Stdio},
};

use bestshot_tests::{Browser, Camera, Key, Launch, NINE_PICTURES, grave, start_on_page};

/// Set where the test runs inside its namespace.
const INSIDE: &str = "BESTSHOT_TEST_INSIDE";
const NAME: &str = "the_pages_ask_nobody_else_for_anything";
/// Raises loopback, which a new namespace has but sleeping.
const LOOPBACK: &str = "import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh22x', b'lo', 0x41))
os.execv(sys.argv[1], sys.argv[1:])";

#[test]
fn the_pages_ask_nobody_else_for_anything() {
    let inside = env::var_os(INSIDE).is_some();
    if inside || !cut_off() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(the_whole_way(inside));
    }
}

/// Runs this test once more where there is no network; whether that was possible.
fn cut_off() -> bool {
    let namespace = |command: &mut Command| {
        command
            .args(["--map-root-user", "--net"])
            .stdin(Stdio::null())
            .output()
            .expect("unshare can be started")
    };
    let tried = namespace(Command::new("unshare").arg("--user"));
    if !tried.status.success() {
        let said = String::from_utf8_lossy(&tried.stderr);
        // Straight to the terminal: the test harness hides what `eprintln!` says.
        let note = format!("NOT CUT OFF but for the browser: {said}\n");
        let _ = std::io::stderr().write_all(note.as_bytes());
        return false;
    }
    let output = Command::new("unshare")
        .args([
            "--map-root-user",
            "--net",
            "/usr/bin/python3",
            "-c",
            LOOPBACK,
        ])
        .arg(env::current_exe().expect("a test knows its own path"))
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .output()
        .expect("unshare can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    println!("{said}{complained}");
    assert!(output.status.success(), "it failed without a network");
    assert!(said.contains("1 passed"), "the test did not run inside");
    true
}

/// Collects what was asked for since the last time, in Chromium's own words.
async fn collect(browser: &Browser, into: &mut BTreeSet<String>) {
    into.extend(browser.fetched().await);
    let complaints = grave(browser.complaints().await);
    assert!(complaints.is_empty(), "{complaints:#?}");
}

async fn the_whole_way(no_network: bool) {
    if no_network {
        let devices = fs::read_to_string("/proc/net/dev").expect("Linux tells its devices");
        let names: Vec<&str> = devices
            .lines()
            .filter_map(|line| Some(line.split_once(':')?.0.trim()))
            .collect();
        assert_eq!(names, ["lo"]);
    }
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let folder = tempfile::tempdir().expect("a folder that outlives the service");
    let launch = Launch::new().in_folder(folder.path()).start();
    let (camera, service, browser) = tokio::join!(camera, launch, Browser::cut_off());
    let mut asked = BTreeSet::new();
    // A browser that opens asks itself for its own first page.
    browser.visit("about:blank").await;
    browser.fetched().await;

    // Start, live, stop.
    browser.visit(&format!("{}/", service.url())).await;
    let listed = "document.querySelectorAll('#best option').length > 10";
    browser.until("the service's own list", listed).await;
    let id = start_on_page(&browser, &service, &camera.url("/cam")).await;
    browser.until("nine pictures", NINE_PICTURES).await;
    let line = "!!document.querySelector('.spark polyline')";
    browser.until("the score over time", line).await;
    browser.click(".card .stop").await;
    service.until(&id, &["stopped"]).await;
    let tile = "document.querySelector('#tiles img')?.naturalWidth > 0";
    browser.until("the gallery in the list", tile).await;
    collect(&browser, &mut asked).await;

    // The gallery, its viewer, the page of a stop.
    let loaded = "document.images.length == 10
        && [...document.images].every(image => image.complete && image.naturalWidth > 0)";
    browser.click("#tiles a").await;
    browser.until("nine thumbnails and the plot", loaded).await;
    browser.click(".grid a").await;
    let original = "document.querySelector('dialog[open] img')?.naturalWidth == 768";
    browser.until("the original", original).await;
    browser.press(Key::Escape).await;
    browser.visit(&format!("{}/stop", service.url())).await;
    browser.until("the same again", loaded).await;
    collect(&browser, &mut asked).await;

    // The list of galleries, searched.
    browser.visit(&format!("{}/", service.url())).await;
    browser.until("the gallery in the list", tile).await;
    browser.write("#camera", "nowhere").await;
    let none = "document.getElementById('found').textContent == 'Nothing fits.'";
    browser.until("nothing fits", none).await;
    browser.click("#search button").await;
    browser.until("the gallery again", tile).await;
    collect(&browser, &mut asked).await;

    // Swagger UI.
    browser.visit(&format!("{}/docs", service.url())).await;
    let operations = "document.querySelectorAll('.opblock').length >= 13";
    browser.until("the operations", operations).await;
    browser
        .click("[id='operations-system-getHealth'] .opblock-summary-control")
        .await;
    browser
        .element("[id='operations-system-getHealth'] .opblock-body")
        .await;
    collect(&browser, &mut asked).await;

    // Deleted; a copy that somebody took along stays.
    let copy = folder.path().join("copy");
    let copied = Command::new("cp")
        .arg("-r")
        .args([&service.data().join(&id), &copy])
        .status();
    assert!(copied.expect("cp can be started").success());
    let gallery = format!("{}/v1/sessions/{id}/gallery", service.url());
    browser.visit(&gallery).await;
    browser.click("#delete").await;
    browser.click("dialog .danger").await;
    let empty = "document.getElementById('found')?.textContent == 'Nothing was saved yet.'";
    browser.until("an empty list", empty).await;
    collect(&browser, &mut asked).await;

    for address in &asked {
        let own = address.starts_with(&format!("{}/", service.url()));
        assert!(
            own || address.starts_with("data:"),
            "{address} is elsewhere"
        );
    }
    for part in [
        "/",
        "/docs",
        "/docs/swagger-ui-bundle.js",
        "/stop",
        "/v1/characteristics",
    ] {
        let whole = format!("{}{part}", service.url());
        assert!(asked.contains(&whole), "{part} was asked for: {asked:#?}");
    }
    println!("{} addresses, all of the service", asked.len());

    // From the disk.
    let saved = fs::canonicalize(copy).expect("a gallery");
    service.kill();
    browser
        .visit(&format!("file://{}/index.html", saved.display()))
        .await;
    browser.until("all of it from the disk", loaded).await;
    browser.click(".grid a").await;
    browser.until("the original", original).await;
    let mut asked = BTreeSet::new();
    collect(&browser, &mut asked).await;
    for address in &asked {
        assert!(address.starts_with("file://"), "{address} is elsewhere");
    }
    assert!(asked.len() > 10, "{asked:#?}");

    // Were anything asked of another machine, it would not be had, and be told.
    let elsewhere = "new Promise(done => fetch('http://example.com/').then(
        () => done('had'), () => done('not had')))";
    browser.visit("about:blank").await;
    assert_eq!(browser.value(elsewhere).await, "not had");
    let told = browser.fetched().await;
    assert!(
        told.iter().any(|address| address == "http://example.com/"),
        "{told:#?}"
    );
}
