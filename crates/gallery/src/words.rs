//! How the page and the pictures word what a manifest holds: the heading, what
//! "best" means, scores, codecs and times. Pure text, no markup.

use std::collections::BTreeMap;

use crate::manifest::Manifest;

/// "Top 9 Brightest Frames", with the number that there is.
pub(crate) fn heading(manifest: &Manifest) -> String {
    let frames = match manifest.winners.len() {
        0 => return "No Frames Kept".to_owned(),
        1 => "Frame",
        _ => "Frames",
    };
    let (before, after) = Best::of(&manifest.options.best).around();
    format!("Top {} {before}{frames}{after}", manifest.winners.len())
}

/// "Brightest frame 1 of 9".
pub(crate) fn one_of_many(manifest: &Manifest, rank: u32) -> String {
    let place = format!("{rank} of {}", manifest.winners.len());
    match Best::of(&manifest.options.best) {
        Best::Adjective(adjective) => format!("{adjective} frame {place}"),
        Best::Overall => format!("Frame {place} overall"),
        Best::By(what) => format!("Frame {place} by {what}"),
    }
}

/// What "best" means, in words that go with "frames".
enum Best {
    Adjective(&'static str),
    Overall,
    /// A weighted sum, a preset, or a characteristic that later versions add.
    By(String),
}

impl Best {
    fn of(best: &str) -> Self {
        Self::Adjective(match best {
            "brightness" => "Brightest",
            "darkness" => "Darkest",
            "sharpness" => "Sharpest",
            "contrast" => "Highest-Contrast",
            "colorfulness" => "Most Colourful",
            "entropy" => "Most Detailed",
            "motion" => "Liveliest",
            "stillness" => "Stillest",
            "exposure" => "Best-Exposed",
            "overall" => return Self::Overall,
            // `sharpness:0.7,brightness:0.3`
            _ => {
                let parts = best.split(',').map(|part| part.trim().replace(':', " "));
                return Self::By(parts.collect::<Vec<_>>().join(", "));
            }
        })
    }

    /// What stands before "Frames" in a heading, and what behind.
    fn around(&self) -> (String, String) {
        match self {
            Self::Adjective(adjective) => (format!("{adjective} "), String::new()),
            Self::Overall => (String::new(), " Overall".to_owned()),
            Self::By(what) => (String::new(), format!(" by {what}")),
        }
    }
}

/// "brightness 0.5432, sharpness 0.4321", where "best" is a sum of several.
pub(crate) fn parts(best: &str, scores: &BTreeMap<String, f64>) -> String {
    if !matches!(Best::of(best), Best::By(_) | Best::Overall) || scores.len() < 2 {
        return String::new();
    }
    let sum = |name: &str| best.split([',', ':']).any(|part| part.trim() == name);
    let parts = scores
        .iter()
        .filter(|(name, _)| sum(name) || !best.contains(':'))
        .map(|(name, score)| format!("{name} {score:.4}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// The name of a codec as people write it.
pub(crate) fn codec(name: &str) -> &str {
    match name {
        "h264" => "H.264",
        "hevc" => "H.265",
        "mjpeg" => "MJPEG",
        "mpeg4" => "MPEG-4",
        other => other,
    }
}

/// Seconds as `m:ss.mmm`, with hours in front where there are any.
pub(crate) fn clock_time(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, and what is below zero or no number shows as zero"
    )]
    let all = (seconds * 1000.0).round() as u64;
    let (milliseconds, seconds) = (all % 1000, all / 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes}:{seconds:02}.{milliseconds:03}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}.{milliseconds:03}")
    }
}

/// An RFC 3339 time for people, in UTC and to the second; other text as it is.
pub(crate) fn moment(time: &str) -> String {
    time.parse::<jiff::Timestamp>().map_or_else(
        |_| time.to_owned(),
        |time| format!("{} UTC", time.strftime("%Y-%m-%d %H:%M:%S")),
    )
}

/// The day and, to the millisecond, the time of the day, in UTC; text that is no time
/// stands for both.
pub(crate) fn day_and_time(time: &str) -> (String, String) {
    time.parse::<jiff::Timestamp>().map_or_else(
        |_| (String::new(), time.to_owned()),
        |time| {
            let day = time.strftime("%Y-%m-%d").to_string();
            (day, format!("{} UTC", time.strftime("%H:%M:%S%.3f")))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_score_tells_its_parts_and_a_plain_one_none() {
        let scores = [("brightness", 0.5), ("exposure", 0.9), ("sharpness", 0.25)];
        let scores = scores.map(|(name, score)| (name.to_owned(), score)).into();
        assert_eq!(parts("brightness", &scores), "");
        assert_eq!(
            parts("sharpness:0.7,brightness:0.3", &scores),
            "brightness 0.5000, sharpness 0.2500"
        );
        assert!(parts("overall", &scores).contains("exposure 0.9000"));
    }

    #[test]
    fn stream_time_reads_like_a_clock() {
        let cases = [
            (0.0, "0:00.000"),
            (83.0405, "1:23.041"),
            (59.9996, "1:00.000"),
            (3725.5, "1:02:05.500"),
            (-1.0, "0:00.000"),
            (f64::NAN, "0:00.000"),
        ];
        for (seconds, text) in cases {
            assert_eq!(clock_time(seconds), text);
        }
    }

    #[test]
    fn times_are_shown_in_utc() {
        let at = |day: &str, time: &str| (day.to_owned(), time.to_owned());
        assert_eq!(
            day_and_time("2026-01-31T12:00:00.250700+02:00"),
            at("2026-01-31", "10:00:00.250 UTC")
        );
        assert_eq!(
            day_and_time("2026-01-31T23:59:59.9999Z"),
            at("2026-01-31", "23:59:59.999 UTC")
        );
        assert_eq!(day_and_time("yesterday"), at("", "yesterday"));
        assert_eq!(moment("2026-01-31T12:00:00.9Z"), "2026-01-31 12:00:00 UTC");
        assert_eq!(moment("yesterday"), "yesterday");
    }
}
