//! Whether a camera that broke off or did not answer is tried again, and when.
//! Reading it is the pipeline's business.

use std::time::{Duration, Instant};

use bestshot_decoder::{AddressPolicy, ErrorKind, RtspUrl, Stop, port_is_open};

use crate::backoff::Backoff;

/// A camera that never answered is given up after so many tries …
const FIRST_TRIES: u32 = 3;
/// … and is not tried again later than this: somebody may be waiting for a diagnosis.
const FIRST_PATIENCE: Duration = Duration::from_secs(4);

/// Between two looks whether a closed port has opened, and how long one may take.
const KNOCK_EVERY: Duration = Duration::from_secs(2);
const KNOCK_PATIENCE: Duration = Duration::from_millis(300);
/// Between two looks whether to stop.
const LOOK_UP: Duration = Duration::from_millis(20);

pub(crate) struct Retry {
    backoff: Backoff,
    began: Instant,
    tries: u32,
    /// Pictures that the session had when it last broke off.
    pictures: u64,
}

impl Retry {
    pub(crate) fn new() -> Self {
        Self {
            backoff: Backoff::new(),
            began: Instant::now(),
            tries: 0,
            pictures: 0,
        }
    }

    /// How long to wait before the next try; `None` where there shall be none.
    /// `lasting`: nothing will change by itself; `pictures`: of the session so far.
    pub(crate) fn after(
        &mut self,
        kind: ErrorKind,
        lasting: bool,
        pictures: u64,
        persist: bool,
    ) -> Option<Duration> {
        self.tries += 1;
        if pictures > self.pictures {
            self.backoff.reset();
        }
        self.pictures = pictures;
        let wait = self.backoff.next(kind);
        let known = pictures > 0 || persist;
        let soon = self.tries < FIRST_TRIES && self.began.elapsed() + wait <= FIRST_PATIENCE;
        (known || (soon && !lasting)).then_some(wait)
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

    #[test]
    fn a_camera_that_never_answered_is_tried_three_times_within_four_seconds() {
        let mut retry = Retry::new();
        let mut asked = || retry.after(ErrorKind::Refused, false, 0, false);
        assert!(asked().is_some_and(|wait| wait <= Duration::from_secs(1)));
        assert!(asked().is_some());
        assert_eq!(asked(), None);
    }

    #[test]
    fn what_will_not_change_by_itself_is_tried_once_unless_told_to_persist() {
        let unknown = |persist| Retry::new().after(ErrorKind::NotFound, true, 0, persist);
        assert_eq!(unknown(false), None);
        assert!(unknown(true).is_some());
    }

    #[test]
    fn a_camera_that_sent_pictures_is_never_given_up() {
        let mut retry = Retry::new();
        for _ in 0..20 {
            assert!(retry.after(ErrorKind::Refused, false, 7, false).is_some());
        }
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
