//! What libav's log tells: losses and broken pictures that it reports nowhere
//! else, and lines for `tracing` with the secrets taken out. The callback that
//! feeds it is in `ffi`.

use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::redact::redact_line;

/// libav's severity numbers; a larger one is less severe.
const ERROR: i32 = 16;
const WARNING: i32 = 24;
const INFO: i32 = 32;

/// Lines forwarded in one second at most: a hostile stream can cause thousands.
const LINES_A_SECOND: u64 = 20;

/// What the log said about one stream. Counters only grow.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    lost: AtomicU64,
    damaged: AtomicU64,
    bye: AtomicBool,
    too_large: AtomicBool,
    described: AtomicBool,
}

impl Signals {
    /// Times that packets went missing before they reached us.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire)
    }

    /// Times that the decoder met something it could not decode.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Acquire)
    }

    /// Whether a picture was refused for its size.
    pub(crate) fn too_large(&self) -> bool {
        self.too_large.load(Ordering::Acquire)
    }

    /// Whether the camera sent a description (SDP) of its stream.
    pub(crate) fn described(&self) -> bool {
        self.described.load(Ordering::Acquire)
    }

    /// Whether the camera said goodbye (RTCP BYE).
    pub(crate) fn said_bye(&self) -> bool {
        self.bye.load(Ordering::Acquire)
    }
}

thread_local! {
    /// The stream that this thread is decoding.
    static HERE: RefCell<Weak<Signals>> = RefCell::default();
}

/// Takes lines of unknown contexts for this stream's until it is dropped.
pub(crate) struct During(());

pub(crate) fn during(signals: &Arc<Signals>) -> During {
    HERE.set(Arc::downgrade(signals));
    During(())
}

impl Drop for During {
    fn drop(&mut self) {
        HERE.set(Weak::new());
    }
}

/// Lines below INFO that mean something.
const BYE: &[u8] = b"Received BYE";
const SDP: &[u8] = b"SDP:";

/// What a line of libav means for the stream it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Lost,
    Damaged,
    Bye,
    TooLarge,
    Described,
}

/// Reads libav's *format string*, which no camera can influence.
fn meaning(level: i32, format: &[u8]) -> Option<Meaning> {
    const OVERSIZED: &[u8] = b"Picture size %ux%u exceeds";
    const LOST: [&[u8]; 3] = [
        b"RTP: missed",
        b"max delay reached",
        b"RTP: dropping old packet",
    ];
    if LOST.iter().any(|start| format.starts_with(start)) {
        return Some(Meaning::Lost);
    }
    if format.starts_with(BYE) {
        return Some(Meaning::Bye);
    }
    if format.starts_with(SDP) {
        return Some(Meaning::Described);
    }
    if format.starts_with(OVERSIZED) {
        return Some(Meaning::TooLarge);
    }
    (level <= ERROR).then_some(Meaning::Damaged)
}

/// Which libav context belongs to which stream: the log is one for the whole
/// process and names a context with each line.
static STREAMS: Mutex<Vec<(usize, Weak<Signals>)>> = Mutex::new(Vec::new());

/// Keeps a context's lines going to a stream's [`Signals`] while it lives.
#[derive(Debug)]
pub(crate) struct Listening {
    context: usize,
}

impl Listening {
    pub(crate) fn new(context: usize, signals: &Arc<Signals>) -> Self {
        let mut streams = STREAMS.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push((context, Arc::downgrade(signals)));
        Self { context }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut streams = STREAMS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = streams
            .iter()
            .position(|(context, _)| *context == self.context)
        {
            streams.swap_remove(at);
        }
    }
}

/// Whether a line of this level and format is worth the callback's time. The
/// first thing asked: libav hands over every level, and TRACE lines carry
/// passwords.
pub(crate) fn is_wanted(level: i32, format: &[u8]) -> bool {
    level <= INFO || format.starts_with(BYE) || format.starts_with(SDP)
}

/// Takes one line in: `context` is the address of libav's context (0 for none).
pub(crate) fn receive(context: usize, level: i32, format: &[u8], line: impl FnOnce() -> String) {
    if let Some(meaning) = meaning(level, format) {
        let streams = STREAMS.lock().unwrap_or_else(PoisonError::into_inner);
        let known = streams
            .iter()
            .find(|(known, _)| *known == context)
            .map(|(_, s)| s.clone());
        drop(streams);
        let signals = known
            .unwrap_or_else(|| HERE.with_borrow(Weak::clone))
            .upgrade();
        if let Some(signals) = signals {
            match meaning {
                Meaning::Lost => _ = signals.lost.fetch_add(1, Ordering::AcqRel),
                Meaning::Damaged => _ = signals.damaged.fetch_add(1, Ordering::AcqRel),
                Meaning::TooLarge => signals.too_large.store(true, Ordering::Release),
                Meaning::Described => signals.described.store(true, Ordering::Release),
                Meaning::Bye => signals.bye.store(true, Ordering::Release),
            }
        }
    }
    forward(level, line);
}

fn forward(level: i32, line: impl FnOnce() -> String) {
    let wanted = if level <= WARNING {
        tracing::enabled!(target: "libav", tracing::Level::DEBUG)
    } else {
        tracing::enabled!(target: "libav", tracing::Level::TRACE)
    };
    if !wanted || !within_budget() {
        return;
    }
    let line = redact_line(line().trim_end());
    if level <= WARNING {
        tracing::debug!(target: "libav", "{line}");
    } else {
        tracing::trace!(target: "libav", "{line}");
    }
}

/// A budget per second, so that a flood from one camera cannot fill a disk.
fn within_budget() -> bool {
    static START: OnceLock<Instant> = OnceLock::new();
    static SECOND: AtomicU64 = AtomicU64::new(0);
    static LINES: AtomicU64 = AtomicU64::new(0);
    let second = START.get_or_init(Instant::now).elapsed().as_secs();
    if SECOND.swap(second, Ordering::Relaxed) != second {
        LINES.store(0, Ordering::Relaxed);
    }
    LINES.fetch_add(1, Ordering::Relaxed) < LINES_A_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_reaches_the_stream_it_belongs_to_and_no_other() {
        let (mine, other) = (Arc::new(Signals::default()), Arc::new(Signals::default()));
        let _a = Listening::new(0xa11, &mine);
        let b = Listening::new(0xb22, &other);
        receive(0xa11, WARNING, b"RTP: missed %d packets\n", String::new);
        receive(
            0xb22,
            ERROR,
            b"error while decoding MB %d %d\n",
            String::new,
        );
        receive(0xa11, 48, b"Received BYE\n", String::new);
        drop(b);
        receive(
            0xb22,
            ERROR,
            b"error while decoding MB %d %d\n",
            String::new,
        );
        assert_eq!((mine.lost(), mine.damaged(), mine.said_bye()), (1, 0, true));
        assert_eq!(
            (other.lost(), other.damaged(), other.said_bye()),
            (0, 1, false)
        );
    }

    #[test]
    fn lines_that_may_carry_credentials_are_not_even_looked_at() {
        assert!(!is_wanted(56, b"Sending:\n%s--\n"));
        assert!(!is_wanted(48, b"line='%s'\n"));
        assert!(is_wanted(48, b"Received BYE\n"));
    }
}
