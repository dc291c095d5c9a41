//! The words after a command: flags, options with a value, and free words.
//!
//! What lives here: taking them one by one and complaining about the rest. What
//! does not: their meaning, and `--help`, which `main` answers.

use std::fmt;
use std::str::FromStr;

/// The words of a command that were not yet taken.
pub(crate) struct Arguments {
    words: Vec<String>,
}

/// A command line that cannot be obeyed; nothing was started.
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl UsageError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

impl Arguments {
    pub(crate) fn new(words: &[String]) -> Self {
        Self {
            words: words.to_vec(),
        }
    }

    /// Takes `--name` and tells whether it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() < before
    }

    /// Takes `--name VALUE` or `--name=VALUE`.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, UsageError> {
        let joined = format!("{name}=");
        let found = |word: &String| word == name || word.starts_with(&joined);
        let Some(at) = self.words.iter().position(found) else {
            return Ok(None);
        };
        let word = self.words.remove(at);
        let text = match word.strip_prefix(&joined) {
            Some(text) => text.to_owned(),
            None if at < self.words.len() => self.words.remove(at),
            None => return Err(UsageError::new(format!("{name} needs a value"))),
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(UsageError::new(format!("{text:?} is no value for {name}"))),
        }
    }

    /// Ends the reading; whatever is left must be free words.
    pub(crate) fn free_words(self) -> Result<Vec<String>, UsageError> {
        match self.words.iter().find(|word| word.starts_with('-')) {
            Some(word) => Err(UsageError::new(format!("there is no option {word}"))),
            None => Ok(self.words),
        }
    }

    /// Ends the reading; nothing may be left.
    pub(crate) fn finish(self) -> Result<(), UsageError> {
        match self.free_words()?.first() {
            Some(word) => Err(UsageError::new(format!("{word:?} was not expected"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Arguments {
        Arguments {
            words: line.split_whitespace().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn values_stand_beside_or_behind_an_equals_sign() {
        for line in ["--seconds 7", "--seconds=7"] {
            let mut arguments = arguments(line);
            assert_eq!(arguments.value::<u32>("--seconds").unwrap(), Some(7));
            arguments.finish().unwrap();
        }
    }

    #[test]
    fn a_value_that_does_not_parse_is_named() {
        let error = arguments("--seconds soon")
            .value::<u32>("--seconds")
            .unwrap_err();
        assert_eq!(error.to_string(), "\"soon\" is no value for --seconds");
        assert!(arguments("--seconds").value::<u32>("--seconds").is_err());
    }

    #[test]
    fn free_words_keep_their_order_and_options_are_not_among_them() {
        let mut mixed = arguments("one --keep two");
        assert!(mixed.flag("--keep"));
        assert!(!mixed.flag("--keep"));
        assert_eq!(mixed.free_words().unwrap(), ["one", "two"]);
        assert!(arguments("one --odd").free_words().is_err());
        assert!(arguments("one").finish().is_err());
    }
}
