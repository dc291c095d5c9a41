//! The page at "/" as its visitors use it: what its tests, its pictures and its
//! figures share.

use serde_json::json;

use crate::{browser::Browser, service::Service, wait::eventually};

/// Whether nine boxes of the card show the pictures of their own frames.
pub const NINE_PICTURES: &str =
    "document.querySelectorAll('.shots .taken:not(.late) .picture img').length == 9";

/// The bytes of all files that a page asked for, images left out.
pub const WEIGHT: &str =
    "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .filter(({ name }) => !name.includes('/v1/') && !name.endsWith('.svg'))
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)";

/// Starts a session by the form and gives its id once its card is there.
pub async fn start_on_page(browser: &Browser, service: &Service, url: &str) -> String {
    browser.write("#rtsp_url", url).await;
    browser.click("#start button[type=submit]").await;
    let id = eventually("the session", async || {
        let list = service.get("/v1/sessions").await.expect(200).json();
        let newest = list["items"].as_array()?.iter().find(|item| {
            let address = item["rtsp_url"].as_str();
            address == Some(url) && item["ended_at"].is_null()
        });
        newest?["id"].as_str().map(str::to_owned)
    })
    .await;
    browser
        .element(&format!(".card[data-session='{id}']"))
        .await;
    id
}

/// The complaints that matter. A winner may be overtaken before its picture was made,
/// and the page asks again; the console tells the first answer all the same.
pub fn grave(mut complaints: Vec<String>) -> Vec<String> {
    complaints.retain(|line| !(line.contains("/thumbnail?") && line.contains("404")));
    complaints
}

/// Checks that nobody is kept out, that nothing is wider than the window, and that
/// nothing was complained of or fetched from elsewhere.
pub async fn assert_sound(browser: &Browser, service: &Service, what: &str) {
    let wide = "document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.value(wide).await, true, "{what} is too wide");
    for scheme in ["dark", "light"] {
        browser.light(scheme).await;
        let barriers = browser.barriers().await;
        assert!(barriers.is_empty(), "{what}, {scheme}: {barriers:#?}");
    }
    let complaints = grave(browser.complaints().await);
    assert!(complaints.is_empty(), "{what}: {complaints:#?}");
    for address in browser.fetched().await {
        let local = [service.url(), "data:", "about:", "chrome:"];
        assert!(
            local.iter().any(|start| address.starts_with(start)),
            "{address} is elsewhere"
        );
    }
}

/// Checks that nothing moved by itself; [`RECORD`](crate::RECORD) must have been
/// there before the page.
pub async fn assert_still(browser: &Browser) {
    let shifts = browser.value("record.shifts").await;
    assert_eq!(shifts, json!([]), "what was shown moved");
}
