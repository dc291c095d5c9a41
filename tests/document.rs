//! The OpenAPI document: the one that is served is the one that is committed,
//! and it describes what the product promises.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{collections::BTreeSet, fs, process::Stdio};

use bestshot_tests::{Service, program, workspace};
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
