//! A camera that misbehaves on command: an RTSP server of our own that plays
//! recorded pictures, does what goes wrong with cameras, and remembers what its
//! readers sent. `fault_camera/README.md` shows how to use it.
//!
//! What lives here: the camera's handle, its port. What does not: any promise of
//! the product, any decoding.

mod annexb;
mod answer;
mod clip;
mod faults;
mod jpeg;
mod link;
mod lock;
mod loss;
mod mpeg4;
mod player;
mod program;
mod recorded;
mod rtcp;
mod rtp;
mod sdp;
mod seen;
mod setup;
mod shared;

use std::{
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use rustix::net::{AddressFamily, Shutdown, SocketType, bind, listen, shutdown, socket, sockopt};

pub use annexb::Codec;
pub use clip::{Clip, TICKS, Unit};
pub use faults::{Act, At, Close, Faults, Media, Reply, Transport, When};
pub use lock::{Lock, Scheme};
pub use loss::{Harm, Loss};
pub use program::{Due, Program};
pub use sdp::BrokenSdp;
pub use seen::{Connection, Harmed, Request, Seen, Session};
pub use setup::{Clock, End, Join, Setup};

use answer::Desk;
use link::Link;
use shared::Shared;

/// A running camera. Dropping it ends it and all its connections.
#[derive(Debug)]
pub struct FaultCamera {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Keeps its port whether it listens or not, so that nobody else gets it.
    door: TcpListener,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

impl FaultCamera {
    /// Starts a camera that listens already when this returns.
    pub fn start(setup: Setup) -> Self {
        let door = bound(SocketAddr::new(setup.host, setup.port));
        let address = door.local_addr().expect("it is bound");
        let camera = Self {
            shared: Arc::new(Shared::new(setup)),
            address,
            door,
            accepting: Mutex::default(),
        };
        camera.listen();
        camera
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of its stream.
    pub fn url(&self) -> String {
        format!("rtsp://{}/cam", self.address)
    }

    /// The address with a user name and a password in it, as they are: whoever
    /// calls escapes them.
    pub fn url_for(&self, user: &str, password: &str) -> String {
        format!("rtsp://{user}:{password}@{}/cam", self.address)
    }

    /// What it plays.
    pub fn program(&self) -> &Program {
        &self.shared.setup.program
    }

    /// What it saw up to now.
    pub fn seen(&self) -> Seen {
        self.shared.state().seen.clone()
    }

    /// What goes wrong now.
    pub fn faults(&self) -> Faults {
        self.shared.state().faults.clone()
    }

    /// Replaces all that goes wrong, from the next answer, picture or packet on.
    pub fn set(&self, faults: Faults) {
        self.change(|now| *now = faults);
    }

    /// Changes what goes wrong, likewise.
    pub fn change(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.state().faults);
        self.shared.wake();
    }

    /// Ends all connections in this way. New ones are taken.
    pub fn hang_up(&self, how: Close) {
        self.shared.hang_up(how);
    }

    /// Refuses new connections; the port stays its own.
    pub fn refuse(&self) {
        let mut accepting = self.accepting.lock().expect("no holder panics");
        if let Some(thread) = accepting.take() {
            // Takes the listener back to a socket that is merely bound.
            shutdown(&self.door, Shutdown::Read).expect("a listener can be shut");
            thread.join().expect("the thread that accepts ends");
        }
    }

    /// Takes connections again, on the same port.
    pub fn listen(&self) {
        let mut accepting = self.accepting.lock().expect("no holder panics");
        if accepting.is_some() {
            return;
        }
        listen(&self.door, 128).expect("a bound socket can listen");
        let shared = Arc::clone(&self.shared);
        let door = self.door.try_clone().expect("a socket can be shared");
        *accepting = Some(thread::spawn(move || accept(&shared, &door)));
    }

    /// Goes away: ends all connections in this way and refuses new ones.
    pub fn unplug(&self, how: Close) {
        self.refuse();
        self.hang_up(how);
    }

    /// Which picture was taken at this moment by the camera's clock: its place
    /// within a pass, in the order of showing, counted from 0.
    ///
    /// # Panics
    /// Unless the clock is [`Clock::Fixed`] and the moment is not before it.
    pub fn picture_at(&self, captured: SystemTime) -> usize {
        let Clock::Fixed(base) = self.shared.setup.clock else {
            panic!("only a fixed clock tells pictures apart");
        };
        // Told in whole milliseconds, the first one may seem to be a little earlier.
        let since = captured
            .duration_since(base)
            .or_else(|early| match early.duration() {
                by if by <= Duration::from_millis(1) => Ok(Duration::ZERO),
                _ => Err(early),
            })
            .expect("it is not earlier");
        let ticks = since.as_secs_f64() * self.shared.setup.speed * f64::from(TICKS);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a recording's length"
        )]
        self.shared.setup.program.shown_at(ticks.round() as u64)
    }
}

impl Drop for FaultCamera {
    fn drop(&mut self) {
        self.refuse();
        self.shared.state().over = true;
        self.shared.hang_up(Close::Fin);
    }
}

/// A socket bound to this address, or to a free port of it.
fn bound(address: SocketAddr) -> TcpListener {
    let first = try_bound(address);
    if address.port() != 0 {
        return first;
    }
    // A port that the system chose is given back when the socket stops listening;
    // one that was asked for is kept.
    try_bound(first.local_addr().expect("it is bound"))
}

fn try_bound(address: SocketAddr) -> TcpListener {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket: OwnedFd = socket(family, SocketType::STREAM, None).expect("a socket can be had");
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC).expect("a flag can be set");
    // The port may have been another camera's a moment ago.
    sockopt::set_socket_reuseaddr(&socket, true).expect("an option can be set");
    bind(&socket, &address).unwrap_or_else(|error| panic!("{address}: {error}"));
    TcpListener::from(socket)
}

fn accept(shared: &Arc<Shared>, door: &TcpListener) {
    while let Ok((stream, peer)) = door.accept() {
        let mut state = shared.state();
        let link = Arc::new(Link::new(stream, state.seen.connections.len()));
        state.seen.connections.push(Connection::new(peer));
        state.links.push(Arc::downgrade(&link));
        drop(state);
        shared.wake();
        let desk = Desk::new(shared, &link);
        drop(link);
        thread::spawn(|| desk.serve());
    }
}
