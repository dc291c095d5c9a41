//! The page that answers a stop, and Swagger UI, in a real browser: every image
//! loads, nothing is fetched from elsewhere, and the console stays empty. The page
//! at "/" is `browser_page`'s business, galleries are `browser_galleries`'.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use bestshot_tests::{Browser, Camera, Service};

/// Whether every image of the page is there and was decoded.
const ALL_LOADED: &str =
    "Array.from(document.images).every(image => image.complete && image.naturalWidth > 0)";

/// Checks that the page shows nine images, all loaded.
async fn assert_nine_images(browser: &Browser) {
    browser.until("all images loaded", ALL_LOADED).await;
    let sizes = browser
        .value("Array.from(document.images).map(image => image.naturalWidth)")
        .await;
    // Nine thumbnails, and the score over time.
    let mut expected = vec![300; 9];
    expected.push(960);
    assert_eq!(sizes, serde_json::json!(expected));
    let heading = browser.value("document.querySelector('h1').textContent");
    assert_eq!(heading.await, "Top 9 Brightest Frames");
}

/// Checks that the console is empty and that all came from `home`.
async fn assert_quiet(browser: &Browser, home: &str) {
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
    let fetched = browser.fetched().await;
    assert!(!fetched.is_empty(), "the browser tells what it fetched");
    for address in fetched {
        let local = [home, "data:", "blob:", "about:", "chrome:", "devtools:"];
        assert!(
            local.iter().any(|start| address.starts_with(start)),
            "{address} is elsewhere"
        );
    }
}

/// Ranks go from left to right and from top to bottom.
async fn assert_three_by_three(browser: &Browser) {
    let places = browser
        .value(
            "[...document.querySelectorAll('.grid a:has(img)')].map(link => {
                const box = link.querySelector('img').getBoundingClientRect();
                return [Math.round(box.left), Math.round(box.top)];
            })",
        )
        .await;
    let places: Vec<(i64, i64)> = serde_json::from_value(places).expect("pairs of numbers");
    assert_eq!(places.len(), 9, "{places:?}");
    for (place, (left, top)) in places.iter().enumerate() {
        let (column, row) = (place % 3, place / 3);
        assert_eq!(*left, places[column].0, "{places:?}");
        assert_eq!(*top, places[3 * row].1, "{places:?}");
        assert!(column == 0 || *left > places[column - 1].0, "{places:?}");
        assert!(row == 0 || *top > places[3 * (row - 1)].1, "{places:?}");
    }
}

#[tokio::test]
async fn the_stop_page_shows_nine_images_from_the_service_and_from_the_disk() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    let id = service.begin(&camera.url("/cam")).await;
    service.until_winners(&id, 9).await;
    browser.visit(&format!("{}/stop", service.url())).await;
    assert_nine_images(&browser).await;
    assert_three_by_three(&browser).await;
    assert_quiet(&browser, service.url()).await;
    // A reload shows the same page.
    browser.refresh().await.expect("a page can be reloaded");
    assert_nine_images(&browser).await;
    // Each image leads to the frame at the camera's own size.
    browser.click("a:has(img)").await;
    let original = "document.querySelector('dialog img')?.naturalWidth == 768";
    browser.until("the original", original).await;
    assert_quiet(&browser, service.url()).await;
    // Opened by itself too, without a rule that lets anything run or be styled.
    let picture = format!("/v1/sessions/{id}/frames/1/original");
    let policy = service.get(&picture).await.expect(200);
    let policy = policy.header("content-security-policy");
    assert!(policy.contains("script-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    browser.visit(&format!("{}{picture}", service.url())).await;
    let alone = "document.images.length == 1 && document.images[0].naturalWidth == 768";
    browser.until("the picture alone", alone).await;
    assert_quiet(&browser, service.url()).await;

    // The saved page needs no service.
    let saved = service.data().join(&id).join("index.html");
    let saved = std::fs::canonicalize(saved).expect("a saved page");
    let copy = tempfile::tempdir().expect("a temporary folder");
    let moved = copy.path().join("moved");
    std::fs::rename(saved.parent().expect("a folder"), &moved).expect("a gallery can be moved");
    service.kill();
    browser
        .visit(&format!("file://{}/index.html", moved.display()))
        .await;
    assert_nine_images(&browser).await;
    assert_quiet(&browser, "file://").await;
}

/// Opens an operation in Swagger UI, executes it, and gives the status shown.
async fn execute(browser: &Browser, operation: &str, body: Option<&str>) -> String {
    let block = format!("[id='{operation}']");
    browser
        .click(&format!("{block} .opblock-summary-control"))
        .await;
    browser
        .until(
            "the operation open",
            &format!("!!document.querySelector(`{block} .opblock-body`)"),
        )
        .await;
    let closed = format!("!!document.querySelector(`{block} .try-out__btn:not(.cancel)`)");
    if browser.value(&closed).await == true {
        browser.click(&format!("{block} .try-out__btn")).await;
    }
    if let Some(body) = body {
        let field = format!("{block} textarea.body-param__text");
        browser.write(&field, body).await;
    }
    browser.click(&format!("{block} .execute")).await;
    let answers = format!("{block} .live-responses-table tr.response");
    browser
        .text(&format!("{answers} .response-col_status"))
        .await
}

#[tokio::test]
async fn swagger_ui_works_offline_and_tries_operations_out() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    browser.visit(&format!("{}/docs", service.url())).await;
    browser
        .until(
            "the operations",
            "document.querySelectorAll('.opblock').length >= 13",
        )
        .await;
    let health = execute(&browser, "operations-system-getHealth", None).await;
    assert!(health.starts_with("200"), "{health}");
    let body = format!("{{\"rtsp_url\": \"{}\", \"wait\": 20}}", camera.url("/cam"));
    let start = execute(&browser, "operations-compat-start", Some(&body)).await;
    assert!(start.starts_with("200"), "{start}");
    assert_quiet(&browser, service.url()).await;
    let list = service.get("/v1/sessions").await.expect(200).json();
    assert_eq!(list["items"][0]["rtsp_url"], camera.url("/cam"));
    let id = list["items"][0]["id"].as_str().expect("an id");
    service.until_winners(id, 9).await;
    let stop = execute(&browser, "operations-compat-stop", None).await;
    assert!(stop.starts_with("200"), "{stop}");
    assert_quiet(&browser, service.url()).await;
}
