//! What client generators and people rely on in the document.

use std::{collections::BTreeSet, fmt};

use poem::http::StatusCode;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::*;

/// Reads JSON and fails at the first object that holds a key twice, which
/// `Value` would hide.
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !keys.insert(key.clone()) {
                return Err(serde::de::Error::custom(format!("{key} stands twice")));
            }
            map.next_value_seed(Unique)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Unique)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(m, o)| (path.as_str(), m.as_str(), o))
    })
}

#[test]
fn no_key_stands_twice() {
    let draft = service().spec();
    for text in [draft.as_str(), text()] {
        Unique
            .deserialize(&mut serde_json::Deserializer::from_str(text))
            .unwrap();
    }
}

#[test]
fn the_operations_are_those_of_the_table_and_no_others() {
    let documented: BTreeSet<_> = operations()
        .map(|(path, method, o)| (o["operationId"].as_str().unwrap(), method, path))
        .collect();
    let listed: BTreeSet<_> = OPERATIONS
        .iter()
        .map(|o| (o.id, o.method, o.path))
        .collect();
    assert_eq!(documented, listed);
    assert_eq!(listed.len(), OPERATIONS.len());
}

#[test]
fn every_operation_and_answer_says_what_it_is() {
    for (path, method, operation) in operations() {
        let name = format!("{method} {path}");
        for field in ["summary", "description"] {
            assert!(
                operation[field].as_str().is_some_and(|t| !t.is_empty()),
                "{name} {field}"
            );
        }
        assert_eq!(
            operation["tags"].as_array().map(Vec::len),
            Some(1),
            "{name}"
        );
        for (status, response) in operation["responses"].as_object().unwrap() {
            let text = response["description"].as_str().unwrap();
            assert!(!text.is_empty() && text != "A problem.", "{name} {status}");
            let problem = status.starts_with(['4', '5']);
            assert_eq!(
                response["content"][PROBLEM_JSON].is_object(),
                problem,
                "{name} {status}"
            );
        }
    }
}

#[test]
fn every_problem_shows_an_example_of_its_own_status() {
    for (path, method, operation) in operations() {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let Some(media) = response["content"].get(PROBLEM_JSON) else {
                continue;
            };
            let (name, example) = (format!("{method} {path} {status}"), &media["example"]);
            assert_eq!(example["status"].to_string(), *status, "{name}");
            let reason = status.parse::<StatusCode>().unwrap().canonical_reason();
            assert_eq!(example["title"].as_str(), reason, "{name}");
            assert!(example["detail"].is_string(), "{name}");
        }
    }
}

#[test]
fn nothing_is_null_and_integers_have_whole_bounds() {
    assert!(!text().contains("null"));
    let limit = &document()["components"]["schemas"]["StartForm"]["properties"]["limit"];
    assert_eq!(
        (&limit["minimum"], &limit["maximum"]),
        (&json!(1), &json!(100))
    );
}

#[test]
fn no_media_type_carries_parameters() {
    fn check(value: &Value) {
        if let Some(content) = value.get("content").and_then(Value::as_object) {
            assert!(content.keys().all(|k| !k.contains(';')), "{content:?}");
        }
        match value {
            Value::Object(map) => map.values().for_each(check),
            Value::Array(items) => items.iter().for_each(check),
            _ => {}
        }
    }
    check(document());
}

#[test]
fn optional_fields_are_not_required_and_the_rest_is() {
    let session = &document()["components"]["schemas"]["Session"];
    assert_eq!(
        session["required"],
        json!(["id", "rtsp_url", "state", "options", "stats", "started_at"])
    );
    assert_eq!(
        document()["components"]["schemas"]["StartForm"]["required"],
        json!(["rtsp_url"])
    );
}
