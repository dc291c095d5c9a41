//! Drives the real service with real cameras through each flow of the page, on a
//! desktop and on a phone, light and dark, and writes a picture of each step to
//! `target/screenshots`; the README's own two are among them. `cargo xtask screenshots`
//! runs it.
//!
//! What lives here: the way through the pages. What does not: any promise about them,
//! which the tests make.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a tool for developers says what is wrong by panicking"
)]

use std::{fs, net::TcpListener};

use bestshot_tests::{
    Browser, Camera, Device, FaultPort, Key, Launch, NINE_PICTURES, Service, copy_gallery,
    start_on_page,
};
use serde_json::json;

/// Where cameras usually are; the pictures show it where it is free.
const USUAL_PORT: u16 = 8554;
/// A street, fast and faster.
const MOUNTS: &[&str] = &[
    "/street=vtest_street.mp4,speed=2",
    "/faster=vtest_street.mp4,speed=4",
];
/// Of the recording's 795 frames: behind its end it begins again, and with it the same
/// frames win again.
const FRAMES: u64 = 700;

#[tokio::main]
async fn main() {
    readme().await;
    for (device, name) in [(Device::Desktop, "desktop"), (Device::Phone, "phone")] {
        eprintln!("On a {name} …");
        let mut tour = Tour::begin(device, name).await;
        tour.start_and_live().await;
        tour.gallery().await;
        tour.others().await;
    }
}

async fn camera() -> Camera {
    let free = TcpListener::bind(("127.0.0.1", USUAL_PORT)).is_ok();
    Camera::on_port(if free { USUAL_PORT } else { 0 }, MOUNTS).await
}

/// A finished session of most of the recording, by this characteristic; its id.
async fn finished(service: &Service, url: &str, best: &str) -> String {
    let options = json!({ "best": best, "min_gap": 1 });
    let id = service.begin_with(url, options).await;
    service.until_scored(&id, FRAMES).await;
    service.until_winners(&id, 9).await;
    service.halt(&id).await;
    id
}

/// The pictures in the README. Each session sees the recording from its beginning, so
/// the same frames win in every run.
async fn readme() {
    eprintln!("For the README …");
    let (camera, service, browser) = tokio::join!(camera(), Service::start(), Browser::open());
    let url = camera.url("/street");
    let faster = camera.url("/faster");
    finished(&service, &faster, "sharpness").await;
    finished(&service, &faster, "motion").await;
    browser.hold(Device::Desktop).await;
    browser.light("light").await;
    browser.visit(&format!("{}/", service.url())).await;
    browser.write("#min_gap", "2").await;
    let id = start_on_page(&browser, &service, &url).await;
    service.until_scored(&id, FRAMES).await;
    browser.until("nine pictures", NINE_PICTURES).await;
    let tiles = "document.querySelectorAll('#tiles img').length == 2
        && [...document.querySelectorAll('#tiles img')].every(image => image.naturalWidth > 0)";
    browser.until("two galleries", tiles).await;
    browser.photograph("readme-live").await;
    browser.click(".card .stop").await;
    service.until(&id, &["stopped"]).await;
    browser.visit(&format!("{}/stop", service.url())).await;
    whole(&browser).await;
    browser.photograph("readme-stop").await;
}

/// Waits until every picture of a gallery's page is there.
async fn whole(browser: &Browser) {
    let loaded = "document.images.length == 10
        && [...document.images].every(image => image.complete && image.naturalWidth > 0)";
    browser.until("nine thumbnails and the plot", loaded).await;
}

/// One way through the pages on one device.
struct Tour {
    camera: Camera,
    service: Option<Service>,
    browser: Browser,
    folder: tempfile::TempDir,
    name: &'static str,
    id: String,
}

impl Tour {
    async fn begin(device: Device, name: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be had");
        let launch = Launch::new().in_folder(folder.path()).start();
        let (camera, service, browser) = tokio::join!(camera(), launch, Browser::open());
        browser.hold(device).await;
        Self {
            camera,
            service: Some(service),
            browser,
            folder,
            name,
            id: String::new(),
        }
    }

    fn service(&self) -> &Service {
        self.service.as_ref().expect("it runs")
    }

    /// A picture in light and one in the dark.
    async fn photograph(&self, what: &str) {
        for scheme in ["dark", "light"] {
            self.browser.light(scheme).await;
            let name = format!("{what}-{}-{scheme}", self.name);
            self.browser.photograph(&name).await;
        }
    }

    async fn home(&self) {
        let browser = &self.browser;
        browser.visit(&format!("{}/", self.service().url())).await;
        let known = "document.body.classList.contains('known')";
        browser.until("the page knows the sessions", known).await;
        let listed = "document.querySelectorAll('#best option').length > 10";
        browser.until("the service's own list", listed).await;
    }

    async fn start_and_live(&mut self) {
        let browser = &self.browser;
        self.home().await;
        self.photograph("start").await;
        browser
            .write("#rtsp_url", "http://192.168.1.20/video")
            .await;
        browser.click("summary").await;
        browser.write("#width", "90000").await;
        browser.write("#roi", "the door").await;
        browser.click("#start button[type=submit]").await;
        let told = "!!document.getElementById('roi-error').textContent";
        browser.until("the faults", told).await;
        self.photograph("faults").await;

        self.home().await;
        let mix = "(list => { list.value = 'overall';
            list.dispatchEvent(new Event('change', { bubbles: true })); })
            (document.getElementById('best'))";
        browser.value(mix).await;
        self.photograph("weights").await;

        self.home().await;
        let url = self.camera.url("/street");
        let id = start_on_page(browser, self.service(), &url).await;
        browser.until("nine pictures", NINE_PICTURES).await;
        let line = "document.querySelector('.spark polyline')?.getAttribute('points').length > 200";
        browser.until("the score over time", line).await;
        let marked = "document.querySelectorAll('.shots .newest').length == 1";
        browser.until("the newest winner marked", marked).await;
        self.photograph("live").await;
        browser.line(false).await;
        let dropped = "document.getElementById('connection').textContent != ''";
        browser.until("the page says so", dropped).await;
        self.photograph("dropped").await;
        browser.line(true).await;
        let found = "document.getElementById('connection').textContent == ''";
        browser.until("it is found again", found).await;
        browser.click(".card .stop").await;
        self.service().until(&id, &["stopped"]).await;
        browser.until("the pictures", NINE_PICTURES).await;
        let tile = "document.querySelector('#tiles img')?.naturalWidth > 0";
        browser.until("the gallery in the list", tile).await;
        self.photograph("stopped").await;
        self.id = id;
    }

    async fn gallery(&self) {
        let browser = &self.browser;
        let page = format!("{}/v1/sessions/{}/gallery", self.service().url(), self.id);
        browser.visit(&page).await;
        whole(browser).await;
        self.photograph("gallery").await;
        browser.click(".grid li:nth-child(2) a").await;
        let original = "document.querySelector('dialog[open] img')?.naturalWidth == 768";
        browser.until("the original", original).await;
        self.photograph("viewer").await;
        browser.press(Key::Escape).await;
        browser.click("#delete").await;
        self.photograph("delete").await;
        let saved = fs::canonicalize(self.folder.path().join(&self.id)).expect("a gallery");
        browser
            .visit(&format!("file://{}/index.html", saved.display()))
            .await;
        whole(browser).await;
        self.photograph("saved").await;
    }

    /// The history of many, a camera that fails, Swagger UI.
    async fn others(&mut self) {
        let service = self.service.take().expect("it runs");
        service.terminate().await;
        copy_gallery(self.folder.path(), &self.id, 300);
        self.service = Some(Launch::new().in_folder(self.folder.path()).start().await);
        let browser = &self.browser;
        self.home().await;
        let loaded = "[...document.querySelectorAll('#tiles img')].slice(0, 6)
            .every(image => image.naturalWidth > 0)";
        browser.until("thumbnails", loaded).await;
        self.photograph("history").await;
        browser.write("#camera", "10.0.0.2").await;
        let only = "document.querySelectorAll('#tiles .where').length > 0
            && [...document.querySelectorAll('#tiles .where')]
                .every(({ textContent }) => textContent == '10.0.0.2/stream1')";
        browser.until("one camera's", only).await;
        self.photograph("search").await;
        browser.write("#camera", "nowhere").await;
        let none = "!document.querySelector('#tiles .tile')";
        browser.until("nothing", none).await;

        let port = FaultPort::refusing();
        let url = format!("rtsp://127.0.0.1:{}/cam", port.port());
        let id = start_on_page(browser, self.service(), &url).await;
        self.service().until(&id, &["failed"]).await;
        let failed = "document.querySelector('.badge').textContent == 'Failed'";
        browser.until("it is shown as failed", failed).await;
        self.photograph("failed").await;

        browser
            .visit(&format!("{}/docs", self.service().url()))
            .await;
        let operations = "document.querySelectorAll('.opblock').length >= 13";
        browser.until("the operations", operations).await;
        self.photograph("docs").await;
    }
}
