//! What libav's log tells: losses and broken pictures that it reports nowhere
//! else, and lines for `tracing` with the secrets taken out. The callback that
//! feeds it is in `ffi`, whose a line is in `listeners`, what a camera's answers mean
//! in `answer`.

pub(crate) mod answer;
mod listeners;
mod signals;

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

pub(crate) use self::{
    listeners::{Listening, Names, at_work, during},
    signals::Signals,
};
use crate::redact::redact_line;

/// libav's severity numbers; a larger one is less severe.
const ERROR: i32 = 16;
const WARNING: i32 = 24;
const INFO: i32 = 32;

/// Lines forwarded in one second at most: a hostile stream can cause thousands.
const LINES_A_SECOND: u64 = 20;

/// Lines below INFO that mean something.
const BYE: &[u8] = b"Received BYE";
const SDP: &[u8] = b"SDP:";
/// A line of a camera's answer; what we send, passwords in it, has another format.
const ANSWER: &[u8] = b"line='%s'";
/// A packet within the connection of the requests, by its channel: media have the even
/// ones, reports the odd.
const INTERLEAVED: &[u8] = b"id=%d len=%d";

/// What a line of libav means for the stream it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Lost,
    Damaged,
    Bye,
    TooLarge,
    Described,
    Answer,
    Interleaved,
    BufferCut,
    Untrusted,
}

/// Reads libav's *format string*, which no camera can influence.
fn meaning(level: i32, format: &[u8]) -> Option<Meaning> {
    const OVERSIZED: &[u8] = b"Picture size %ux%u exceeds";
    const CONCEALING: &[u8] = b"concealing %d DC";
    const BUFFER_CUT: &[u8] = b"attempted to set receive buffer";
    const LOST: [&[u8]; 3] = [
        b"RTP: missed",
        b"max delay reached",
        b"RTP: dropping old packet",
    ];
    // Where libav has GnuTLS. OpenSSL's refusals come in words of its own.
    const UNTRUSTED: [&[u8]; 3] = [
        b"Unable to verify peer certificate",
        b"Peer certificate failed verification",
        b"The certificate's owner does not match hostname",
    ];
    if UNTRUSTED.iter().any(|start| format.starts_with(start)) {
        return Some(Meaning::Untrusted);
    }
    if LOST.iter().any(|start| format.starts_with(start)) {
        return Some(Meaning::Lost);
    }
    if format.starts_with(BYE) {
        return Some(Meaning::Bye);
    }
    if format.starts_with(SDP) {
        return Some(Meaning::Described);
    }
    // Neither is an error; whatever libav calls one counts as such.
    if level > ERROR && format.starts_with(ANSWER) {
        return Some(Meaning::Answer);
    }
    if level > ERROR && format.starts_with(INTERLEAVED) {
        return Some(Meaning::Interleaved);
    }
    // The decoder paints over what it could not decode. libav marks the picture, too, but
    // those that lean on it and are shown before it are out by then.
    if format.starts_with(CONCEALING) {
        return Some(Meaning::Damaged);
    }
    if level > ERROR && format.starts_with(BUFFER_CUT) {
        return Some(Meaning::BufferCut);
    }
    if format.starts_with(OVERSIZED) {
        return Some(Meaning::TooLarge);
    }
    (level <= ERROR).then_some(Meaning::Damaged)
}

/// Whether a line of this level and format is worth the callback's time. The
/// first thing asked: libav hands over every level, and TRACE lines carry
/// passwords.
pub(crate) fn is_wanted(level: i32, format: &[u8]) -> bool {
    level <= INFO
        || [BYE, SDP, ANSWER, INTERLEAVED]
            .iter()
            .any(|f| format.starts_with(f))
}

/// Takes one line in: `context` is the name of the packet that it is about ([`Names`]) or
/// the address of libav's context (0 for none).
pub(crate) fn receive(context: usize, level: i32, format: &[u8], line: impl FnOnce() -> String) {
    let Some(meaning) = meaning(level, format) else {
        return forward(level, line);
    };
    let Some(owner) = listeners::owner(context) else {
        if !matches!(meaning, Meaning::Answer | Meaning::Interleaved) {
            forward(level, line);
        }
        return;
    };
    let signals = &owner.signals;
    match meaning {
        Meaning::Lost => signals.lose(),
        Meaning::Damaged => owner.damage(),
        Meaning::TooLarge => signals.too_large.store(true, Ordering::Release),
        Meaning::Untrusted => signals.untrusted.store(true, Ordering::Release),
        Meaning::Described => signals.described.store(true, Ordering::Release),
        Meaning::Bye => signals.bye.store(true, Ordering::Release),
        Meaning::Answer => {
            signals.hear(&line());
            return;
        }
        Meaning::Interleaved => {
            // One line a packet: written out until there was one of media only.
            signals.packet_begins(|| is_media(&line()));
            return;
        }
        Meaning::BufferCut => {
            let line = line();
            if let Some(bytes) = last_number(&line) {
                signals.receive_buffer.store(bytes, Ordering::Release);
            }
            return forward(level, || line);
        }
    }
    forward(level, line);
}

/// Whether a line about an interleaved packet names a channel of media.
fn is_media(line: &str) -> bool {
    let channel = line
        .rsplit_once("id=")
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse::<u8>().ok());
    channel.is_some_and(|channel| channel % 2 == 0)
}

fn last_number(line: &str) -> Option<u64> {
    let mut numbers = line.split(|c: char| !c.is_ascii_digit());
    numbers.rfind(|digits| !digits.is_empty())?.parse().ok()
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
    use std::sync::Arc;

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
        assert!(!is_wanted(56, b"%s: header='%s'\n"));
        assert!(is_wanted(48, b"Received BYE\n"));
    }

    #[test]
    fn a_packet_of_media_is_noticed_and_a_report_is_not_taken_for_one() {
        let signals = Arc::new(Signals::default());
        let _a = Listening::new(0xd44, &signals);
        let told = |line: &str| receive(0xd44, 56, b"id=%d len=%d\n", || line.to_owned());
        assert!(is_wanted(56, b"id=%d len=%d\n"));
        told("[rtsp @ 0xd44] id=1 len=48\n");
        assert!(!signals.sends_media());
        told("[rtsp @ 0xd44] id=0 len=1412\n");
        assert!(!signals.sends_media(), "it has only begun");
        told("[rtsp @ 0xd44] id=1 len=48\n");
        assert!(signals.sends_media());
    }

    #[test]
    fn a_certificate_that_nobody_vouches_for_is_noticed() {
        for format in [
            &b"Peer certificate failed verification\n"[..],
            b"Unable to verify peer certificate: %s\n",
            b"The certificate's owner does not match hostname %s\n",
        ] {
            let signals = Arc::new(Signals::default());
            let _here = during(&signals);
            receive(0xe55, ERROR, format, String::new);
            assert!(signals.untrusted());
        }
    }

    #[test]
    fn a_receive_buffer_that_was_cut_is_noticed_with_its_size() {
        let signals = Arc::new(Signals::default());
        let _here = during(&signals);
        let format = b"attempted to set receive buffer to size %d but it only ended up set as %d";
        let line = "[udp @ 0x1] attempted to set receive buffer to size 4194304 but it only ended \
                    up set as 425984";
        receive(0xc33, WARNING, format, || line.to_owned());
        assert_eq!(signals.receive_buffer(), Some(425_984));
    }
}
