//! What "best" can mean, for pages and programs that let a person choose.

use std::collections::BTreeMap;

use bestshot_ranker::{Metric, PRESETS};
use poem_openapi::{Object, OpenApi, payload::Json};

use super::Tag;

/// What "best" can mean.
#[derive(Clone, Debug, Object)]
pub(crate) struct CharacteristicList {
    /// What a frame can be scored by; several can be mixed.
    characteristics: Vec<CharacteristicInfo>,
    /// Mixtures that have a name.
    presets: Vec<PresetInfo>,
}

/// A number from 0 to 1 that is computed of a frame.
#[derive(Clone, Debug, Object)]
pub(crate) struct CharacteristicInfo {
    /// As `best` takes it.
    name: String,
    /// What it prefers.
    about: String,
}

/// A mixture that has a name.
#[derive(Clone, Debug, Object)]
pub(crate) struct PresetInfo {
    /// As `best` takes it.
    name: String,
    /// What it prefers.
    about: String,
    /// What it is mixed of; the weights add up to 1.
    weights: BTreeMap<String, f64>,
}

pub(crate) struct Characteristics;

#[expect(
    clippy::unused_async,
    reason = "poem-openapi takes async handlers only"
)]
#[OpenApi(tag = "Tag::System")]
impl Characteristics {
    /// What can "best" mean?
    ///
    /// The characteristics and the presets that the start option `best` takes.
    #[oai(
        path = "/v1/characteristics",
        method = "get",
        operation_id = "listCharacteristics"
    )]
    async fn list(&self) -> Json<CharacteristicList> {
        let characteristic = |metric: &Metric| CharacteristicInfo {
            name: metric.to_string(),
            about: metric.about().to_owned(),
        };
        let presets = PRESETS.iter().map(|preset| PresetInfo {
            name: preset.name.to_owned(),
            about: preset.about.to_owned(),
            weights: preset
                .weights
                .iter()
                .map(|(m, w)| (m.to_string(), *w))
                .collect(),
        });
        Json(CharacteristicList {
            characteristics: Metric::ALL.iter().map(characteristic).collect(),
            presets: presets.collect(),
        })
    }
}
