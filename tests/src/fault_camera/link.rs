//! One connection: requests and interleaved packets taken off it, bytes put on
//! it, and its end in each of the ways that connections end.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::net::sockopt::set_socket_linger;

use crate::fault_camera::{faults::Close, seen::Request};

const OPEN: u8 = 0;
const HOLE: u8 = 1;
const CLOSED: u8 = 2;

/// Shared by the thread that reads it and the one that plays on it.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    /// Its place in the list of connections.
    pub(crate) number: usize,
    state: AtomicU8,
    writing: Mutex<()>,
}

/// What a reader sent.
pub(crate) enum Heard {
    Request(Request),
    /// A packet between the requests: RTCP.
    Packet,
}

impl Link {
    pub(crate) fn new(stream: TcpStream, number: usize) -> Self {
        // What is sent is to arrive when it is sent.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            number,
            state: AtomicU8::new(OPEN),
            writing: Mutex::default(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) == OPEN
    }

    pub(crate) fn is_hole(&self) -> bool {
        self.state.load(Ordering::Acquire) == HOLE
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends whole, between what others send; nothing into a black hole.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.state.load(Ordering::Acquire) {
            OPEN => (&self.stream).write_all(bytes),
            HOLE => Ok(()),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub(crate) fn close(&self, how: Close) {
        match how {
            Close::Hole => self.state.store(HOLE, Ordering::Release),
            Close::Fin => {
                self.state.store(CLOSED, Ordering::Release);
                // The reader may have been quicker.
                let _ = self.stream.shutdown(Shutdown::Both);
            }
            Close::Rst => {
                self.state.store(CLOSED, Ordering::Release);
                // With no time to linger the kernel resets the connection as soon as
                // the last thread lets go of it, and this wakes them.
                let _ = set_socket_linger(&self.stream, Some(Duration::ZERO));
                let _ = self.stream.shutdown(Shutdown::Read);
            }
        }
    }
}

/// An RTP or RTCP packet as it travels within the connection (RFC 2326, 10.12).
pub(crate) fn framed(channel: u8, packet: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(packet.len()).map_err(io::Error::other)?;
    let mut framed = vec![b'$', channel];
    framed.extend(length.to_be_bytes());
    framed.extend_from_slice(packet);
    Ok(framed)
}

/// Takes requests and packets off a connection.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
}

impl Inbox {
    /// The next thing that was sent, or nothing at the end. `heard` is shown all
    /// bytes as they come.
    pub(crate) fn next(&mut self, link: &Link, mut heard: impl FnMut(&[u8])) -> Option<Heard> {
        let mut buffer = [0; 4096];
        loop {
            if link.is_hole() {
                return None;
            }
            if let Some(found) = self.take() {
                return Some(found);
            }
            let count = link.stream().read(&mut buffer).ok().filter(|n| *n > 0)?;
            heard(&buffer[..count]);
            self.bytes.extend_from_slice(&buffer[..count]);
        }
    }

    fn take(&mut self) -> Option<Heard> {
        if self.bytes.first() == Some(&b'$') {
            let length = u16::from_be_bytes(*self.bytes.get(2..4)?.first_chunk()?);
            let end = 4 + usize::from(length);
            self.bytes.get(..end)?;
            self.bytes.drain(..end);
            return Some(Heard::Packet);
        }
        let head = self.bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let request = parse(&String::from_utf8_lossy(&self.bytes[..head]));
        let body = request.header("content-length");
        let body: usize = body.and_then(|text| text.parse().ok()).unwrap_or(0);
        let end = head + 4 + body;
        self.bytes.get(..end)?;
        self.bytes.drain(..end);
        Some(Heard::Request(request))
    }
}

fn parse(head: &str) -> Request {
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split_whitespace();
    let mut word = || first.next().unwrap_or_default().to_owned();
    let (method, url) = (word(), word());
    let headers = lines.filter_map(|line| line.split_once(':'));
    Request {
        method,
        url,
        headers: headers
            .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
            .collect(),
        at: Instant::now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_packets_are_told_apart() {
        let mut inbox = Inbox {
            bytes: b"$\x01\0\x02ab".to_vec(),
        };
        inbox
            .bytes
            .extend(b"SETUP rtsp://x/1 RTSP/1.0\r\nCSeq: 3\r\nX: a:b\r\n\r\n$");
        assert!(matches!(inbox.take(), Some(Heard::Packet)));
        let Some(Heard::Request(request)) = inbox.take() else {
            panic!("a request")
        };
        assert_eq!(
            (request.method.as_str(), request.url.as_str()),
            ("SETUP", "rtsp://x/1")
        );
        assert_eq!(request.header("cseq"), Some("3"));
        assert_eq!(request.header("x"), Some("a:b"));
        assert!(inbox.take().is_none());
    }
}
