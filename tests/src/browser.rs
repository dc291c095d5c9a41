//! A headless Chromium, driven through Debian's chromedriver, with what it
//! fetched and what it complained about.

use std::{ops::Deref, path::Path, process::Command};

use fantoccini::{
    Client, ClientBuilder, Locator, elements::Element, wd::WebDriverCompatibleCommand,
};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use url::Url;

use crate::{
    place, process,
    process::{Process, kill_hard},
    wait::eventually,
};

/// A browser window of its own profile. Dropping it ends all its processes.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    /// Held for its life.
    _driver: Process,
    profile: TempDir,
}

impl Browser {
    /// Opens a window of 1280 × 1100 pixels.
    pub async fn open() -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder can be had");
        let mut command = Command::new("/usr/bin/chromedriver");
        command.args(["--port=0", "--log-level=WARNING"]);
        let mut driver = Process::start("chromedriver", &mut command);
        let port: u16 = driver
            .line(|line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse().ok()
            })
            .await;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = ClientBuilder::new(connector)
            .capabilities(capabilities(profile.path()))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("Chromium can be started");
        Self {
            client,
            _driver: driver,
            profile,
        }
    }

    /// Opens a page and waits until it is loaded.
    pub async fn visit(&self, url: &str) {
        self.client.goto(url).await.expect("the page can be opened");
    }

    /// What an expression of JavaScript is in this page.
    pub async fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        let value = self.client.execute(&script, Vec::new()).await;
        value.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Waits until an expression of JavaScript is true in this page.
    pub async fn until(&self, what: &str, expression: &str) {
        eventually(what, async || {
            (self.value(expression).await == true).then_some(())
        })
        .await;
    }

    /// Waits for the first element that fits and gives it.
    pub async fn element(&self, selector: &str) -> Element {
        let found = self.client.wait().for_element(Locator::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    /// Clicks on the first element that fits, as a person does.
    pub async fn click(&self, selector: &str) {
        let clicked = self.element(selector).await.click().await;
        clicked.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Writes into a field in place of what it holds, as a person does.
    pub async fn write(&self, selector: &str, text: &str) {
        let field = self.element(selector).await;
        let cleared = field.clear().await;
        cleared.unwrap_or_else(|error| panic!("{selector}: {error}"));
        let written = field.send_keys(text).await;
        written.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Waits for the first element that fits and gives its text.
    pub async fn text(&self, selector: &str) -> String {
        let text = self.element(selector).await.text().await;
        text.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    /// Writes a picture of the whole page to `target/screenshots`.
    pub async fn photograph(&self, name: &str) {
        let height = self.value("document.documentElement.scrollHeight").await;
        let height = u32::try_from(height.as_u64().unwrap_or(1100)).unwrap_or(1100);
        let size = self.client.set_window_size(1280, height.clamp(1100, 4000));
        size.await.expect("a window can be resized");
        let picture = self.client.screenshot().await.expect("a picture");
        let file = place::screenshots().join(format!("{name}.png"));
        std::fs::write(&file, picture).expect("a picture can be written");
    }

    /// The complaints on the console since this was last asked.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.log("browser").await;
        let grave = entries.iter().filter(|e| {
            ["SEVERE", "WARNING"]
                .iter()
                .any(|level| e["level"] == *level)
        });
        grave.map(|entry| entry["message"].to_string()).collect()
    }

    /// The addresses that pages asked for since this was last asked.
    pub async fn fetched(&self) -> Vec<String> {
        let entries = self.log("performance").await;
        let address = |entry: &Value| {
            let event: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let message = &event["message"];
            (message["method"] == "Network.requestWillBeSent").then(|| {
                message["params"]["request"]["url"]
                    .as_str()
                    .map(str::to_owned)
            })?
        };
        entries.iter().filter_map(address).collect()
    }

    async fn log(&self, kind: &'static str) -> Vec<Value> {
        let entries = self.client.issue_cmd(Log(kind)).await;
        let entries = entries.expect("chromedriver keeps logs");
        entries.as_array().expect("a log is a list").clone()
    }
}

impl Deref for Browser {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium outlives a driver that is killed. Its processes are known by
        // the profile in their command lines.
        let profile = self.profile.path().to_string_lossy().into_owned();
        for pid in process::all().filter(|pid| process::command_line(*pid).contains(&profile)) {
            kill_hard(pid);
        }
    }
}

fn capabilities(profile: &Path) -> Map<String, Value> {
    let profile = format!("--user-data-dir={}", profile.display());
    let wanted = json!({
        "goog:chromeOptions": {
            "binary": "/usr/bin/chromium",
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--no-first-run", "--window-size=1280,1100", profile,
            ],
        },
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
    });
    wanted.as_object().cloned().unwrap_or_default()
}

/// Chromedriver's own command that gives and empties a log.
#[derive(Debug)]
struct Log(&'static str);

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/se/log"))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": self.0 }).to_string()))
    }
}
