//! Fractions of a picture as ranges of cells, and ranges joined and cut. What they make up
//! is a `Region`'s business.

use std::ops::Range;

use super::Rectangle;

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "fractions of sizes below 2^32"
)]
fn scaled(fraction: f64, size: usize, round: fn(f64) -> f64) -> usize {
    // What is a whole number but for a rounding counts as that.
    const SLACK: f64 = 1e-6;
    let exact = fraction * size as f64;
    let whole = if (exact - exact.round()).abs() < SLACK {
        exact.round()
    } else {
        round(exact)
    };
    (whole as usize).min(size)
}

/// At least one cell.
pub(super) fn nearest(r: &Rectangle, columns: usize, rows: usize) -> (Range<usize>, Range<usize>) {
    let range = |low, high, size: usize| {
        let start = scaled(low, size, f64::round).min(size.saturating_sub(1));
        start..scaled(high, size, f64::round).max(start + 1)
    };
    (
        range(r.left, r.right(), columns),
        range(r.top, r.bottom(), rows),
    )
}

/// Every cell that it touches.
pub(super) fn covering(r: &Rectangle, columns: usize, rows: usize) -> (Range<usize>, Range<usize>) {
    let range = |low, high, size| scaled(low, size, f64::floor)..scaled(high, size, f64::ceil);
    (
        range(r.left, r.right(), columns),
        range(r.top, r.bottom(), rows),
    )
}

pub(super) fn united(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_by_key(|span| span.start);
    let mut union: Vec<Range<usize>> = Vec::new();
    for span in spans.into_iter().filter(|span| !span.is_empty()) {
        match union.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => union.push(span),
        }
    }
    union
}

pub(super) fn without(spans: Vec<Range<usize>>, holes: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut left = Vec::new();
    for mut span in spans {
        for hole in holes.iter().filter(|hole| hole.start < span.end) {
            if hole.end > span.start {
                left.push(span.start..hole.start.max(span.start));
                span.start = hole.end.min(span.end);
            }
        }
        left.push(span);
    }
    left.retain(|span| !span.is_empty());
    left
}
