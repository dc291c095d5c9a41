//! Options that hold one of a few words. Shells complete the words; what is given
//! stays text, which the one check of all start options judges and explains.

use std::ffi::OsStr;

use bestshot_ranker::{Metric, PRESETS};
use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};

use crate::options::{START_OPTIONS, Shape};

/// Takes any text and knows the usual ones.
#[derive(Clone)]
pub(super) struct Words(Vec<&'static str>);

impl Words {
    /// Those of a start option that is one of some words.
    pub(super) fn of(name: &str) -> Self {
        let words = START_OPTIONS.iter().find_map(|option| match option.shape {
            Shape::Word(words) if option.name == name => Some(words),
            _ => None,
        });
        Self(words.unwrap_or_default().to_vec())
    }

    /// What "best" can be; weighted sums of these are texts too.
    pub(super) fn of_best() -> Self {
        let metrics = Metric::ALL.iter().map(|metric| metric.as_str());
        Self(metrics.chain(PRESETS.iter().map(|p| p.name)).collect())
    }
}

impl TypedValueParser for Words {
    type Value = String;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        StringValueParser::new().parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_offered_and_every_text_is_taken() {
        let words = Words::of("fit");
        let offered: Vec<_> = words.possible_values().unwrap().collect();
        assert_eq!(offered[0].get_name(), "cover");
        assert_eq!(offered.len(), 3);
        let any = words.parse_ref(&Command::new("x"), None, OsStr::new("?"));
        assert_eq!(any.unwrap(), "?");
        for name in ["transport", "sampling"] {
            assert!(!Words::of(name).0.is_empty(), "{name}");
        }
        assert!(Words::of_best().0.contains(&"brightness"));
        assert!(Words::of_best().0.contains(&"overall"));
    }
}
