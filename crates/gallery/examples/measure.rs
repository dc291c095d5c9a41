//! Times what this crate does with pixels and with the disk.
//!
//! ```text
//! cargo run --release -p bestshot-gallery --example measure [PICTURE.ppm | -] [DIRECTORY]
//! ```
//!
//! Without a picture it makes one of 1920×1080 that compresses like a
//! photograph: smooth light, edges and sensor noise. The figures quoted in the
//! docs of `thumbnail`, `encode` and `Draft::commit` come from here.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use bestshot_gallery::manifest::{Manifest, Options, Stats, Winner};
use bestshot_gallery::{
    Effort, Filter, Fit, Picture, PictureKind, Store, ThumbnailSpec, encode, thumbnail,
};
use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, Resizer, create_srgb_mapper};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let picture = match std::env::args().nth(1) {
        Some(path) if path != "-" => read_ppm(&std::fs::read(path)?)?,
        _ => photograph(1920, 1080)?,
    };
    println!("picture {picture:?}");
    let spec = ThumbnailSpec::default();
    for fit in Fit::ALL {
        let spec = ThumbnailSpec::new(300, 300, fit)?;
        time(&format!("thumbnail {fit}"), 50, || {
            Ok(thumbnail(&picture, (1, 1), &spec)?.rgb().len())
        })?;
    }
    time("thumbnail stretch, linear light", 20, || linear(&picture))?;
    let small = thumbnail(&picture, (1, 1), &spec)?;
    for effort in [Effort::Fast, Effort::Small] {
        time(&format!("PNG original {effort:?}"), 10, || {
            Ok(encode(&picture, effort)?.len())
        })?;
        time(&format!("PNG thumbnail {effort:?}"), 50, || {
            Ok(encode(&small, effort)?.len())
        })?;
    }
    let directory = tempfile::tempdir_in(std::env::args().nth(2).unwrap_or_else(|| ".".into()))?;
    saving(directory.path(), &picture, &small)
}

/// Sessions of nine winners, as they end: the time of each put and of the
/// commit, right after the last put, when the disk has had no time to rest.
fn saving(directory: &Path, picture: &Picture, small: &Picture) -> Result<()> {
    let (original, small) = (encode(picture, Effort::Fast)?, encode(small, Effort::Fast)?);
    let store = Store::open(directory)?;
    let (mut thumbnails, mut originals, mut commits) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..60 {
        let id = format!("session-{round}");
        let draft = store.draft(&id)?;
        for key in 0..9 {
            let start = Instant::now();
            draft.put(key, PictureKind::Thumbnail, &small)?;
            thumbnails.push(start.elapsed());
            let start = Instant::now();
            draft.put(key, PictureKind::Original, &original)?;
            draft.flush(key, PictureKind::Original)?;
            originals.push(start.elapsed());
        }
        let manifest = manifest(&id, picture);
        let start = Instant::now();
        draft.commit(&manifest)?;
        commits.push(start.elapsed());
    }
    report("put thumbnail", thumbnails, small.len());
    report("put original", originals, original.len());
    report(
        "commit, nine winners",
        commits,
        9 * (original.len() + small.len()),
    );
    drop(store);
    finding(directory)
}

/// Ten thousand galleries, of which nothing but the manifests matters here.
fn finding(directory: &Path) -> Result<()> {
    let picture = Picture::new(1, 1, vec![0; 3])?;
    for number in 0..10_000 {
        let id = format!("old-{number}");
        let gallery = directory.join(&id);
        std::fs::create_dir(&gallery)?;
        let json = serde_json::to_vec_pretty(&manifest(&id, &picture))?;
        std::fs::write(gallery.join("manifest.json"), json)?;
    }
    let open = |what| -> Result<Store> {
        let start = Instant::now();
        let store = Store::open(directory)?;
        report(what, vec![start.elapsed()], 0);
        Ok(store)
    };
    drop(open("open, 10,000 galleries unknown")?);
    let store = open("open, 10,000 galleries")?;
    time("list, first 50", 20, || {
        Ok(store.list(&Filter::default(), None, 50)?.items.len())
    })
}

fn manifest(id: &str, picture: &Picture) -> Manifest {
    let winner = |key| Winner {
        key,
        score: 0.5,
        scores: BTreeMap::from([("brightness".to_owned(), 0.5)]),
        index: key,
        stream_time: 0.04,
        captured_at: "2026-01-31T12:00:00Z".to_owned(),
        clock: "receive".to_owned(),
        keyframe: false,
        width: picture.width(),
        height: picture.height(),
    };
    Manifest {
        revision: None,
        version: Manifest::VERSION,
        id: id.to_owned(),
        source: "rtsp://camera.example/1".to_owned(),
        state: "stopped".to_owned(),
        options: Options::default(),
        stream: None,
        stats: Stats::default(),
        started_at: "2026-01-31T12:00:00Z".to_owned(),
        ended_at: "2026-01-31T12:01:00Z".to_owned(),
        error: None,
        winners: Manifest::ranked((0..9).map(winner)),
        curve: Vec::new(),
    }
}

/// The alternative that `thumbnail` does not take: through 16-bit linear light.
fn linear(picture: &Picture) -> Result<usize> {
    let mapper = create_srgb_mapper();
    let (width, height) = (picture.width(), picture.height());
    let source =
        fast_image_resize::images::ImageRef::new(width, height, picture.rgb(), PixelType::U8x3)?;
    let mut light = Image::new(width, height, PixelType::U16x3);
    mapper.forward_map(&source, &mut light)?;
    let mut small = Image::new(300, 300, PixelType::U16x3);
    Resizer::new().resize(&light, &mut small, None)?;
    let mut target = Image::new(300, 300, PixelType::U8x3);
    mapper.backward_map(&small, &mut target)?;
    Ok(target.buffer().len())
}

fn time(what: &str, times: usize, mut work: impl FnMut() -> Result<usize>) -> Result<()> {
    let mut taken = Vec::with_capacity(times);
    let mut size = 0;
    for _ in 0..times {
        let start = Instant::now();
        size = std::hint::black_box(work()?);
        taken.push(start.elapsed());
    }
    report(what, taken, size);
    Ok(())
}

fn report(what: &str, mut taken: Vec<Duration>, size: usize) {
    taken.sort();
    println!(
        "{what:36} p50 {:8.2} ms  p95 {:8.2} ms  {size:>9} bytes",
        taken[taken.len() / 2].as_secs_f64() * 1e3,
        taken[taken.len() * 95 / 100].as_secs_f64() * 1e3,
    );
}

/// Gradients, discs and ±3 of noise from a fixed generator.
fn photograph(width: u32, height: u32) -> Result<Picture> {
    let mut seed = 1_u64;
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            let edge = if (x / 97 + y / 61) % 3 == 0 { 40 } else { 0 };
            let light = x * 120 / width + y * 70 / height + edge;
            for channel in 0..3 {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let noise = (seed >> 33) as u32 % 7;
                rgb.push((light + noise + channel * 8).min(255) as u8);
            }
        }
    }
    Ok(Picture::new(width, height, rgb)?)
}

/// Binary PPM, as `ffmpeg -i clip.mp4 -frames:v 1 picture.ppm` writes it.
fn read_ppm(bytes: &[u8]) -> Result<Picture> {
    let mut fields = bytes.splitn(5, u8::is_ascii_whitespace);
    let mut field = || fields.next().ok_or("not a PPM");
    if field()? != b"P6" {
        return Err("not a binary PPM".into());
    }
    let mut number = || -> Result<u32> { Ok(std::str::from_utf8(field()?)?.parse()?) };
    let (width, height, _depth) = (number()?, number()?, number()?);
    let rgb = fields.next().ok_or("PPM without samples")?.to_vec();
    Ok(Picture::new(width, height, rgb)?)
}
