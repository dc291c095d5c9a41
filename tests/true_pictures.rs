//! Saved originals show what the camera sent, in every layout: compared with the
//! PNG that ffmpeg makes of the same frame.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bestshot_tests::{binary, psnr, rgb_of_png};
use serde_json::Value;

/// What no eye tells apart.
const ALIKE: f64 = 45.0;
/// Much detail, strong colours, and something that moves.
const SCENE: &str = "testsrc2=size={size}:rate=5,noise=alls=6:allf=t:all_seed=7";

fn ffmpeg(words: &[&str], file: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(words)
        .arg(file)
        .output()
        .expect("ffmpeg can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
}

/// A file of six frames in this format, coded with these words.
fn film(folder: &Path, size: &str, filter: &str, words: &str, name: &str) -> PathBuf {
    let file = folder.join(name);
    let scene = format!("{},{filter}", SCENE.replace("{size}", size));
    let mut all = vec!["-f", "lavfi", "-i", &scene, "-frames:v", "6"];
    all.extend(words.split_whitespace());
    ffmpeg(&all, &file);
    file
}

/// Grabs the three best frames; returns the gallery and its manifest.
fn grab(folder: &Path, file: &Path) -> (PathBuf, Value) {
    let gallery = folder.join("gallery");
    let _ = fs::remove_dir_all(&gallery);
    let output = Command::new(binary())
        .args(["grab", "--json", "--limit", "3", "--out"])
        .arg(&gallery)
        .arg(file)
        .output()
        .expect("the program can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", file.display());
    let manifest = serde_json::from_slice(&output.stdout).expect("a manifest");
    (gallery, manifest)
}

/// Compares every original with ffmpeg's own PNG, after this filter; returns the worst.
fn worst(folder: &Path, file: &Path, filter: &str) -> f64 {
    let (gallery, manifest) = grab(folder, file);
    let winners = manifest["winners"].as_array().expect("a list");
    assert_eq!(winners.len(), 3);
    let each = winners.iter().map(|winner| {
        let name = winner["original"].as_str().expect("a path");
        let ours = fs::read(gallery.join(name)).expect("an original");
        let twin = folder.join("twin.png");
        let file = file.to_str().expect("a name");
        let select = format!("select=eq(n\\,{}),{filter}", winner["index"]);
        let mut all = Vec::from(["-i", file, "-vf", &select, "-fps_mode", "passthrough"]);
        all.extend(["-frames:v", "1", "-pix_fmt", "rgb24"]);
        ffmpeg(&all, &twin);
        let theirs = fs::read(&twin).expect("a picture");
        psnr(&rgb_of_png(&ours), &rgb_of_png(&theirs))
    });
    each.fold(f64::INFINITY, f64::min)
}

#[test]
fn originals_in_every_layout_are_within_45_decibels_of_ffmpegs_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let mut failed = Vec::new();
    let mut check = |name: &str, file: &Path, filter: &str| {
        let worst = worst(folder, file, filter);
        println!("{name}: {worst:.1} dB");
        if worst < ALIKE {
            failed.push(format!("{name}: {worst:.1} dB"));
        }
    };
    // Matrix, range, depth and subsampling, without loss.
    for (matrix, range) in [
        ("bt709", "tv"),
        ("bt709", "pc"),
        ("smpte170m", "tv"),
        ("smpte170m", "pc"),
        ("bt2020nc", "tv"),
    ] {
        for format in [
            "yuv420p",
            "yuv422p",
            "yuv444p",
            "gray",
            "nv12",
            "yuv420p10le",
            "yuv422p10le",
            "yuv444p10le",
            "yuv420p12le",
            "yuv444p12le",
            "gray10le",
            "gray12le",
        ] {
            // Which codec keeps the format as it is.
            let coded = if format == "nv12" { "rawvideo" } else { "ffv1" };
            let filter =
                format!("scale=out_color_matrix={matrix}:out_range={range},format={format}");
            let words = format!("-c:v {coded} -colorspace {matrix} -color_range {range}");
            let kind = if format == "nv12" { "nut" } else { "mkv" };
            let file = film(
                folder,
                "322x182",
                &filter,
                &words,
                &format!("layout.{kind}"),
            );
            check(&format!("{format} {matrix} {range}"), &file, "null");
        }
    }
    // What cameras send.
    for (name, size, words) in [
        ("h264", "640x360", "-c:v libx264 -qp 8 -pix_fmt yuv420p"),
        (
            "h264 of unknown matrix at 1080p",
            "1920x1080",
            "-c:v libx264 -qp 8 -pix_fmt yuv420p",
        ),
        (
            "h264 4:2:2 10 bit",
            "640x360",
            "-c:v libx264 -qp 8 -pix_fmt yuv422p10le",
        ),
        (
            "h264 interlaced",
            "640x360",
            "-c:v libx264 -qp 8 -pix_fmt yuv420p -flags +ildct+ilme",
        ),
        (
            "h264 of odd size",
            "637x359",
            "-c:v libx264 -qp 8 -pix_fmt yuv444p",
        ),
        (
            "hevc main",
            "640x360",
            "-c:v libx265 -x265-params log-level=none:qp=8 -pix_fmt yuv420p",
        ),
        (
            "hevc main10",
            "640x360",
            "-c:v libx265 -x265-params log-level=none:qp=8 -pix_fmt yuv420p10le",
        ),
        (
            "hevc main12",
            "640x360",
            "-c:v libx265 -x265-params log-level=none:qp=8 -pix_fmt yuv420p12le",
        ),
        ("mjpeg", "640x360", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p"),
        (
            "anamorphic",
            "352x288",
            "-c:v libx264 -qp 8 -pix_fmt yuv420p -bsf:v h264_metadata=sample_aspect_ratio=16/11",
        ),
    ] {
        let file = film(folder, size, "null", words, "sent.mkv");
        // Of a large picture that names no matrix players take it to be BT.709; ffmpeg
        // does not.
        let filter = if size == "1920x1080" {
            "scale=in_color_matrix=bt709"
        } else {
            "null"
        };
        check(name, &file, filter);
    }
    // As it comes.
    let words = "-c:v rawvideo -pix_fmt yuv420p -vtag I420";
    let file = film(folder, "320x180", "null", words, "raw.avi");
    check("raw AVI", &file, "null");
    assert!(failed.is_empty(), "{failed:?}");
}
