//! Figures in columns, as people read them. What a figure is and how it is judged is in
//! `figure`.

use super::figure::Figure;

pub(crate) const COLUMNS: usize = 7;
const HEADING: [&str; COLUMNS] = ["", "bestshot", "peer", "", "ratio", "promise", ""];
/// Names stand at the left of their columns, numbers at the right.
const AT_THE_LEFT: [bool; COLUMNS] = [true, false, false, true, false, false, true];

/// The figures under a heading, in columns, with their notes below.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut rows = vec![HEADING.map(str::to_owned)];
    rows.extend(figures.iter().map(Figure::cells));
    let width = |column: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let mut text: String = rows.iter().map(|row| line(row, &widths)).collect();
    for figure in figures {
        if let Some(note) = &figure.note {
            text.extend(["  ", &figure.name, ": ", note, "\n"]);
        }
    }
    text
}

fn line(row: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let padded = row.iter().zip(widths).zip(AT_THE_LEFT);
    let cells: Vec<String> = padded
        .filter(|((_, width), _)| **width > 0)
        .map(|((cell, &width), left)| {
            if left {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        })
        .collect();
    format!("{}\n", cells.join("  ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figure::Unit;

    #[test]
    fn the_table_shows_peer_ratio_promise_verdict_and_note() {
        let text = table(&[
            Figure::new("processor time", Unit::SECONDS)
                .ours(10.5)
                .peer("ffmpeg", 10.0)
                .ratio_at_most(1.1),
            Figure::new("stop", Unit::MILLISECONDS)
                .ours(200.0)
                .at_most(150.0)
                .note("twenty stops"),
            Figure::new("mean", Unit::MICROSECONDS)
                .ours(20.0)
                .peer("OpenCV", 90.0)
                .times_as_fast(3.0),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "                bestshot     peer                  ratio        promise",
                "processor time   10.50 s  10.00 s  ffmpeg         1.05 x       ≤ 1.10 x  met",
                "stop            200.0 ms                                       ≤ 150 ms  missed",
                "mean             20.0 µs  90.0 µs  OpenCV  4.5 x as fast  ≥ 3 x as fast  met",
                "  stop: twenty stops",
            ]
        );
    }
}
