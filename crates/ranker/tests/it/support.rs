//! Pictures in memory as decoders leave them, in every layout, and what they are
//! scored by. What is promised of their scores is in the other files.

use bestshot_ranker::{
    Blend, ChromaPlane, ChromaView, LumaView, Matrix, Metric, Picture, Range, SampleFormat,
};

/// Bits, bytes per sample, shift.
pub(crate) const FORMATS: [(u32, usize, u32); 6] = [
    (8, 1, 0),
    (8, 2, 0),
    (10, 2, 0),
    (10, 2, 6),
    (12, 2, 0),
    (12, 2, 4),
];

/// How a picture lies in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) format: (u32, usize, u32),
    pub(crate) range: Range,
    /// log2, across and down; none is a grey picture.
    pub(crate) subsampling: Option<(u32, u32)>,
    /// Both colours in one plane.
    pub(crate) interleaved: bool,
    pub(crate) padding: usize,
    pub(crate) garbage: u8,
}

pub(crate) const PLAIN: Layout = Layout {
    format: FORMATS[0],
    range: Range::Limited,
    subsampling: Some((1, 1)),
    interleaved: false,
    padding: 0,
    garbage: 0,
};

/// One picture in memory as a decoder leaves it: padded rows, garbage in between.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    layout: Layout,
    size: (usize, usize),
    luma: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl Frame {
    /// `at` gives Y, U and V at a pixel: 0 to 1, and −0.5 to 0.5 twice.
    pub(crate) fn new(
        (width, height): (usize, usize),
        layout: Layout,
        at: impl Fn(usize, usize) -> [f64; 3],
    ) -> Self {
        let bits = layout.format.0;
        let step = f64::from(1_u32 << (bits - 8));
        let (black, white, chroma) = match layout.range {
            Range::Limited => (16.0 * step, 235.0 * step, 224.0 * step),
            Range::Full => (
                0.0,
                f64::from((1_u32 << bits) - 1),
                f64::from((1_u32 << bits) - 1),
            ),
        };
        let top = f64::from((1_u32 << bits) - 1);
        let quantised = |value: f64| sample(value.round().clamp(0.0, top));
        let luma = plane((width, height), layout, |x, y| {
            quantised(black + at(x, y)[0] * (white - black))
        });
        let (mut u, mut v) = (Vec::new(), Vec::new());
        if let Some((across, down)) = layout.subsampling {
            let size = (width.div_ceil(1 << across), height.div_ceil(1 << down));
            let mean = |x: usize, y: usize, colour: usize| {
                let columns = || (0..1 << across).map(|i| ((x << across) + i).min(width - 1));
                let rows = (0..1 << down).map(|j| ((y << down) + j).min(height - 1));
                let values = rows.flat_map(|row| columns().map(move |column| (column, row)));
                let sum: f64 = values.map(|(column, row)| at(column, row)[colour]).sum();
                let grey = f64::from(1_u32 << (bits - 1));
                quantised(grey + sum / f64::from(1_u32 << (across + down)) * chroma)
            };
            if layout.interleaved {
                let both = plane((2 * size.0, size.1), layout, |x, y| {
                    mean(x / 2, y, 1 + x % 2)
                });
                v = both[layout.format.1..].to_vec();
                u = both;
            } else {
                u = plane(size, layout, |x, y| mean(x, y, 1));
                v = plane(size, layout, |x, y| mean(x, y, 2));
            }
        }
        Self {
            layout,
            size: (width, height),
            luma,
            u,
            v,
        }
    }

    pub(crate) fn picture(&self) -> Picture<'_> {
        let ((bits, bytes, shift), padding) = (self.layout.format, self.layout.padding);
        let format = SampleFormat::new(bits, bytes, shift).expect("a format of the list");
        let (width, height) = self.size;
        let luma = LumaView::new(
            &self.luma,
            width,
            height,
            width * bytes + padding,
            format,
            self.layout.range,
        );
        let luma = luma.expect("the plane was laid out");
        let Some((across, down)) = self.layout.subsampling else {
            return luma.into();
        };
        let size = (width.div_ceil(1 << across), height.div_ceil(1 << down));
        let step = if self.layout.interleaved {
            2 * bytes
        } else {
            bytes
        };
        let plane = |data| {
            ChromaPlane::new(data, size, size.0 * step + padding, step, format)
                .expect("the plane was laid out")
        };
        let chroma = ChromaView::new(
            plane(&self.u),
            plane(&self.v),
            (across, down),
            Matrix::Bt709,
        );
        Picture::new(luma, chroma.expect("the planes are alike")).expect("the planes fit")
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn sample(value: f64) -> u16 {
    value as u16
}

fn plane(
    (width, height): (usize, usize),
    layout: Layout,
    at: impl Fn(usize, usize) -> u16,
) -> Vec<u8> {
    let (bits, bytes, shift) = layout.format;
    let stride = width * bytes + layout.padding;
    let mask = (u16::MAX >> (16 - bits)) << shift;
    let mut data = vec![layout.garbage; stride * height];
    for (y, row) in data.chunks_mut(stride).enumerate() {
        for (x, stored) in row.chunks_exact_mut(bytes).take(width).enumerate() {
            let around = u16::from_le_bytes([layout.garbage; 2]) & !mask;
            let value = ((at(x, y) << shift) & mask) | around;
            stored.copy_from_slice(&value.to_le_bytes()[..bytes]);
        }
    }
    data
}

/// All characteristics together.
pub(crate) fn everything() -> Blend {
    let (first, others) = Metric::ALL.split_first().expect("there are some");
    others
        .iter()
        .fold(Blend::of(*first), |blend, &metric| blend.and(metric, 1.0))
}
