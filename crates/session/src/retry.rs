//! Whether a camera that broke off or did not answer is tried again, and when.
//! Reading it is the pipeline's business.

use std::time::{Duration, Instant};

use bestshot_decoder::{AddressPolicy, ErrorKind, RtspUrl, Stop, port_is_open};

use crate::backoff::Backoff;

/// A camera that never answered is given up after so many tries …
const FIRST_TRIES: u32 = 3;
/// … and is not tried again later than this: somebody may be waiting for a diagnosis.
const FIRST_PATIENCE: Duration = Duration::from_secs(4);

/// A connection that lasted so long was a good one: the next break begins anew. One
/// that brings a picture and ends each time is left alone for longer and longer.
const GOOD: Duration = Duration::from_secs(10);
/// Whoever was read already is told sooner that it does not answer: so that it is back
/// soon after it awakes. At least this …
const LEAST_PATIENCE: Duration = Duration::from_millis(3500);
/// … and so many times what it took before.
const SLOWER: u32 = 3;

/// Between two looks whether a closed port has opened, and how long one may take.
const KNOCK_EVERY: Duration = Duration::from_secs(2);
const KNOCK_PATIENCE: Duration = Duration::from_millis(300);
/// Between two looks whether to stop.
const LOOK_UP: Duration = Duration::from_millis(20);

pub(crate) struct Retry {
    backoff: Backoff,
    began: Instant,
    tries: u32,
    /// Whole pictures that the session had when it last broke off.
    pictures: u64,
    /// Whether the camera ever sent anything of a stream.
    reached: bool,
}

/// What the last connection came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Connection {
    /// Whole pictures of the session so far.
    pub(crate) pictures: u64,
    /// Packets of the session so far.
    pub(crate) packets: u64,
    /// From the end of its handshake, if it came to that.
    pub(crate) lasted: Duration,
}

impl Retry {
    pub(crate) fn new() -> Self {
        Self {
            backoff: Backoff::new(),
            began: Instant::now(),
            tries: 0,
            pictures: 0,
            reached: false,
        }
    }

    /// How long to wait before the next try; `None` where there shall be none.
    /// `lasting`: nothing will change by itself.
    pub(crate) fn after(
        &mut self,
        kind: ErrorKind,
        lasting: bool,
        connection: Connection,
        persist: bool,
    ) -> Option<Duration> {
        let Connection {
            pictures,
            packets,
            lasted,
        } = connection;
        self.tries += 1;
        if pictures > self.pictures && lasted >= GOOD {
            self.backoff.reset();
        }
        self.pictures = pictures;
        self.reached |= packets > 0;
        let wait = self.backoff.next(kind);
        // What it sends is of no use: that is a diagnosis.
        let useless = matches!(
            kind,
            ErrorKind::NoKeyframe | ErrorKind::Corrupt | ErrorKind::Unsupported | ErrorKind::Limit
        );
        let known = pictures > 0 || persist || (self.reached && !useless);
        let soon = self.tries < FIRST_TRIES && self.began.elapsed() + wait <= FIRST_PATIENCE;
        (known || (soon && !lasting)).then_some(wait)
    }

    /// How long the next handshake may take, of a camera whose first one took `first`.
    pub(crate) fn connect(allowed: Duration, first: Option<Duration>) -> Duration {
        first.map_or(allowed, |first| {
            allowed.min(LEAST_PATIENCE.max(first * SLOWER))
        })
    }
}

/// Waits, but not longer than a camera whose port was closed needs to open it.
/// Whether the time is over; not where `over` said so first.
pub(crate) fn wait(
    time: Duration,
    url: &RtspUrl,
    policy: &AddressPolicy,
    stop: &Stop,
    over: impl Fn() -> bool,
) -> bool {
    let began = Instant::now();
    let knock = || port_is_open(url, policy, KNOCK_PATIENCE, stop);
    let mut knocked = began;
    // A port that is open now will not tell when the camera behind it is ready.
    let closed = time > KNOCK_EVERY && !knock();
    while began.elapsed() < time {
        if stop.is_requested() || over() {
            return false;
        }
        if closed && knocked.elapsed() >= KNOCK_EVERY {
            knocked = Instant::now();
            if knock() {
                return true;
            }
        }
        std::thread::sleep(LOOK_UP);
    }
    true
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    fn connection(pictures: u64, packets: u64, lasted: Duration) -> Connection {
        Connection {
            pictures,
            packets,
            lasted,
        }
    }

    #[test]
    fn a_camera_that_never_answered_is_tried_three_times_within_four_seconds() {
        let mut retry = Retry::new();
        let mut asked = || retry.after(ErrorKind::Refused, false, Connection::default(), false);
        assert!(asked().is_some_and(|wait| wait <= Duration::from_secs(1)));
        assert!(asked().is_some());
        assert_eq!(asked(), None);
    }

    #[test]
    fn what_will_not_change_by_itself_is_tried_once_unless_told_to_persist() {
        let none = Connection::default();
        let unknown = |persist| Retry::new().after(ErrorKind::NotFound, true, none, persist);
        assert_eq!(unknown(false), None);
        assert!(unknown(true).is_some());
    }

    #[test]
    fn a_camera_that_sent_pictures_is_never_given_up() {
        let mut retry = Retry::new();
        for _ in 0..20 {
            let seven = connection(7, 9, Duration::ZERO);
            assert!(
                retry
                    .after(ErrorKind::Refused, false, seven, false)
                    .is_some()
            );
        }
    }

    #[test]
    fn a_camera_that_was_reached_is_sought_again_unless_what_it_sends_is_of_no_use() {
        let mut retry = Retry::new();
        let packets = connection(0, 3, Duration::ZERO);
        for _ in 0..9 {
            assert!(
                retry
                    .after(ErrorKind::Dropped, false, packets, false)
                    .is_some()
            );
        }
        assert!(
            retry
                .after(ErrorKind::Refused, false, packets, false)
                .is_some()
        );
        assert_eq!(
            retry.after(ErrorKind::NoKeyframe, false, packets, false),
            None
        );
    }

    #[test]
    fn a_camera_that_shows_a_picture_and_hangs_up_is_tried_less_and_less() {
        let mut retry = Retry::new();
        let mut after = |pictures, lasted| {
            let connection = connection(pictures, pictures, lasted);
            retry
                .after(ErrorKind::Dropped, false, connection, false)
                .unwrap()
        };
        let waits: Vec<_> = (1..6).map(|n| after(n, Duration::from_secs(1))).collect();
        assert!(waits[4] >= Duration::from_secs(3), "{waits:?}");
        // Back within five seconds all the same.
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(4)));
        assert!(after(9, GOOD) <= Duration::from_secs(1));
    }

    #[test]
    fn a_handshake_with_a_known_camera_may_take_three_times_what_the_first_took() {
        let connect = |first| Retry::connect(Duration::from_secs(8), first);
        assert_eq!(connect(None), Duration::from_secs(8));
        let millis = Duration::from_millis;
        assert_eq!(connect(Some(millis(40))), LEAST_PATIENCE);
        assert_eq!(connect(Some(millis(2000))), millis(6000));
        assert_eq!(connect(Some(millis(5000))), millis(8000));
    }

    #[test]
    fn a_port_that_opens_again_ends_the_wait() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let url = RtspUrl::parse(&format!("rtsp://{address}/x")).unwrap();
        drop(listener);
        let began = Instant::now();
        let policy = AddressPolicy::default();
        let patience = Duration::from_secs(60);
        // It opens once it was found closed.
        let back = std::cell::OnceCell::new();
        let opens = || {
            back.get_or_init(|| TcpListener::bind(address).unwrap());
            false
        };
        assert!(wait(patience, &url, &policy, &Stop::new(), opens));
        assert!(began.elapsed() < patience);
    }
}
