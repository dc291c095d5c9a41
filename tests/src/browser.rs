//! A headless Chromium, driven through Debian's chromedriver, with what it
//! fetched and what it complained about.

use std::{ops::Deref, path::Path, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use fantoccini::{
    Client, ClientBuilder, Locator, elements::Element, key::Key, wd::WebDriverCompatibleCommand,
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
        Self::with(&[], true).await
    }

    /// The same without a record of what it fetches, which no person's browser keeps and
    /// which delays a first paint by a fifth.
    pub async fn unrecorded() -> Self {
        Self::with(&[], false).await
    }

    /// The same for which no name can be resolved and no host but this one reached.
    pub async fn cut_off() -> Self {
        let words = [
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--proxy-server=direct://",
        ];
        Self::with(&words, true).await
    }

    async fn with(words: &[&str], recorded: bool) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder can be had");
        let (driver, port) = driver().await;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = ClientBuilder::new(connector)
            .capabilities(capabilities(profile.path(), words, recorded))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("Chromium can be started");
        Self {
            client,
            _driver: driver,
            profile,
        }
    }

    /// Opens a page and waits until it is loaded; of the service's own page also until
    /// its scripts, which come after its first paint, look after the start form.
    pub async fn visit(&self, url: &str) {
        self.client.goto(url).await.expect("the page can be opened");
        let lively = "document.querySelector('form#start')?.noValidate ?? true";
        self.until("the scripts of the page", lively).await;
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

    /// Writes a picture of what is seen, or of the whole page where it is not taller
    /// than four windows, to `target/screenshots`.
    pub async fn photograph(&self, name: &str) {
        let faded = "document.getAnimations().every(a => a.animationName != 'appear')";
        self.until("the pictures have appeared", faded).await;
        let small = "document.documentElement.scrollHeight <= 4 * innerHeight
            && !document.querySelector('dialog[open]')";
        let whole = self.value(small).await == true;
        let wanted = json!({ "format": "png", "captureBeyondViewport": whole });
        let picture = self.devtools("Page.captureScreenshot", wanted).await;
        let picture = picture["data"].as_str().expect("a picture");
        let picture = STANDARD.decode(picture).expect("it is base64");
        let file = place::screenshots().join(format!("{name}.png"));
        std::fs::write(&file, picture).expect("a picture can be written");
    }

    /// From now on the pages are on this device.
    pub async fn hold(&self, device: Device) {
        let (width, height, phone) = match device {
            Device::Phone => (390, 844, true),
            Device::Desktop => (1280, 900, false),
            Device::Wide => (1920, 1080, false),
        };
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// From now on the pages have no line to the service, or have it again.
    pub async fn line(&self, there: bool) {
        self.devtools("Network.enable", json!({})).await;
        let unlimited = json!({
            "offline": !there, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.devtools("Network.emulateNetworkConditions", unlimited)
            .await;
    }

    /// From now on the pages are asked to be dark, or light.
    pub async fn light(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": [feature] }),
        )
        .await;
    }

    /// Runs this script in every page from now on, before its own.
    pub async fn before_pages(&self, script: &str) {
        let script = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", script)
            .await;
    }

    /// Presses keys where the focus is.
    pub async fn press(&self, key: Key) {
        let focus = self.client.active_element().await.expect("a focus");
        let text = char::from(key).to_string();
        focus.send_keys(&text).await.expect("a key can be pressed");
    }

    /// What axe-core finds wrong with the page as it is: a line for each.
    pub async fn barriers(&self) -> Vec<String> {
        let axe = place::tool("axe/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(axe).expect("axe can be read");
        let loaded = self.client.execute(&axe, Vec::new()).await;
        loaded.expect("axe can be loaded");
        let run = "const done = arguments[0];
            axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
                done(violations.flatMap(({ id, nodes }) =>
                    nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`))));";
        let found = self.client.execute_async(run, Vec::new()).await;
        let found = found.expect("axe can be run");
        let found = found.as_array().expect("a list of findings");
        found.iter().map(ToString::to_string).collect()
    }

    /// A command of the browser's own developer tools, and its answer.
    pub async fn devtools(&self, command: &str, words: Value) -> Value {
        let command = Devtools(json!({ "cmd": command, "params": words }));
        let answer = self.client.issue_cmd(command).await;
        answer.expect("the browser carries it out")
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

/// A chromedriver that listens, and its port. It takes a port that is free for IPv6 and
/// ends if somebody has that one for IPv4 already, as a test beside this one may: then
/// another is started.
async fn driver() -> (Process, u16) {
    for _ in 0..10 {
        let mut command = Command::new("/usr/bin/chromedriver");
        command.args(["--port=0", "--log-level=WARNING"]);
        let mut driver = Process::start("chromedriver", &mut command);
        let port = driver
            .line_or_end(|line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse().ok()
            })
            .await;
        match port {
            Some(port) => return (driver, port),
            None => println!("chromedriver ended at once:\n{}", driver.log()),
        }
    }
    panic!("chromedriver does not start");
}

fn capabilities(profile: &Path, words: &[&str], recorded: bool) -> Map<String, Value> {
    let profile = format!("--user-data-dir={}", profile.display());
    let usual = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--window-size=1280,1100",
        &profile,
    ];
    let words: Vec<&str> = usual.iter().chain(words).copied().collect();
    let wanted = json!({
        "goog:chromeOptions": {
            "binary": "/usr/bin/chromium",
            "args": words,
        },
        "goog:loggingPrefs": if recorded {
            json!({ "browser": "ALL", "performance": "ALL" })
        } else {
            json!({})
        },
    });
    wanted.as_object().cloned().unwrap_or_default()
}

/// What the pages are looked at on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// 390 × 844.
    Phone,
    /// 1280 × 900.
    Desktop,
    /// 1920 × 1080.
    Wide,
}

/// Chromedriver's own command that passes one on to the developer tools.
#[derive(Debug)]
struct Devtools(Value);

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.to_string()))
    }
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

/// Keeps a record of layout shifts, for
/// [`Browser::before_pages`]; `window.record` holds it.
pub const RECORD: &str = "
    window.record = { shifts: [] };
    new PerformanceObserver(list => list.getEntries().forEach(entry =>
        entry.hadRecentInput || record.shifts.push([entry.value, ...entry.sources.map(source =>
            source.node?.outerHTML?.slice(0, 120) ?? String(source.node))])
    )).observe({ type: 'layout-shift', buffered: true });";
