//! One answer of the service, and what holds for every answer whatever was
//! asked: errors are problems (RFC 9457), and browsers are told to be careful.

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

/// What the service answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The method of the request.
    pub method: Method,
    /// The path and the query of the request.
    pub target: String,
    /// The status as a number.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

const FIELDS: [&str; 6] = ["type", "title", "status", "detail", "kind", "errors"];

impl Answer {
    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|v| v.to_str().ok());
        value.unwrap_or_default()
    }

    /// The media type without its parameters.
    pub fn media_type(&self) -> &str {
        let value = self.header("content-type");
        value.split(';').next().unwrap_or_default().trim()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} is not JSON", self.told()))
    }

    /// This answer, if its status is the one expected.
    #[expect(
        clippy::return_self_not_must_use,
        reason = "the status alone may be what is checked"
    )]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.told());
        self
    }

    /// The problem of an answer whose status is among those expected.
    pub fn problem(&self, statuses: &[u16]) -> Value {
        assert!(
            statuses.contains(&self.status),
            "{} instead of {statuses:?}",
            self.told()
        );
        self.json()
    }

    /// The problem, which must blame this field of the request.
    pub fn blames(&self, statuses: &[u16], field: &str) -> Value {
        let problem = self.problem(statuses);
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        assert!(
            errors.iter().any(|error| error["field"] == field),
            "{} does not name {field}",
            self.told()
        );
        problem
    }

    /// Request, status and body in a line, for messages.
    pub fn told(&self) -> String {
        let body: String = self.text().chars().take(600).collect();
        let Self {
            method,
            target,
            status,
            ..
        } = self;
        format!("{method} {target} -> {status} {body}")
    }

    /// Checks what every answer promises.
    pub(crate) fn check(&self) {
        assert_eq!(
            self.header("x-content-type-options"),
            "nosniff",
            "{}",
            self.told()
        );
        // Browsers open these: a person gets a page also where that fails.
        let opened = self.target.starts_with("/stop")
            || self.target.contains("/gallery")
            || !self.target.starts_with("/v1/");
        let page = opened && self.media_type() == "text/html";
        if self.status < 400 || self.method == Method::HEAD || page {
            return;
        }
        assert_eq!(
            self.media_type(),
            "application/problem+json",
            "{}",
            self.told()
        );
        let problem = self.json();
        let fields = problem.as_object().expect("a problem is an object");
        for name in fields.keys() {
            assert!(FIELDS.contains(&name.as_str()), "{}", self.told());
        }
        assert_eq!(problem["status"], self.status, "{}", self.told());
        for name in ["type", "title"] {
            assert!(problem[name].is_string(), "{}", self.told());
        }
        for error in problem["errors"].as_array().into_iter().flatten() {
            assert!(error["field"].is_string(), "{}", self.told());
            assert!(
                error["message"].as_str().is_some_and(|m| !m.is_empty()),
                "{}",
                self.told()
            );
        }
    }
}
