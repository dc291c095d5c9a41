//! Galleries in a real browser: the viewer, served and from the disk, deleting,
//! and the history of many.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{fs, path::Path};

use bestshot_tests::{
    Browser, Camera, Device, Key, Launch, Service, assert_sound, copy_gallery, eventually,
};

/// A service with the gallery of nine frames of a street.
async fn with_gallery() -> (Service, Browser, String) {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let report = service.post(&format!("/v1/sessions/{id}/stop")).await;
    report.expect(200);
    (service, browser, id)
}

/// Turns pages in the viewer by keyboard.
async fn assert_viewer_works(browser: &Browser) {
    browser.click(".grid li:nth-child(2) a").await;
    let shows = |rank: u32| {
        format!(
            "(() => {{ const img = document.querySelector('dialog[open] img');
            return !!img && img.complete && img.naturalWidth == 768
                && document.querySelector('.bar p').textContent.startsWith('#{rank} '); }})()"
        )
    };
    browser.until("the second original", &shows(2)).await;
    let inside = "document.querySelector('dialog').contains(document.activeElement)";
    assert_eq!(
        browser.value(inside).await,
        true,
        "the focus is in the viewer"
    );
    for scheme in ["dark", "light"] {
        browser.light(scheme).await;
        let barriers = browser.barriers().await;
        assert!(barriers.is_empty(), "{scheme}: {barriers:#?}");
    }
    browser.press(Key::Right).await;
    browser.until("the third original", &shows(3)).await;
    browser.press(Key::Left).await;
    browser.press(Key::Left).await;
    browser.until("the best original", &shows(1)).await;
    browser.press(Key::Left).await;
    browser.until("the last original", &shows(9)).await;
    browser.press(Key::Escape).await;
    let closed = "!document.querySelector('dialog[open]')";
    browser.until("the viewer closed", closed).await;
    let focus = "[...document.querySelectorAll('.grid a')].indexOf(document.activeElement) == 8";
    browser.until("the focus where it was left", focus).await;
}

#[tokio::test]
async fn download_all_gives_the_archive_as_a_file() {
    let (service, browser, id) = with_gallery().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let allow = serde_json::json!({ "behavior": "allow", "downloadPath": folder.path() });
    browser.devtools("Browser.setDownloadBehavior", allow).await;
    let gallery = format!("{}/v1/sessions/{id}/gallery", service.url());
    browser.visit(&gallery).await;
    browser.click("a[download]").await;
    let name = format!("bestshot-{id}.zip");
    let file = folder.path().join(&name);
    eventually("the file", async || file.is_file().then_some(())).await;
    let archive = service.get(&format!("/v1/sessions/{id}/archive")).await;
    assert!(archive.header("content-disposition").contains(&name));
    eventually("all of it", async || {
        let saved = fs::read(&file).ok()?;
        (saved == archive.body).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_viewer_turns_pages_by_keyboard_served_and_from_the_disk() {
    let (service, browser, id) = with_gallery().await;
    browser
        .visit(&format!("{}/v1/sessions/{id}/gallery", service.url()))
        .await;
    assert_viewer_works(&browser).await;
    browser.hold(Device::Phone).await;
    assert_sound(&browser, &service, "the gallery on a phone").await;
    assert_viewer_works(&browser).await;
    browser.hold(Device::Desktop).await;
    let saved = fs::canonicalize(service.data().join(&id)).expect("a gallery");
    browser
        .visit(&format!("file://{}/index.html", saved.display()))
        .await;
    assert_viewer_works(&browser).await;
    // The page's own policy lets nothing else run.
    let foreign = "(() => { const script = document.createElement('script');
        script.textContent = 'window.foreign = true'; document.body.append(script);
        return window.foreign === true; })()";
    assert_eq!(browser.value(foreign).await, false);
}

#[tokio::test]
async fn a_gallery_is_deleted_after_a_question() {
    let (service, browser, id) = with_gallery().await;
    let session = format!("/v1/sessions/{id}");
    browser
        .visit(&format!("{}{session}/gallery", service.url()))
        .await;
    browser.click("#delete").await;
    let barriers = browser.barriers().await;
    assert!(barriers.is_empty(), "{barriers:#?}");
    browser.press(Key::Enter).await;
    let closed = "!document.querySelector('dialog')";
    browser.until("it is kept by default", closed).await;
    service.get(&session).await.expect(200);
    browser.click("#delete").await;
    browser.click("dialog .danger").await;
    eventually("the gallery is gone", async || {
        (service.get(&session).await.status == 404).then_some(())
    })
    .await;
    browser.element("#galleries").await;
    let empty = "document.getElementById('found')?.textContent == 'Nothing was saved yet.'";
    browser.until("an empty list", empty).await;
}

#[tokio::test]
async fn an_address_that_ends_in_galleries_leads_to_them() {
    let (service, browser) = tokio::join!(Service::start(), Browser::open());
    // Where the start form stands above them.
    browser.hold(Device::Phone).await;
    browser
        .visit(&format!("{}/#galleries", service.url()))
        .await;
    let shown = "document.getElementById('found').getBoundingClientRect().bottom <= innerHeight";
    browser.until("the list is on the screen", shown).await;
}

/// A service with so many galleries, in this folder.
async fn with_many(folder: &Path, count: u32) -> Service {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]).await;
    let service = Launch::new().in_folder(folder).start().await;
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    let report = service.post(&format!("/v1/sessions/{id}/stop")).await;
    report.expect(200);
    service.terminate().await;
    copy_gallery(folder, &id, count);
    Launch::new().in_folder(folder).start().await
}

#[tokio::test]
async fn the_history_is_paged_and_searched_by_camera_and_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let (service, browser) = tokio::join!(with_many(folder.path(), 1500), Browser::open());
    browser.visit(&format!("{}/", service.url())).await;
    let tiles = "document.querySelectorAll('#tiles .tile').length";
    browser
        .until("a page of galleries", &format!("{tiles} >= 24"))
        .await;
    let loaded =
        "[...document.querySelectorAll('#tiles img')].slice(0, 5).every(i => i.naturalWidth > 0)";
    browser.until("thumbnails", loaded).await;
    let barriers = browser.barriers().await;
    assert!(barriers.is_empty(), "{barriers:#?}");
    let lazy = "[...document.querySelectorAll('#tiles img')].every(i => i.loading == 'lazy')";
    assert_eq!(browser.value(lazy).await, true);
    // Further pages come by scrolling.
    let before = browser.value(tiles).await.as_u64().expect("a number");
    browser
        .value("scrollTo(0, document.body.scrollHeight)")
        .await;
    browser
        .until("more galleries", &format!("{tiles} > {before}"))
        .await;
    let newest_first = "(ids => ids.every((id, at) => !at || ids[at - 1] > id))
        ([...document.querySelectorAll('#tiles .tile')].map(tile => tile.dataset.session))";
    assert_eq!(browser.value(newest_first).await, true);

    browser.write("#camera", "10.0.0.2").await;
    let wheres = "[...document.querySelectorAll('#tiles .where')].map(where => where.textContent)";
    let only = format!("{tiles} > 0 && {wheres}.every(text => text == '10.0.0.2/stream1')");
    browser.until("one camera's", &only).await;
    let day = "(field => { field.value = '2026-02-28';
        field.dispatchEvent(new Event('input', { bubbles: true })); return true; })
        (document.getElementById('day'))";
    browser.value(day).await;
    let times = "[...document.querySelectorAll('#tiles time')].map(time => time.dateTime)";
    let only =
        format!("{tiles} > 0 && {times}.every(text => text.startsWith('2026-02-28')) && {only}");
    browser.until("one day's", &only).await;
    browser.write("#camera", "nowhere").await;
    let none = "document.getElementById('found').textContent == 'Nothing fits.'";
    browser.until("nothing", none).await;
    browser.click("#search button").await;
    browser.until("all again", &format!("{tiles} >= 24")).await;
    let barriers = browser.complaints().await;
    assert!(barriers.is_empty(), "{barriers:#?}");
}
