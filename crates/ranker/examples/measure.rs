//! Times every characteristic, and all of them with the look, on real pictures, for
//! `cargo xtask bench scores`:
//!
//! `ffmpeg -i clip.mp4 -frames:v 8 -f yuv4mpegpipe - |
//! cargo run --release -p bestshot-ranker --example measure`
//!
//! Standard input is 8-bit 4:2:0 video. One JSON document is written: the processor's
//! vector instructions that the loops use; median microseconds of one picture again and
//! again, which then lies in the nearest cache, and of all pictures in turn, on one
//! thread; and of the pictures as one batch, on one thread and on two.
//!
//! Built with `RUSTFLAGS="--cfg disable_dispatch_avx512"` it does what a processor
//! without AVX-512 would.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::io::{Read as _, stdin};
use std::time::{Duration, Instant};

use bestshot_ranker::{
    Blend, ChromaPlane, ChromaView, LayoutError, LumaView, Matrix, Metric, Picture, Range,
    SampleFormat, Scorer,
};
use fearless_simd::{Level, Simd as _, dispatch};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Each is timed so long, and so often at least.
const LONG: Duration = Duration::from_millis(150);
const OFTEN: usize = 15;

fn main() -> Result<()> {
    let mut input = Vec::new();
    stdin().read_to_end(&mut input)?;
    let video = Video::parse(&input)?;
    let pictures = video.pictures()?;
    if pictures.is_empty() {
        return Err("the video has no picture".into());
    }
    let (one, two) = (pool(1)?, pool(2)?);
    let single = |pictures: &[Picture<'_>]| {
        times(|scorer| {
            let mut turn = pictures.iter().cycle();
            one.install(|| median(|| turn.next().map(|picture| scorer.score(black_box(picture)))))
        })
    };
    let batch = |threads: &rayon::ThreadPool| {
        times(|scorer| threads.install(|| median(|| scorer.score_batch(black_box(&pictures)))))
    };
    println!(
        "{{\"instructions\": {:?}, \"width\": {}, \"height\": {}, \"pictures\": {}, \
         \"one_picture\": {}, \"in_turn\": {}, \"batch_one_thread\": {}, \"batch_two_threads\": {}}}",
        instructions(),
        video.width,
        video.height,
        pictures.len(),
        json(&single(&pictures[..1])),
        json(&single(&pictures)),
        json(&batch(&one)),
        json(&batch(&two)),
    );
    Ok(())
}

/// Uncompressed 8-bit 4:2:0 video as `yuv4mpeg(5)` describes it.
struct Video<'a> {
    width: usize,
    height: usize,
    frames: Vec<&'a [u8]>,
}

impl<'a> Video<'a> {
    fn parse(input: &'a [u8]) -> Result<Self> {
        let (header, mut rest) = line(input).ok_or("the input has no first line")?;
        let header = std::str::from_utf8(header)?;
        let field = |letter| {
            let mut words = header.split(' ').skip(1);
            words.find_map(|word| word.strip_prefix(letter))
        };
        let number = |letter| field(letter).unwrap_or_default().parse::<usize>();
        if !header.starts_with("YUV4MPEG2 ") || !field('C').unwrap_or("420").starts_with("420") {
            return Err("the input is no 4:2:0 video".into());
        }
        let (width, height) = (number('W')?, number('H')?);
        let size = width * height + 2 * width.div_ceil(2) * height.div_ceil(2);
        let mut frames = Vec::new();
        while let Some((_, samples)) = line(rest) {
            frames.push(samples.get(..size).ok_or("the last frame is cut")?);
            rest = &samples[size..];
        }
        Ok(Self {
            width,
            height,
            frames,
        })
    }

    fn pictures(&self) -> std::result::Result<Vec<Picture<'a>>, LayoutError> {
        let (width, height, format) = (self.width, self.height, SampleFormat::EIGHT_BIT);
        let half = (width.div_ceil(2), height.div_ceil(2));
        let picture = |samples: &&'a [u8]| {
            let (luma, chroma) = samples.split_at(width * height);
            let (u, v) = chroma.split_at(half.0 * half.1);
            let plane = |samples| ChromaPlane::new(samples, half, half.0, 1, format);
            let chroma = ChromaView::new(plane(u)?, plane(v)?, (1, 1), Matrix::Bt709)?;
            let luma = LumaView::new(luma, width, height, width, format, Range::Limited)?;
            Picture::new(luma, chroma)
        };
        self.frames.iter().map(picture).collect()
    }
}

/// What stands before the first line feed, and what behind it.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    Ok(builder.build()?)
}

/// `time` of a scorer for every characteristic, and of one for all with the look.
fn times(time: impl Fn(&mut Scorer) -> f64) -> BTreeMap<String, f64> {
    let mut all = Blend::of(Metric::ALL[0]);
    for &metric in &Metric::ALL[1..] {
        all = all.and(metric, 1.0);
    }
    let mut micros = BTreeMap::new();
    for &metric in Metric::ALL {
        let mut scorer = Scorer::new(metric.into());
        micros.insert(metric.to_string(), time(&mut scorer));
    }
    let mut scorer = Scorer::new(all).looks(true);
    micros.insert("all".to_owned(), time(&mut scorer));
    micros
}

/// Median microseconds of a call.
fn median<T>(mut call: impl FnMut() -> T) -> f64 {
    black_box((call(), call()));
    let (began, mut times) = (Instant::now(), Vec::new());
    while times.len() < OFTEN || began.elapsed() < LONG {
        let start = Instant::now();
        black_box(call());
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// The level of vector instructions for which the loops that run were compiled.
fn instructions() -> String {
    let level = dispatch!(Level::new(), simd => simd.level());
    let name = format!("{level:?}");
    name.split('(').next().unwrap_or_default().to_owned()
}

fn json(micros: &BTreeMap<String, f64>) -> String {
    let fields = micros
        .iter()
        .map(|(name, time)| format!("{name:?}: {time}"));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
}
