//! A gallery as a page: the same for `index.html` on disk and for the browser.
//! Which address a picture has is up to the caller; there is no script.

use askama::Template;

use crate::error::Error;
use crate::gallery::picture_path;
use crate::manifest::{Manifest, ManifestWinner};
use crate::picture::PictureKind;

/// The style sheet of [`page`], for whoever serves it under
/// [`Style::Link`].
pub const CSS: &str = include_str!("../templates/gallery.css");

/// Where the page takes its style sheet from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style<'a> {
    /// Inside the page, so that it stands alone as a file.
    Inline,
    /// From this address, for pages served under a content security policy that
    /// forbids styles inside.
    Link(&'a str),
}

/// Where the page links to. Addresses are escaped by the page.
#[derive(Clone, Copy)]
pub struct Links<'a> {
    /// The address of the picture of a kind at a rank (from 1). Asked only for
    /// pictures that there are.
    pub picture: &'a dyn Fn(u32, PictureKind) -> String,
    /// The list of all sessions; none where the page stands alone.
    pub home: Option<&'a str>,
}

impl Links<'static> {
    /// Relative to the gallery's directory, for a page that lies in it.
    pub fn files() -> Self {
        Self {
            picture: &picture_path,
            home: None,
        }
    }
}

/// The page of the gallery that `manifest` describes, best frame first. Winners
/// without a thumbnail or an original are shown without it, and where there are
/// fewer winners than were asked for the page says so.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::ErrorKind::Internal), should the template fail;
/// no manifest is known to cause it.
pub fn page(manifest: &Manifest, links: &Links<'_>, style: Style<'_>) -> Result<String, Error> {
    let shots = manifest
        .winners
        .iter()
        .map(|winner| Shot::new(manifest, winner, links))
        .collect();
    Page {
        heading: heading(manifest),
        started: readable(&manifest.started_at),
        notes: notes(manifest),
        manifest,
        links,
        style,
        shots,
    }
    .render()
    .map_err(|cause| Error::internal("the gallery's page cannot be written", cause))
}

#[derive(Template)]
#[template(path = "gallery.html")]
struct Page<'a> {
    heading: String,
    started: String,
    notes: Vec<String>,
    manifest: &'a Manifest,
    links: &'a Links<'a>,
    style: Style<'a>,
    shots: Vec<Shot<'a>>,
}

struct Shot<'a> {
    rank: u32,
    thumbnail: Option<String>,
    original: Option<String>,
    alt: String,
    score: String,
    stream_time: String,
    captured_at: &'a str,
    captured: String,
    clock: &'static str,
}

impl<'a> Shot<'a> {
    fn new(manifest: &Manifest, winner: &'a ManifestWinner, links: &Links<'_>) -> Self {
        let frame = &winner.winner;
        let link = |saved: &Option<String>, kind| {
            saved.as_ref().map(|_| (links.picture)(winner.rank, kind))
        };
        let stream_time = clock_time(frame.stream_time);
        Self {
            rank: winner.rank,
            thumbnail: link(&winner.thumbnail, PictureKind::Thumbnail),
            original: link(&winner.original, PictureKind::Original),
            alt: format!(
                "{}, {stream_time} into the stream",
                one_of_many(manifest, winner.rank)
            ),
            score: format!("{:.4}", frame.score),
            stream_time,
            captured_at: &frame.captured_at,
            captured: readable(&frame.captured_at),
            clock: match frame.clock.as_str() {
                "rtcp" => "by the camera’s clock",
                _ => "by this computer’s clock",
            },
        }
    }
}

/// "Top 9 Brightest Frames", with the number that there is.
fn heading(manifest: &Manifest) -> String {
    let adjective = adjective(&manifest.options.best);
    match manifest.winners.len() {
        0 => "No Frames Kept".to_owned(),
        1 => format!("Top 1 {adjective} Frame"),
        number => format!("Top {number} {adjective} Frames"),
    }
}

/// "Brightest frame 1 of 9".
pub(crate) fn one_of_many(manifest: &Manifest, rank: u32) -> String {
    format!(
        "{} frame {rank} of {}",
        adjective(&manifest.options.best),
        manifest.winners.len()
    )
}

fn adjective(best: &str) -> &'static str {
    match best {
        "brightness" => "Brightest",
        "darkness" => "Darkest",
        // Weighted sums, and characteristics that later versions add.
        _ => "Best",
    }
}

/// What the reader would otherwise wonder about, in sentences.
fn notes(manifest: &Manifest) -> Vec<String> {
    let mut notes = Vec::new();
    let (kept, asked) = (manifest.winners.len(), manifest.options.limit);
    match (&manifest.error, kept) {
        (Some(error), 0) => notes.push(error.message.clone()),
        (Some(error), _) => notes.push(format!("The session failed: {}", error.message)),
        (None, 0) => notes.push("The session ended before a frame could be scored.".to_owned()),
        (None, _) => {}
    }
    if kept > 0 && (kept as u64) < u64::from(asked) {
        notes.push(format!(
            "{asked} were asked for; the stream gave only {kept}."
        ));
    }
    notes
}

/// Seconds as `m:ss.mmm`, with hours in front where there are any.
fn clock_time(seconds: f64) -> String {
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

/// An RFC 3339 time for people, in UTC and to the millisecond; other text as it is.
fn readable(time: &str) -> String {
    time.parse::<jiff::Timestamp>()
        .and_then(|time| jiff::Timestamp::from_millisecond(time.as_millisecond()))
        .map_or_else(
            |_| time.to_owned(),
            // `%.f` writes nothing where there is no fraction.
            |time| format!("{} UTC", time.strftime("%Y-%m-%d %H:%M:%S%.f")),
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Failure, Options, tests::manifest};

    fn on_disk(manifest: &Manifest) -> String {
        page(manifest, &Links::files(), Style::Inline).unwrap()
    }

    #[test]
    fn the_heading_tells_the_real_number_and_what_best_means() {
        let cases = [
            (9, "brightness", "Top 9 Brightest Frames"),
            (4, "darkness", "Top 4 Darkest Frames"),
            (1, "brightness", "Top 1 Brightest Frame"),
            (2, "sharpness:0.7,brightness:0.3", "Top 2 Best Frames"),
            (0, "brightness", "No Frames Kept"),
        ];
        for (winners, best, heading) in cases {
            let mut manifest = manifest("a", winners);
            manifest.options.best = best.to_owned();
            let html = on_disk(&manifest);
            assert!(html.contains(&format!("<h1>{heading}</h1>")), "{heading}");
            assert!(html.contains(&format!("<title>{heading} – bestshot</title>")));
        }
    }

    #[test]
    fn every_winner_is_shown_once_in_order_and_links_to_its_original() {
        let html = on_disk(&manifest("a", 9));
        let mut rest = html.as_str();
        for rank in 1..=9 {
            let picture = format!(
                "<a href=\"originals/{rank:02}.png\"><img src=\"thumbnails/{rank:02}.png\" \
                 width=\"300\" height=\"300\" alt=\"Brightest frame {rank} of 9, "
            );
            let at = rest
                .find(&picture)
                .unwrap_or_else(|| panic!("{rank}: {html}"));
            rest = &rest[at + picture.len()..];
            assert!(rest.contains(&format!("<strong>#{rank}</strong> score 0.")));
        }
        assert!(!rest.contains("<img"));
        assert!(!html.contains("asked for"));
    }

    #[test]
    fn fewer_winners_than_asked_for_are_said_and_never_padded() {
        let html = on_disk(&manifest("a", 4));
        assert!(html.contains("9 were asked for; the stream gave only 4."));
        assert_eq!(html.matches("<img").count(), 4);
    }

    #[test]
    fn no_winner_comes_with_the_reason() {
        let mut manifest = manifest("a", 0);
        assert!(on_disk(&manifest).contains("before a frame could be scored"));
        manifest.error = Some(Failure {
            kind: "unauthorized".to_owned(),
            message: "The camera refused the password.".to_owned(),
        });
        let html = on_disk(&manifest);
        assert!(html.contains("The camera refused the password."));
        assert!(!html.contains("<ol"));
    }

    #[test]
    fn pictures_that_were_lost_are_not_linked() {
        let mut manifest = manifest("a", 3);
        manifest.winners[0].original = None;
        manifest.winners[1].thumbnail = None;
        manifest.winners[2].original = None;
        manifest.winners[2].thumbnail = None;
        let html = on_disk(&manifest);
        assert_eq!(html.matches("<img").count(), 1);
        assert!(!html.contains("originals/01.png"));
        assert!(html.contains("<a class=\"missing\" href=\"originals/02.png\">"));
        assert!(html.contains("lost before it could be saved"));
        assert!(!html.contains("03.png"));
    }

    #[test]
    fn names_and_messages_cannot_become_markup() {
        let evil = "\"><script>alert(1)</script>&'";
        let mut manifest = manifest("a", 1);
        manifest.source = format!("rtsp://camera/{evil}");
        manifest.started_at = evil.to_owned();
        manifest.options = Options {
            best: evil.to_owned(),
            ..Options::default()
        };
        manifest.error = Some(Failure {
            kind: evil.to_owned(),
            message: evil.to_owned(),
        });
        manifest.winners[0].winner.captured_at = evil.to_owned();
        let links = Links {
            picture: &|_, _| evil.to_owned(),
            home: Some(evil),
        };
        let html = page(&manifest, &links, Style::Link(evil)).unwrap();
        assert!(!html.contains("<script"));
        assert!(!html.contains("</script"));
        // A quotation mark of ours directly followed by one of theirs.
        assert!(!html.contains("=\"\""), "{html}");
    }

    #[test]
    fn the_served_page_needs_neither_script_nor_inline_style() {
        let links = Links {
            picture: &|rank, kind| format!("/v1/sessions/a/frames/{rank}/{kind}"),
            home: Some("/"),
        };
        let html = page(&manifest("a", 2), &links, Style::Link("/gallery.css")).unwrap();
        assert!(html.contains("<link rel=\"stylesheet\" href=\"/gallery.css\">"));
        assert!(html.contains("src=\"/v1/sessions/a/frames/2/thumbnail\""));
        assert!(html.contains("href=\"/v1/sessions/a/frames/2/original\""));
        assert!(html.contains("<a href=\"/\">All sessions</a>"));
        for forbidden in ["<style", "style=", "<script", "http:", "https:"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn the_page_on_disk_stands_alone() {
        let html = on_disk(&manifest("a", 2));
        assert!(html.contains("<style>"));
        assert!(html.contains("repeat(3, minmax(0, 1fr))"));
        for forbidden in ["<link", "style=", "<script", "http:", "https:"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
        // It would end the style element early.
        assert!(!CSS.contains("</"));
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
        assert_eq!(
            readable("2026-01-31T12:00:00.250700+02:00"),
            "2026-01-31 10:00:00.25 UTC"
        );
        assert_eq!(readable("2026-01-31T12:00:00Z"), "2026-01-31 12:00:00 UTC");
        assert_eq!(readable("yesterday"), "yesterday");
    }
}
