//! Plays the program to one reader: sends each picture when it is due, tells the
//! time beside it, and does on the way what the faults say.

use std::{
    fs, io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use crate::fault_camera::{
    clip::TICKS,
    faults::{Act, At, Media, Transport},
    link::{Link, framed},
    loss::Line,
    program::{Due, float},
    rtcp, rtp,
    seen::{Harmed, Session},
    setup::{End, Join},
    shared::Shared,
};

const REPORT_EVERY: Duration = Duration::from_secs(1);
/// How often the system is asked what was read.
const LOOK_UP: Duration = Duration::from_millis(5);

/// How packets reach the reader.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// Over these two channels of the connection: RTP, RTCP.
    Tcp(u8, u8),
    /// From and to these ports: RTP, RTCP.
    Udp(Arc<[(UdpSocket, SocketAddr); 2]>),
}

impl Way {
    pub(crate) fn transport(&self) -> Transport {
        match self {
            Self::Tcp(..) => Transport::Tcp,
            Self::Udp(_) => Transport::Udp,
        }
    }
}

/// One session, from PLAY to its end.
pub(crate) struct Player {
    shared: Arc<Shared>,
    link: Arc<Link>,
    way: Way,
    /// Set by TEARDOWN.
    asked_to_end: Arc<AtomicBool>,
    /// Its place in the list of sessions.
    session: usize,
    start: Instant,
    next_report: Instant,
    first: u64,
    /// The time of the first picture in the program, in ticks.
    origin: u64,
    clock_base: SystemTime,
    line: Line,
    sequence: u16,
    packets: u64,
    bytes: u64,
    frozen_at: Option<u32>,
}

impl Player {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        link: &Arc<Link>,
        way: Way,
        asked_to_end: Arc<AtomicBool>,
    ) -> Self {
        let start = Instant::now();
        let setup = &shared.setup;
        let first = match setup.join {
            Join::Beginning => 0,
            Join::At(number) => number,
            Join::Live => {
                let played = start.duration_since(shared.started).as_secs_f64() * setup.speed;
                setup.program.number_at(whole(played * f64::from(TICKS)))
            }
        };
        let origin = setup.program.due(first).decode;
        let mut state = shared.state();
        let session = state.seen.sessions.len();
        state.seen.sessions.push(Session {
            connection: link.number,
            transport: way.transport(),
            started: start,
            ended: None,
            first,
            units: 0,
            packets: 0,
            reports: 0,
            keyframes: Vec::new(),
            harmed: Vec::new(),
        });
        drop(state);
        Self {
            shared: Arc::clone(shared),
            link: Arc::clone(link),
            way,
            asked_to_end,
            session,
            start,
            next_report: start,
            first,
            origin,
            clock_base: shared.clock_base(start, origin),
            line: Line::default(),
            // Near its end, so that it begins again early in every session.
            sequence: 65_400,
            packets: 0,
            bytes: 0,
            frozen_at: None,
        }
    }

    /// The RTP stamp and the sequence number with which it begins.
    pub(crate) fn begins_with(&mut self) -> (u32, u16) {
        let present = self.shared.setup.program.due(self.first).present;
        (self.stamp(present), self.sequence)
    }

    /// Plays until there is nothing left, or nobody to play to.
    pub(crate) fn run(mut self) {
        self.play();
        let mut state = self.shared.state();
        state.seen.sessions[self.session].ended = Some(Instant::now());
    }

    fn play(&mut self) {
        let shared = Arc::clone(&self.shared);
        let setup = &shared.setup;
        let last = setup.passes.map(|passes| passes * setup.program.count());
        for number in self.first.. {
            let due = setup.program.due(number);
            if !self.wait_until(self.moment(due.decode)) {
                return;
            }
            if last.is_some_and(|last| number >= last) {
                return self.end();
            }
            if self.send_picture(&due).is_err() {
                return;
            }
        }
    }

    /// When this tick of the program is due.
    fn moment(&self, tick: u64) -> Instant {
        self.start + self.shared.setup.delay + self.shared.duration(tick - self.origin)
    }

    /// Waits, reporting meanwhile; false when nobody is there any more.
    fn wait_until(&mut self, due: Instant) -> bool {
        loop {
            if !self.link.is_open() || self.asked_to_end.load(Ordering::Acquire) {
                return false;
            }
            let now = Instant::now();
            if now >= self.next_report {
                self.next_report = now + REPORT_EVERY;
                if self.report(false).is_err() {
                    return false;
                }
            }
            if now >= due {
                return true;
            }
            let next = due.min(self.next_report);
            if !self.shared.wait(next.saturating_duration_since(now)) {
                return false;
            }
        }
    }

    /// The end of the program.
    fn end(&mut self) {
        if let Some(late) = self.line.rest() {
            // The reader may have gone.
            let _ = self.send(0, &late);
        }
        match self.shared.setup.end {
            End::Bye => {
                self.wait_until_read();
                let _ = self.report(true);
            }
            End::Nothing => {}
            End::Fin => self.link.close(super::faults::Close::Fin),
            End::Announced => while self.wait_until(Instant::now() + REPORT_EVERY) {},
        }
    }

    fn send_picture(&mut self, due: &Due<'_>) -> io::Result<()> {
        self.act(At::Unit(due.number - self.first))?;
        let withheld = due.unit.keyframe && self.shared.state().faults.no_keyframes;
        if withheld || !self.sends() {
            return Ok(());
        }
        let stamp = self.stamp(due.present);
        let setup = &self.shared.setup;
        let kind = setup.payload_type;
        let payloads = rtp::payloads(setup.program.codec(), due.unit, setup.payload);
        for (number, payload) in payloads.iter().enumerate() {
            self.act(At::Packet(self.packets))?;
            if !self.sends() {
                return Ok(());
            }
            let marker = number + 1 == payloads.len();
            let packet = rtp::packet(kind, self.sequence, stamp, marker, payload);
            self.sequence = self.sequence.wrapping_add(1);
            self.send_packet(packet, due.number)?;
            self.bytes += payload.len() as u64;
        }
        let mut state = self.shared.state();
        let session = &mut state.seen.sessions[self.session];
        session.units += 1;
        if due.unit.keyframe {
            session.keyframes.push((due.number, Instant::now()));
        }
        Ok(())
    }

    /// The one place through which every RTP packet goes.
    fn send_packet(&mut self, packet: Vec<u8>, unit: u64) -> io::Result<()> {
        let number = self.packets;
        self.packets += 1;
        let loss = self.shared.state().faults.loss.clone();
        let (arriving, harm) = self.line.carry(loss.as_ref(), number, packet);
        let mut state = self.shared.state();
        let session = &mut state.seen.sessions[self.session];
        session.packets = self.packets;
        session.harmed.extend(harm.map(|harm| Harmed {
            packet: number,
            unit,
            harm,
        }));
        drop(state);
        for packet in arriving {
            self.send(0, &packet)?;
        }
        Ok(())
    }

    /// Tells the time, and where asked that this was all.
    fn report(&mut self, goodbye: bool) -> io::Result<()> {
        let silenced = self.shared.state().faults.no_reports
            || matches!(self.media(), Media::Still | Media::Drip);
        if silenced && !goodbye {
            return Ok(());
        }
        let played = self.start.elapsed().as_secs_f64();
        let begun = self.shared.duration(self.origin).as_secs_f64();
        // In whole ticks, so that stamp and time are of the same moment.
        let ticks = whole((begun + played) * f64::from(TICKS));
        let wall = self.clock_base + Duration::from_secs_f64(float(ticks) / f64::from(TICKS));
        let stamp = self.stamp_of(ticks);
        let mut packet = rtcp::sender_report(wall, stamp, low(self.packets), low(self.bytes));
        if goodbye {
            packet = rtcp::goodbye(packet);
        }
        self.shared.state().seen.sessions[self.session].reports += 1;
        self.send(1, &packet)
    }

    /// Waits until the reader has taken all datagrams, five seconds at most: readers look
    /// for reports first, and a goodbye must not overtake the last picture.
    fn wait_until_read(&self) {
        let Way::Udp(sockets) = &self.way else {
            return;
        };
        let port = sockets[0].1.port();
        let deadline = Instant::now() + Duration::from_secs(5);
        while unread(port) && Instant::now() < deadline && self.shared.wait(LOOK_UP) {}
    }

    fn send(&self, channel: u8, packet: &[u8]) -> io::Result<()> {
        match &self.way {
            Way::Tcp(rtp, rtcp) => {
                let channel = if channel == 0 { *rtp } else { *rtcp };
                let framed = framed(channel, packet)?;
                let drips = || {
                    let asked_to_end = self.asked_to_end.load(Ordering::Acquire);
                    self.media() == Media::Drip && !asked_to_end
                };
                self.shared.drip(&self.link, &framed, drips)
            }
            Way::Udp(_) if !self.link.is_open() => Err(io::ErrorKind::NotConnected.into()),
            Way::Udp(sockets) => {
                let (socket, to) = &sockets[usize::from(channel)];
                // Nobody may be listening there, which the sender of a datagram
                // does not care about.
                let _ = socket.send_to(packet, to);
                Ok(())
            }
        }
    }

    /// The stamp of a picture that is shown at this tick of the program.
    fn stamp(&mut self, present: u64) -> u32 {
        let ticks = whole((float(present) / self.shared.setup.speed).round());
        let stamp = self.stamp_of(ticks);
        if self.shared.state().faults.frozen {
            return *self.frozen_at.get_or_insert(stamp);
        }
        self.frozen_at = None;
        stamp
    }

    /// RTP's stamps begin again after 2^32.
    fn stamp_of(&self, ticks: u64) -> u32 {
        let shift = self.shared.state().faults.shift.cast_unsigned();
        let base = u64::from(self.shared.setup.stamp_base);
        low(ticks.wrapping_add(shift).wrapping_add(base))
    }

    /// Whether pictures are sent now.
    fn sends(&self) -> bool {
        match self.media() {
            Media::Flows => true,
            Media::Drip => self.way.transport() == Transport::Tcp,
            Media::Silent | Media::Still => false,
        }
    }

    fn media(&self) -> Media {
        let state = self.shared.state();
        state.faults.media_by(self.way.transport())
    }

    fn act(&mut self, point: At) -> io::Result<()> {
        let mut goodbye = false;
        for act in self.shared.acts(point) {
            let faults = &mut self.shared.state().faults;
            match act {
                Act::Media(media) => faults.media = media,
                Act::Jump(ticks) => faults.shift += ticks,
                Act::Freeze => faults.frozen = true,
                Act::Loss(loss) => faults.loss = Some(loss),
                Act::Close(how) => self.link.close(how),
                Act::Goodbye => goodbye = true,
            }
        }
        if goodbye {
            self.report(true)?;
        }
        if self.link.is_open() {
            return Ok(());
        }
        Err(io::ErrorKind::NotConnected.into())
    }
}

/// Whether datagrams wait at this port of the machine (proc(5), `/proc/net/udp`).
fn unread(port: u16) -> bool {
    let waits = |line: &str| -> Option<bool> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (_, local) = words.get(1)?.rsplit_once(':')?;
        let (_, received) = words.get(4)?.split_once(':')?;
        let of_port = u16::from_str_radix(local, 16).is_ok_and(|local| local == port);
        Some(of_port && u64::from_str_radix(received, 16).is_ok_and(|bytes| bytes > 0))
    };
    let tables = ["/proc/net/udp", "/proc/net/udp6"];
    let tables = tables.map(|table| fs::read_to_string(table).unwrap_or_default());
    let mut lines = tables.iter().flat_map(|table| table.lines());
    lines.any(|line| waits(line).unwrap_or(false))
}

/// The low 32 bits.
fn low(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).expect("masked")
}

/// Ticks of hours at most, and never before the start.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded"
)]
fn whole(ticks: f64) -> u64 {
    ticks.max(0.0) as u64
}
