//! `fit=stretch` is what others give who resize the whole picture: OpenCV's resizing
//! of the saved originals is compared with the saved thumbnails.
//!
//! OpenCV's INTER_AREA takes the mean of what a pixel covers; bestshot's filter reaches
//! further and keeps edges crisper. INTER_LINEAR looks at four samples a pixel only,
//! however many it covers. So they are alike, and not the same: the limits say how much.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bestshot_tests::{binary, clip, more_recordings, reference_python, workspace};
use serde_json::Value;

/// OpenCV's way, and for every winner the most that the mean and the largest
/// difference from it may be, in levels of 0 to 255, and the least PSNR in dB.
const LIMITS: [(&str, f64, f64, f64); 2] =
    [("area", 2.5, 64.0, 36.0), ("linear", 8.0, 160.0, 25.0)];

/// Grabs the three best frames with these options; returns the paths of each
/// original and its thumbnail.
fn grab(folder: &Path, file: &Path, options: &[&str]) -> Vec<PathBuf> {
    let gallery = folder.join("gallery");
    let _ = std::fs::remove_dir_all(&gallery);
    let output = Command::new(binary())
        .args(["grab", "--json", "--limit", "3", "--min-gap", "1"])
        .args(options)
        .arg("--out")
        .arg(&gallery)
        .arg(file)
        .output()
        .expect("the program can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", file.display());
    let manifest: Value = serde_json::from_slice(&output.stdout).expect("a manifest");
    let winners = manifest["winners"].as_array().expect("a list");
    let pictures = winners.iter().flat_map(|winner| {
        ["original", "thumbnail"].map(|kind| winner[kind].as_str().expect("a path"))
    });
    pictures.map(|path| gallery.join(path)).collect()
}

/// How far thumbnails are from OpenCV's, one answer for each pair.
fn beside_opencv(pairs: &[PathBuf]) -> Vec<Value> {
    let output = Command::new(reference_python())
        .arg(workspace().join("tests/reference/resizing.py"))
        .arg("opencv")
        .args(pairs)
        .output()
        .expect("Python can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

#[test]
fn stretched_thumbnails_are_within_36_decibels_of_opencvs_area_resize_and_25_of_its_linear_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut files: Vec<PathBuf> = [
        "vtest_h264.mp4",
        "vtest_h264_portrait.mp4",
        "vtest_mjpeg.avi",
    ]
    .map(clip)
    .into();
    if let Some(more) = more_recordings() {
        let names = ["traffic_camera.mp4", "car-detection.mp4", "bird.mkv"];
        files.extend(names.map(|name| more.join(name)));
    }
    let mut failed = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        for (width, height) in [("300", "300"), ("160", "90")] {
            let size = ["--fit", "stretch", "--width", width, "--height", height];
            let pairs = grab(folder.path(), &file, &size);
            assert!(!pairs.is_empty(), "{name}: no winner");
            for apart in beside_opencv(&pairs) {
                let line = format!("{name} {width}x{height}: {apart}");
                println!("{line}");
                let within = |(way, mean, largest, psnr): &(&str, f64, f64, f64)| {
                    let found = |what: &str| number(&apart[*way][what]);
                    found("mean") <= *mean && found("largest") <= *largest && found("psnr") >= *psnr
                };
                if !LIMITS.iter().all(within) {
                    failed.push(line);
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_thumbnail_that_was_cropped_is_not_taken_for_a_stretched_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pairs = grab(folder.path(), &clip("vtest_h264.mp4"), &["--fit", "cover"]);
    for apart in beside_opencv(&pairs) {
        assert!(number(&apart["area"]["psnr"]) < 25.0, "{apart}");
    }
}
