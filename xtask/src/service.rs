//! `bestshot serve` as a running program, and its HTTP interface as a client
//! sees it.
//!
//! What lives here: start, the calls that demo and benchmarks make, the end.
//! What does not: what is shown or measured.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use ureq::Body;
use ureq::http::Response;

use crate::tied::{self, Tied};

/// What the service prints before its address, once it answers.
const READY: &str = "bestshot is listening on ";
const READY_WITHIN: Duration = Duration::from_secs(20);
/// Above the longest wait the service allows (30 s).
const ANSWER_WITHIN: Duration = Duration::from_secs(45);

/// A running service; it and its workers end when this is dropped.
pub(crate) struct Service {
    base: String,
    data: PathBuf,
    agent: ureq::Agent,
    program: Tied,
}

impl Service {
    /// Starts `bestshot serve` on loopback with its data in `data` and its log
    /// in `log`. Port 0 lets the system choose.
    pub(crate) fn start(bestshot: &Path, port: u16, data: &Path, log: &Path) -> Result<Self> {
        Self::start_with(bestshot, port, data, log, &[])
    }

    /// The same with further words on its command line.
    pub(crate) fn start_with(
        bestshot: &Path,
        port: u16,
        data: &Path,
        log: &Path,
        words: &[&OsStr],
    ) -> Result<Self> {
        if let Some(parent) = log.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut command = tied::piped(bestshot);
        command
            .args([
                "serve",
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--data-dir",
            ])
            .arg(data)
            .args(words)
            .stderr(Stdio::from(File::create(log)?));
        let mut program = Tied::spawn(&mut command)?;
        let stdout = program.take_stdout().context("the service has no output")?;
        let base = first_address(stdout)
            .with_context(|| format!("the service did not start; {} tells why", log.display()))?;
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WITHIN))
            .build()
            .into();
        Ok(Self {
            base,
            data: data.to_owned(),
            agent,
            program,
        })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The service's own process; its workers are its children.
    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    /// Whether it has ended although nobody asked it to.
    pub(crate) fn has_ended(&self) -> bool {
        self.program.has_ended()
    }

    /// Where a session's gallery lies on disk.
    pub(crate) fn gallery(&self, session: &str) -> PathBuf {
        self.data.join(session)
    }

    /// `POST /start`, answered when the first frame is scored. Gives the
    /// session's id.
    pub(crate) fn start_session(&self, rtsp_url: &str) -> Result<String> {
        self.start_session_with(rtsp_url, &json!({}))
    }

    /// The same with more start options, which are an object.
    pub(crate) fn start_session_with(&self, rtsp_url: &str, options: &Value) -> Result<String> {
        let mut body = options.clone();
        body["rtsp_url"] = rtsp_url.into();
        body["wait"] = 10.into();
        let answer = self.agent.post(self.path("/start")).send_json(&body)?;
        let reply = json(answer).context("POST /start")?;
        let id = reply["session"]["id"].as_str();
        Ok(id.context("POST /start told no session")?.to_owned())
    }

    /// `GET /v1/sessions/{id}`.
    pub(crate) fn session(&self, id: &str) -> Result<Value> {
        let answer = self
            .agent
            .get(self.path(&format!("/v1/sessions/{id}")))
            .call()?;
        json(answer).context("GET /v1/sessions/{id}")
    }

    /// The best score so far, where a frame was scored.
    pub(crate) fn best_score(&self, id: &str) -> Result<Option<f64>> {
        let path = self.path(&format!("/v1/sessions/{id}/frames"));
        let frames = json(self.agent.get(path).call()?).context("GET /v1/sessions/{id}/frames")?;
        Ok(frames["items"][0]["score"].as_f64())
    }

    /// `GET /stop` as a program asks: the report.
    pub(crate) fn stop(&self, id: &str) -> Result<Value> {
        let call = self.agent.get(self.path("/stop")).query("session", id);
        json(call.header("Accept", "application/json").call()?).context("GET /stop")
    }

    /// `GET /stop` as a browser asks: the page.
    pub(crate) fn stop_page(&self, id: &str) -> Result<String> {
        let call = self.agent.get(self.path("/stop")).query("session", id);
        let mut answer = call.header("Accept", "text/html").call()?;
        let text = answer.body_mut().read_to_string()?;
        if answer.status() != 200 {
            bail!("GET /stop answered {}: {text}", answer.status());
        }
        Ok(text)
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// Whether a port of loopback is free at this moment.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Waits for the line that tells the address; later lines are read and
/// forgotten, so that the service never waits for us.
fn first_address(stdout: impl Read + Send + 'static) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(address) = address(&line) {
                // Nobody listens any more after the first.
                let _ = sender.send(address);
            }
        }
    });
    receiver
        .recv_timeout(READY_WITHIN)
        .context("it printed no address")
}

fn address(line: &str) -> Option<String> {
    let (_, address) = line.split_once(READY)?;
    Some(address.trim().trim_end_matches('/').to_owned())
}

/// An answer's JSON, or an error with what the service said instead.
fn json(mut answer: Response<Body>) -> Result<Value> {
    let status = answer.status();
    let text = answer.body_mut().read_to_string()?;
    if !status.is_success() {
        let problem: Value = serde_json::from_str(&text).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or(&text);
        bail!("the service answered {status}: {detail}");
    }
    serde_json::from_str(&text).with_context(|| format!("{text:?} is no JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_line_that_tells_it() {
        let line = "bestshot is listening on http://127.0.0.1:8000/";
        assert_eq!(address(line).as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(address("bestshot 0.1.0"), None);
    }

    #[test]
    fn a_service_that_ends_without_an_address_is_an_error() {
        assert!(first_address(&b"something else\n"[..]).is_err());
        let text = &b"hello\nbestshot is listening on http://[::1]:1\nmore\n"[..];
        assert_eq!(first_address(text).unwrap(), "http://[::1]:1");
    }

    #[test]
    fn a_taken_port_is_seen() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(taken.local_addr().unwrap().port()));
    }
}
