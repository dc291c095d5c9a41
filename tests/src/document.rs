//! The OpenAPI document as a client reads it: whether it tells of an answer that
//! was seen.

use reqwest::Method;
use serde_json::Value;

use crate::answer::Answer;

/// A served OpenAPI document.
#[derive(Clone, Debug)]
pub struct Document(pub Value);

impl Document {
    /// Every operation: path, method in small letters, description.
    pub fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let methods = ["get", "put", "post", "delete", "patch", "head", "options"];
        let paths = self.0["paths"].as_object().into_iter().flatten();
        paths.flat_map(move |(path, item)| {
            methods
                .into_iter()
                .filter_map(move |method| Some((path.as_str(), method, item.get(method)?)))
        })
    }

    /// Checks that the document tells of an answer: its status, and the type of
    /// its body. Answers to what is no operation are not in it.
    pub(crate) fn check(&self, answer: &Answer) {
        let path = answer.target.split('?').next().unwrap_or_default();
        let method = answer.method.as_str().to_ascii_lowercase();
        if answer.method == Method::HEAD {
            return;
        }
        let fits = |template: &str| {
            let (mut ours, mut theirs) = (path.split('/'), template.split('/'));
            loop {
                match (ours.next(), theirs.next()) {
                    (None, None) => return true,
                    (Some(a), Some(b)) if a == b || b.starts_with('{') => {}
                    _ => return false,
                }
            }
        };
        let operation = self
            .operations()
            .find(|(template, known, _)| *known == method && fits(template));
        let Some((_, _, operation)) = operation else {
            return;
        };
        let response = &operation["responses"][answer.status.to_string()];
        assert!(
            response.is_object(),
            "the document does not tell of the status: {}",
            answer.told()
        );
        let content = response["content"].get(answer.media_type());
        assert!(
            answer.body.is_empty() || content.is_some(),
            "the document does not tell of {}: {}",
            answer.media_type(),
            answer.told()
        );
    }
}
