//! A place in the list of all sessions, newest first: by start, then by id.
//! Clients pass its text back to ask for the next page.

use std::{fmt, str::FromStr};

use bestshot_gallery::Cursor;
use jiff::Timestamp;

/// Sorts as sessions do, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Microseconds since 1970.
    started_at: i64,
    id: String,
}

/// The text is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoPlace;

impl Place {
    pub(super) fn new(started_at: Timestamp, id: &str) -> Self {
        Self {
            started_at: started_at.as_microsecond(),
            id: id.to_owned(),
        }
    }

    /// The same place among the galleries alone.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.to_string().parse().ok()
    }
}

impl fmt::Display for Place {
    /// As a gallery's [`Cursor`] writes itself, so that one can be read from it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.started_at ^ i64::MIN, self.id)
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (time, id) = text.split_at_checked(16).ok_or(NoPlace)?;
        let digits = time.bytes().all(|b| b.is_ascii_hexdigit());
        let time = u64::from_str_radix(time, 16)
            .ok()
            .filter(|_| digits)
            .ok_or(NoPlace)?;
        let place = Self {
            started_at: time.cast_signed() ^ i64::MIN,
            id: id.to_owned(),
        };
        place.cursor().map(|_| place).ok_or(NoPlace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_is_a_cursor() {
        let at = "2026-11-23T17:55:14.009Z".parse().unwrap();
        let place = Place::new(at, "20261123-175514009-3f9a2c71");
        assert_eq!(place.to_string().parse(), Ok(place.clone()));
        assert_eq!(
            place.cursor().map(|c| c.to_string()),
            Some(place.to_string())
        );
        for text in [
            "",
            "x",
            "0123456789abcdef",
            "+123456789abcdef1",
            "0123456789abcdef../x",
        ] {
            assert_eq!(text.parse::<Place>(), Err(NoPlace), "{text}");
        }
    }
}
