//! Saved originals show what the camera sent, in every layout: compared with the
//! PNG that ffmpeg makes of the same frame. And a picture has the same scores in all.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    collections::BTreeMap,
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
    grab_with(folder, file, &["--limit", "3"])
}

fn grab_with(folder: &Path, file: &Path, options: &[&str]) -> (PathBuf, Value) {
    let gallery = folder.join("gallery");
    let _ = fs::remove_dir_all(&gallery);
    let output = Command::new(binary())
        .args(["grab", "--json"])
        .args(options)
        .arg("--out")
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
    worst_read(folder, file, &[], filter)
}

/// The same, where ffmpeg reads the file with these words.
fn worst_read(folder: &Path, file: &Path, reading: &[&str], filter: &str) -> f64 {
    let (gallery, manifest) = grab(folder, file);
    let winners = manifest["winners"].as_array().expect("a list");
    assert_eq!(winners.len(), 3);
    // All frames, not the winners by their number alone: where a stream tells how it is
    // to be turned, ffmpeg sets its filters up anew, and they count from 0 again.
    let file = file.to_str().expect("a name");
    let mut all = reading.to_vec();
    all.extend(["-i", file, "-vf", filter, "-fps_mode", "passthrough"]);
    all.extend(["-pix_fmt", "rgb24", "-start_number", "0"]);
    ffmpeg(&all, &folder.join("twin-%d.png"));
    let each = winners.iter().map(|winner| {
        let name = winner["original"].as_str().expect("a path");
        let ours = fs::read(gallery.join(name)).expect("an original");
        let twin = folder.join(format!("twin-{}.png", winner["index"]));
        let theirs = fs::read(&twin).expect("a picture");
        fs::remove_file(twin).expect("a picture that can be removed");
        psnr(&rgb_of_png(&ours), &rgb_of_png(&theirs))
    });
    each.fold(f64::INFINITY, f64::min)
}

const FORMATS: [&str; 12] = [
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
];

/// The scene, after this filter, in a format that is kept as it is.
fn lossless(folder: &Path, filter: &str, format: &str, matrix: &str, range: &str) -> PathBuf {
    let coded = if format == "nv12" { "rawvideo" } else { "ffv1" };
    let filter =
        format!("{filter}scale=out_color_matrix={matrix}:out_range={range},format={format}");
    let words = format!("-c:v {coded} -colorspace {matrix} -color_range {range}");
    film(folder, "322x182", &filter, &words, "layout.mkv")
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
        for format in FORMATS {
            let file = lossless(folder, "", format, matrix, range);
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

/// Colours are blurred, since the layouts keep them to different detail; and all are made
/// of the same samples, since a conversion may round by half a level.
#[test]
fn a_picture_scores_alike_within_one_of_255_in_every_layout() {
    const SCORES: [&str; 8] = [
        "brightness",
        "darkness",
        "sharpness",
        "contrast",
        "colorfulness",
        "entropy",
        "motion",
        "stillness",
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let best = SCORES.map(|name| format!("{name}:1")).join(",");
    for matrix in ["bt709", "smpte170m"] {
        let master = format!(
            "gblur=sigma=4:planes=6,scale=out_color_matrix={matrix}:out_range=tv,format=yuv444p,"
        );
        // Of each score of each picture: the least and the greatest.
        let mut bounds: BTreeMap<(u64, &str), (f64, f64)> = BTreeMap::new();
        for (format, range) in FORMATS.iter().flat_map(|f| [(f, "tv"), (f, "pc")]) {
            let file = lossless(folder, &master, format, matrix, range);
            let (_, manifest) = grab_with(folder, &file, &["--best", &best]);
            let winners = manifest["winners"].as_array().expect("a list");
            assert_eq!(winners.len(), 6, "{format} {range}");
            for winner in winners {
                let index = winner["index"].as_u64().expect("a number");
                for name in SCORES {
                    // Grey has no colour to agree on.
                    if name == "colorfulness" && format.starts_with("gray") {
                        continue;
                    }
                    let score = winner["scores"][name].as_f64().expect("a score");
                    let (least, most) = bounds.entry((index, name)).or_insert((score, score));
                    (*least, *most) = (least.min(score), most.max(score));
                }
            }
        }
        for ((index, name), (least, most)) in &bounds {
            println!("{matrix}, picture {index}, {name}: {least:.5} to {most:.5}");
            assert!(most - least <= 1.0 / 255.0, "{matrix}, {index}, {name}");
        }
    }
}

/// The same pictures with another orientation written beside them.
fn oriented(folder: &Path, file: &Path, words: &str, name: &str) -> PathBuf {
    let turned = folder.join(name);
    let mut all = vec!["-i", file.to_str().expect("a name"), "-c", "copy"];
    all.extend(words.split_whitespace());
    ffmpeg(&all, &turned);
    turned
}

#[test]
fn pictures_that_a_stream_says_to_turn_are_turned_as_ffmpeg_turns_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let coding = "-c:v libx264 -qp 8 -pix_fmt yuv420p -g 1";
    let every = film(folder, "320x180", "null", coding, "every.mp4");
    let check = |name: &str, file: &Path, worst: f64| {
        println!("{name}: {worst:.1} dB");
        assert!(worst >= ALIKE, "{name}: {worst:.1} dB");
        let (_, manifest) = grab(folder, file);
        let size = |at: &Value| (at["width"].as_u64(), at["height"].as_u64());
        let upright = if name.contains("90") || name.contains("270") {
            (Some(180), Some(320))
        } else {
            (Some(320), Some(180))
        };
        assert_eq!(size(&manifest["winners"][0]), upright, "{name}");
        assert_eq!(size(&manifest["stream"]), upright, "{name}");
    };
    // The message of H.264 with each picture. ffmpeg turns the first by itself and its
    // filters are set up anew for those that follow, so they are turned by their filter.
    for (said, filter) in [
        ("rotate=90", "transpose=cclock"),
        ("rotate=180", "hflip,vflip"),
        ("rotate=270", "transpose=clock"),
        ("flip=horizontal", "hflip"),
        ("flip=vertical", "vflip"),
    ] {
        let words = format!("-bsf:v h264_metadata=display_orientation=insert:{said}");
        let file = oriented(folder, &every, &words, "message.mp4");
        let named = file.to_str().expect("a name");
        let (itself, filtered) = (folder.join("itself.png"), folder.join("filtered.png"));
        ffmpeg(&["-i", named, "-frames:v", "1"], &itself);
        let words = [
            "-noautorotate",
            "-i",
            named,
            "-vf",
            filter,
            "-frames:v",
            "1",
        ];
        ffmpeg(&words, &filtered);
        let read = |png: &Path| rgb_of_png(&fs::read(png).expect("a picture"));
        assert_eq!(read(&itself), read(&filtered), "{said} is {filter}");
        check(
            said,
            &file,
            worst_read(folder, &file, &["-noautorotate"], filter),
        );
    }
    // The matrix of a file.
    for angle in [90, 180, 270] {
        let words = format!("-metadata:s:v:0 rotate={angle}");
        let file = oriented(folder, &every, &words, "matrix.mp4");
        let name = format!("a file's matrix of {angle}");
        check(&name, &file, worst(folder, &file, "null"));
    }
    // The message with the first picture only, which holds for those that follow.
    let coding = "-c:v libx264 -qp 8 -pix_fmt yuv420p -g 12 -bf 2";
    let first = film(folder, "320x180", "null", coding, "first.mp4");
    let file = oriented(
        folder,
        &first,
        "-bsf:v h264_metadata=display_orientation=insert:rotate=90",
        "held.mp4",
    );
    let name = "rotate=90 with the keyframe";
    let worst = worst_read(folder, &file, &["-noautorotate"], "transpose=cclock");
    check(name, &file, worst);
}
