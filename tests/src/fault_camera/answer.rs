//! Answers one connection's requests (RFC 2326), as a sound camera does or as
//! the faults say.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::fault_camera::{
    clip::TICKS,
    faults::{Reply, Transport},
    link::{Heard, Inbox, Link},
    lock,
    player::{Player, Way},
    program::float,
    sdp::{self, Described},
    seen::Request,
    setup::End,
    shared::Shared,
};

const SESSION: &str = "Session: 20471011;timeout=60\r\n";

/// One reader.
pub(crate) struct Desk {
    shared: Arc<Shared>,
    link: Arc<Link>,
    way: Option<Way>,
    /// Ends the stream that is being played.
    playing: Option<Arc<AtomicBool>>,
}

/// A whole answer, and what is to be done once it was sent.
struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
    then: Option<Player>,
}

impl Desk {
    pub(crate) fn new(shared: &Arc<Shared>, link: &Arc<Link>) -> Self {
        Self {
            shared: Arc::clone(shared),
            link: Arc::clone(link),
            way: None,
            playing: None,
        }
    }

    /// Serves the reader until either side has enough.
    pub(crate) fn serve(mut self) {
        let mut inbox = Inbox::default();
        let (shared, link) = (Arc::clone(&self.shared), Arc::clone(&self.link));
        let number = link.number;
        let hear = |bytes: &[u8]| shared.state().seen.connections[number].heard(bytes);
        while let Some(heard) = inbox.next(&link, hear) {
            let Heard::Request(request) = heard else {
                continue;
            };
            let requests = |state: &mut super::shared::State| {
                state.seen.connections[number]
                    .requests
                    .push(request.clone());
            };
            requests(&mut shared.state());
            shared.wake();
            if self.answer(&request).is_err() {
                break;
            }
        }
        // Into a black hole the reader may speak as long as it likes.
        while link.is_hole() && shared.wait(Duration::from_secs(1)) {}
        self.end_stream();
        shared.state().seen.connections[number].ended = Some(Instant::now());
        shared.wake();
    }

    fn answer(&mut self, request: &Request) -> io::Result<()> {
        let asked = asked_transport(request);
        let over = asked.or_else(|| self.way.as_ref().map(Way::transport));
        let reply = {
            let state = self.shared.state();
            state.faults.reply_to(&request.method, over)
        };
        let mut answer = match self.locked(request) {
            Some(challenge) => Answer::with(401, &challenge),
            None => match &reply {
                // Its own description would be for nothing, and may not be possible.
                Reply::Recorded(_) if request.method == "DESCRIBE" => Answer::with(200, ""),
                Reply::Usual | Reply::Drip | Reply::Length(_) | Reply::Recorded(_) => {
                    self.usual(request)?
                }
                Reply::Status(401) => {
                    let challenge = format!("WWW-Authenticate: {}\r\n", lock::basic_challenge());
                    Answer::with(401, &challenge)
                }
                Reply::Status(status) => Answer::with(*status, ""),
                Reply::Redirect(to) => Answer::with(302, &format!("Location: {to}\r\n")),
                Reply::RedirectToItself => {
                    Answer::with(302, &format!("Location: {}\r\n", request.url))
                }
                Reply::Mute => return Ok(()),
                Reply::Bytes(bytes) => return self.link.send(bytes),
                Reply::Close(how) => {
                    self.link.close(*how);
                    return Ok(());
                }
            },
        };
        let whole = match &reply {
            Reply::Length(length) => answer.written(request, Some(*length)),
            Reply::Recorded(bytes) => numbered(bytes, request),
            _ => answer.written(request, None),
        };
        if reply == Reply::Drip {
            self.shared.drip(&self.link, &whole, || true)?;
        } else {
            self.link.send(&whole)?;
        }
        if let Some(player) = answer.then.take() {
            thread::spawn(|| player.run());
        }
        Ok(())
    }

    /// The challenge, where the request does not open the lock.
    fn locked(&self, request: &Request) -> Option<String> {
        let lock = self.shared.setup.lock.as_ref()?;
        if request.method == "OPTIONS" {
            return None;
        }
        let told = request.header("authorization");
        let open = lock.opens(&request.method, &request.url, told);
        (!open).then(|| format!("WWW-Authenticate: {}\r\n", lock.challenge()))
    }

    fn usual(&mut self, request: &Request) -> io::Result<Answer> {
        Ok(match request.method.as_str() {
            "OPTIONS" => Answer::with(
                200,
                "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\n",
            ),
            "DESCRIBE" => self.describe(request),
            "SETUP" => self.set_up(request)?,
            "PLAY" => self.play(request),
            "GET_PARAMETER" | "SET_PARAMETER" | "PAUSE" => Answer::with(200, SESSION),
            "TEARDOWN" => {
                self.end_stream();
                Answer::with(200, SESSION)
            }
            _ => Answer::with(501, ""),
        })
    }

    fn describe(&self, request: &Request) -> Answer {
        let setup = &self.shared.setup;
        let length = setup.passes.filter(|_| setup.end == End::Announced);
        let true_length = length
            .map(|passes| float(passes * setup.program.length()) / f64::from(TICKS) / setup.speed);
        let range = setup.announces.or(true_length);
        let described = Described {
            program: &setup.program,
            host: setup.host,
            range,
            speed: setup.speed,
        };
        let broken = self.shared.state().faults.sdp;
        let base = request.url.trim_end_matches('/');
        let headers = format!("Content-Base: {base}/\r\nContent-Type: application/sdp\r\n");
        Answer {
            body: sdp::describe(&described, broken),
            ..Answer::with(200, &headers)
        }
    }

    fn set_up(&mut self, request: &Request) -> io::Result<Answer> {
        let transport = asked_transport(request);
        let offered = self.shared.setup.offers;
        let Some(transport) = transport.filter(|t| offered.is_none_or(|only| only == *t)) else {
            return Ok(Answer::with(461, ""));
        };
        let asked = request.header("transport").unwrap_or_default();
        let told = match transport {
            Transport::Tcp => {
                let (rtp, rtcp) = pair(asked, "interleaved=").unwrap_or((0, 1));
                let byte = |channel: u16| u8::try_from(channel).unwrap_or(0);
                self.way = Some(Way::Tcp(byte(rtp), byte(rtcp)));
                format!("RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp}")
            }
            Transport::Udp => {
                let Some((rtp, rtcp)) = pair(asked, "client_port=") else {
                    return Ok(Answer::with(461, ""));
                };
                let peer = self.link.stream().peer_addr()?.ip();
                let [one, two] = udp_pair(self.shared.setup.host)?;
                let at = one.local_addr()?.port();
                self.way = Some(Way::Udp(Arc::new([
                    (one, SocketAddr::new(peer, rtp)),
                    (two, SocketAddr::new(peer, rtcp)),
                ])));
                let (from, next) = (at, at + 1);
                format!("RTP/AVP;unicast;client_port={rtp}-{rtcp};server_port={from}-{next}")
            }
        };
        Ok(Answer::with(
            200,
            &format!("{SESSION}Transport: {told}\r\n"),
        ))
    }

    fn play(&mut self, request: &Request) -> Answer {
        let Some(way) = self.way.clone() else {
            return Answer::with(455, "");
        };
        if self.playing.is_some() {
            return Answer::with(200, SESSION);
        }
        let end = Arc::new(AtomicBool::new(false));
        self.playing = Some(Arc::clone(&end));
        let mut player = Player::new(&self.shared, &self.link, way, end);
        let (stamp, sequence) = player.begins_with();
        let url = request.url.trim_end_matches('/');
        let headers = format!(
            "{SESSION}Range: npt=0.000-\r\n\
             RTP-Info: url={url}/track1;seq={sequence};rtptime={stamp}\r\n"
        );
        Answer {
            then: Some(player),
            ..Answer::with(200, &headers)
        }
    }

    fn end_stream(&mut self) {
        if let Some(playing) = self.playing.take() {
            playing.store(true, Ordering::Release);
            self.shared.wake();
        }
    }
}

impl Answer {
    fn with(status: u16, headers: &str) -> Self {
        Self {
            status,
            headers: headers.to_owned(),
            body: Vec::new(),
            then: None,
        }
    }

    /// As it is sent; `claimed` is said of the body's length instead of the truth.
    fn written(&self, request: &Request, claimed: Option<u64>) -> Vec<u8> {
        let sequence = request.header("cseq").unwrap_or("0");
        let length = claimed.unwrap_or(self.body.len() as u64);
        let described = request.method == "DESCRIBE" && self.status == 200;
        let length = if described || claimed.is_some() {
            format!("Content-Length: {length}\r\n")
        } else {
            String::new()
        };
        let head = format!(
            "RTSP/1.0 {} {}\r\nCSeq: {sequence}\r\nServer: fault-camera\r\n{}{length}\r\n",
            self.status,
            words(self.status),
            self.headers
        );
        let mut whole = head.into_bytes();
        whole.extend_from_slice(&self.body);
        whole
    }
}

/// A recorded answer with the number of this request.
fn numbered(recorded: &[u8], request: &Request) -> Vec<u8> {
    let number = request.header("cseq").unwrap_or("0");
    let mut head = true;
    let mut whole = Vec::with_capacity(recorded.len());
    for line in recorded.split_inclusive(|byte| *byte == b'\n') {
        head &= !line.trim_ascii().is_empty();
        let is_number = line
            .get(..5)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"cseq:"));
        if head && is_number {
            whole.extend_from_slice(&line[..5]);
            whole.extend_from_slice(format!(" {number}\r\n").as_bytes());
        } else {
            whole.extend_from_slice(line);
        }
    }
    whole
}

/// The transport that a SETUP asks for first.
fn asked_transport(request: &Request) -> Option<Transport> {
    let asked = request.header("transport")?.split(',').next()?;
    let tcp = asked.contains("RTP/AVP/TCP");
    Some(if tcp { Transport::Tcp } else { Transport::Udp })
}

/// The two numbers of a parameter such as `client_port=5000-5001`.
fn pair(text: &str, name: &str) -> Option<(u16, u16)> {
    let (_, rest) = text.split_once(name)?;
    let numbers = rest.split([';', ',']).next()?;
    let (one, two) = numbers.split_once('-')?;
    Some((one.trim().parse().ok()?, two.trim().parse().ok()?))
}

/// Two neighbouring ports, the first of them even, as RFC 3550 wants.
fn udp_pair(host: std::net::IpAddr) -> io::Result<[UdpSocket; 2]> {
    for _ in 0..100 {
        let one = UdpSocket::bind((host, 0))?;
        let port = one.local_addr()?.port();
        if port % 2 == 0
            && let Ok(two) = UdpSocket::bind((host, port + 1))
        {
            return Ok([one, two]);
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

fn words(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        406 => "Not Acceptable",
        454 => "Session Not Found",
        455 => "Method Not Valid in This State",
        461 => "Unsupported Transport",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Something Else",
    }
}
