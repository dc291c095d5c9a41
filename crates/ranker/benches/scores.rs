//! What a score costs: one 1080p and one 4K plane, 8 and 10 bit, on one thread
//! and split by rows, and batches of planes. Times are a plane's (or a
//! batch's); throughput counts the bytes of its samples.
//!
//! `cargo bench -p bestshot-ranker`; the constants in `src/` cite it. It needs
//! an otherwise idle machine: with one core busy, two threads gain nothing.

use std::hint::black_box;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bestshot_ranker::{Brightness, Characteristic, LumaView, Range, SampleFormat, score_batch};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rayon::ThreadPool;

/// Width, height, name.
const SIZES: [(usize, usize, &str); 3] = [
    (640, 480, "480p"),
    (1920, 1080, "1080p"),
    (3840, 2160, "4K"),
];

struct Plane {
    data: Vec<u8>,
    width: usize,
    height: usize,
    format: SampleFormat,
}

impl Plane {
    fn new(width: usize, height: usize, bits: u32) -> Self {
        let bytes_per_sample = if bits == 8 { 1 } else { 2 };
        let format = SampleFormat::new(bits, bytes_per_sample, 0);
        let format = format.unwrap_or(SampleFormat::EIGHT_BIT);
        let samples = (0..u32::try_from(width * height).unwrap_or(u32::MAX))
            .map(|i| i.wrapping_mul(2_654_435_761) >> (32 - bits));
        let data = samples.flat_map(|value| {
            let [low, high, ..] = value.to_le_bytes();
            [low, high].into_iter().take(bytes_per_sample)
        });
        Self {
            data: data.collect(),
            width,
            height,
            format,
        }
    }

    fn view(&self) -> Option<LumaView<'_>> {
        let stride = self.width * self.format.bytes_per_sample();
        let Self {
            data,
            width,
            height,
            format,
            ..
        } = self;
        LumaView::new(data, *width, *height, stride, *format, Range::Limited).ok()
    }
}

fn pool(threads: usize) -> Option<ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .ok()
}

/// The loop of the 8-bit kernel as the compiler makes it for every processor
/// of the architecture: what choosing vector instructions at run time gains on.
fn plain_sum(samples: &[u8]) -> u64 {
    samples.chunks(256).fold(0, |total, part| {
        total
            + u64::from(
                part.iter()
                    .fold(0_u16, |sum, &value| sum.wrapping_add(value.into())),
            )
    })
}

/// The time that `times` calls take, with a pause before each.
fn paced<T>(times: u64, mut call: impl FnMut() -> T) -> Duration {
    (0..times).fold(Duration::ZERO, |total, _| {
        sleep(Duration::from_millis(1));
        let start = Instant::now();
        black_box(call());
        total + start.elapsed()
    })
}

fn single_planes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("brightness");
    for (width, height, size) in SIZES {
        for bits in [8, 10] {
            let plane = Plane::new(width, height, bits);
            let Some(luma) = plane.view() else { continue };
            group.throughput(Throughput::Bytes(plane.data.len() as u64));
            let id = format!("{size}/{bits}-bit");
            group.bench_function(BenchmarkId::new("one thread", &id), |bencher| {
                bencher.iter(|| Brightness.score(black_box(&luma)));
            });
            let Some(pool) = pool(2) else { continue };
            group.bench_function(
                BenchmarkId::new("split by rows, threads awake", &id),
                |bencher| {
                    pool.install(|| bencher.iter(|| Brightness.score_split(black_box(&luma))));
                },
            );
            // A camera leaves the other thread tens of milliseconds to fall asleep.
            group.bench_function(
                BenchmarkId::new("split by rows, threads asleep", &id),
                |bencher| {
                    let split = || Brightness.score_split(black_box(&luma));
                    pool.install(|| bencher.iter_custom(|times| paced(times, split)));
                },
            );
            group.bench_function(BenchmarkId::new("one thread, paced", &id), |bencher| {
                let alone = || Brightness.score(black_box(&luma));
                bencher.iter_custom(|times| paced(times, alone));
            });
            if bits == 8 {
                group.bench_function(BenchmarkId::new("plain loop", &id), |bencher| {
                    bencher.iter(|| plain_sum(black_box(&plane.data)));
                });
            }
        }
    }
    group.finish();
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch");
    for (width, height, size) in SIZES {
        for count in [2, 8] {
            let planes: Vec<_> = (0..count).map(|_| Plane::new(width, height, 8)).collect();
            let views: Vec<_> = planes.iter().filter_map(Plane::view).collect();
            group.throughput(Throughput::Bytes((count * width * height) as u64));
            let id = format!("{size}/{count} planes");
            let Some(pool) = pool(2) else { continue };
            group.bench_function(BenchmarkId::new("one thread", &id), |bencher| {
                bencher.iter(|| {
                    views
                        .iter()
                        .map(|v| Brightness.score(v))
                        .collect::<Vec<_>>()
                });
            });
            group.bench_function(
                BenchmarkId::new("score_batch, threads awake", &id),
                |bencher| {
                    pool.install(|| bencher.iter(|| score_batch(&Brightness, black_box(&views))));
                },
            );
            group.bench_function(
                BenchmarkId::new("score_batch, threads asleep", &id),
                |bencher| {
                    let batch = || score_batch(&Brightness, black_box(&views));
                    pool.install(|| bencher.iter_custom(|times| paced(times, batch)));
                },
            );
        }
    }
    group.finish();
}

criterion_group!(benches, single_planes, batches);
criterion_main!(benches);
