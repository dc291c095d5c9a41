//! Which part of a picture is scored: rectangles, less rectangles, in fractions
//! of its size, and what that means in cells of 2×2 pixels at a given size.

use std::fmt;
use std::mem;
use std::ops::Range;
use std::str::FromStr;

use self::spans::{covering, nearest, united, without};
use crate::picture::Orientation;

mod spans;

/// Most rectangles of each kind.
const MOST: usize = 16;

/// A rectangle in fractions of a picture's width and height, (0, 0) at the top left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Rectangle {
    /// The whole picture.
    pub const WHOLE: Self = Self {
        left: 0.0,
        top: 0.0,
        width: 1.0,
        height: 1.0,
    };

    /// A rectangle inside of the picture.
    ///
    /// # Errors
    /// [`RegionError`] where it has no area or leaves the picture.
    pub fn new(left: f64, top: f64, width: f64, height: f64) -> Result<Self, RegionError> {
        // Fractions such as 0.1 + 0.9 may exceed 1 by a rounding.
        const SLACK: f64 = 1e-9;
        let inside = |start: f64, length: f64| {
            (0.0..1.0).contains(&start) && length > 0.0 && start + length <= 1.0 + SLACK
        };
        if inside(left, width) && inside(top, height) {
            Ok(Self {
                left,
                top,
                width,
                height,
            })
        } else {
            Err(RegionError::Outside)
        }
    }

    fn right(&self) -> f64 {
        self.left + self.width
    }

    fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

/// `x,y,w,h`, as it is read.
impl fmt::Display for Rectangle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{},{},{},{}",
            self.left, self.top, self.width, self.height
        )
    }
}

impl FromStr for Rectangle {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.split(',').map(|number| number.trim().parse::<f64>());
        let mut next = || {
            numbers
                .next()
                .and_then(Result::ok)
                .ok_or(RegionError::Numbers)
        };
        let (left, top, width, height) = (next()?, next()?, next()?, next()?);
        match numbers.next() {
            None => Self::new(left, top, width, height),
            Some(_) => Err(RegionError::Numbers),
        }
    }
}

/// What of a picture is scored. By default all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    include: Vec<Rectangle>,
    exclude: Vec<Rectangle>,
}

/// A region that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegionError {
    /// Not four numbers.
    #[error("a rectangle is four numbers, x,y,w,h: fractions of the picture from 0 to 1")]
    Numbers,
    /// Without area, or not inside of the picture.
    #[error(
        "a rectangle lies inside of the picture: x + w and y + h are at most 1, w and h more than 0"
    )]
    Outside,
    /// Too many rectangles.
    #[error("there may be {MOST} rectangles at most")]
    TooMany,
    /// Everything is excluded.
    #[error("nothing of the picture is left to score")]
    Empty,
}

impl Default for Region {
    fn default() -> Self {
        Self {
            include: vec![Rectangle::WHOLE],
            exclude: Vec::new(),
        }
    }
}

impl Region {
    /// What lies in any of `include` (without one: the whole picture), and in none
    /// of `exclude`.
    ///
    /// # Errors
    /// [`RegionError`] where nothing is left, or there are more than 16 of a kind.
    pub fn new(include: Vec<Rectangle>, exclude: Vec<Rectangle>) -> Result<Self, RegionError> {
        if include.len() > MOST || exclude.len() > MOST {
            return Err(RegionError::TooMany);
        }
        let include = if include.is_empty() {
            vec![Rectangle::WHOLE]
        } else {
            include
        };
        let region = Self { include, exclude };
        if region.has_area() {
            Ok(region)
        } else {
            Err(RegionError::Empty)
        }
    }

    /// The rectangles that are scored.
    pub fn included(&self) -> &[Rectangle] {
        &self.include
    }

    /// The rectangles that are left out.
    pub fn excluded(&self) -> &[Rectangle] {
        &self.exclude
    }

    /// Rectangles as users write them: `x,y,w,h`, several separated by `;`.
    ///
    /// # Errors
    /// [`RegionError`] for the first that is none.
    pub fn rectangles(text: &str) -> Result<Vec<Rectangle>, RegionError> {
        let parts = text
            .split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts.map(str::parse).collect()
    }

    /// The same part of the picture as it is stored.
    pub(crate) fn stored(&self, orientation: Orientation) -> Self {
        let stored = |r: &Rectangle| {
            let mut stored = *r;
            if orientation.transpose {
                mem::swap(&mut stored.left, &mut stored.top);
                mem::swap(&mut stored.width, &mut stored.height);
            }
            if orientation.mirror_across {
                stored.left = 1.0 - stored.right();
            }
            if orientation.mirror_down {
                stored.top = 1.0 - stored.bottom();
            }
            stored
        };
        Self {
            include: self.include.iter().map(stored).collect(),
            exclude: self.exclude.iter().map(stored).collect(),
        }
    }

    /// Between the neighbouring edges of its rectangles, a region is all or nothing.
    fn has_area(&self) -> bool {
        let edges = |low: fn(&Rectangle) -> f64, high: fn(&Rectangle) -> f64| {
            let all = self.include.iter().chain(&self.exclude);
            let mut edges: Vec<f64> = all.flat_map(|r| [low(r), high(r)]).collect();
            edges.sort_by(f64::total_cmp);
            edges
        };
        let across = edges(|r| r.left, Rectangle::right);
        let down = edges(|r| r.top, Rectangle::bottom);
        let is_in = |x: f64, y: f64| {
            let holds = |r: &Rectangle| r.left < x && x < r.right() && r.top < y && y < r.bottom();
            self.include.iter().any(holds) && !self.exclude.iter().any(holds)
        };
        across.windows(2).any(|x| {
            down.windows(2)
                .any(|y| is_in(f64::midpoint(x[0], x[1]), f64::midpoint(y[0], y[1])))
        })
    }

    /// The region in a picture of so many cells: bands from top to bottom.
    pub(crate) fn bands(&self, columns: usize, rows: usize) -> Vec<Band> {
        let included: Vec<_> = self
            .include
            .iter()
            .map(|r| nearest(r, columns, rows))
            .collect();
        let excluded: Vec<_> = self
            .exclude
            .iter()
            .map(|r| covering(r, columns, rows))
            .collect();
        let mut edges: Vec<usize> = included
            .iter()
            .chain(&excluded)
            .flat_map(|(_, down)| [down.start, down.end])
            .collect();
        edges.sort_unstable();
        edges.dedup();
        let mut bands: Vec<Band> = Vec::new();
        for rows in edges.windows(2).map(|pair| pair[0]..pair[1]) {
            let across = |all: &[(Range<usize>, Range<usize>)]| {
                let here = all.iter().filter(|(_, down)| down.contains(&rows.start));
                here.map(|(across, _)| across.clone()).collect::<Vec<_>>()
            };
            let spans = without(united(across(&included)), &united(across(&excluded)));
            match bands.last_mut() {
                Some(last) if last.spans == spans && last.rows.end == rows.start => {
                    last.rows.end = rows.end;
                }
                _ if spans.is_empty() => {}
                _ => bands.push(Band { rows, spans }),
            }
        }
        bands
    }
}

/// Rows of cells that have the same spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Band {
    pub(crate) rows: Range<usize>,
    /// Columns, from left to right, with a gap between each two.
    pub(crate) spans: Vec<Range<usize>>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rectangle() -> impl Strategy<Value = Rectangle> {
        (0_u8..8, 0_u8..8, 1_u8..8, 1_u8..8).prop_map(|(x, y, w, h)| {
            let [x, y, w, h] = [x, y, w.min(8 - x), h.min(8 - y)].map(|n| f64::from(n) / 8.0);
            Rectangle::new(x, y, w, h).unwrap()
        })
    }

    #[test]
    fn rectangles_are_read_as_they_are_written() {
        let text = "0.1,0.2,0.25,0.5";
        assert_eq!(text.parse::<Rectangle>().unwrap().to_string(), text);
        let both = Region::rectangles(" 0,0,0.5,0.5; 0.5,0.5,0.5,0.5 ").unwrap();
        assert_eq!(both.len(), 2);
        assert!("0.1,0,0.9,1".parse::<Rectangle>().is_ok());
        for (text, error) in [
            ("", RegionError::Numbers),
            ("0,0,1", RegionError::Numbers),
            ("0,0,1,1,1", RegionError::Numbers),
            ("a,0,1,1", RegionError::Numbers),
            ("0,0,1,NaN", RegionError::Outside),
            ("0.5,0,0.6,1", RegionError::Outside),
            ("-0.1,0,0.5,1", RegionError::Outside),
            ("0,0,0,1", RegionError::Outside),
            ("0,0,inf,1", RegionError::Outside),
        ] {
            assert_eq!(text.parse::<Rectangle>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_region_with_nothing_in_it_is_refused() {
        let half = Rectangle::new(0.0, 0.0, 1.0, 0.5).unwrap();
        let inner = Rectangle::new(0.2, 0.1, 0.2, 0.2).unwrap();
        assert_eq!(
            Region::new(vec![inner], vec![half]),
            Err(RegionError::Empty)
        );
        assert!(Region::new(vec![half], vec![inner]).is_ok());
        assert_eq!(
            Region::new(vec![half; 17], vec![]),
            Err(RegionError::TooMany)
        );
        assert_eq!(Region::new(vec![], vec![]), Ok(Region::default()));
    }

    #[test]
    fn a_clock_is_left_out_wholly() {
        let clock = Rectangle::new(0.0, 0.0, 0.26, 0.11).unwrap();
        let bands = Region::new(vec![], vec![clock]).unwrap().bands(10, 10);
        let expected = [(0..2, 3..10), (2..10, 0..10)];
        assert!(
            bands
                .iter()
                .map(|b| (b.rows.clone(), b.spans[0].clone()))
                .eq(expected)
        );
    }

    proptest! {
        #[test]
        fn bands_hold_each_cell_of_the_region_once(
            include in prop::collection::vec(rectangle(), 1..4),
            exclude in prop::collection::vec(rectangle(), 0..4),
        ) {
            let Ok(region) = Region::new(include.clone(), exclude.clone()) else { return Ok(()) };
            let mut seen = [[0; 16]; 24];
            for band in region.bands(16, 24) {
                for row in band.rows {
                    for column in band.spans.iter().cloned().flatten() {
                        seen[row][column] += 1;
                    }
                }
            }
            for (row, columns) in seen.iter().enumerate() {
                for (column, &times) in columns.iter().enumerate() {
                    let (x, y) = (usize_to_f64(2 * column + 1) / 32.0, usize_to_f64(2 * row + 1) / 48.0);
                    let holds = |r: &Rectangle| r.left < x && x < r.right() && r.top < y && y < r.bottom();
                    let expected = include.iter().any(holds) && !exclude.iter().any(holds);
                    prop_assert_eq!(times, i32::from(expected));
                }
            }
        }
    }

    fn usize_to_f64(n: usize) -> f64 {
        f64::from(u32::try_from(n).unwrap())
    }
}
