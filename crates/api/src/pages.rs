//! The pages that `/stop` and the gallery operation answer: the gallery crate's
//! own page with addresses of this service, and short notices.

use std::sync::Arc;

use askama::Template;
use bestshot_gallery::{Links, PictureKind, Style, manifest::Manifest, page};

use crate::state::{Empty, End, Entry};

/// A heading, a sentence, and perhaps a choice of sessions to stop.
#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    heading: &'a str,
    text: &'a str,
    choices: &'a [Arc<Entry>],
}

/// The page of what a session left behind.
///
/// # Errors
/// Should the template fail; nothing is known to cause it.
pub(crate) fn result(end: &End) -> Result<String, bestshot_gallery::Error> {
    match end {
        End::Saved(gallery) => gallery_page(gallery.manifest()),
        End::Empty(empty) => {
            let Empty {
                facts,
                status,
                ended_at,
            } = &**empty;
            gallery_page(&facts.manifest_without_winners(status, *ended_at))
        }
    }
}

fn gallery_page(manifest: &Manifest) -> Result<String, bestshot_gallery::Error> {
    let picture =
        |rank: u32, kind: PictureKind| format!("/v1/sessions/{}/frames/{rank}/{kind}", manifest.id);
    let session = format!("/v1/sessions/{}", manifest.id);
    let archive = format!("{session}/archive");
    let plot = format!("{session}/plot");
    let kept = !manifest.winners.is_empty();
    let links = Links {
        picture: &picture,
        home: Some("/"),
        archive: kept.then_some(archive.as_str()),
        session: Some(&session),
        plot: (!manifest.curve.is_empty()).then_some(&plot),
    };
    let style = Style::Link {
        style: "/assets/gallery.css",
        script: "/assets/gallery.js",
    };
    page(manifest, &links, style)
}

/// The page that lets a person choose which session to stop.
pub(crate) fn which_one(running: &[Arc<Entry>]) -> askama::Result<String> {
    let text = "Several sessions run. Which one shall be stopped?";
    Notice {
        heading: "Which session?",
        text,
        choices: running,
    }
    .render()
}

/// A page that says one thing.
pub(crate) fn notice(heading: &str, text: &str) -> askama::Result<String> {
    Notice {
        heading,
        text,
        choices: &[],
    }
    .render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_escapes_what_it_shows() {
        let html = notice("Nothing", "<script>alert(1)</script>").unwrap();
        assert!(!html.contains("<script>"), "{html}");
        assert!(html.contains("<h1>Nothing</h1>"));
    }
}
