#![doc = include_str!("../README.md")]

mod best;
mod blend;
mod cells;
mod characteristic;
mod chroma;
mod grid;
mod kernels;
mod layout;
mod look;
mod luma;
mod measure;
mod metrics;
mod picture;
mod plan;
mod region;
mod sample;
mod score;
mod scorer;
mod spread;
mod tally;

pub use best::{Best, Offer};
pub use blend::{Blend, BlendError, PRESETS, Preset};
pub use characteristic::{Characteristic, Measured, Metric, UnknownMetric};
pub use chroma::{ChromaPlane, ChromaView, Matrix};
pub use layout::{LayoutError, LayoutErrorKind};
pub use look::Look;
pub use luma::LumaView;
pub use measure::Needs;
pub use picture::{Orientation, Picture};
pub use region::{Rectangle, Region, RegionError};
pub use sample::{Range, SampleFormat};
pub use score::Score;
pub use scorer::{Scored, Scorer};
pub use spread::{Apart, Spread};
