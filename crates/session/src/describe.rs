//! What is said of frames and failures: plain data made from what the decoder
//! knows. No decisions.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use bestshot_decoder::{Error, ErrorKind, Frame, StreamInfo, Transport};
use bestshot_gallery::manifest::{Failure, Stream, Winner};
use bestshot_ranker::{Blend, Metric, Score, Scored};

/// A decoder's error, or one of our own.
pub(crate) struct Broke {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    /// Whether trying again in a moment is pointless.
    pub(crate) lasting: bool,
}

impl From<Error> for Broke {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
            lasting: error.is_lasting(),
        }
    }
}

pub(crate) fn winner(
    frame: &Frame,
    scored: &Scored,
    blend: &Blend,
    exposure: Score,
    frames_before: u64,
    time_before: Duration,
) -> Winner {
    let (at, clock) = match frame.captured_at() {
        Some(at) => (at, "rtcp"),
        None => (frame.received_at(), "receive"),
    };
    let parts = blend.parts().zip(&scored.parts);
    let mut scores: BTreeMap<_, _> = parts
        .map(|((name, _), score)| (name.to_owned(), score.value()))
        .collect();
    scores.insert(Metric::Exposure.to_string(), exposure.value());
    let index = frames_before + frame.index();
    let (width, height) = frame.shown_size();
    Winner {
        key: index,
        score: scored.score.value(),
        scores,
        index,
        stream_time: seconds(time_before + frame.stream_time()),
        captured_at: rfc3339(at),
        clock: clock.to_owned(),
        keyframe: frame.is_keyframe(),
        width,
        height,
    }
}

pub(crate) fn stream(frame: &Frame, info: &StreamInfo) -> Stream {
    let (width, height) = frame.shown_size();
    Stream {
        codec: info.codec.to_owned(),
        width,
        height,
        pixel_format: frame.pixel_format().to_owned(),
        frame_rate: info.frame_rate,
        transport: info.transport.map(|t: Transport| t.to_string()),
    }
}

pub(crate) fn failure(error: &Broke) -> Failure {
    // `dropped` is no kind of the documents: a stream that broke off and never
    // came back stands still.
    let kind = match error.kind {
        ErrorKind::Dropped => ErrorKind::Unreachable,
        kind => kind,
    };
    Failure {
        kind: kind.to_string(),
        message: error.message.clone(),
    }
}

/// Seconds, with no more digits in decimals than there are nanoseconds: whole seconds
/// and their fraction added up, as `as_secs_f64` does, now and then end in `…2999999`.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact for a hundred days, and then to the nearest nanosecond or two"
)]
pub(crate) fn seconds(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e9
}

pub(crate) fn rfc3339(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .map(|t| format!("{t:.3}"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_with_the_digits_that_it_has() {
        for (whole, nanos, shown) in [
            (11, 992_022_263, "11.992022263"),
            (0, 40_000_000, "0.04"),
            (86_400, 1, "86400.000000001"),
        ] {
            assert_eq!(seconds(Duration::new(whole, nanos)).to_string(), shown);
        }
    }
}
