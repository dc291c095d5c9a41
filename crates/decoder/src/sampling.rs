//! Which pictures of a stream are decoded: the policy alone.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Which pictures of a stream are decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Every one.
    #[default]
    All,
    /// Keyframes: those with which decoding can begin and which are whole at once. For
    /// many cameras on a small machine; between two keyframes lie seconds.
    Keyframes,
    /// Keyframes first, and then all pictures of those groups that the caller asks for
    /// ([`Frames::refine`](crate::Frames::refine)).
    Refined,
}

impl Sampling {
    /// All of them, in the order in which documents list them.
    pub const EVERY: [Self; 3] = [Self::All, Self::Keyframes, Self::Refined];

    /// The name used in options, documents and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Keyframes => "keyframes",
            Self::Refined => "refined",
        }
    }
}

impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Sampling {
    type Err = UnknownSampling;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let named = |sampling: &Self| sampling.as_str() == s;
        Self::EVERY.into_iter().find(named).ok_or(UnknownSampling)
    }
}

/// The word is none of `all`, `keyframes`, `refined`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sampling is one of all, keyframes, refined")]
pub struct UnknownSampling;
