//! What a camera remembers of its readers: every byte they sent, every request,
//! every session and what was done to its packets.

use std::{net::SocketAddr, time::Instant};

use crate::fault_camera::{faults::Transport, loss::Harm};

/// Bytes kept of one connection.
const KEPT: usize = 1 << 20;

/// All that was seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Every connection, in the order of their coming.
    pub connections: Vec<Connection>,
    /// Every stream that was played, likewise.
    pub sessions: Vec<Session>,
}

impl Seen {
    /// All requests of all connections, in the order of their coming.
    pub fn requests(&self) -> Vec<&Request> {
        let all = self.connections.iter().flat_map(|c| &c.requests);
        let mut all: Vec<&Request> = all.collect();
        all.sort_by_key(|request| request.at);
        all
    }

    /// How many requests of this method came.
    pub fn count(&self, method: &str) -> usize {
        let all = self.connections.iter().map(|c| c.count(method));
        all.sum()
    }

    /// Connections that neither side has ended.
    pub fn open(&self) -> usize {
        self.connections.iter().filter(|c| c.is_open()).count()
    }

    /// Whether anybody sent an `Authorization`.
    pub fn credentials(&self) -> bool {
        self.requests()
            .iter()
            .any(|request| request.header("authorization").is_some())
    }

    /// Whether anybody sent this text, anywhere.
    pub fn mentions(&self, text: &str) -> bool {
        self.connections.iter().any(|connection| {
            let mut windows = connection.bytes.windows(text.len().max(1));
            windows.any(|piece| piece == text.as_bytes())
        })
    }
}

/// One connection of a reader.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Whence it came.
    pub peer: SocketAddr,
    /// When it came.
    pub opened: Instant,
    /// When it ended, by whichever side.
    pub ended: Option<Instant>,
    /// The requests on it.
    pub requests: Vec<Request>,
    /// The first megabyte of what came on it, requests and RTCP.
    pub bytes: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            opened: Instant::now(),
            ended: None,
            requests: Vec::new(),
            bytes: Vec::new(),
        }
    }

    pub(crate) fn heard(&mut self, bytes: &[u8]) {
        let room = KEPT - self.bytes.len().min(KEPT);
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// How many requests of this method came on it.
    pub fn count(&self, method: &str) -> usize {
        let all = self.requests.iter().filter(|r| r.method == method);
        all.count()
    }

    /// Whether neither side has ended it.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its method, such as `SETUP`.
    pub method: String,
    /// The address in its first line.
    pub url: String,
    /// Its headers, names in small letters.
    pub headers: Vec<(String, String)>,
    /// When it came.
    pub at: Instant,
}

impl Request {
    /// A header's value, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// One stream that was played, from PLAY on.
#[derive(Clone, Debug)]
pub struct Session {
    /// On which of the connections it was asked for.
    pub connection: usize,
    /// How its packets travel.
    pub transport: Transport,
    /// When it began.
    pub started: Instant,
    /// When it ended: asked to, cut off, or because there is nothing left.
    pub ended: Option<Instant>,
    /// The number in the program of the first picture that it was sent.
    pub first: u64,
    /// Pictures sent.
    pub units: u64,
    /// RTP packets sent, those that were lost on the line among them.
    pub packets: u64,
    /// Sender reports sent.
    pub reports: u64,
    /// When the last packet of each keyframe was sent, and its number in the
    /// program.
    pub keyframes: Vec<(u64, Instant)>,
    /// What the line did to which packets.
    pub harmed: Vec<Harmed>,
}

/// A packet that a bad line harmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Harmed {
    /// The packet's number within the session, from 0.
    pub packet: u64,
    /// The number in the program of the picture that it is a part of.
    pub unit: u64,
    /// What was done.
    pub harm: Harm,
}
