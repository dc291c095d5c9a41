//! Watching a session through the service while its camera misbehaves: what it
//! says is wrong, and how long it took to say so.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::{
    service::Service,
    wait::{Stopwatch, eventually},
};

/// What a session said when it gave up.
#[derive(Debug)]
pub struct Told {
    /// The kind of its error.
    pub kind: String,
    /// From the start of the session.
    pub took: Duration,
    /// All of it.
    pub session: Value,
}

impl Service {
    /// Starts a session, waits for nothing, and gives its id.
    pub async fn open(&self, rtsp_url: &str, mut options: Value) -> String {
        options["rtsp_url"] = rtsp_url.into();
        let reply = self.post_json("/v1/sessions", &options).await.expect(201);
        let id = reply.json()["id"].as_str().map(str::to_owned);
        id.expect("a session has an id")
    }

    /// Starts a session and waits until it has failed.
    pub async fn diagnose(&self, rtsp_url: &str, options: Value) -> Told {
        let start = Instant::now();
        let id = self.open(rtsp_url, options).await;
        let failed = |session: &Value| session["state"] == "failed";
        let session = self.until_that(&id, "it has failed", failed).await;
        let took = start.elapsed();
        let kind = session["error"]["kind"].as_str().unwrap_or_default();
        let message = session["error"]["message"].as_str().unwrap_or_default();
        assert!(
            message.split_whitespace().count() > 3,
            "{message:?} is no sentence"
        );
        eprintln!("{kind} after {took:?}: {message}");
        Told {
            kind: kind.to_owned(),
            took,
            session,
        }
    }

    /// Asks for a session until it is as wanted, and shows it.
    pub async fn until_that(&self, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let wanted = format!("{id}: {what}");
        eventually(&wanted, async || {
            let session = self.session(id).await;
            if session != last {
                last.clone_from(&session);
                // Shown if the test fails.
                eprintln!("{id}: {} {}", session["state"], session["error"]);
            }
            is(&session).then_some(session)
        })
        .await
    }

    /// Stops a session; how long the answer took, and the report.
    pub async fn halt(&self, id: &str) -> (Duration, Value) {
        let start = Stopwatch::start();
        let answer = self.post(&format!("/v1/sessions/{id}/stop")).await;
        let took = start.elapsed();
        eprintln!("{id}: stopped in {took:?}");
        (took, answer.expect(200).json())
    }

    /// Deletes a session and its gallery.
    pub async fn forget(&self, id: &str) {
        let request = self.request(Method::DELETE, &format!("/v1/sessions/{id}"));
        self.send(request).await.expect(204);
    }
}
