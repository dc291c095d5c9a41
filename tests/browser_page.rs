//! The page at "/" in a real browser, on a desktop and on a phone: a camera is
//! started, watched and stopped, and what is wrong is said where it is wrong.
//! Galleries and history are `browser_galleries`' business.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::Duration;

use bestshot_tests::{
    Browser, Camera, Device, FaultPort, RECORD, Service, eventually,
    fault_camera::{Clip, End, Setup},
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// How many boxes of the card show the picture of their own frame.
const SHOWN: &str = "document.querySelectorAll('.shots .taken:not(.late) .picture img').length";

/// Checks that nobody is kept out, and that nothing was complained of or fetched
/// from elsewhere.
async fn assert_sound(browser: &Browser, service: &Service, what: &str) {
    let wide = "document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.value(wide).await, true, "{what} is too wide");
    for scheme in ["dark", "light"] {
        browser.light(scheme).await;
        let barriers = browser.barriers().await;
        assert!(barriers.is_empty(), "{what}, {scheme}: {barriers:#?}");
    }
    let document = service.document().0.to_string();
    let complaints = browser.complaints().await.into_iter().filter(|line| {
        // This version may lack what the page can do without.
        !["scores", "events"].iter().any(|name| {
            line.contains(&format!("/{name} - Failed to load resource"))
                && !document.contains(&format!("/v1/sessions/{{session_id}}/{name}\""))
        })
    });
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "{what}: {complaints:#?}");
    for address in browser.fetched().await {
        let local = [service.url(), "data:", "about:", "chrome:"];
        assert!(
            local.iter().any(|start| address.starts_with(start)),
            "{address} is elsewhere"
        );
    }
}

/// Checks that nothing moved by itself.
async fn assert_still(browser: &Browser) {
    let shifts = browser.value("record.shifts").await;
    assert_eq!(shifts, json!([]), "what was shown moved");
}

/// Starts a session by the form and gives its id.
async fn start(browser: &Browser, service: &Service, url: &str) -> String {
    browser.write("#rtsp_url", url).await;
    browser.click("#start button[type=submit]").await;
    let id = eventually("the session", async || {
        let list = service.get("/v1/sessions").await.expect(200).json();
        let id = list["items"][0]["id"].as_str()?;
        Some(id.to_owned())
    })
    .await;
    browser.element(&format!("[data-session='{id}']")).await;
    id
}

async fn is_started_watched_and_stopped(device: Device, name: &str) {
    let camera = Camera::with(&["/cam=vtest_street.mp4,speed=2"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    browser.hold(device).await;
    browser.before_pages(RECORD).await;
    browser.visit(&format!("{}/", service.url())).await;
    let known = "document.body.classList.contains('known')";
    browser.until("the page knows the sessions", known).await;
    browser.photograph(&format!("start-{name}")).await;
    assert_sound(&browser, &service, "the empty page").await;

    let id = start(&browser, &service, &camera.url("/cam")).await;
    let nine = format!("{SHOWN} == 9");
    browser.until("nine pictures", &nine).await;
    let marked = "document.querySelectorAll('.shots .newest').length == 1";
    browser.until("the newest winner marked", marked).await;
    let line = "document.querySelector('.spark polyline')?.getAttribute('points').length > 20";
    browser.until("the score over time", line).await;
    assert_eq!(browser.text(".badge").await, "Running");
    assert_eq!(browser.text(".video").await, "H.264");
    let facts = browser.text(".facts").await;
    assert!(
        facts.contains("768×576") && facts.contains("fps"),
        "{facts}"
    );
    for scheme in ["dark", "light"] {
        browser.light(scheme).await;
        browser.photograph(&format!("live-{scheme}-{name}")).await;
    }
    assert_sound(&browser, &service, "the live page").await;
    assert_still(&browser).await;

    browser.click(".card .stop").await;
    service.until(&id, &["stopped"]).await;
    let over = "document.querySelector('.badge').textContent == 'Stopped'";
    browser.until("it is shown as stopped", over).await;
    browser.until("nine pictures of it", &nine).await;
    let none = "!document.querySelector('.shots .newest')";
    browser.until("none is new any more", none).await;
    let told = "document.querySelectorAll('#tiles .tile img').length == 1";
    browser.until("the gallery in the list", told).await;
    assert_sound(&browser, &service, "the stopped page").await;
    browser.photograph(&format!("stopped-{name}")).await;
    browser.click(".card .gallery").await;
    browser.element(".grid").await;
    let heading = browser.text("h1").await;
    assert_eq!(heading, "Top 9 Brightest Frames");
    browser.photograph(&format!("gallery-{name}")).await;
    assert_sound(&browser, &service, "the gallery").await;
}

#[tokio::test]
async fn a_camera_is_started_watched_and_stopped_on_a_desktop_without_a_layout_shift() {
    is_started_watched_and_stopped(Device::Desktop, "desktop").await;
}

#[tokio::test]
async fn a_camera_is_started_watched_and_stopped_on_a_phone_without_a_layout_shift() {
    is_started_watched_and_stopped(Device::Phone, "phone").await;
}

#[tokio::test]
async fn each_fault_stands_beside_its_field_in_words_of_the_page() {
    let (service, browser) = tokio::join!(Service::start(), Browser::open());
    browser.visit(&format!("{}/", service.url())).await;
    browser.click("#start button[type=submit]").await;
    let missing = browser.text("#rtsp_url-error").await;
    assert!(missing.contains("begins with rtsp://"), "{missing}");
    browser.write("#rtsp_url", "file:///etc/passwd").await;
    browser.click("summary").await;
    browser.write("#width", "90000").await;
    browser.write("#roi", "all of it").await;
    browser.click("#start button[type=submit]").await;
    let told = "['rtsp_url', 'width', 'roi'].every(name => {
        const field = document.getElementById(name);
        return field.getAttribute('aria-invalid') == 'true'
            && field.getAttribute('aria-describedby').includes(`${name}-error`)
            && document.getElementById(`${name}-error`).textContent; })";
    browser
        .until("the faults beside their fields", &format!("!!({told})"))
        .await;
    let width = browser.text("#width-error").await;
    assert!(width.starts_with("Width is a whole number"), "{width}");
    assert_eq!(browser.value("document.activeElement.id").await, "rtsp_url");
    browser.photograph("faults").await;
    let barriers = browser.barriers().await;
    assert!(barriers.is_empty(), "{barriers:#?}");
    let list = service.get("/v1/sessions").await.expect(200).json();
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn best_is_a_characteristic_a_preset_or_a_mix_of_sliders() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    browser.visit(&format!("{}/", service.url())).await;
    let listed = "document.querySelectorAll('#best option').length > 10";
    browser.until("the service's own list", listed).await;
    let choose = |value: &str| {
        format!(
            "(() => {{ const list = document.getElementById('best'); list.value = '{value}';
            list.dispatchEvent(new Event('change', {{ bubbles: true }})); return list.value; }})()"
        )
    };
    assert_eq!(browser.value(&choose("vivid")).await, "vivid");
    let shown = browser.value("Number(document.getElementById('weight-colorfulness').value)");
    assert_eq!(shown.await, 0.5);
    let slide = |name: &str, value: &str| {
        format!(
            "(() => {{ const slider = document.getElementById('weight-{name}');
            slider.value = {value}; slider.dispatchEvent(new Event('input', {{ bubbles: true }}));
            return document.getElementById('best').value; }})()"
        )
    };
    for (name, value) in [("colorfulness", "0"), ("contrast", "0"), ("exposure", "0")] {
        assert_eq!(browser.value(&slide(name, value)).await, "mix");
    }
    browser.click("#start button[type=submit]").await;
    let empty = browser.text("#best-error").await;
    assert_eq!(empty, "Move at least one slider.");
    browser.value(&slide("sharpness", "0.7")).await;
    browser.value(&slide("brightness", "0.3")).await;
    browser.photograph("weights").await;
    let barriers = browser.barriers().await;
    assert!(barriers.is_empty(), "{barriers:#?}");
    let id = start(&browser, &service, &camera.url("/cam")).await;
    let session = service.session(&id).await;
    let best = session["options"]["best"].as_str().unwrap_or_default();
    let mut parts: Vec<&str> = best.split(',').collect();
    parts.sort_unstable();
    assert_eq!(parts, ["brightness:0.3", "sharpness:0.7"]);
    service.until_winners(&id, 9).await;
    service
        .post(&format!("/v1/sessions/{id}/stop"))
        .await
        .expect(200);
    let gallery = format!("{}/v1/sessions/{id}/gallery", service.url());
    browser.visit(&gallery).await;
    let heading = browser.text("h1").await;
    assert!(
        heading.starts_with("Top 9 Frames by ") && heading.contains("sharpness 0.7"),
        "{heading}"
    );
    browser.photograph("gallery-mix").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_camera_is_said_in_its_card() {
    let (service, browser) = tokio::join!(Service::start(), Browser::open());
    let port = FaultPort::refusing();
    browser.visit(&format!("{}/", service.url())).await;
    let id = start(
        &browser,
        &service,
        &format!("rtsp://127.0.0.1:{}/cam", port.port()),
    )
    .await;
    service.until(&id, &["failed"]).await;
    let failed = "document.querySelector('.badge').textContent == 'Failed'";
    browser.until("it is shown as failed", failed).await;
    let meaning = browser.text(".meaning").await;
    assert!(
        meaning.starts_with("Nothing listens at that port"),
        "{meaning}"
    );
    browser.photograph("failed").await;
    browser.click(".dismiss").await;
    let gone = "!document.querySelector('.card') && !document.getElementById('none-live').hidden";
    browser.until("the card is gone", gone).await;
}

#[tokio::test]
async fn a_dropped_connection_is_said_and_heals_by_itself() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=2"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    browser.visit(&format!("{}/", service.url())).await;
    start(&browser, &service, &camera.url("/cam")).await;
    browser
        .until("nine pictures", &format!("{SHOWN} == 9"))
        .await;
    let line = |offline: bool| {
        let unlimited = json!({
            "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        browser.devtools("Network.emulateNetworkConditions", unlimited)
    };
    browser.devtools("Network.enable", json!({})).await;
    line(true).await;
    let told = "document.getElementById('connection').textContent.includes('does not answer')";
    browser.until("the page says so", told).await;
    browser.photograph("dropped").await;
    let scored = "Number(document.querySelector('.scored').textContent.replace(/\\D/g, ''))";
    let before = browser.value(scored).await.as_u64().expect("a number");
    line(false).await;
    browser
        .until("it goes on", &format!("{scored} > {before}"))
        .await;
    browser
        .until("nothing is said any more", &format!("!({told})"))
        .await;
}

/// Remembers when the picture of each frame came into its box.
const WATCH: &str = "
    window.came = {};
    new MutationObserver(() => document.querySelectorAll('.shots .taken').forEach(box => {
        came[box.dataset.frame] ??= {};
        came[box.dataset.frame].box ??= Date.now();
        const img = box.querySelector('.picture img');
        if (img?.dataset.frame == box.dataset.frame) came[box.dataset.frame].picture ??= Date.now();
    })).observe(document, { subtree: true, childList: true, attributes: true });";

#[tokio::test]
async fn a_winner_is_on_the_page_two_seconds_after_its_camera_showed_it() {
    // Four dark seconds, and then bright ones that differ.
    let encoded = "-c:v libx264 -preset ultrafast -g 25 -bf 0 -pix_fmt yuv420p";
    let dark = Clip::synthetic("color=0x202020:size=640x360:rate=25:duration=4", encoded);
    let bright = Clip::synthetic(
        "color=0xc0c0c0:size=640x360:rate=25:duration=4,geq=lum='180-N/4':cb=128:cr=128",
        encoded,
    );
    let camera = Setup::playing_all(&[dark, bright])
        .passes(1, End::Nothing)
        .start();
    let (service, browser) = tokio::join!(Service::start(), Browser::open());
    browser.before_pages(WATCH).await;
    browser.visit(&format!("{}/", service.url())).await;
    let id = start(&browser, &service, &camera.url()).await;
    let first = "Object.values(came).some(({ picture }) => picture)";
    browser.until("the first picture", first).await;
    let all = "bright winners, all with pictures on the page";
    let (winners, came) = eventually(all, async || {
        let frames = service.frames(&id).await;
        let came = browser.value("came").await;
        let done = frames.iter().all(|frame| {
            let picture = &came[frame["index"].to_string()]["picture"];
            frame["score"].as_f64() > Some(0.5) && !picture.is_null()
        });
        (frames.len() == 9 && done).then_some((frames, came))
    })
    .await;
    let slowest = |what: &str| {
        let late = |frame: &Value| {
            let index = frame["index"].to_string();
            let at = came[&index][what].as_i64().expect("it came");
            let taken = frame["captured_at"].as_str().expect("a time");
            let taken: Timestamp = taken.parse().expect("RFC 3339");
            Duration::from_millis(u64::try_from(at - taken.as_millisecond()).unwrap_or(0))
        };
        winners.iter().map(late).max().unwrap_or_default()
    };
    let (entry, picture) = (slowest("box"), slowest("picture"));
    println!(
        "of nine winners the slowest was in its box {entry:?}, with its picture {picture:?} after the camera took it"
    );
    assert!(entry <= Duration::from_secs(2), "{entry:?}");
    assert!(picture <= Duration::from_secs(2), "{picture:?}");
}

#[tokio::test]
async fn the_page_weighs_100_kilobytes_at_most_and_paints_within_100_ms() {
    let (service, browser) = tokio::join!(Service::start(), Browser::open());
    browser.before_pages(RECORD).await;
    let mut paints = Vec::new();
    for _ in 0..8 {
        browser.visit(&format!("{}/", service.url())).await;
        let painted = "record.paint['first-contentful-paint'] > 0";
        browser.until("the first paint", painted).await;
        let paint = browser
            .value("record.paint['first-contentful-paint']")
            .await;
        paints.push(paint.as_f64().expect("a number"));
    }
    browser
        .devtools("Network.clearBrowserCache", json!({}))
        .await;
    browser.visit(&format!("{}/", service.url())).await;
    let known = "document.body.classList.contains('known')";
    browser.until("all is loaded", known).await;
    let weight = browser.value(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
            .filter(({ name }) => !name.includes('/v1/') && !name.endsWith('.svg'))
            .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)",
    );
    let weight = weight.await.as_f64().expect("a number");
    println!("{weight} bytes; first paints after {paints:.0?} ms");
    assert!((10_000.0..=100_000.0).contains(&weight), "{weight}");
    let best = paints.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(best <= 100.0, "{paints:?}");
}
