//! What the sums over a picture mean: the formula of each characteristic. Names,
//! and what each is blind to, are in `characteristic`.

use crate::cells::LEVEL;
use crate::chroma::Matrix;
use crate::grid::Grid;
use crate::luma::LumaView;
use crate::sample::Scale;
use crate::score::Score;
use crate::tally::{Colour, GREY, Limits, Tally};

/// Luma below which a cell is wholly clipped, and from which it is not, as
/// fractions of the way from black to white; from white the same. A ramp, because
/// what lies at a hard limit would hang on the rounding of a layout.
const CLIPPED: (f64, f64) = (0.01, 0.05);
/// Change of luma over two cells above which a cell lies on an edge: three times
/// what the noise of a bad night stream (σ of 8 levels) leaves after the mean of
/// four samples.
const EDGE: f64 = 0.07;
/// Σ Laplacian² / Σ |∇|² that scores one half: an edge that takes two cells.
const HALF_SHARP: f64 = 1.0 / 3.0;
/// Bins of the smoothed histogram between black and white.
const BINS: usize = 64;
/// Hasler and Süsstrunk's measure that scores one half: their "averagely colourful".
const HALF_COLOURFUL: f64 = 45.0;
/// Change of a block's luma that counts half.
const HALF_MOVED: f64 = 0.05;

/// The limits of a plane, in cells.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the largest cell"
)]
pub(crate) fn limits(luma: &LumaView<'_>) -> Limits {
    let scale = Scale::new(luma.range(), luma.format().bits());
    let at = |luma: f64| scale.cell(luma).round() as u16;
    let edge = (EDGE * scale.span()).round();
    Limits {
        dark: (at(CLIPPED.0), at(CLIPPED.1)),
        bright: (at(1.0 - CLIPPED.1), at(1.0 - CLIPPED.0)),
        edge: (edge * edge) as i16,
    }
}

/// 2σ of luma, σ being the root of the mean squared difference from the mean.
pub(crate) fn contrast(tally: &Tally, cells: u64, scale: &Scale) -> Score {
    // Whole numbers up to the root: n Σx² − (Σx)² is below 2^84.
    let (n, sum) = (u128::from(cells), u128::from(tally.sum));
    let spread = n * u128::from(tally.squares) - sum * sum;
    let deviation = rounded(spread).sqrt() / rounded(n);
    Score::clamped(2.0 * deviation / scale.span())
}

/// The share of cells that are not clipped.
pub(crate) fn exposure(tally: &Tally, cells: u64, limits: &Limits) -> Score {
    let depth = |(low, high): (u16, u16)| f64::from(high - low) * rounded(cells.into());
    let dark = rounded(tally.dark.into()) / depth(limits.dark);
    let bright = rounded(tally.bright.into()) / depth(limits.bright);
    if cells == 0 {
        Score::MIN
    } else {
        Score::clamped(1.0 - dark - bright)
    }
}

/// r / (r + 1/3), r = Σ Laplacian² / Σ |∇|² over the cells on edges.
pub(crate) fn sharpness(tally: &Tally) -> Score {
    let (laplacian, gradient) = (
        rounded(tally.laplacian.into()),
        rounded(tally.gradient.into()),
    );
    Score::clamped(laplacian / (laplacian + HALF_SHARP * gradient))
}

/// Shannon's entropy of the histogram, smoothed with a cubic B-spline.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bins are few"
)]
pub(crate) fn entropy(tally: &Tally, cells: u64, scale: &Scale) -> Score {
    let mut bins = [0.0; BINS + 3];
    for (cell, &count) in (0_u32..)
        .zip(&tally.histogram)
        .filter(|&(_, &count)| count > 0)
    {
        let place = scale.luma(f64::from(cell)).clamp(0.0, 1.0) * (BINS - 1) as f64;
        let (bin, t) = (place as usize, place.fract());
        let share = f64::from(count) / rounded(cells.into());
        for (bin, weight) in bins.iter_mut().skip(bin).zip(spline(t)) {
            *bin += share * weight;
        }
    }
    let bits = |bins: &[f64]| {
        let full = bins.iter().filter(|&&share| share > 0.0);
        full.map(|share| -share * share.log2()).sum::<f64>()
    };
    // What a picture of one value has, and one that has all alike.
    let (none, all) = (bits(&spline(0.0)), (BINS as f64).log2());
    Score::clamped((bits(&bins) - none) / (all - none))
}

/// Weights of the four bins around a place that lies `t` behind the second.
fn spline(t: f64) -> [f64; 4] {
    let s = 1.0 - t;
    [
        s * s * s / 6.0,
        (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
        (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0,
        t * t * t / 6.0,
    ]
}

/// M / (M + 45), M = √(σ²rg + σ²yb) + 0.3 √(μ²rg + μ²yb).
pub(crate) fn colourfulness(colour: &Colour, cells: u64, scale: &Scale, matrix: Matrix) -> Score {
    if cells == 0 {
        return Score::MIN;
    }
    #[expect(clippy::cast_precision_loss, reason = "sums far below 2^53")]
    let float = |n: i64| n as f64;
    let n = rounded(cells.into());
    let unit = 255.0 * scale.chroma(1.0);
    // Whole numbers below 2^62 until grey is 0: a plane has below 2^32 samples.
    let (count, grey) = (cells.cast_signed(), i64::from(GREY));
    let [sum_u, sum_v] = [colour.u, colour.v].map(u64::cast_signed);
    let product = |of: u64, a: i64, b: i64| of.cast_signed() - grey * (a + b) + grey * grey * count;
    let [u, v] = [sum_u, sum_v].map(|sum| float(sum - grey * count) / n * unit);
    let mean = |product: i64| float(product) / n * unit * unit;
    let uu = mean(product(colour.uu, sum_u, sum_u)) - u * u;
    let vv = mean(product(colour.vv, sum_v, sum_v)) - v * v;
    let uv = mean(product(colour.uv, sum_u, sum_v)) - u * v;
    // R − Y = 2 (1 − Kr) V, B − Y = 2 (1 − Kb) U, Kr R + Kg G + Kb B = Y: luma
    // cancels, and both opponent colours are linear in U and V.
    let (red, blue) = matrix.weights();
    let green = 1.0 - red - blue;
    let (red_of_v, blue_of_u) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
    let (green_of_u, green_of_v) = (-blue * blue_of_u / green, -red * red_of_v / green);
    let rg = (-green_of_u, red_of_v - green_of_v);
    let yb = (
        green_of_u / 2.0 - blue_of_u,
        f64::midpoint(red_of_v, green_of_v),
    );
    let mean = |(a, b): (f64, f64)| a * u + b * v;
    let variance = |(a, b): (f64, f64)| a * a * uu + 2.0 * a * b * uv + b * b * vv;
    let spread = (variance(rg) + variance(yb)).max(0.0).sqrt();
    let shift = mean(rg).hypot(mean(yb));
    let measure = spread + 0.3 * shift;
    Score::clamped(measure / (measure + HALF_COLOURFUL))
}

/// The mean over blocks of d² / (d² + 0.05²), d being the change of the block's
/// luma that no common change of gain and offset explains.
pub(crate) fn motion(before: &Grid, now: &Grid) -> Option<f64> {
    let (gain, from, to) = before.fit(now)?;
    let mut moved = 0.0;
    for ((&old, &new), &weight) in before.means.iter().zip(&now.means).zip(&now.weights) {
        let change = (new - to) - gain * (old - from);
        let square = change * change;
        moved += weight * square / (square + HALF_MOVED * HALF_MOVED);
    }
    Some(moved)
}

/// Limits are between levels where 8 bits have none.
const _: () = assert!(LEVEL == 4);

#[expect(
    clippy::cast_precision_loss,
    reason = "rounds at most once, in the 53rd bit"
)]
fn rounded(n: u128) -> f64 {
    n as f64
}
