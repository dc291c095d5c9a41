//! The page at "/" when something goes wrong: a camera that fails, frames that cannot
//! win, a line or a service that is gone for a while.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::collections::BTreeSet;

use bestshot_tests::{
    Browser, Camera, FaultPort, Launch, Login, NINE_PICTURES, Service, assert_sound, eventually,
    start_on_page,
};
use serde_json::json;

/// Whether the page says that the service is out of reach.
const TOLD: &str = "document.getElementById('connection').textContent.includes('does not answer')";

/// The frames scored, as the card shows it.
const SCORED: &str = "Number(document.querySelector('.scored').textContent.replace(/\\D/g, ''))";

#[tokio::test]
async fn every_kind_of_failure_has_a_sentence_of_its_own() {
    let (service, browser) = tokio::join!(Service::start(), Browser::open());
    // The document lists them between backticks.
    let error = &service.document().0["components"]["schemas"]["SessionError"];
    let listed = error["properties"]["kind"]["description"].as_str();
    let kinds: Vec<&str> = listed
        .expect("a list")
        .split('`')
        .skip(1)
        .step_by(2)
        .collect();
    assert!(kinds.len() >= 15, "{kinds:?}");
    browser.visit(&format!("{}/", service.url())).await;
    let script = "const [kinds, done] = arguments;
        import('/assets/words.js').then(words => done(kinds.map(kind => words.failure({ kind }))));";
    let told = browser.execute_async(script, vec![json!(kinds)]).await;
    let told = told.expect("the module can be loaded");
    let told: Vec<&str> = told
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|text| text.as_str())
        .collect();
    assert_eq!(told.len(), kinds.len(), "{told:?}");
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), kinds.len());
    for (kind, text) in kinds.into_iter().zip(told) {
        assert!(text.split(' ').count() > 3, "{kind} is told as {text:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_camera_is_said_in_its_card() {
    let (service, browser) = tokio::join!(Service::start(), Browser::open());
    let port = FaultPort::refusing();
    browser.visit(&format!("{}/", service.url())).await;
    let url = format!("rtsp://127.0.0.1:{}/cam", port.port());
    let id = start_on_page(&browser, &service, &url).await;
    service.until(&id, &["failed"]).await;
    let failed = "document.querySelector('.badge').textContent == 'Failed'";
    browser.until("it is shown as failed", failed).await;
    let meaning = browser.text(".meaning").await;
    assert_eq!(meaning, "Nothing answers at the camera’s port.");
    let why = browser.text(".why").await;
    assert!(why.starts_with("Nothing listens at that port"), "{why}");
    assert_sound(&browser, &service, "a failure").await;
    browser.click(".dismiss").await;
    let gone = "!document.querySelector('.card') && !document.getElementById('none-live').hidden";
    browser.until("the card is gone", gone).await;

    let login = Login {
        method: "digest",
        user: "owner",
        password: "right",
    };
    let camera = Camera::with_login(login, &["/cam=vtest_h264.mp4"]).await;
    browser.write("#username", "owner").await;
    browser.write("#password", "wrong").await;
    start_on_page(&browser, &service, &camera.url("/cam")).await;
    browser.until("it is shown as failed", failed).await;
    let meaning = browser.text(".meaning").await;
    assert_eq!(meaning, "The camera refused the password.");
}

#[tokio::test]
async fn frames_that_cannot_win_are_told_by_reason() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    let settling = json!({ "warmup": 0.5 });
    service.begin_with(&camera.url("/cam"), settling).await;
    browser.visit(&format!("{}/", service.url())).await;
    let told = "/^\\d+ settling$/.test(document.querySelector('.reasons')?.textContent)
        && Number(document.querySelector('.rejected').textContent) > 0";
    browser.until("why they were rejected", told).await;
}

#[tokio::test]
async fn a_dropped_connection_is_said_and_heals_by_itself() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=2"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    browser.visit(&format!("{}/", service.url())).await;
    start_on_page(&browser, &service, &camera.url("/cam")).await;
    browser.until("nine pictures", NINE_PICTURES).await;
    browser.line(false).await;
    browser.until("the page says so", TOLD).await;
    let before = browser.value(SCORED).await.as_u64().expect("a number");
    browser.line(true).await;
    let on = format!("{SCORED} > {before}");
    browser.until("it goes on", &on).await;
    let silent = format!("!({TOLD})");
    browser.until("nothing is said any more", &silent).await;
}

#[tokio::test]
async fn pictures_that_were_missed_meanwhile_come_when_the_line_is_back() {
    // Of equal frames the first ones stay: after one pass the winners are settled.
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=8"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    browser.line(true).await;
    let blocked = json!({ "urls": ["*/thumbnail*"] });
    browser.devtools("Network.setBlockedURLs", blocked).await;
    browser.visit(&format!("{}/", service.url())).await;
    let id = start_on_page(&browser, &service, &camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let scored = service.session(&id).await["stats"]["frames_scored"].as_u64();
    // By then each picture was asked for in vain as often as it ever is.
    service
        .until_scored(&id, scored.expect("a number") + 1_000)
        .await;
    let empty = "document.querySelectorAll('.shots .taken').length == 9
        && !document.querySelector('.shots img')";
    browser.until("nine boxes without pictures", empty).await;
    browser.line(false).await;
    browser.until("the page says so", TOLD).await;
    let free = json!({ "urls": [] });
    browser.devtools("Network.setBlockedURLs", free).await;
    browser.line(true).await;
    browser.until("nine pictures", NINE_PICTURES).await;
}

#[tokio::test]
async fn a_service_that_is_started_again_is_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=2"]);
    let launch = Launch::new().in_folder(folder.path()).start();
    let (camera, service, browser) = tokio::join!(camera, launch, Browser::open());
    browser.visit(&format!("{}/", service.url())).await;
    let first = start_on_page(&browser, &service, &camera.url("/cam")).await;
    browser.until("nine pictures", NINE_PICTURES).await;
    let (_, port) = service.authority().split_once(':').expect("a port");
    let port = port.parse().expect("a number");
    service.kill();
    browser.until("the page says so", TOLD).await;
    let launch = Launch::new().in_folder(folder.path()).on_port(port);
    let service = launch.start().await;
    let silent = format!("!({TOLD})");
    browser.until("nothing is said any more", &silent).await;
    // What the first one left behind runs no more.
    let over =
        format!("!document.querySelector(\".card[data-session='{first}'][data-state=running]\")");
    browser.until("the old card is over", &over).await;
    let second = start_on_page(&browser, &service, &camera.url("/cam")).await;
    let nine = format!(
        "document.querySelectorAll(\".card[data-session='{second}'] .taken:not(.late) img\")
            .length == 9"
    );
    browser.until("nine new pictures", &nine).await;
}

#[tokio::test]
async fn pages_with_nothing_to_show_keep_nobody_out() {
    let camera = Camera::with(&["/a=mute", "/b=mute"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    let page = format!("{}/stop", service.url());
    for (said, more) in [
        ("Nothing was started", &["/a", "/b"][..]),
        ("Several sessions run", &[]),
    ] {
        browser.visit(&page).await;
        let text = browser.text("main").await;
        assert!(text.contains(said), "{text}");
        for scheme in ["dark", "light"] {
            browser.light(scheme).await;
            let barriers = browser.barriers().await;
            assert!(barriers.is_empty(), "{said}, {scheme}: {barriers:#?}");
        }
        for path in more {
            service.open(&camera.url(path), json!({})).await;
        }
    }
}

/// A browser takes the key as the password of the address; what a page asks for then
/// must do without it.
#[tokio::test]
async fn a_page_that_was_opened_with_a_key_works_whole() {
    const KEY: &str = "0123456789abcdef-of-letters";
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let launch = Launch::new().key(KEY).start();
    let (camera, service, browser) = tokio::join!(camera, launch, Browser::open());
    let address = format!("http://anyone:{KEY}@{}/", service.authority());
    browser.visit(&address).await;
    let id = start_on_page(&browser, &service, &camera.url("/cam")).await;
    browser.until("pictures fill in", NINE_PICTURES).await;
    browser.click(".stop").await;
    service.until(&id, &["stopped"]).await;
    let gallery = format!("{address}v1/sessions/{id}/gallery");
    browser.visit(&gallery).await;
    browser.click("button[data-session]").await;
    browser.click("dialog .danger").await;
    eventually("the gallery is gone", async || {
        let answer = service.get(&format!("/v1/sessions/{id}")).await;
        (answer.status == 404).then_some(())
    })
    .await;
}
