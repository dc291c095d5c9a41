//! The page at "/" in a real browser, on a desktop and on a phone: a camera is
//! started, watched and stopped, and what is wrong is said where it is wrong.
//! Galleries and history are `browser_galleries`' business, cameras that fail and lines
//! that drop `browser_trouble`'s.

use bestshot_tests::{
    Browser, Camera, Device, NINE_PICTURES, RECORD, Service, WEIGHT, assert_sound, assert_still,
    start_on_page,
};
use serde_json::json;

async fn is_started_watched_and_stopped(device: Device) {
    let camera = Camera::with(&["/cam=vtest_street.mp4,speed=2"]);
    let (camera, service, browser) = tokio::join!(camera, Service::start(), Browser::open());
    browser.hold(device).await;
    browser.before_pages(RECORD).await;
    browser.visit(&format!("{}/", service.url())).await;
    let known = "document.body.classList.contains('known')";
    browser.until("the page knows the sessions", known).await;
    assert_sound(&browser, &service, "the empty page").await;

    let id = start_on_page(&browser, &service, &camera.url("/cam")).await;
    browser.until("nine pictures", NINE_PICTURES).await;
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
    assert_sound(&browser, &service, "the live page").await;
    assert_still(&browser).await;

    browser.click(".card .stop").await;
    service.until(&id, &["stopped"]).await;
    let over = "document.querySelector('.badge').textContent == 'Stopped'";
    browser.until("it is shown as stopped", over).await;
    browser.until("nine pictures of it", NINE_PICTURES).await;
    let none = "!document.querySelector('.shots .newest')";
    browser.until("none is new any more", none).await;
    let told = "document.querySelectorAll('#tiles .tile img').length == 1";
    browser.until("the gallery in the list", told).await;
    assert_sound(&browser, &service, "the stopped page").await;
    browser.click(".card .gallery").await;
    browser.element(".grid").await;
    let heading = browser.text("h1").await;
    assert_eq!(heading, "Top 9 Brightest Frames");
    assert_sound(&browser, &service, "the gallery").await;
}

#[tokio::test]
async fn a_camera_is_started_watched_and_stopped_on_a_desktop_without_a_layout_shift() {
    is_started_watched_and_stopped(Device::Desktop).await;
}

#[tokio::test]
async fn a_camera_is_started_watched_and_stopped_on_a_phone_without_a_layout_shift() {
    is_started_watched_and_stopped(Device::Phone).await;
}

#[tokio::test]
async fn a_camera_is_started_watched_and_stopped_on_a_wide_screen_without_a_layout_shift() {
    is_started_watched_and_stopped(Device::Wide).await;
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
    let barriers = browser.barriers().await;
    assert!(barriers.is_empty(), "{barriers:#?}");
    let id = start_on_page(&browser, &service, &camera.url("/cam")).await;
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
}

#[tokio::test]
async fn the_page_weighs_100_kilobytes_at_most_without_images() {
    let (service, browser) = tokio::join!(Service::start(), Browser::open());
    browser.visit(&format!("{}/", service.url())).await;
    let known = "document.body.classList.contains('known')";
    browser.until("all is loaded", known).await;
    let weight = browser.value(WEIGHT).await.as_f64().expect("a number");
    println!("{weight} bytes");
    assert!((10_000.0..=100_000.0).contains(&weight), "{weight}");
}
