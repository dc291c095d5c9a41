//! Counts for Prometheus, in its text format, version 0.0.4. Labels come from
//! fixed sets only: operations of the document, statuses, states.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::{Mutex, PoisonError},
};

use bestshot_session::State;
use poem::{Body, Response, http::header};

use crate::state::Sessions;

/// Answers by operation and status.
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(String, u16), u64>>,
}

const STATES: [State; 7] = [
    State::Connecting,
    State::Running,
    State::Reconnecting,
    State::Stopping,
    State::Stopped,
    State::Ended,
    State::Failed,
];

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            requests: Mutex::default(),
        }
    }

    /// Counts one answer. `operation` is from a fixed set.
    pub(crate) fn count(&self, operation: &str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((operation.to_owned(), status)).or_default() += 1;
    }

    /// `/metrics`.
    pub(crate) fn page(&self, sessions: &Sessions) -> Response {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text, sessions);
        Response::builder()
            .header(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )
            .body(Body::from_string(text))
    }

    fn write(&self, out: &mut String, sessions: &Sessions) -> fmt::Result {
        let live = sessions.live();
        head(
            out,
            "bestshot_sessions",
            "gauge",
            "Sessions not yet settled, by state.",
        )?;
        for state in STATES {
            let count = live
                .iter()
                .filter(|entry| entry.status().state == state)
                .count();
            writeln!(out, "bestshot_sessions{{state=\"{state}\"}} {count}")?;
        }
        let totals = sessions.totals();
        for (name, value, help) in [
            ("sessions_started", totals.sessions, "Sessions started."),
            (
                "frames_decoded",
                totals.decoded,
                "Frames decoded, all sessions.",
            ),
            (
                "frames_scored",
                totals.scored,
                "Frames scored, all sessions.",
            ),
            (
                "frames_dropped",
                totals.dropped,
                "Frames skipped for lack of time, all sessions.",
            ),
            (
                "frames_rejected",
                totals.rejected,
                "Frames that could not win, all sessions.",
            ),
            (
                "bytes_received",
                totals.bytes,
                "Bytes of video received, all sessions.",
            ),
            (
                "reconnects",
                totals.reconnects,
                "Streams opened again, all sessions.",
            ),
        ] {
            head(out, &format!("bestshot_{name}_total"), "counter", help)?;
            writeln!(out, "bestshot_{name}_total {value}")?;
        }
        head(
            out,
            "bestshot_http_requests_total",
            "counter",
            "Answers by operation and status.",
        )?;
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((operation, status), count) in requests.iter() {
            writeln!(
                out,
                "bestshot_http_requests_total{{operation=\"{operation}\",status=\"{status}\"}} \
                 {count}"
            )?;
        }
        Ok(())
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}
