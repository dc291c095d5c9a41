//! How long a camera may take: five options that serve, grab and probe share.

use std::time::Duration;

use bestshot_decoder::Deadlines;
use clap::Args;

/// The deadlines of a camera, in seconds.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Deadlines")]
pub(crate) struct DeadlineArgs {
    /// Give up looking for the camera's name (dns) after so many seconds.
    #[arg(
        long = "resolve-timeout",
        value_name = "SECONDS",
        env = "BESTSHOT_RESOLVE_TIMEOUT",
        default_value = "4",
        value_parser = seconds
    )]
    pub(crate) resolve: Duration,

    /// Give up a camera that has not answered the handshake (timeout) after so
    /// many seconds.
    #[arg(
        long = "connect-timeout",
        value_name = "SECONDS",
        env = "BESTSHOT_CONNECT_TIMEOUT",
        default_value = "8",
        value_parser = seconds
    )]
    pub(crate) connect: Duration,

    /// Give up a camera that opened its stream and sent nothing (no_video) after
    /// so many seconds.
    #[arg(
        long = "first-packet-timeout",
        value_name = "SECONDS",
        env = "BESTSHOT_FIRST_PACKET_TIMEOUT",
        default_value = "8.5",
        value_parser = seconds
    )]
    pub(crate) first_packet: Duration,

    /// Give up a camera that sends, but no picture that can be decoded by itself
    /// (no_keyframe), after so many seconds.
    #[arg(
        long = "keyframe-timeout",
        value_name = "SECONDS",
        env = "BESTSHOT_KEYFRAME_TIMEOUT",
        default_value = "90",
        value_parser = seconds
    )]
    pub(crate) keyframe: Duration,

    /// Take a camera that sent pictures for stalled after so many seconds of
    /// silence. One that sends a picture every few seconds is given three times
    /// as long as it takes for one.
    #[arg(
        long = "silence-timeout",
        value_name = "SECONDS",
        env = "BESTSHOT_SILENCE_TIMEOUT",
        default_value = "8",
        value_parser = seconds
    )]
    pub(crate) silence: Duration,
}

impl From<DeadlineArgs> for Deadlines {
    fn from(given: DeadlineArgs) -> Self {
        Self {
            resolve: given.resolve,
            connect: given.connect,
            first_packet: given.first_packet,
            first_keyframe: given.keyframe,
            silence: given.silence,
        }
    }
}

/// From a tenth of a second to an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    let number: Option<f64> = text.trim().parse().ok();
    number
        .filter(|seconds| (0.1..=3600.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "a number of seconds from 0.1 to 3600".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        deadlines: DeadlineArgs,
    }

    #[test]
    fn the_defaults_are_the_decoders_own() {
        let given = Only::try_parse_from(["x"]).unwrap().deadlines;
        assert_eq!(Deadlines::from(given), Deadlines::default());
    }

    #[test]
    fn a_deadline_is_a_number_of_seconds() {
        assert_eq!(seconds("2.5").unwrap(), Duration::from_millis(2500));
        for wrong in ["0", "-1", "NaN", "inf", "3601", "soon"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
