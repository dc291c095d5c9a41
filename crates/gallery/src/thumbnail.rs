//! From a picture to a thumbnail: which part is shown, at which size, and the
//! resizing itself.

use fast_image_resize::images::{CroppedImageMut, Image, ImageRef};
use fast_image_resize::{
    FilterType, IntoImageView, IntoImageViewMut, PixelType, ResizeAlg, ResizeOptions, Resizer,
};

use crate::error::Error;
use crate::picture::{Fit, Picture, ThumbnailSpec};

/// Of the filters of `fast_image_resize` this one keeps most of a picture: by `cargo
/// xtask bench pictures`, over 14 frames of recordings made 1.2, 3.6 and 7.2 times smaller, it is
/// nearest to what an ideal low-pass leaves: PSNR 45.4 dB and SSIM 0.991, 0.984 and
/// 0.982 (Catmull-Rom 43.3 dB, OpenCV's INTER_AREA 41.2 dB, box 39.1 dB).
const FILTER: FilterType = FilterType::Lanczos3;

/// Resizes `picture` to exactly `spec`, with Lanczos 3 over all source pixels
/// that a thumbnail's pixel covers. The same input gives the same bytes.
///
/// `sample_aspect_ratio` is (width, height) of one sample of the camera, (1, 1)
/// for square ones; a zero in it means that the stream does not say, and counts
/// as square. [`Fit::Cover`] and [`Fit::Contain`] honour it, so that a face on
/// an anamorphic camera keeps its shape; [`Fit::Stretch`] has no use for it.
/// Bars of [`Fit::Contain`] are black. A picture smaller than the thumbnail is
/// enlarged.
///
/// # Light
/// Samples are averaged as the camera encoded them (gamma), not as linear
/// light. That is what ffmpeg, OpenCV and Pillow do, so a thumbnail here looks
/// like theirs; on fine high-contrast texture it is a little darker than the eye
/// would average. Linear light, through 16-bit samples, costs 6 ms more for a
/// frame of 1920×1080: 7.4 ms against 1.2 ms for the whole frame to 300×300
/// (0.8 ms for `cover`; one core, `examples/measure.rs`). That is six times the
/// work at every new winner for a picture that would match no other tool's: measured as
/// above it is 5.4 dB further from the ideal of the encoded samples, and 2.4 dB nearer to
/// that of linear light.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::ErrorKind::Internal), should the resizer
/// refuse a picture; no input is known to cause it.
pub fn thumbnail(
    picture: &Picture,
    sample_aspect_ratio: (u32, u32),
    spec: &ThumbnailSpec,
) -> Result<Picture, Error> {
    let (width, height) = (spec.width(), spec.height());
    let plan = Plan::new(picture, sample_aspect_ratio, spec);
    let source = ImageRef::new(
        picture.width(),
        picture.height(),
        picture.rgb(),
        PixelType::U8x3,
    )
    .map_err(|cause| Error::internal("the picture cannot be resized", cause))?;
    // Zeros are black, so the bars of `contain` are there already.
    let mut target = Image::new(width, height, PixelType::U8x3);
    if (plan.width, plan.height) == (width, height) {
        resize(&source, &mut target, &plan)?;
    } else {
        let left = (width - plan.width) / 2;
        let top = (height - plan.height) / 2;
        let mut window = CroppedImageMut::new(&mut target, left, top, plan.width, plan.height)
            .map_err(|cause| Error::internal("the picture cannot be letterboxed", cause))?;
        resize(&source, &mut window, &plan)?;
    }
    Picture::new(width, height, target.into_vec())
}

fn resize(
    source: &impl IntoImageView,
    target: &mut impl IntoImageViewMut,
    plan: &Plan,
) -> Result<(), Error> {
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FILTER))
        .use_alpha(false)
        .crop(
            plan.crop_left,
            plan.crop_top,
            plan.crop_width,
            plan.crop_height,
        );
    Resizer::new()
        .resize(source, target, &options)
        .map_err(|cause| Error::internal("the picture cannot be resized", cause))
}

/// Which part of the source (in its samples) lands on how many pixels.
#[derive(Debug, PartialEq)]
struct Plan {
    crop_left: f64,
    crop_top: f64,
    crop_width: f64,
    crop_height: f64,
    width: u32,
    height: u32,
}

impl Plan {
    fn new(picture: &Picture, sample_aspect_ratio: (u32, u32), spec: &ThumbnailSpec) -> Self {
        let (source_width, source_height) =
            (f64::from(picture.width()), f64::from(picture.height()));
        let (target_width, target_height) = (f64::from(spec.width()), f64::from(spec.height()));
        let sample = match sample_aspect_ratio {
            (0, _) | (_, 0) => 1.0,
            (across, down) => f64::from(across) / f64::from(down),
        };
        // Above one: the picture on a screen is wider than the thumbnail.
        let wider = (source_width * sample / source_height) / (target_width / target_height);

        let whole = Self {
            crop_left: 0.0,
            crop_top: 0.0,
            crop_width: source_width,
            crop_height: source_height,
            width: spec.width(),
            height: spec.height(),
        };
        match spec.fit() {
            Fit::Stretch => whole,
            Fit::Cover if wider > 1.0 => {
                let crop_width = (source_width / wider).clamp(1.0, source_width);
                Self {
                    crop_left: (source_width - crop_width) / 2.0,
                    crop_width,
                    ..whole
                }
            }
            Fit::Cover => {
                let crop_height = (source_height * wider).clamp(1.0, source_height);
                Self {
                    crop_top: (source_height - crop_height) / 2.0,
                    crop_height,
                    ..whole
                }
            }
            Fit::Contain if wider > 1.0 => Self {
                height: whole_pixels(target_height / wider, spec.height()),
                ..whole
            },
            Fit::Contain => Self {
                width: whole_pixels(target_width * wider, spec.width()),
                ..whole
            },
        }
    }
}

/// `length` rounded to 1..=`most` pixels.
fn whole_pixels(length: f64, most: u32) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1..=4096 first"
    )]
    let pixels = length.round().clamp(1.0, f64::from(most)) as u32;
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Picture {
        let rgb = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| pixel(x, y))
            .collect();
        Picture::new(width, height, rgb).unwrap()
    }

    /// Red left quarter, white middle, blue right quarter.
    fn flag(width: u32, height: u32) -> Picture {
        picture(width, height, |x, _| {
            if x < width / 4 {
                [255, 0, 0]
            } else if x < width - width / 4 {
                [255; 3]
            } else {
                [0, 0, 255]
            }
        })
    }

    fn low(number: u32) -> u8 {
        number.to_le_bytes()[0]
    }

    fn at(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
        let start = ((y * picture.width() + x) * 3) as usize;
        picture.rgb()[start..start + 3].try_into().unwrap()
    }

    fn spec(width: u32, height: u32, fit: Fit) -> ThumbnailSpec {
        ThumbnailSpec::new(width, height, fit).unwrap()
    }

    #[test]
    fn cover_shows_the_middle_and_fills_the_thumbnail() {
        // 400×200: the square in the middle is all white.
        let small = thumbnail(&flag(400, 200), (1, 1), &spec(50, 50, Fit::Cover)).unwrap();
        assert_eq!((small.width(), small.height()), (50, 50));
        assert_eq!(at(&small, 25, 25), [255; 3]);
        assert_eq!(at(&small, 5, 0), [255; 3]);
        assert_eq!(at(&small, 44, 49), [255; 3]);
    }

    #[test]
    fn contain_shows_everything_between_black_bars() {
        let small = thumbnail(&flag(400, 200), (1, 1), &spec(50, 50, Fit::Contain)).unwrap();
        assert_eq!(at(&small, 25, 11), [0; 3]);
        assert_eq!(at(&small, 25, 38), [0; 3]);
        assert_eq!(at(&small, 25, 13), [255; 3]);
        assert_eq!(at(&small, 0, 25), [255, 0, 0]);
        assert_eq!(at(&small, 49, 25), [0, 0, 255]);
    }

    #[test]
    fn stretch_shows_everything_everywhere() {
        let small = thumbnail(&flag(400, 200), (1, 1), &spec(50, 50, Fit::Stretch)).unwrap();
        assert_eq!(at(&small, 0, 0), [255, 0, 0]);
        assert_eq!(at(&small, 25, 0), [255; 3]);
        assert_eq!(at(&small, 49, 49), [0, 0, 255]);
    }

    #[test]
    fn samples_that_are_not_square_keep_the_shape_of_things() {
        // 352×576 samples of 24:11 are shown as 768×576.
        let source = flag(352, 576);
        let plan = Plan::new(&source, (24, 11), &spec(300, 300, Fit::Cover));
        assert!((plan.crop_width - 264.0).abs() < 1e-9, "{plan:?}");
        assert!((plan.crop_left - 44.0).abs() < 1e-9, "{plan:?}");
        let plan = Plan::new(&source, (24, 11), &spec(400, 400, Fit::Contain));
        assert_eq!((plan.width, plan.height), (400, 300));
    }

    #[test]
    fn an_unknown_sample_shape_counts_as_square() {
        let source = flag(640, 480);
        let spec = spec(300, 300, Fit::Cover);
        let square = Plan::new(&source, (1, 1), &spec);
        for unknown in [(0, 1), (1, 0), (0, 0)] {
            assert_eq!(Plan::new(&source, unknown, &spec), square);
        }
    }

    #[test]
    fn one_pixel_fills_every_thumbnail_with_its_colour() {
        let dot = Picture::new(1, 1, vec![10, 20, 30]).unwrap();
        for fit in Fit::ALL {
            let big = thumbnail(&dot, (1, 1), &spec(64, 64, fit)).unwrap();
            assert!(
                big.rgb().chunks(3).all(|pixel| pixel == [10, 20, 30]),
                "{fit}"
            );
        }
    }

    #[test]
    fn extreme_shapes_are_no_error() {
        let sources = [(1, 1), (16_384, 1), (1, 16_384), (3, 2), (65, 39)];
        let targets = [(1, 1), (4_096, 1), (1, 64), (7, 5)];
        for (width, height) in sources {
            let source = flag(width, height);
            for (across, down) in targets {
                for sample in [(1, 1), (1, u32::MAX), (u32::MAX, 1), (16, 11)] {
                    for fit in Fit::ALL {
                        let spec = spec(across, down, fit);
                        let small = thumbnail(&source, sample, &spec).unwrap();
                        assert_eq!((small.width(), small.height()), (across, down));
                    }
                }
            }
        }
    }

    #[test]
    fn the_same_size_stretched_is_the_same_picture() {
        let source = picture(31, 17, |x, y| [low(x * 8), low(y * 15), 99]);
        let same = thumbnail(&source, (5, 3), &spec(31, 17, Fit::Stretch)).unwrap();
        assert_eq!(same, source);
    }

    #[test]
    fn the_same_picture_gives_the_same_thumbnail() {
        let source = picture(640, 360, |x, y| [low(x ^ y), low(x * y), low(x + y)]);
        let spec = ThumbnailSpec::default();
        let first = thumbnail(&source, (1, 1), &spec).unwrap();
        assert_eq!(thumbnail(&source, (1, 1), &spec).unwrap(), first);
    }
}
