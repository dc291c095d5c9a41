//! What a fault camera is: its program, its clock, its lock. All of this stays
//! for its life; what goes wrong meanwhile is in `faults`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::fault_camera::{
    FaultCamera,
    clip::Clip,
    faults::{Faults, Transport},
    lock::Lock,
    program::Program,
    rtp::{self, PAYLOAD_TYPE},
};

/// A camera to be. Each setter replaces a default.
#[derive(Clone, Debug)]
pub struct Setup {
    pub(crate) program: Program,
    pub(crate) speed: f64,
    pub(crate) passes: Option<u64>,
    pub(crate) end: End,
    pub(crate) announces: Option<f64>,
    pub(crate) join: Join,
    pub(crate) delay: Duration,
    pub(crate) clock: Clock,
    pub(crate) stamp_base: u32,
    pub(crate) lock: Option<Lock>,
    pub(crate) offers: Option<Transport>,
    pub(crate) host: IpAddr,
    pub(crate) port: u16,
    pub(crate) payload: usize,
    pub(crate) payload_type: u8,
    pub(crate) faults: Faults,
}

/// What follows the last picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// RTCP's goodbye.
    #[default]
    Bye,
    /// Nothing at all; the connection stays.
    Nothing,
    /// Sender reports without end, as live555 does; the description announced
    /// how long the stream is (`a=range`).
    Announced,
    /// The end of the connection, as if the program had been killed.
    Fin,
}

/// With which picture a reader's session begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Join {
    /// The first of the program.
    #[default]
    Beginning,
    /// The one of this number, be it a keyframe or not.
    At(u64),
    /// The one that is due: the camera has been playing since it was started.
    Live,
}

/// What time it is for the camera, as its sender reports tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The time of this machine plus so many seconds.
    Offset(i64),
    /// The first picture of the program was taken at this moment, in every
    /// session: from `captured_at` follows which picture it is.
    Fixed(SystemTime),
}

impl Setup {
    /// A camera that plays this clip over and over, in real time, to everyone,
    /// over TCP and UDP on a free port of 127.0.0.1.
    pub fn playing(clip: &Arc<Clip>) -> Self {
        Self::playing_all(&[Arc::clone(clip)])
    }

    /// The same with several clips of one codec, one after another. Only the
    /// first is described: the others' parameters come in band.
    pub fn playing_all(clips: &[Arc<Clip>]) -> Self {
        Self {
            program: Program::of(clips),
            speed: 1.0,
            passes: None,
            end: End::default(),
            announces: None,
            join: Join::default(),
            delay: Duration::ZERO,
            clock: Clock::Offset(0),
            // Not 0: what is derived from it must not hold by accident.
            stamp_base: 1_000_003,
            lock: None,
            offers: None,
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            payload: 1_400,
            payload_type: PAYLOAD_TYPE,
            faults: Faults::default(),
        }
    }

    /// So many times faster than recorded, time stamps included.
    #[must_use]
    pub fn speed(mut self, speed: f64) -> Self {
        assert!(speed > 0.0, "time goes forward");
        self.speed = speed;
        self
    }

    /// So many passes over the program, and then this end.
    #[must_use]
    pub fn passes(mut self, passes: u64, end: End) -> Self {
        (self.passes, self.end) = (Some(passes), end);
        self
    }

    /// With which picture sessions begin.
    #[must_use]
    pub fn join(mut self, join: Join) -> Self {
        self.join = join;
        self
    }

    /// The first picture comes so long after PLAY: a reader seldom joins a slow stream
    /// just when a picture is due.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The description says that the stream is so many seconds long (`a=range`), whatever
    /// its end is.
    #[must_use]
    pub fn announcing(mut self, seconds: f64) -> Self {
        self.announces = Some(seconds);
        self
    }

    /// The camera's own time. Default: this machine's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The RTP stamp of the program's first picture.
    #[must_use]
    pub fn stamp_base(mut self, stamp: u32) -> Self {
        self.stamp_base = stamp;
        self
    }

    /// Lets those in only who prove who they are.
    #[must_use]
    pub fn lock(mut self, lock: Lock) -> Self {
        self.lock = Some(lock);
        self
    }

    /// Answers SETUP over the other transport with 461.
    #[must_use]
    pub fn only(mut self, transport: Transport) -> Self {
        self.offers = Some(transport);
        self
    }

    /// Listens on ::1.
    #[must_use]
    pub fn ipv6(mut self) -> Self {
        self.host = Ipv6Addr::LOCALHOST.into();
        self
    }

    /// Listens on this address of the machine, such as 127.0.0.2.
    #[must_use]
    pub fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// Listens on this port. Default: a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// At most so many bytes behind the header of an RTP packet.
    #[must_use]
    pub fn payload(mut self, bytes: usize) -> Self {
        assert!(bytes > 3, "a fragment's header needs room");
        self.payload = bytes;
        self
    }

    /// The type that its packets say, of a description other than the usual one.
    #[must_use]
    pub fn payload_type(mut self, kind: u8) -> Self {
        assert!(kind < 128, "the type has seven bits");
        self.payload_type = kind;
        self
    }

    /// How many packets each picture of a pass takes, in the order of decoding.
    pub fn packets(&self) -> Vec<u64> {
        let program = &self.program;
        let units = (0..program.count()).map(|number| program.due(number).unit);
        units
            .map(|unit| rtp::payloads(program.codec(), unit, self.payload).len() as u64)
            .collect()
    }

    /// What goes wrong from the start.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Starts it.
    pub fn start(self) -> FaultCamera {
        FaultCamera::start(self)
    }
}
