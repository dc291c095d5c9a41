//! The table of start options: what the document says about each field.

use std::ops::RangeInclusive;

use bestshot_ranker::{BlendError, Metric, PRESETS};

/// What a field may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Any text.
    Text,
    /// Text that tools should hide.
    Secret,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number in this range.
    Whole(u32, u32),
    /// A number in this range.
    Number(f64, f64),
    /// True or false.
    Flag,
}

/// One start option as the document shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartOption {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// The default, as JSON text; empty where there is none.
    pub(crate) default: &'static str,
    pub(crate) about: &'static str,
}

const fn option(
    name: &'static str,
    shape: Shape,
    default: &'static str,
    about: &'static str,
) -> StartOption {
    StartOption {
        name,
        shape,
        default,
        about,
    }
}

pub(super) const LIMIT: RangeInclusive<u32> = 1..=100;
pub(super) const SIDE: RangeInclusive<u32> = 1..=bestshot_gallery::MAX_THUMBNAIL_SIDE;
pub(super) const WAIT: (f64, f64) = (0.0, 30.0);
pub(super) const YEAR: f64 = 31_536_000.0;
pub(super) const DAY: f64 = 86_400.0;
pub(super) const FITS: &[&str] = &["cover", "contain", "stretch"];
pub(super) const SAMPLINGS: &[&str] = &["all", "keyframes", "refined"];
pub(super) const TRANSPORTS: &[&str] = &["auto", "tcp", "udp"];

/// What is wrong with a text that should say what "best" means. What was typed is
/// not repeated.
pub(super) fn not_a_blend(error: &BlendError) -> String {
    match error {
        BlendError::Weight { name } => {
            format!("The weight of {name} is a number above 0, such as {name}:0.5.")
        }
        BlendError::Twice { name } => format!("{name} is named twice."),
        _ => {
            let metrics: Vec<_> = Metric::ALL.iter().map(|metric| metric.as_str()).collect();
            let presets: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
            format!(
                "best is one of {}, one of the presets {}, or a sum such as \
                 sharpness:0.7,brightness:0.3.",
                metrics.join(", "),
                presets.join(", ")
            )
        }
    }
}

/// Every field of a start request, in the order in which the document lists them.
pub(crate) const START_OPTIONS: &[StartOption] = &[
    option(
        "rtsp_url",
        Shape::Text,
        "",
        "The camera's address, rtsp:// or rtsps://.",
    ),
    option(
        "best",
        Shape::Text,
        "\"brightness\"",
        "What \"best\" means: a characteristic (`brightness`, `darkness`, `sharpness`, `contrast`, \
         `colorfulness`, `entropy`, `motion`, `stillness`, `exposure`), a preset (`overall`, `action`, \
         `detail`, `vivid`), or a weighted sum such as `sharpness:0.7,brightness:0.3`.",
    ),
    option(
        "limit",
        Shape::Whole(*LIMIT.start(), *LIMIT.end()),
        "9",
        "How many winners are kept.",
    ),
    option(
        "min_gap",
        Shape::Number(0.0, DAY),
        "0",
        "Least seconds between two winners.",
    ),
    option(
        "distinct",
        Shape::Number(0.0, 1.0),
        "0",
        "How unlike each other winners must look: 0 not at all, 0.1 a little, 0.3 another view.",
    ),
    option(
        "width",
        Shape::Whole(*SIDE.start(), *SIDE.end()),
        "300",
        "Thumbnail width in pixels.",
    ),
    option(
        "height",
        Shape::Whole(*SIDE.start(), *SIDE.end()),
        "300",
        "Thumbnail height in pixels.",
    ),
    option(
        "fit",
        Shape::Word(FITS),
        "\"cover\"",
        "How a frame becomes a thumbnail: `cover` crops, `contain` adds bars, `stretch` distorts.",
    ),
    option(
        "roi",
        Shape::Text,
        "",
        "The part that is scored: `x,y,w,h` as fractions of width and height; several separated \
         by `;`.",
    ),
    option(
        "exclude",
        Shape::Text,
        "",
        "What is left out of scoring, such as a clock in the picture: `x,y,w,h` as fractions; \
         several separated by `;`.",
    ),
    option(
        "sampling",
        Shape::Word(SAMPLINGS),
        "\"all\"",
        "Which frames are scored: `all`; `keyframes` only, for many cameras on a small machine; \
         `refined`: keyframes first, then every frame between two of them where one could win.",
    ),
    option(
        "transport",
        Shape::Word(TRANSPORTS),
        "\"auto\"",
        "How the camera sends: `tcp`, `udp`, or `auto`: TCP, and UDP where the camera refuses TCP \
         or sends nothing by it.",
    ),
    option(
        "tls_insecure",
        Shape::Flag,
        "false",
        "Take the certificate of an `rtsps` camera unchecked. Where the service cannot check \
         certificates, `rtsps` is refused without it.",
    ),
    option(
        "username",
        Shape::Text,
        "",
        "The camera's user name, where the address does not hold it. Needs no escaping.",
    ),
    option(
        "password",
        Shape::Secret,
        "",
        "The camera's password. It is never shown again.",
    ),
    option(
        "warmup",
        Shape::Number(0.0, DAY),
        "0",
        "Seconds of stream to skip at the start, while exposure settles.",
    ),
    option(
        "duration",
        Shape::Number(0.0, YEAR),
        "",
        "Seconds of stream after which the session stops by itself; more than 0.",
    ),
    option(
        "persist",
        Shape::Flag,
        "false",
        "Go on trying a camera that has never answered, instead of giving it up after its first \
         tries.",
    ),
    option(
        "wait",
        Shape::Number(WAIT.0, WAIT.1),
        // No default: generated clients send defaults, and the one of the query would
        // never be heard.
        "",
        "Seconds for which the answer may be held until the first frame is scored or the camera \
         is diagnosed. Where it is absent, the one of the query counts; without either, 0.",
    ),
];
