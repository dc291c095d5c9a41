//! `bestshot` in the shell: `grab` and `probe` on files and cameras, and the
//! exit codes that scripts rely on.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{ffi::OsStr, process::Output, process::Stdio};

use bestshot_tests::{Camera, FaultPort, Login, Reading, clip, program};
use serde_json::{Value, json};

async fn run(words: &[&(impl AsRef<OsStr> + ?Sized)]) -> Output {
    let mut command = program();
    command.args(words).stdin(Stdio::null());
    let folder = tempfile::tempdir().expect("a temporary folder");
    command.current_dir(folder.path());
    let run = tokio::task::spawn_blocking(move || command.output());
    let output = run.await.expect("no panic");
    output.expect("the program can be started")
}

fn told(output: &Output) -> String {
    format!(
        "{} {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test]
async fn grab_writes_a_gallery_of_a_camera() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,loops=1,speed=4"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let gallery = folder.path().join("gallery");
    let out = gallery.to_str().expect("a name");
    let output = run(&["grab", &camera.url("/cam"), "--out", out, "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let manifest: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let reading = Reading::of(&clip("vtest_h264.mp4")).expect("ffmpeg decodes the clip");
    let winners = manifest["winners"].as_array().expect("a list");
    let indices: Vec<u64> = winners.iter().filter_map(|w| w["index"].as_u64()).collect();
    let expected: Vec<u64> = reading.brightest(9).into_iter().map(|i| i as u64).collect();
    assert_eq!(indices, expected);
    for name in [
        "manifest.json",
        "index.html",
        "thumbnails/01.png",
        "originals/09.png",
    ] {
        assert!(gallery.join(name).is_file(), "{name}");
    }
}

#[tokio::test]
async fn grab_never_overwrites_a_folder_that_holds_something() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("precious"), "mine").expect("a file");
    let file = clip("vtest_hevc.mp4");
    let (file, out) = (
        file.to_str().expect("a name"),
        folder.path().to_str().expect("a name"),
    );
    let output = run(&["grab", file, "--out", out]).await;
    assert_ne!(output.status.code(), Some(0), "{}", told(&output));
    let left = std::fs::read_dir(folder.path())
        .expect("the folder")
        .count();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn probe_says_what_a_camera_sends() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]).await;
    let url = camera.url("/cam");
    let output = run(&["probe", &url, "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let known = json!({
        "source": url, "codec": "h264", "width": 768, "height": 576, "pixel_format": "yuv420p",
        "transport": "tcp", "duration": null, "warning": null, "error": null,
    });
    for (name, value) in known.as_object().expect("an object") {
        assert_eq!(&found[name], value, "{name}: {found}");
    }
    // Twenty pictures to a group, forty a second. libav tells no time of the first one: it
    // is that of its arrival.
    let interval = found["keyframe_interval"].as_f64();
    assert!(
        interval.is_some_and(|seconds| (seconds - 0.5).abs() < 0.1),
        "{found}"
    );
    let took = |name: &str| found[name].as_u64().expect("milliseconds");
    assert!(took("connect_ms") <= took("first_frame_ms"), "{found}");
    assert!(took("first_frame_ms") < 5_000, "{found}");
    let output = run(&["probe", &url]).await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("768"), "{}", told(&output));
}

#[tokio::test]
async fn exit_codes_tell_what_went_wrong() {
    let login = Login {
        method: "digest",
        user: "owner",
        password: "right",
    };
    let locked = Camera::with_login(login, &["/cam=vtest_hevc.mp4"]).await;
    let camera = Camera::with(&["/sound=audio"]).await;
    let refusing = FaultPort::refusing();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = folder.path().join("text.mp4");
    std::fs::write(&text, "this is no video at all").expect("a file");
    let text = text.to_str().expect("a name");
    let limit = "--limit";
    for (source, more, code) in [
        ("http://127.0.0.1/cam", &[][..], 2),
        ("rtsp://127.0.0.1:1/cam", &[limit, "0"], 2),
        ("rtsp://127.0.0.1:1/cam", &[limit, "many"], 2),
        ("rtsp://127.0.0.1:1/cam", &["--best", "loudness"], 2),
        (&refusing.url("/cam"), &[], 3),
        ("rtsp://no-such-camera.invalid/cam", &[], 3),
        (&locked.url("/cam"), &[], 4),
        (&camera.url("/sound"), &[], 5),
        (text, &[], 5),
        ("", &[], 2),
    ] {
        let words: Vec<&str> = ["grab", source]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        let output = run(&words).await;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{source}: {}",
            told(&output)
        );
        assert!(!output.stderr.is_empty(), "{source}: the reason is told");
        if more.is_empty() {
            let output = run(&["probe", source]).await;
            assert_eq!(
                output.status.code(),
                Some(code),
                "{source}: {}",
                told(&output)
            );
        }
    }
    assert_eq!(run(&["nonsense"]).await.status.code(), Some(2));
    assert_eq!(run(&["--help"]).await.status.code(), Some(0));
}

#[tokio::test]
async fn a_missing_file_is_a_source_that_cannot_be_reached() {
    for command in ["grab", "probe"] {
        let output = run(&[command, "no-such-file.mp4"]).await;
        let told = told(&output);
        assert_eq!(output.status.code(), Some(3), "{told}");
        assert!(told.contains("no-such-file.mp4"), "{told}");
    }
}

#[tokio::test]
async fn help_names_every_start_option_of_the_document() {
    let document = run(&["openapi"]).await;
    let document: Value = serde_json::from_slice(&document.stdout).expect("JSON");
    let fields = &document["components"]["schemas"]["StartRequest"]["properties"];
    let names = fields.as_object().expect("fields").keys();
    let help = told(&run(&["grab", "--help"]).await);
    let mut count = 0;
    // The address is the source, and there is no answer to wait for.
    for name in names.filter(|name| !["rtsp_url", "wait"].contains(&name.as_str())) {
        let flag = format!("--{} ", name.replace('_', "-"));
        assert!(help.replace('\n', " ").contains(&flag), "{flag}: {help}");
        count += 1;
    }
    assert!(count > 15, "{count}");
}
