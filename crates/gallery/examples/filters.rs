//! Resizes whole pictures by every filter there is, for `cargo xtask bench pictures`:
//!
//! ```text
//! cargo run --release -p bestshot-gallery --example filters PICTURE.ppm SIDE FOLDER …
//! ```
//!
//! Every PICTURE becomes SIDE × SIDE pixels, as FOLDER/NAME.ppm for each filter; what
//! `thumbnail` itself makes of it is FOLDER/thumbnail.ppm. The folders must be there.
//! One JSON list is written: for each picture the median microseconds by name. The
//! filter in `src/thumbnail.rs` was chosen by what is measured on these files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use bestshot_gallery::{Fit, Picture, ThumbnailSpec, thumbnail};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, create_srgb_mapper,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const FILTERS: [(&str, FilterType); 7] = [
    ("Box", FilterType::Box),
    ("Bilinear", FilterType::Bilinear),
    ("Hamming", FilterType::Hamming),
    ("CatmullRom", FilterType::CatmullRom),
    ("Mitchell", FilterType::Mitchell),
    ("Gaussian", FilterType::Gaussian),
    ("Lanczos3", FilterType::Lanczos3),
];
/// The median of so many counts.
const TIMES: usize = 15;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut all = Vec::new();
    for job in words.chunks(3) {
        let [picture, side, folder] = job else {
            return Err("a picture, a side and a folder belong together".into());
        };
        let picture = read_ppm(&fs::read(picture)?)?;
        let micros = resize_by_all(&picture, side.parse()?, Path::new(folder))?;
        all.push(serde_json::to_string(&micros)?);
    }
    println!("[{}]", all.join(", "));
    Ok(())
}

fn resize_by_all(picture: &Picture, side: u32, folder: &Path) -> Result<BTreeMap<String, f64>> {
    let mut micros = BTreeMap::new();
    let mut keep = |name: &str, make: &dyn Fn() -> Result<Vec<u8>>| -> Result<()> {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let start = Instant::now();
            std::hint::black_box(make()?);
            times.push(start.elapsed());
        }
        times.sort_unstable();
        micros.insert(name.to_owned(), times[TIMES / 2].as_secs_f64() * 1e6);
        let mut file = format!("P6\n{side} {side}\n255\n").into_bytes();
        file.extend(make()?);
        Ok(fs::write(folder.join(format!("{name}.ppm")), file)?)
    };
    for (name, filter) in FILTERS {
        keep(name, &|| by(picture, side, filter))?;
    }
    keep("Lanczos3 in light", &|| {
        in_light(picture, side, FilterType::Lanczos3)
    })?;
    let spec = ThumbnailSpec::new(side, side, Fit::Stretch)?;
    keep("thumbnail", &|| {
        Ok(thumbnail(picture, (1, 1), &spec)?.rgb().to_vec())
    })?;
    Ok(micros)
}

fn options(filter: FilterType) -> ResizeOptions {
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    options.use_alpha(false)
}

fn source(picture: &Picture) -> Result<ImageRef<'_>> {
    let (width, height) = (picture.width(), picture.height());
    Ok(ImageRef::new(
        width,
        height,
        picture.rgb(),
        PixelType::U8x3,
    )?)
}

/// As the camera encoded the samples.
fn by(picture: &Picture, side: u32, filter: FilterType) -> Result<Vec<u8>> {
    let mut target = Image::new(side, side, PixelType::U8x3);
    Resizer::new().resize(&source(picture)?, &mut target, &options(filter))?;
    Ok(target.into_vec())
}

/// Through 16 bits of linear light.
fn in_light(picture: &Picture, side: u32, filter: FilterType) -> Result<Vec<u8>> {
    let mapper = create_srgb_mapper();
    let mut light = Image::new(picture.width(), picture.height(), PixelType::U16x3);
    mapper.forward_map(&source(picture)?, &mut light)?;
    let mut small = Image::new(side, side, PixelType::U16x3);
    Resizer::new().resize(&light, &mut small, &options(filter))?;
    let mut target = Image::new(side, side, PixelType::U8x3);
    mapper.backward_map(&small, &mut target)?;
    Ok(target.into_vec())
}

/// Binary PPM, as ffmpeg writes it.
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
