//! Sums over sessions, for the metrics.

use bestshot_gallery::manifest::Stats;

/// Frames since the service started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) decoded: u64,
    pub(crate) scored: u64,
    pub(crate) dropped: u64,
    pub(crate) rejected: u64,
    pub(crate) bytes: u64,
    pub(crate) reconnects: u64,
    /// Sessions that were summed up.
    pub(crate) sessions: u64,
}

impl Totals {
    pub(super) fn add(&mut self, stats: &Stats) {
        let rejected = &stats.frames_rejected;
        self.decoded += stats.frames_decoded;
        self.scored += stats.frames_scored;
        self.dropped += stats.frames_dropped;
        self.rejected += rejected.corrupt + rejected.before_keyframe + rejected.warmup;
        self.bytes += stats.bytes;
        self.reconnects += stats.reconnects;
        self.sessions += 1;
    }
}
