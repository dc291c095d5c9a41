//! The start options as a client wrote them. Whether they can be carried out is
//! checked in `options`; how a body becomes them is `body`'s business.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::problem::FieldError;

/// What a client wrote, not yet checked.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(super) values: BTreeMap<String, Value>,
    /// JSON tells text from numbers; a form only has text.
    pub(super) typed: bool,
}

impl Given {
    /// From a form: a field left empty counts as not given.
    ///
    /// # Errors
    /// The names that were given more than once.
    pub(crate) fn from_text(
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Vec<FieldError>> {
        let mut values = BTreeMap::new();
        let mut errors = Vec::new();
        for (name, value) in pairs {
            if values.contains_key(&name) {
                errors.push(FieldError::new(
                    &name,
                    "This field was given more than once.",
                ));
            }
            values.insert(name, Value::String(value));
        }
        values.retain(|_, value| value.as_str() != Some(""));
        if errors.is_empty() {
            Ok(Self {
                values,
                typed: false,
            })
        } else {
            Err(errors)
        }
    }

    /// From the fields of a JSON object. `null` is no value of any of them.
    pub(crate) fn from_json(fields: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self {
            values: fields.into_iter().collect(),
            typed: true,
        }
    }

    /// Adds a field unless the client gave it already.
    pub(crate) fn or_insert(&mut self, name: &str, value: Value) {
        self.values.entry(name.to_owned()).or_insert(value);
    }
}
