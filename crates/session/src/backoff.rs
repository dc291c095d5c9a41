//! How long to wait before a camera is tried again. Pure but for the jitter's
//! seed.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use bestshot_decoder::ErrorKind;

const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(30);
/// After a try that itself took seconds until a deadline ended it.
const AFTER_WAITING: Duration = Duration::from_secs(4);

/// Doubles from 1 s to 30 s, each wait shortened by up to a quarter at random,
/// so that a rack of sessions does not return to a rebooted camera at once.
pub(crate) struct Backoff {
    next: Duration,
    random: u64,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self {
            next: FIRST,
            random: RandomState::new().hash_one(0_u8) | 1,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }

    pub(crate) fn next(&mut self, kind: ErrorKind) -> Duration {
        let whole = match kind {
            // Cameras lock out whoever comes often with a wrong password.
            ErrorKind::Unauthorized | ErrorKind::NotFound => MOST,
            // The camera was waited for already, and may be awake again at any moment.
            ErrorKind::Timeout | ErrorKind::NoVideo | ErrorKind::Stalled => {
                self.next.min(AFTER_WAITING)
            }
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
            .map(|_| backoff.next(ErrorKind::Dropped).as_secs_f64())
            .collect();
        for (wait, whole) in waits
            .iter()
            .zip([1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0])
        {
            assert!(*wait <= whole && *wait >= whole * 0.75, "{waits:?}");
        }
        backoff.reset();
        assert!(backoff.next(ErrorKind::Dropped) <= FIRST);
    }

    #[test]
    fn a_camera_that_was_waited_for_is_tried_again_within_four_seconds() {
        let mut backoff = Backoff::new();
        for _ in 0..8 {
            assert!(backoff.next(ErrorKind::Timeout) <= AFTER_WAITING);
        }
    }

    #[test]
    fn a_refused_password_is_tried_slowly_from_the_start() {
        let wait = Backoff::new().next(ErrorKind::Unauthorized);
        assert!(wait >= Duration::from_secs(22), "{wait:?}");
    }
}
