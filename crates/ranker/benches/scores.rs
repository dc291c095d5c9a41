//! What a score costs: one 1080p and one 4K picture, 8 and 10 bit, 4:2:0, by each
//! characteristic and by all of them with the look, on one thread and on two, and
//! batches of pictures. Times are a picture's (or a batch's); throughput counts the
//! bytes of luma.
//!
//! `cargo bench -p bestshot-ranker`; the constants in `src/` cite it. It needs
//! an otherwise idle machine: with one core busy, two threads gain nothing.

use std::hint::black_box;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bestshot_ranker::{
    Blend, ChromaPlane, ChromaView, LayoutError, LumaView, Matrix, Metric, Picture, Range,
    SampleFormat, Scorer,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rayon::ThreadPool;

/// Width, height, name.
const SIZES: [(usize, usize, &str); 2] = [(1920, 1080, "1080p"), (3840, 2160, "4K")];

struct Frame {
    luma: Vec<u8>,
    chroma: Vec<u8>,
    width: usize,
    height: usize,
    format: SampleFormat,
}

impl Frame {
    /// Noise on a slope, so that no histogram is empty and no edge is missing.
    fn new(width: usize, height: usize, bits: u32) -> Self {
        let bytes = if bits == 8 { 1 } else { 2 };
        let format = SampleFormat::new(bits, bytes, 0).unwrap_or(SampleFormat::EIGHT_BIT);
        let samples = |count: usize| {
            let values = (0..u32::try_from(count).unwrap_or(u32::MAX)).map(|i| {
                let noise = i.wrapping_mul(2_654_435_761) >> (33 - bits);
                noise + (i / 64) % (1 << (bits - 1))
            });
            let data = values.flat_map(|value| {
                let [low, high, ..] = value.to_le_bytes();
                [low, high].into_iter().take(bytes)
            });
            data.collect()
        };
        let (luma, chroma) = (samples(width * height), samples(width * height / 4));
        Self {
            luma,
            chroma,
            width,
            height,
            format,
        }
    }

    fn picture(&self) -> Result<Picture<'_>, LayoutError> {
        let (bytes, (width, height)) = (self.format.bytes_per_sample(), (self.width, self.height));
        let stride = width * bytes;
        let luma = LumaView::new(
            &self.luma,
            width,
            height,
            stride,
            self.format,
            Range::Limited,
        )?;
        let size = (width / 2, height / 2);
        let plane = ChromaPlane::new(&self.chroma, size, stride / 2, bytes, self.format)?;
        Picture::new(luma, ChromaView::new(plane, plane, (1, 1), Matrix::Bt709)?)
    }
}

fn pool(threads: usize) -> Option<ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .ok()
}

/// The time that `times` calls take, with a pause before each: a camera leaves the
/// other threads tens of milliseconds to fall asleep.
fn paced<T>(times: u64, mut call: impl FnMut() -> T) -> Duration {
    (0..times).fold(Duration::ZERO, |total, _| {
        sleep(Duration::from_millis(1));
        let start = Instant::now();
        black_box(call());
        total + start.elapsed()
    })
}

/// Every characteristic alone, and all of them with the look.
fn scorers() -> Vec<(String, Scorer)> {
    let mut all = Blend::of(Metric::ALL[0]);
    let mut scorers = Vec::new();
    for &metric in Metric::ALL {
        scorers.push((metric.to_string(), Scorer::new(metric.into())));
        if metric != Metric::ALL[0] {
            all = all.and(metric, 1.0);
        }
    }
    scorers.push(("all with look".to_owned(), Scorer::new(all).looks(true)));
    scorers
}

fn single_pictures(criterion: &mut Criterion) {
    let (Some(one), Some(two)) = (pool(1), pool(2)) else {
        return;
    };
    for (width, height, size) in SIZES {
        for bits in [8, 10] {
            let frame = Frame::new(width, height, bits);
            let Ok(picture) = frame.picture() else {
                continue;
            };
            let mut group = criterion.benchmark_group(format!("{size} {bits} bit"));
            group.throughput(Throughput::Bytes(frame.luma.len() as u64));
            for (name, mut scorer) in scorers() {
                let mut score = || scorer.score(black_box(&picture));
                group.bench_function(BenchmarkId::new("one thread", &name), |bencher| {
                    one.install(|| bencher.iter(&mut score));
                });
                if size != "4K" {
                    continue;
                }
                group.bench_function(BenchmarkId::new("two threads awake", &name), |bencher| {
                    two.install(|| bencher.iter(&mut score));
                });
                group.bench_function(BenchmarkId::new("two threads asleep", &name), |bencher| {
                    two.install(|| bencher.iter_custom(|times| paced(times, &mut score)));
                });
            }
            group.finish();
        }
    }
}

fn batches(criterion: &mut Criterion) {
    let (Some(one), Some(two)) = (pool(1), pool(2)) else {
        return;
    };
    let mut group = criterion.benchmark_group("batch of 8 at 1080p");
    let frames: Vec<_> = (0..8).map(|_| Frame::new(1920, 1080, 8)).collect();
    let pictures: Vec<_> = frames
        .iter()
        .filter_map(|frame| frame.picture().ok())
        .collect();
    group.throughput(Throughput::Bytes(8 * 1920 * 1080));
    for (name, mut scorer) in scorers() {
        let mut batch = || scorer.score_batch(black_box(&pictures));
        group.bench_function(BenchmarkId::new("one thread", &name), |bencher| {
            one.install(|| bencher.iter(&mut batch));
        });
        group.bench_function(BenchmarkId::new("two threads", &name), |bencher| {
            two.install(|| bencher.iter(&mut batch));
        });
    }
    group.finish();
}

criterion_group!(benches, single_pictures, batches);
criterion_main!(benches);
