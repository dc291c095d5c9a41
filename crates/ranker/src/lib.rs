#![doc = include_str!("../README.md")]

mod batch;
mod best;
mod characteristic;
mod kernels;
mod layout;
mod luma;
mod sample;
mod score;

pub use batch::score_batch;
pub use best::{Best, Offer};
pub use characteristic::{Brightness, Characteristic, Darkness, Metric, UnknownMetric};
pub use layout::{LayoutError, LayoutErrorKind};
pub use luma::LumaView;
pub use sample::{Range, SampleFormat};
pub use score::Score;
