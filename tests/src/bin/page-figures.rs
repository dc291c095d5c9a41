//! Measures what the page costs: the optimised service, real cameras, Debian's
//! Chromium. Prints one JSON document, `{"figures": […]}`, and on stderr how far it is.
//!
//! What lives here: the measurements. What does not: a table, and any judgement beyond
//! `at_most`, which says what was promised.
#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::panic,
    reason = "a tool for developers says what is wrong by panicking; its numbers are small"
)]

use std::{path::Path, time::Duration};

use bestshot_tests::{
    Browser, Camera, Launch, RECORD, Service, WEIGHT, copy_gallery, eventually,
    fault_camera::{Clip, End, Setup},
    processor_time, start_on_page, together,
};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

/// Loads of one page in one browser.
const LOADS: usize = 20;
/// Browsers that load one page each.
const BROWSERS: usize = 12;
/// How long a browser has for its own start.
const STARTS: Duration = Duration::from_secs(1);
const GALLERIES: u32 = 10_000;
const SUBSCRIBERS: usize = 50;
const WATCHED: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() {
    let mut figures = Vec::new();
    eprintln!("First paint and weight …");
    figures.extend(first_paint().await);
    eprintln!("Winners on their way to the page …");
    figures.extend(winners().await);
    eprintln!("A history of {GALLERIES} galleries …");
    figures.extend(history().await);
    eprintln!("{SUBSCRIBERS} subscribers …");
    figures.push(subscribers().await);
    println!("{:#}", json!({ "figures": figures }));
}

fn figure(name: &str, unit: &str, ours: f64) -> Value {
    json!({ "name": name, "unit": unit, "ours": (ours * 100.0).round() / 100.0 })
}

/// The same with the promise.
fn promised(name: &str, unit: &str, ours: f64, at_most: f64) -> Value {
    let mut made = figure(name, unit, ours);
    made["at_most"] = json!(at_most);
    made
}

fn with(mut figure: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().into_iter().flatten() {
        figure[key] = value.clone();
    }
    figure
}

/// The value below or at which so many of a hundred lie.
fn percentile(values: &[f64], part: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * part).div_ceil(100).max(1) - 1;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::max)
}

/// Milliseconds from the start of the navigation to the first paint with content.
async fn paint(browser: &Browser, url: &str) -> f64 {
    browser.visit(url).await;
    let entry = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0";
    let painted = format!("({entry}) > 0");
    browser.until("the first paint", &painted).await;
    browser.value(entry).await.as_f64().expect("a number")
}

/// A new browser that has done starting: until then, a line of text takes it longer than
/// this page does afterwards.
async fn started() -> Browser {
    let browser = Browser::unrecorded().await;
    tokio::time::sleep(STARTS).await;
    browser
}

async fn first_paint() -> Vec<Value> {
    let service = Service::start().await;
    let page = format!("{}/", service.url());
    // A line of text by the same service: what this browser needs for any page.
    let text = format!("{}/v1/health", service.url());
    let (mut warm, mut warm_text) = (Vec::new(), Vec::new());
    let browser = Browser::unrecorded().await;
    paint(&browser, &page).await;
    paint(&browser, &text).await;
    for _ in 0..LOADS {
        warm.push(paint(&browser, &page).await);
        warm_text.push(paint(&browser, &text).await);
    }
    let known = "document.body.classList.contains('known')";
    browser
        .devtools("Network.clearBrowserCache", json!({}))
        .await;
    browser.visit(&page).await;
    browser.until("all is loaded", known).await;
    let weight = browser.value(WEIGHT).await.as_f64().expect("a number");
    drop(browser);
    let (mut fresh, mut fresh_text) = (Vec::new(), Vec::new());
    for _ in 0..BROWSERS {
        fresh.push(paint(&started().await, &page).await);
        fresh_text.push(paint(&started().await, &text).await);
    }
    eprintln!("  warm {warm:.0?}, fresh {fresh:.0?}");
    let peer =
        |value: f64| json!({ "peer": value.round(), "peer_name": "a line of text, same service" });
    let loads = format!("{LOADS} loads in one browser, whose cache asks again for each file");
    let browsers = format!("the first page of {BROWSERS} browsers, a second after their start");
    vec![
        with(
            promised("first paint, p50", "ms", percentile(&warm, 50), 100.0),
            &with(json!({ "note": loads }), &peer(percentile(&warm_text, 50))),
        ),
        with(
            promised("first paint, worst", "ms", worst(&warm), 100.0),
            &with(json!({ "note": loads }), &peer(worst(&warm_text))),
        ),
        with(
            promised(
                "first paint in a new browser, p50",
                "ms",
                percentile(&fresh, 50),
                100.0,
            ),
            &with(
                json!({ "note": browsers }),
                &peer(percentile(&fresh_text, 50)),
            ),
        ),
        with(
            promised("page weight without images", "KB", weight / 1e3, 100.0),
            &json!({ "note": "all files of the page at /, uncompressed" }),
        ),
    ]
}

/// Remembers when the picture of each frame came into its box.
const WATCH: &str = "
    window.came = {};
    new MutationObserver(() => document.querySelectorAll('.shots .taken').forEach(box => {
        const img = box.querySelector('.picture img');
        if (img?.dataset.frame == box.dataset.frame) came[box.dataset.frame] ??= Date.now();
    })).observe(document, { subtree: true, childList: true, attributes: true });";

/// Frames of this score and above are the flashes.
const BRIGHT: f64 = 0.2;
const FLASHES: usize = 16;

async fn winners() -> Vec<Value> {
    // A dark room in which a light flashes every two seconds, each time brighter.
    let flashes = "color=0x202020:size=640x360:rate=25:duration=36,\
        geq=lum='if(gte(N,100)*eq(mod(N,50),0),90+N/8,32)':cb=128:cr=128";
    let encoded = "-c:v libx264 -preset ultrafast -g 25 -bf 0 -pix_fmt yuv420p";
    let clip = Clip::synthetic(flashes, encoded);
    let camera = Setup::playing_all(&[clip]).passes(1, End::Nothing).start();
    let (service, browser) = tokio::join!(Service::start(), Browser::open());
    browser.before_pages(WATCH).await;
    browser.before_pages(RECORD).await;
    browser.visit(&format!("{}/", service.url())).await;
    browser.click("summary").await;
    browser.write("#limit", "27").await;
    let id = start_on_page(&browser, &service, &camera.url()).await;
    let (frames, came) = eventually("the flashes on the page", async || {
        let frames = service.frames(&id).await;
        let bright = frames
            .into_iter()
            .filter(|f| f["score"].as_f64() > Some(BRIGHT));
        let bright: Vec<Value> = bright.collect();
        let came = browser.value("came").await;
        let there = |frame: &Value| !came[frame["index"].to_string()].is_null();
        (bright.len() == FLASHES && bright.iter().all(there)).then_some((bright, came))
    })
    .await;
    let late: Vec<f64> = frames
        .iter()
        .map(|frame| {
            let at = came[frame["index"].to_string()].as_i64().expect("it came");
            let shown: Timestamp = frame["captured_at"]
                .as_str()
                .and_then(|time| time.parse().ok())
                .expect("a time");
            (at - shown.as_millisecond()) as f64
        })
        .collect();
    eprintln!("  {late:.0?} ms");
    let shifts = browser
        .value("record.shifts.reduce((sum, [value]) => sum + value, 0)")
        .await;
    let note = format!(
        "{FLASHES} flashes of one frame, each the brightest so far, by the camera's clock on \
         this machine, until the picture is in the box of its rank"
    );
    vec![
        with(
            promised(
                "camera shows a winner to its picture on the page, p95",
                "ms",
                percentile(&late, 95),
                2_000.0,
            ),
            &json!({ "note": note }),
        ),
        with(
            promised(
                "camera shows a winner to its picture on the page, worst",
                "ms",
                worst(&late),
                2_000.0,
            ),
            &json!({ "note": note }),
        ),
        with(
            promised(
                "layout shift while winners change",
                "",
                shifts.as_f64().unwrap_or(f64::NAN),
                0.0,
            ),
            &json!({ "note": "sum of all shifts without input, as Chromium scores them" }),
        ),
    ]
}

/// Records when the page showed a list of galleries.
const SHOWN: &str = "
    new MutationObserver((_, observer) => {
        if (document.querySelectorAll('#tiles .tile').length < 20) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => window.shown = performance.now()));
    }).observe(document, { subtree: true, childList: true });";

async fn history() -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let service = with_many(folder.path()).await;
    let browser = Browser::open().await;
    browser.before_pages(SHOWN).await;
    let mut times = Vec::new();
    for load in 0..=LOADS {
        browser.visit(&format!("{}/", service.url())).await;
        browser.until("galleries shown", "window.shown > 0").await;
        let shown = browser.value("window.shown").await;
        // The first one warms the browser.
        if load > 0 {
            times.push(shown.as_f64().expect("a number"));
        }
    }
    eprintln!("  {times:.0?}");
    let note = json!({ "note": format!(
        "start of the navigation until the newest of {GALLERIES} are laid out and painted, {LOADS} loads"
    ) });
    vec![
        with(
            promised(
                "history of 10,000 galleries, p50",
                "ms",
                percentile(&times, 50),
                200.0,
            ),
            &note,
        ),
        with(
            promised(
                "history of 10,000 galleries, worst",
                "ms",
                worst(&times),
                200.0,
            ),
            &note,
        ),
    ]
}

async fn with_many(folder: &Path) -> Service {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]).await;
    let service = Launch::new().in_folder(folder).start().await;
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    service.halt(&id).await;
    service.terminate().await;
    copy_gallery(folder, &id, GALLERIES);
    Launch::new().in_folder(folder).start().await
}

/// The processor time of the service, in percent of a core, while it is watched.
async fn load(service: &Service) -> f64 {
    let before = processor_time(service.pid());
    tokio::time::sleep(WATCHED).await;
    let used = processor_time(service.pid()).saturating_sub(before);
    used.as_secs_f64() / WATCHED.as_secs_f64() * 100.0
}

async fn subscribers() -> Value {
    let camera = Camera::with(&["/cam=vtest_street.mp4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let alone = load(&service).await;
    let events = format!("/v1/sessions/{id}/events");
    let open = (0..SUBSCRIBERS).map(|_| service.request(Method::GET, &events).send());
    let streams = together(open).await;
    let readers: Vec<_> = streams
        .into_iter()
        .map(|stream| {
            let mut stream = stream.expect("an answer");
            assert_eq!(stream.status(), 200);
            tokio::spawn(async move {
                let mut bytes = 0;
                while let Ok(Some(part)) = stream.chunk().await {
                    bytes += part.len();
                }
                bytes
            })
        })
        .collect();
    // The winners, which each is told at first, are not what is measured.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let watched = load(&service).await;
    eprintln!("  {alone:.2} % alone, {watched:.2} % watched");
    service.halt(&id).await;
    let bytes: usize = together(readers)
        .await
        .into_iter()
        .map(|read| read.expect("it read"))
        .sum();
    let note = format!(
        "the service's processor time with them less that without, over {} s each; they were \
         told {} KB",
        WATCHED.as_secs(),
        bytes / 1000
    );
    with(
        promised("50 event subscribers", "%", watched - alone, 2.0),
        &json!({ "note": note }),
    )
}
