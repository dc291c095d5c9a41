//! The score over time as a picture: what a session saw, and which frames won.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::Error;
use crate::manifest::{CurvePoint, Manifest};

/// Pixels across and down.
pub(crate) const SIZE: (u32, u32) = (960, 320);
const PAPER: RGBColor = RGBColor(252, 252, 250);
const INK: RGBColor = RGBColor(51, 56, 64);
const GRID: RGBColor = RGBColor(226, 228, 230);
const BAND: RGBColor = RGBColor(186, 209, 232);
const LINE: RGBColor = RGBColor(33, 102, 172);
const WINNER: RGBColor = RGBColor(200, 80, 20);

/// An SVG picture of the score over the time of the stream: the band from the least
/// to the greatest score of each span of time, the line of their mean, and the
/// winners by rank. `None` where nothing was scored.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::ErrorKind::Internal), should the drawing fail; no
/// manifest is known to cause it.
pub fn plot(manifest: &Manifest) -> Result<Option<String>, Error> {
    if manifest.curve.is_empty() {
        return Ok(None);
    }
    let mut svg = String::new();
    draw(manifest, &mut svg).map_err(|cause| Error::internal("the plot cannot be drawn", cause))?;
    Ok(Some(svg))
}

type Failed = DrawingAreaErrorKind<std::io::Error>;

fn draw(manifest: &Manifest, svg: &mut String) -> Result<(), Failed> {
    let points = &manifest.curve;
    let winners: Vec<(u32, f64, f64)> = manifest
        .winners
        .iter()
        .map(|w| (w.rank, w.winner.stream_time, w.winner.score))
        .collect();
    let times = points
        .iter()
        .map(|p| p.stream_time)
        .chain(winners.iter().map(|w| w.1));
    let end = times.fold(0.1, f64::max) * 1.02;
    let (unit, name) = unit_of(end);
    let (low, high) = reach(points, &winners);

    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&PAPER)?;
    let style = ("sans-serif", 13).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..end / unit, low..high)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(style.clone())
        .axis_desc_style(style.clone())
        .x_desc(format!("time of the stream, {name}"))
        .y_desc(format!("score by {}", shortened(&manifest.options.best)))
        .x_labels(10)
        .y_labels(6)
        .draw()?;

    let at = |point: &CurvePoint, score: f64| (point.stream_time / unit, score);
    let upper = points.iter().map(|p| at(p, p.high));
    let lower = points.iter().rev().map(|p| at(p, p.low));
    let band = Polygon::new(upper.chain(lower).collect::<Vec<_>>(), BAND);
    chart.draw_series([band])?;
    let mean = points.iter().map(|p| at(p, p.mean));
    chart.draw_series(LineSeries::new(mean, LINE.stroke_width(2)))?;
    let place = Pos::new(HPos::Center, VPos::Bottom);
    let label = ("sans-serif", 12).into_font().color(&WINNER).pos(place);
    // The best last, on top.
    chart.draw_series(winners.iter().rev().map(|&(rank, time, score)| {
        EmptyElement::at((time / unit, score))
            + Circle::new((0, 0), 4, WINNER.filled())
            + Text::new(rank.to_string(), (0, -7), label.clone())
    }))?;
    root.present()
}

/// Seconds, minutes or hours: how many seconds one is, and its name.
fn unit_of(seconds: f64) -> (f64, &'static str) {
    match seconds {
        s if s > 3.0 * 3600.0 => (3600.0, "hours"),
        s if s > 180.0 => (60.0, "minutes"),
        _ => (1.0, "seconds"),
    }
}

/// The scores to show, with room above for the ranks.
fn reach(points: &[CurvePoint], winners: &[(u32, f64, f64)]) -> (f64, f64) {
    let scores = || {
        let curve = points.iter().flat_map(|p| [p.low, p.high]);
        curve.chain(winners.iter().map(|w| w.2))
    };
    let (low, high) = (scores().fold(1.0, f64::min), scores().fold(0.0, f64::max));
    let room = ((high - low) * 0.12).max(0.002);
    ((low - room).max(0.0), high + 1.5 * room)
}

/// Weighted sums can be long.
fn shortened(best: &str) -> String {
    const MOST: usize = 40;
    let mut text: String = best.chars().take(MOST).collect();
    if best.chars().nth(MOST).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Options, Stats, Winner};

    fn manifest(winners: &[(f64, f64)]) -> Manifest {
        let winner = |(key, &(stream_time, score)): (u64, &(f64, f64))| Winner {
            key,
            score,
            scores: std::collections::BTreeMap::new(),
            index: key,
            stream_time,
            captured_at: "2026-11-23T17:55:35.480Z".to_owned(),
            clock: "receive".to_owned(),
            keyframe: false,
            width: 1,
            height: 1,
        };
        let point = |at: u32| {
            let mean = 0.5 + 0.3 * (f64::from(at) / 40.0).sin();
            CurvePoint {
                stream_time: f64::from(at) * 0.5,
                low: mean - 0.02,
                mean,
                high: mean + 0.02,
            }
        };
        Manifest {
            version: Manifest::VERSION,
            id: "20261123-175514009-3f9a2c71".to_owned(),
            source: "rtsp://127.0.0.1/cam".to_owned(),
            state: "stopped".to_owned(),
            options: Options {
                best: "<script>&\"".to_owned(),
                ..Options::default()
            },
            stream: None,
            stats: Stats::default(),
            started_at: "2026-11-23T17:55:14.009Z".to_owned(),
            ended_at: "2026-11-23T17:55:44.101Z".to_owned(),
            error: None,
            winners: Manifest::ranked((0..).zip(winners).map(winner)),
            revision: None,
            curve: (0..200).map(point).collect(),
        }
    }

    #[test]
    fn each_winner_is_marked_where_it_was() {
        let winners = [(10.0, 0.8), (30.0, 0.75), (90.0, 0.6), (99.0, 0.3)];
        let svg = plot(&manifest(&winners)).unwrap().unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let number = |node: roxmltree::Node<'_, '_>, name: &str| -> f64 {
            node.attribute(name).unwrap().parse().unwrap()
        };
        let marks: Vec<(f64, f64)> = document
            .descendants()
            .filter(|node| node.has_tag_name("circle"))
            .map(|node| (number(node, "cx"), number(node, "cy")))
            .collect();
        assert_eq!(marks.len(), winners.len());
        // The worst is drawn first. Both axes are straight, to a pixel.
        let (first, last) = (marks[3], marks[0]);
        for (mark, winner) in marks.iter().rev().zip(winners) {
            let along = (winner.0 - 10.0) / 89.0;
            assert!((mark.0 - first.0 - along * (last.0 - first.0)).abs() <= 1.0);
            let up = (0.8 - winner.1) / 0.5;
            assert!((mark.1 - first.1 - up * (last.1 - first.1)).abs() <= 1.0);
        }
        let texts: Vec<&str> = document
            .descendants()
            .filter(|node| node.has_tag_name("text"))
            .filter_map(|node| node.text().map(str::trim))
            .collect();
        for text in [
            "1",
            "2",
            "3",
            "4",
            "time of the stream, seconds",
            "score by <script>&\"",
        ] {
            assert!(texts.contains(&text), "{text}: {texts:?}");
        }
    }

    #[test]
    fn without_a_scored_frame_there_is_no_plot() {
        let mut empty = manifest(&[]);
        assert!(plot(&empty).unwrap().is_some());
        empty.curve.clear();
        assert_eq!(plot(&empty).unwrap(), None);
    }

    #[test]
    fn hours_are_told_in_hours() {
        let mut long = manifest(&[]);
        long.curve[199].stream_time = 86_400.0;
        assert!(plot(&long).unwrap().unwrap().contains("hours"));
    }
}
