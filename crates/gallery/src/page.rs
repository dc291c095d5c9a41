//! A gallery as a page: the same for `index.html` on disk and for the browser.
//! Which address a picture has is up to the caller.

use std::sync::LazyLock;

use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::gallery::{PLOT, picture_path};
use crate::manifest::{Manifest, ManifestWinner};
use crate::picture::PictureKind;
use crate::words::{clock_time, codec, day_and_time, heading, moment, one_of_many, parts};

/// The style sheet of [`page`], for whoever serves it under
/// [`Style::Link`].
pub const CSS: &str = include_str!("../templates/gallery.css");

/// The script of [`page`], for whoever serves it under [`Style::Link`]: the viewer
/// of originals, and the button that deletes. Without it the page shows all the same.
pub const SCRIPT: &str = include_str!("../templates/gallery.js");

/// What the page on disk allows itself: its own style and script, known by their
/// sums, and pictures that lie beside it.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let sum = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; img-src 'self' file: data:; style-src 'sha256-{}'; \
         script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        sum(CSS),
        sum(SCRIPT)
    )
});

/// Where the page takes its style sheet and its script from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style<'a> {
    /// Inside the page, so that it stands alone as a file.
    Inline,
    /// From these addresses, for pages served under a content security policy that
    /// forbids both inside.
    Link {
        /// Where [`CSS`] is.
        style: &'a str,
        /// Where [`SCRIPT`] is.
        script: &'a str,
    },
}

/// Where the page links to. Addresses are escaped by the page.
#[derive(Clone, Copy)]
pub struct Links<'a> {
    /// The address of the picture of a kind at a rank (from 1). Asked only for
    /// pictures that there are.
    pub picture: &'a dyn Fn(u32, PictureKind) -> String,
    /// The list of all sessions; none where the page stands alone.
    pub home: Option<&'a str>,
    /// The archive of the whole gallery; none where there is nothing to download.
    pub archive: Option<&'a str>,
    /// The address whose `DELETE` removes the gallery; none where nobody may.
    pub session: Option<&'a str>,
    /// The picture of the score over time; shown where a frame was scored.
    pub plot: Option<&'a str>,
}

impl Links<'static> {
    /// Relative to the gallery's directory, for a page that lies in it.
    pub fn files() -> Self {
        Self {
            picture: &picture_path,
            home: None,
            archive: None,
            session: None,
            plot: Some(PLOT),
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
        started: moment(&manifest.started_at),
        clock: manifest.winners.first().map(|w| clock(&w.winner.clock)),
        notes: notes(manifest),
        codec: manifest.stream.as_ref().map_or("", |s| codec(&s.codec)),
        policy: &POLICY,
        plot: links.plot.filter(|_| !manifest.curve.is_empty()),
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
    /// What told the time of the best frame; others say so where it was not the same.
    clock: Option<&'static str>,
    notes: Vec<String>,
    codec: &'a str,
    policy: &'a str,
    plot: Option<&'a str>,
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
    /// What a weighted score is made of; empty where it is of one piece.
    parts: String,
    stream_time: String,
    captured_at: &'a str,
    /// Its day, and its time of the day.
    captured: (String, String),
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
            parts: parts(&manifest.options.best, &frame.scores),
            stream_time,
            captured_at: &frame.captured_at,
            captured: day_and_time(&frame.captured_at),
            clock: clock(&frame.clock),
        }
    }
}

fn clock(name: &str) -> &'static str {
    match name {
        "rtcp" => "by the camera’s clock",
        _ => "by this computer’s clock",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Failure, Options, tests::manifest};

    fn on_disk(manifest: &Manifest) -> String {
        let links = Links {
            plot: None,
            ..Links::files()
        };
        page(manifest, &links, Style::Inline).unwrap()
    }

    #[test]
    fn the_heading_tells_the_real_number_and_what_best_means() {
        let cases = [
            (9, "brightness", "Top 9 Brightest Frames"),
            (4, "darkness", "Top 4 Darkest Frames"),
            (1, "brightness", "Top 1 Brightest Frame"),
            (9, "sharpness", "Top 9 Sharpest Frames"),
            (9, "colorfulness", "Top 9 Most Colourful Frames"),
            (9, "stillness", "Top 9 Stillest Frames"),
            (9, "overall", "Top 9 Frames Overall"),
            (1, "portrait", "Top 1 Frame by portrait"),
            (
                2,
                "sharpness:0.7, brightness:0.3",
                "Top 2 Frames by sharpness 0.7, brightness 0.3",
            ),
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
    fn the_clock_is_told_once_and_beside_times_that_are_by_another() {
        let mut manifest = manifest("a", 3);
        let tells = |manifest: &Manifest, name: &str| on_disk(manifest).matches(name).count();
        for winner in &mut manifest.winners {
            winner.winner.clock = "rtcp".to_owned();
        }
        assert_eq!(tells(&manifest, "by the camera’s clock"), 1);
        manifest.winners[1].winner.clock = "receive".to_owned();
        assert_eq!(tells(&manifest, "by the camera’s clock"), 1);
        assert_eq!(tells(&manifest, "by this computer’s clock"), 1);
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
            archive: Some(evil),
            session: Some(evil),
            plot: Some(evil),
        };
        let style = Style::Link {
            style: evil,
            script: evil,
        };
        let html = page(&manifest, &links, style).unwrap();
        assert_eq!(html.matches("<script").count(), 1);
        assert_eq!(html.matches("</script").count(), 1);
        assert!(!html.contains("<script>"));
        // A quotation mark of ours directly followed by one of theirs.
        assert!(!html.contains("=\"\""), "{html}");
    }

    #[test]
    fn the_served_page_holds_no_script_and_no_style() {
        let links = Links {
            picture: &|rank, kind| format!("/v1/sessions/a/frames/{rank}/{kind}"),
            home: Some("/"),
            archive: Some("/v1/sessions/a/archive"),
            session: Some("/v1/sessions/a"),
            plot: None,
        };
        let style = Style::Link {
            style: "/gallery.css",
            script: "/gallery.js",
        };
        let html = page(&manifest("a", 2), &links, style).unwrap();
        assert!(html.contains("<script src=\"/gallery.js\"></script>"));
        assert!(html.contains("href=\"/v1/sessions/a/archive\" download"));
        assert!(html.contains("data-session=\"/v1/sessions/a\""));
        assert!(!html.contains("Score over time"));
        assert!(html.contains("<link rel=\"stylesheet\" href=\"/gallery.css\">"));
        assert!(html.contains("src=\"/v1/sessions/a/frames/2/thumbnail\""));
        assert!(html.contains("href=\"/v1/sessions/a/frames/2/original\""));
        assert!(html.contains("<a href=\"/\">All sessions</a>"));
        for forbidden in ["<style", "style=", "<script>", "http:", "https:"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn the_page_on_disk_stands_alone() {
        let html = on_disk(&manifest("a", 2));
        assert!(html.contains("<style>"));
        assert!(html.contains("repeat(3, minmax(0, 1fr))"));
        for forbidden in ["<link", "style=", "<script ", "http:", "https:"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
        for served in ["<nav", "id=\"delete\"", "Score over time"] {
            assert!(!html.contains(served), "{served}");
        }
        // It would end the element early, or look like the page's own.
        for text in [CSS, SCRIPT] {
            assert!(!text.contains("</") && !text.contains("=\""));
        }
    }

    #[test]
    fn the_page_on_disk_runs_its_own_script_and_no_other() {
        let html = on_disk(&manifest("a", 1));
        let (_, rest) = html.split_once("<script>").unwrap();
        let (script, _) = rest.split_once("</script>").unwrap();
        let sum = STANDARD.encode(Sha256::digest(script));
        assert!(
            html.contains(&format!("script-src &#39;sha256-{sum}&#39;")),
            "{html}"
        );
        assert!(html.contains("default-src &#39;none&#39;"));
    }

    #[test]
    fn the_plot_is_shown_where_there_is_one() {
        let mut manifest = manifest("a", 2);
        let html = page(&manifest, &Links::files(), Style::Inline).unwrap();
        assert!(
            html.contains("<a href=\"plot.svg\"><img src=\"plot.svg\" width=\"960\" height=\"320\" alt=\"The score")
        );
        manifest.curve.clear();
        let html = page(&manifest, &Links::files(), Style::Inline).unwrap();
        assert!(!html.contains("plot.svg"));
    }
}
