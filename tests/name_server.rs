//! A name server that never answers, as behind a router that lost its line, or late.
//!
//! It takes namespaces of one's own: where a machine allows none, these tests say
//! so, and the promise is checked by `a_host_name_that_does_not_resolve_is_told`
//! and the tests of the decoder only.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::process::Command;

use bestshot_tests::{binary, run_where, workspace};
use serde_json::Value;

/// Runs bestshot where names are asked for in vain, or answered late; what became of it, or nothing
/// where this machine does not let a test do that.
fn in_vain(act: &str, words: &[&str]) -> Option<Value> {
    let mut command = Command::new("/usr/bin/python3");
    command
        .arg(workspace().join("tests/servers/unanswered.py"))
        .arg(act)
        .arg(binary())
        .args(words);
    let resolver = ("/etc/resolv.conf", "nameserver 127.0.0.1\n");
    let what = "a name server that never answers";
    let output = run_where(resolver, &["--net"], &command, what)?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let result = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    println!("{result}");
    Some(result)
}

#[test]
fn a_name_server_that_never_answers_is_told_within_five_seconds() {
    let words = ["probe", "rtsp://camera.example/live"];
    let Some(result) = in_vain("wait", &words) else {
        return;
    };
    assert!(result["seconds"].as_f64() <= Some(5.0), "{result}");
    assert_ne!(result["code"], 0, "{result}");
    let said = result["said"].as_str().expect("text");
    assert!(
        said.contains("camera.example was not resolved within 4 s"),
        "{said}"
    );
}

#[test]
fn a_name_server_that_never_answers_is_told_as_dns_to_programs() {
    let words = ["probe", "--json", "rtsp://camera.example/live"];
    let Some(result) = in_vain("wait", &words) else {
        return;
    };
    let printed = result["printed"].as_str().expect("text");
    let told: Value = serde_json::from_str(printed).expect("JSON");
    assert_eq!(told["error"]["kind"], "dns", "{printed}");
}

#[test]
fn the_time_for_a_look_up_is_what_was_asked_for() {
    let words = [
        "probe",
        "--resolve-timeout",
        "1",
        "rtsp://camera.example/live",
    ];
    let Some(result) = in_vain("wait", &words) else {
        return;
    };
    // It is tried once more.
    assert!(result["seconds"].as_f64() < Some(4.0), "{result}");
    let said = result["said"].as_str().expect("text");
    assert!(said.contains("was not resolved within 1 s"), "{said}");
}

#[test]
fn a_mute_camera_behind_a_slow_name_server_is_told_within_ten_seconds() {
    let words = ["probe", "--json", "rtsp://camera.example/live"];
    let Some(result) = in_vain("late", &words) else {
        return;
    };
    let seconds = result["seconds"].as_f64();
    assert!(seconds >= Some(3.0) && seconds <= Some(10.0), "{result}");
    let printed = result["printed"].as_str().expect("text");
    let told: Value = serde_json::from_str(printed).expect("JSON");
    assert_eq!(told["error"]["kind"], "timeout", "{printed}");
}

#[test]
fn a_stop_while_a_name_server_does_not_answer_takes_a_second_at_most() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("gallery");
    let out = out.to_str().expect("a path of letters");
    let words = ["grab", "--out", out, "rtsp://camera.example/live"];
    let Some(result) = in_vain("stop", &words) else {
        return;
    };
    assert!(result["seconds"].as_f64() <= Some(1.0), "{result}");
}
