//! The OpenAPI document: the one that is served is the one that is committed,
//! and it describes what the product promises.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{collections::BTreeSet, fs, process::Stdio};

use bestshot_tests::{Answer, Camera, Service, program, workspace};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::Value;

/// Path, method and operation of every promise.
const OPERATIONS: &[(&str, &str, &str)] = &[
    ("/start", "post", "start"),
    ("/stop", "get", "stop"),
    ("/stop", "post", "stopPost"),
    ("/v1/sessions", "post", "createSession"),
    ("/v1/sessions", "get", "listSessions"),
    ("/v1/sessions/{session_id}", "get", "getSession"),
    ("/v1/sessions/{session_id}", "delete", "deleteSession"),
    ("/v1/sessions/{session_id}/stop", "post", "stopSession"),
    ("/v1/sessions/{session_id}/scores", "get", "listScores"),
    ("/v1/sessions/{session_id}/plot", "get", "getPlot"),
    ("/v1/sessions/{session_id}/archive", "get", "getArchive"),
    ("/v1/sessions/{session_id}/frames", "get", "listFrames"),
    (
        "/v1/sessions/{session_id}/frames/{rank}/thumbnail",
        "get",
        "getThumbnail",
    ),
    (
        "/v1/sessions/{session_id}/frames/{rank}/original",
        "get",
        "getOriginal",
    ),
    ("/v1/sessions/{session_id}/gallery", "get", "getGallery"),
    ("/v1/sessions/{session_id}/events", "get", "streamEvents"),
    ("/v1/characteristics", "get", "listCharacteristics"),
    ("/v1/health", "get", "getHealth"),
];

#[tokio::test]
async fn the_served_document_is_the_committed_one() {
    let file = workspace().join("openapi/openapi.json");
    let committed = fs::read_to_string(&file).unwrap_or_else(|error| {
        panic!("openapi/openapi.json: {error}; `cargo xtask openapi` writes it")
    });
    let committed: Value = serde_json::from_str(&committed).expect("JSON");
    let service = Service::start().await;
    let served = service.get("/openapi.json").await.expect(200);
    assert_eq!(served.media_type(), "application/json");
    assert!(
        served.json() == committed,
        "the committed document is out of date; `cargo xtask openapi` writes it anew"
    );
}

#[tokio::test]
async fn the_served_document_is_the_printed_one() {
    let service = Service::start().await;
    let output = program().arg("openapi").stdin(Stdio::null()).output();
    let output = output.expect("the program can be started");
    assert!(output.status.success());
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(printed == service.document().0, "both come from one place");
}

#[tokio::test]
async fn every_promised_operation_is_described() {
    let service = Service::start().await;
    let document = service.document();
    let described: BTreeSet<(String, String, String)> = document
        .operations()
        .map(|(path, method, operation)| {
            let id = operation["operationId"].as_str().unwrap_or_default();
            (path.to_owned(), method.to_owned(), id.to_owned())
        })
        .collect();
    for (path, method, id) in OPERATIONS {
        let promised = ((*path).to_owned(), (*method).to_owned(), (*id).to_owned());
        assert!(described.contains(&promised), "{method} {path} is {id}");
    }
    let ids: BTreeSet<&String> = described.iter().map(|(_, _, id)| id).collect();
    assert_eq!(
        ids.len(),
        described.len(),
        "no two operations have one name"
    );
}

#[tokio::test]
async fn every_error_in_the_document_is_a_problem() {
    let service = Service::start().await;
    for (path, method, operation) in service.document().operations() {
        let responses = operation["responses"].as_object().expect("responses");
        for (status, response) in responses {
            let told = format!("{method} {path} {status}");
            let words = response["description"].as_str().unwrap_or_default();
            assert!(!words.is_empty(), "{told} has no description");
            if status.starts_with(['4', '5']) {
                let schema = &response["content"]["application/problem+json"]["schema"];
                assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{told}");
            }
        }
    }
}

/// The example of the body that an operation takes, or gives with a status.
fn example(document: &Value, content: &Value, media: &str) -> Value {
    let name = content[media]["schema"]["$ref"].as_str().expect("a schema");
    let name = name.rsplit('/').next().expect("a name");
    let example = &document["components"]["schemas"][name]["example"];
    assert!(example.is_object(), "{name} has an example");
    example.clone()
}

/// Where an object of an example has other fields than the real one.
fn differences(told: &str, example: &Value, real: &Value) -> Vec<String> {
    match (example, real) {
        (Value::Object(example), Value::Object(real)) => {
            let names: BTreeSet<&String> = example.keys().chain(real.keys()).collect();
            let each = names.into_iter().flat_map(|name| {
                let told = format!("{told}.{name}");
                match (example.get(name), real.get(name)) {
                    (Some(a), Some(b)) => differences(&told, a, b),
                    _ => vec![told],
                }
            });
            each.collect()
        }
        (Value::Array(example), Value::Array(real)) => match (example.first(), real.first()) {
            (Some(a), Some(b)) => differences(told, a, b),
            _ => vec![format!("{told}[]")],
        },
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => {
            vec![told.to_owned()]
        }
        _ => Vec::new(),
    }
}

/// The examples of the operations, sent to the live service about a camera and a session
/// that there are.
struct Examples<'a> {
    service: &'a Service,
    camera: String,
}

impl Examples<'_> {
    fn operation(&self, id: &str) -> (&str, Method, &Value) {
        let mut all = self.service.document().operations();
        let found = all.find(|(_, _, operation)| operation["operationId"] == id);
        let (path, method, operation) = found.expect("the operation");
        let method = method.to_ascii_uppercase().parse().expect("a method");
        (path, method, operation)
    }

    /// Sends the operation with the examples of its parameters and of a body of this type.
    async fn send(&self, id: &str, session: &str, media: Option<&str>, status: u16) -> Answer {
        let (path, method, operation) = self.operation(id);
        let mut target = path.to_owned();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            let example = match &parameter["example"] {
                Value::Null => continue,
                Value::String(_) if name == "session_id" => session.to_owned(),
                example => example.to_string(),
            };
            target = target.replace(&format!("{{{name}}}"), &example);
        }
        assert!(!target.contains('{'), "{target}: each has an example");
        let mut request = self.service.request(method, &target);
        if let Some(media) = media {
            let content = &operation["requestBody"]["content"];
            let mut body = example(&self.service.document().0, content, media);
            body["rtsp_url"] = self.camera.clone().into();
            let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
            let fields = body.as_object().expect("an object").iter();
            let (kind, body) = match media {
                "multipart/form-data" => {
                    let part = |(name, value)| {
                        let value = text(value);
                        format!(
                            "--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                        )
                    };
                    let body = fields.map(part).collect::<String>() + "--x--\r\n";
                    (format!("{media}; boundary=x"), body)
                }
                "application/json" => (media.to_owned(), body.to_string()),
                _ => {
                    let fields: Vec<(&String, String)> =
                        fields.map(|(name, value)| (name, text(value))).collect();
                    let request = self.service.request(Method::POST, "/").form(&fields);
                    let body = request.build().expect("a request");
                    let bytes = body.body().and_then(|b| b.as_bytes()).expect("a body");
                    (
                        media.to_owned(),
                        String::from_utf8_lossy(bytes).into_owned(),
                    )
                }
            };
            request = request.header(CONTENT_TYPE, kind).body(body);
        }
        if id.starts_with("stop") {
            request = request.header("Accept", "application/json");
        }
        self.service.send(request).await.expect(status)
    }

    /// Checks that an answer has the fields that its example has.
    fn compare(&self, id: &str, answer: &Answer) -> Vec<String> {
        let (_, _, operation) = self.operation(id);
        let content = &operation["responses"][answer.status.to_string()]["content"];
        let example = example(&self.service.document().0, content, "application/json");
        differences(id, &example, &answer.json())
    }
}

#[tokio::test]
async fn every_example_is_taken_and_those_of_answers_have_the_fields_of_real_ones() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]);
    let (camera, service) = tokio::join!(camera, Service::start());
    let examples = Examples {
        service: &service,
        camera: camera.url("/cam"),
    };
    let mut sent = BTreeSet::from(["createSession".to_owned()]);
    let mut wrong = Vec::new();
    let mut session = String::new();
    // A session is made by each kind of body that one can be made by.
    for media in [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let report = examples.send("start", "", Some(media), 200).await;
        assert_eq!(report.json()["message"], "Video processing started.");
        let id = report.json()["session"]["id"].clone();
        examples.send("stop", "", None, 200).await;
        let id = id.as_str().expect("an id");
        examples.send("deleteSession", id, None, 204).await;
        let made = examples.send("createSession", "", Some(media), 201).await;
        session = made.json()["id"].as_str().expect("an id").to_owned();
        if media != "multipart/form-data" {
            examples.send("deleteSession", &session, None, 204).await;
        }
    }
    service.until_originals(&session, 9).await;
    for id in [
        "listFrames",
        "getThumbnail",
        "getOriginal",
        "getPlot",
        "getHealth",
    ] {
        examples.send(id, &session, None, 200).await;
        sent.insert(id.to_owned());
    }
    for (id, status) in [
        ("stopSession", 200),
        ("stop", 200),
        ("stopPost", 200),
        ("getSession", 200),
        ("listSessions", 200),
        ("listFrames", 200),
        ("listScores", 200),
        ("listCharacteristics", 200),
        ("getHealth", 200),
        ("getPlot", 200),
        ("getThumbnail", 200),
        ("getOriginal", 200),
        ("getGallery", 200),
        ("getArchive", 200),
        ("streamEvents", 200),
        ("deleteSession", 204),
    ] {
        let answer = examples.send(id, &session, None, status).await;
        sent.insert(id.to_owned());
        if answer.media_type() == "application/json" {
            wrong.extend(examples.compare(id, &answer));
        }
    }
    let made = examples
        .send("start", "", Some("application/json"), 200)
        .await;
    let running = examples.compare("start", &made).into_iter();
    // The example of a session is one that was stopped.
    wrong.extend(running.filter(|told| !told.ends_with(".stream") && !told.ends_with(".ended_at")));
    // What only some cameras say, and a list of names.
    wrong.retain(|told| !told.ends_with(".frame_rate") && !told.contains(".weights."));
    sent.insert("start".to_owned());
    assert_eq!(wrong, [""; 0], "fields of examples");
    let all = OPERATIONS.iter().map(|(_, _, id)| (*id).to_owned());
    assert_eq!(sent, all.collect(), "each operation");
}
