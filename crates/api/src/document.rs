//! The OpenAPI document: the one function that makes it, for `/openapi.json`,
//! `/docs` and `bestshot openapi` alike, and what is read from it to route and
//! count requests. poem-openapi writes the draft; `normalise` mends what client
//! generators trip over and adds what it cannot express.

use std::sync::LazyLock;

use poem::{EndpointExt, IntoEndpoint, Response, endpoint::BoxEndpoint};
use poem_openapi::{LicenseObject, OpenApiService};
use serde_json::{Map, Value, json};

use self::{
    problems::example,
    tables::{OPERATIONS, Operation, STATUS_TEXTS, examples},
};
use crate::{
    operations::SHOWN,
    problem::PROBLEM_JSON,
    routes::{
        Api, Archives, Characteristics, Compat, Events, Frames, Scores, SessionRoutes, System,
    },
};

mod problems;
mod tables;

const ABOUT: &str = "Point it at a camera; get its best frames.\n\n\
    bestshot reads an RTSP stream, scores every frame by a characteristic, keeps the best, and \
    on stop saves them as PNG.\n\n\
    Where the service was started with an API key, every operation but `getHealth` needs it.";

/// The order in which tools show the tags.
const TAGS: &[&str] = &["compat", "sessions", "frames", "events", "system"];

fn service() -> OpenApiService<Api, ()> {
    let api = (
        Compat,
        SessionRoutes,
        Scores,
        Archives,
        Frames,
        Events,
        Characteristics,
        System,
    );
    OpenApiService::new(api, "bestshot", env!("CARGO_PKG_VERSION"))
        .description(ABOUT)
        .license(LicenseObject::new("MIT OR Apache-2.0").url("https://spdx.org/licenses/MIT.html"))
        .server("/")
}

/// The operations as an endpoint. Each request carries `Arc<Sessions>` among its
/// extensions.
pub(crate) fn endpoint() -> BoxEndpoint<'static, Response> {
    service().into_endpoint().map_to_response().boxed()
}

/// The document.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| normalise(&service().spec()));
    &DOCUMENT
}

/// The document as text, with a final line feed; the same at every run.
pub(crate) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));
    &TEXT
}

fn normalise(draft: &str) -> Value {
    // The draft is our own, made a moment ago; were it no JSON, the tests of
    // this file would show it.
    let mut document: Value = serde_json::from_str(draft).unwrap_or_default();
    walk(&mut document);
    document["openapi"] = json!("3.0.3");
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.sort_by_key(|tag| TAGS.iter().position(|name| tag["name"] == **name));
    }
    for operation in OPERATIONS {
        let pointer = format!(
            "/paths/{}/{}",
            operation.path.replace('/', "~1"),
            operation.method
        );
        if let Some(described) = document.pointer_mut(&pointer) {
            complete(described, operation);
        }
    }
    for schema in ["StartRequest", "StartForm", "StartMultipart"] {
        document["components"]["schemas"][schema]["additionalProperties"] = json!(false);
    }
    for (schema, example) in examples() {
        document["components"]["schemas"][schema]["example"] = example;
    }
    document["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "The API key as a token."},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key",
            "description": "The API key."},
        "basic": {"type": "http", "scheme": "basic",
            "description": "Any user name, and the API key as the password."},
    });
    // The empty one: a service on loopback asks for no key.
    document["security"] = json!([{}, {"bearer": []}, {"header": []}, {"basic": []}]);
    document
}

/// Mends every object: media types without parameters, headers as they are
/// usually written, integers in formats that OpenAPI knows and with whole
/// bounds, no flags that say the default, no `allOf` of more than a reference.
fn walk(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(walk),
        Value::Object(map) => {
            if map.get("deprecated") == Some(&Value::Bool(false)) {
                map.shift_remove("deprecated");
            }
            let format = map.get("format").and_then(Value::as_str);
            let (signed, most) = match format {
                Some("uint16" | "uint8") => (Some("int32"), None),
                Some("uint32") => (Some("int64"), Some(u32::MAX)),
                Some("uint64") => (Some("int64"), None),
                _ => (None, None),
            };
            if let Some(signed) = signed {
                map.insert("format".to_owned(), json!(signed));
                map.entry("minimum").or_insert(json!(0));
            }
            if let Some(most) = most {
                map.entry("maximum").or_insert(json!(most));
            }
            if map.get("type") == Some(&json!("integer")) {
                for bound in ["minimum", "maximum"] {
                    if let Some(value) = map.get_mut(bound) {
                        *value = whole(value);
                    }
                }
            }
            if let Some(Value::Object(headers)) = map.get_mut("headers") {
                *headers = std::mem::take(headers)
                    .into_iter()
                    .map(|(name, header)| (header_name(&name), header))
                    .collect();
            }
            if let Some(Value::Object(content)) = map.get_mut("content") {
                *content = std::mem::take(content)
                    .into_iter()
                    .map(|(name, media)| (essence(&name).to_owned(), media))
                    .collect();
            }
            // A reference with a description of its own: generators that merge what
            // stands in `allOf` cannot merge a text with an enumeration.
            if let Some(Value::Array(parts)) = map.get_mut("allOf") {
                parts.retain(|part| part.get("$ref").is_some());
            }
            map.values_mut().for_each(walk);
        }
        _ => {}
    }
}

/// `100.0` as `100`.
fn whole(number: &Value) -> Value {
    let text = number.to_string();
    let whole = text.strip_suffix(".0").and_then(|t| t.parse::<i64>().ok());
    whole.map_or_else(|| number.clone(), Value::from)
}

/// `CACHE-CONTROL` as `Cache-Control`.
fn header_name(name: &str) -> String {
    if name.eq_ignore_ascii_case("etag") {
        return "ETag".to_owned();
    }
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

fn essence(media_type: &str) -> &str {
    media_type
        .split(';')
        .next()
        .unwrap_or(media_type)
        .trim_end()
}

/// A place in the list of sessions, as `next` tells it.
const PLACE: &str = "^[0-9a-f]{16}[0-9A-Za-z-]{1,64}$";

/// A day, or an empty field of a form.
const DAY: &str = "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$";

/// Gives an operation its success text and every problem that it can answer.
fn complete(described: &mut Value, operation: &Operation) {
    if let Some(parameters) = described
        .get_mut("parameters")
        .and_then(Value::as_array_mut)
    {
        for parameter in parameters {
            let example = match parameter["name"].as_str() {
                // Not `session` of `/stop`: Swagger UI sends what an example says, and
                // left out it is the one session that runs.
                Some("session_id") => json!("20261123-175514009-3f9a2c71"),
                Some("rank") => json!(1),
                Some("before") => {
                    parameter["schema"]["pattern"] = json!(PLACE);
                    continue;
                }
                Some("day") => {
                    parameter["schema"]["pattern"] = json!(DAY);
                    continue;
                }
                _ => continue,
            };
            parameter["example"] = example;
        }
    }
    let open = operation.id == "getHealth";
    if open {
        described["security"] = json!([]);
    }
    let Some(responses) = described["responses"].as_object_mut() else {
        return;
    };
    responses.shift_remove("default");
    for response in responses.values_mut() {
        if response["description"] == json!("") {
            response["description"] = json!(operation.success);
        }
    }
    let changes = operation.method != "get" || operation.id == "stop";
    let mut statuses = operation.problems.to_vec();
    statuses.extend([421, 500, 503]);
    statuses.extend((!open).then_some(401));
    if changes {
        statuses.extend([400, 403]);
    }
    if operation.method != "get" {
        statuses.extend([408, 413]);
    }
    statuses.sort_unstable();
    statuses.dedup();
    for status in statuses {
        responses.insert(status.to_string(), problem(operation, status));
    }
}

fn problem(operation: &Operation, status: u16) -> Value {
    let text = STATUS_TEXTS
        .iter()
        .find(|(s, _)| *s == status)
        .map_or("A problem.", |(_, t)| t);
    let media = json!({
        "schema": {"$ref": "#/components/schemas/Problem"},
        "example": example(operation.id, status)
    });
    let mut content = Map::new();
    content.insert(PROBLEM_JSON.to_owned(), media);
    if SHOWN.contains(&operation.id) {
        // Where a browser asks.
        content.insert(
            "text/html".to_owned(),
            json!({"schema": {"type": "string"}}),
        );
    }
    json!({"description": text, "content": content})
}

#[cfg(test)]
mod tests;
