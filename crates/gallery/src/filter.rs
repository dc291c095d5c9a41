//! Which galleries somebody looks for: by their source and by when they began. Pure.

use std::ops::Range;

use jiff::Timestamp;

/// Which galleries are looked for. The default is all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// In lower case.
    pub(crate) source: String,
    /// Microseconds since 1970.
    pub(crate) times: Range<i64>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            source: String::new(),
            times: i64::MIN..i64::MAX,
        }
    }
}

impl Filter {
    /// Those whose source has this text in it, in whatever case.
    #[must_use]
    pub fn source(mut self, part: &str) -> Self {
        self.source = part.to_lowercase();
        self
    }

    /// Those that began from the one time on and before the other.
    #[must_use]
    pub fn started(mut self, times: Range<Timestamp>) -> Self {
        self.times = times.start.as_microsecond()..times.end.as_microsecond();
        self
    }

    /// Whether a session that read this source and began then is among them.
    pub fn admits(&self, source: &str, started_at: Timestamp) -> bool {
        self.times.contains(&started_at.as_microsecond())
            && source.to_lowercase().contains(&self.source)
    }
}
