//! How long to wait before a camera is tried again. Pure but for the jitter's
//! seed.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use bestshot_decoder::ErrorKind;

const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(30);
/// Of a camera that was there a moment ago, or that answers and has nothing to send yet:
/// it is booting, and nobody else will tell when it is done.
const SOON: Duration = Duration::from_secs(4);
/// So long a camera may take to boot.
const BOOT: Duration = Duration::from_secs(120);

/// Doubles from 1 s to 30 s, each wait shortened by up to a quarter at random,
/// so that a rack of sessions does not return to a rebooted camera at once.
pub(crate) struct Backoff {
    next: Duration,
    /// When the first of these tries failed.
    since: Option<Instant>,
    random: u64,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self {
            next: FIRST,
            since: None,
            random: RandomState::new().hash_one(0_u8) | 1,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
        self.since = None;
    }

    /// How long to wait now that it failed for this reason.
    pub(crate) fn next(&mut self, kind: ErrorKind) -> Duration {
        let boots = self.since.get_or_insert_with(Instant::now).elapsed() < BOOT;
        let whole = match kind {
            // Cameras lock out whoever comes often with a wrong password.
            ErrorKind::Unauthorized | ErrorKind::NotFound => MOST,
            // The camera was waited for already, and may be awake again at any moment.
            ErrorKind::Timeout | ErrorKind::NoVideo | ErrorKind::Stalled => FIRST,
            // Whether the port is open again is looked at meanwhile.
            ErrorKind::Refused => self.next,
            _ if boots => self.next.min(SOON),
            _ => self.next,
        };
        self.next = (self.next * 2).min(MOST);
        // xorshift64
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let share = u32::try_from(self.random % 256).unwrap_or(0);
        whole.saturating_sub(whole / 4 * share / 256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_one_second_to_thirty_and_start_again() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..8)
            .map(|_| backoff.next(ErrorKind::Refused).as_secs_f64())
            .collect();
        for (wait, whole) in waits
            .iter()
            .zip([1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0])
        {
            assert!(*wait <= whole && *wait >= whole * 0.75, "{waits:?}");
        }
        backoff.reset();
        assert!(backoff.next(ErrorKind::Refused) <= FIRST);
    }

    #[test]
    fn a_camera_that_was_waited_for_is_tried_again_within_a_second() {
        let mut backoff = Backoff::new();
        for _ in 0..8 {
            assert!(backoff.next(ErrorKind::Timeout) <= FIRST);
        }
    }

    #[test]
    fn a_camera_that_answers_while_it_boots_is_tried_every_four_seconds_for_two_minutes() {
        let mut backoff = Backoff::new();
        for _ in 0..8 {
            assert!(backoff.next(ErrorKind::Unreachable) <= SOON);
        }
        backoff.since = Instant::now().checked_sub(BOOT);
        assert!(backoff.next(ErrorKind::Unreachable) > SOON);
    }

    #[test]
    fn two_sessions_do_not_come_back_at_the_same_moment() {
        let waits = || {
            let mut backoff = Backoff::new();
            [(); 6].map(|()| backoff.next(ErrorKind::Refused))
        };
        let (one, other) = (waits(), waits());
        assert_ne!(one, other);
        // Nor is each wait shortened by the same share.
        let shares = [1, 2, 4, 8, 16].map(Duration::from_secs);
        let shares = shares
            .iter()
            .zip(one)
            .map(|(whole, wait)| wait.as_secs_f64() / whole.as_secs_f64());
        let shares: Vec<f64> = shares.collect();
        assert!(
            shares
                .windows(2)
                .any(|pair| (pair[0] - pair[1]).abs() > 0.004),
            "{shares:?}"
        );
    }

    #[test]
    fn a_refused_password_is_tried_slowly_from_the_start() {
        for kind in [ErrorKind::Unauthorized, ErrorKind::NotFound] {
            let wait = Backoff::new().next(kind);
            assert!(wait >= Duration::from_secs(22), "{kind}: {wait:?}");
        }
    }
}
