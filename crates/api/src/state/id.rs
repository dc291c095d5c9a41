//! Names of sessions: `20261123-175514123-3f9a2c71`, the moment of the start
//! (UTC, to the millisecond) and 32 random bits. They sort by time as text.

use std::io;

use jiff::Timestamp;

/// A new name for a session started at `now`.
///
/// # Errors
/// Where the operating system has no random numbers.
pub(super) fn new_id(now: Timestamp) -> io::Result<String> {
    let random = getrandom::u32().map_err(io::Error::other)?;
    Ok(format!("{}-{random:08x}", now.strftime("%Y%m%d-%H%M%S%3f")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ_at_the_same_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let early = new_id(at("2026-11-23T17:55:14.009Z")).unwrap();
        let late = new_id(at("2026-11-23T17:55:14.01Z")).unwrap();
        assert_eq!(&early[..19], "20261123-175514009-");
        assert!(early < late, "{early} {late}");
        assert_ne!(early, new_id(at("2026-11-23T17:55:14.009Z")).unwrap());
        assert!(early.len() <= 64);
        assert!(
            early
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        );
    }
}
