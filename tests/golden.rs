//! The winners by every characteristic are those that an independent computation
//! finds (`reference/scores.py`: OpenCV, SciPy, NumPy), and those of the golden
//! list (`golden/winners.txt`), which names clips by their SHA-256.
//!
//! Where the list is to be made anew, because a definition changed, set
//! BESTSHOT_GOLDEN=write.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bestshot_tests::{binary, clip, more_recordings, nightly, reference_python, workspace};
use serde_json::Value;

/// Scores agree to this.
const CLOSE: f64 = 1e-6;
/// Frames whose scores are nearer than this may change places: both computations
/// round, in other places.
const EQUAL: f64 = 1e-9;
const METRICS: [&str; 9] = [
    "brightness",
    "darkness",
    "sharpness",
    "contrast",
    "colorfulness",
    "entropy",
    "motion",
    "stillness",
    "exposure",
];
/// Clips that the machine makes, one of each kind of layout.
const CLIPS: [&str; 8] = [
    "vtest_h264.mp4",
    "vtest_h264_bframes.mp4",
    "vtest_h264_full_range.mp4",
    "vtest_h264_portrait.mp4",
    "vtest_hevc.mp4",
    "vtest_hevc_10bit.mp4",
    "vtest_mjpeg.avi",
    "vtest_street.mp4",
];
/// Recordings whose frames the gate turns away for damage, or that change their
/// size: no other program knows which frames count.
const UNLIKE: [&str; 3] = [
    "broken.mp4",
    "vtest_h264_dropped_pkts.mp4",
    "vtest_h264_noise.mp4",
];

type Scores = BTreeMap<String, Vec<f64>>;

fn reference(file: &Path) -> Option<Scores> {
    let output = Command::new(reference_python())
        .arg(workspace().join("tests/reference/scores.py"))
        .arg(file)
        .output()
        .expect("Python can be started");
    let parsed: Value = serde_json::from_slice(&output.stdout).ok()?;
    let scores = serde_json::from_value(parsed["scores"].clone());
    Some(scores.expect("scores by name"))
}

/// The winners of a file, best first.
fn grab(file: &Path, words: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(binary())
        .args(["grab", "--json", "--width", "16", "--height", "16", "--out"])
        .arg(folder.path().join("gallery"))
        .args(words)
        .arg(file)
        .output()
        .expect("the program can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", file.display());
    let manifest: Value = serde_json::from_slice(&output.stdout).expect("a manifest");
    manifest["winners"].as_array().expect("a list").clone()
}

fn index(winner: &Value) -> usize {
    usize::try_from(winner["index"].as_u64().expect("a number")).expect("small")
}

/// Frames from the best down; of equal scores the earlier first.
fn order(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}

/// Compares all scores of up to a hundred frames, and the nine best by each
/// characteristic. Returns the nine.
fn agrees(file: &Path, scores: &Scores) -> BTreeMap<&'static str, Vec<usize>> {
    let all = METRICS.join(",");
    let mut furthest = 0.0_f64;
    for winner in grab(file, &["--limit", "100", "--best", &all]) {
        for name in METRICS {
            let ours = winner["scores"][name].as_f64().expect("a score");
            let apart = (ours - scores[name][index(&winner)]).abs();
            assert!(
                apart <= CLOSE,
                "{name} of {}: {ours}, {apart} apart",
                winner["index"]
            );
            furthest = furthest.max(apart);
        }
    }
    let mut best = BTreeMap::new();
    for name in METRICS {
        let scores = &scores[name];
        let expected = order(scores);
        let winners: Vec<usize> = grab(file, &["--best", name]).iter().map(index).collect();
        assert_eq!(winners.len(), expected.len().min(9), "{name}");
        for (place, (&ours, &theirs)) in winners.iter().zip(&expected).enumerate() {
            let apart = (scores[ours] - scores[theirs]).abs();
            assert!(
                apart <= EQUAL,
                "{name}, rank {}: {ours}, not {theirs}",
                place + 1
            );
        }
        best.insert(name, winners);
    }
    println!("{}: scores at most {furthest:.1e} apart", file.display());
    best
}

fn sha256(file: &Path) -> String {
    let output = Command::new("sha256sum")
        .arg(file)
        .output()
        .expect("sha256sum runs");
    let text = String::from_utf8(output.stdout).expect("text");
    text.split_whitespace().next().expect("a sum").to_owned()
}

fn golden_file() -> PathBuf {
    workspace().join("tests/golden/winners.txt")
}

/// Lines of `sha256 characteristic: index index …`.
fn compare_with_list(found: &BTreeMap<String, BTreeMap<&'static str, Vec<usize>>>) {
    let text = fs::read_to_string(golden_file()).unwrap_or_default();
    let mut lines: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(key, list)| (key.to_owned(), list.to_owned()))
        .collect();
    let mut known = 0;
    for (sum, best) in found {
        for (name, winners) in best {
            let list: Vec<String> = winners.iter().map(ToString::to_string).collect();
            let key = format!("{sum} {name}");
            if std::env::var("BESTSHOT_GOLDEN").is_ok_and(|value| value == "write") {
                lines.insert(key, list.join(" "));
            } else if let Some(golden) = lines.get(&key) {
                assert_eq!(golden, &list.join(" "), "{key}");
                known += 1;
            }
        }
    }
    println!("{known} lists are those of {}", golden_file().display());
    if std::env::var("BESTSHOT_GOLDEN").is_ok_and(|value| value == "write") {
        let mut text = String::new();
        for (key, list) in &lines {
            writeln!(text, "{key}: {list}").expect("text grows");
        }
        fs::write(golden_file(), text).expect("the list can be written");
    }
}

#[test]
fn the_winners_by_each_characteristic_are_those_of_opencv_and_numpy() {
    let mut found = BTreeMap::new();
    let mut files: Vec<PathBuf> = CLIPS.iter().map(|name| clip(name)).collect();
    if nightly() {
        files.push(clip("vtest_1080p25.mp4"));
    }
    for file in files {
        let scores = reference(&file).expect("ffmpeg decodes the clip");
        found.insert(sha256(&file), agrees(&file, &scores));
    }
    compare_with_list(&found);
}

#[test]
fn the_winners_of_all_further_recordings_are_those_of_opencv_and_numpy() {
    let Some(folder) = more_recordings() else {
        return;
    };
    let mut found = BTreeMap::new();
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        if !["mp4", "mkv", "avi", "mov"].contains(&&*extension) || UNLIKE.contains(&&*name) {
            continue;
        }
        let Some(scores) = reference(&file) else {
            panic!("{name}: the reference cannot read it");
        };
        found.insert(sha256(&file), agrees(&file, &scores));
    }
    assert!(found.len() > 20, "{} recordings", found.len());
    compare_with_list(&found);
}

/// Six frames of a clip after a filter, without further loss.
fn filtered(folder: &Path, file: &Path, filter: &str) -> PathBuf {
    let out = folder.join("filtered.mkv");
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-i"])
        .arg(file)
        .args(["-vf", filter, "-frames:v", "6", "-c:v", "ffv1"])
        .arg(&out)
        .output()
        .expect("ffmpeg can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    out
}

/// Noise of σ = 8 levels, as at night. The usual measure of focus, the variance of the Laplacian, takes noise for
/// sharpness: more so than a picture in focus.
#[test]
fn noise_on_a_blurred_picture_does_not_pass_for_sharpness() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let measure = |file: &Path, filter: &str| {
        let film = filtered(folder.path(), file, filter);
        let winners = grab(&film, &["--best", "sharpness"]);
        let scores = winners
            .iter()
            .map(|winner| winner["score"].as_f64().expect("a score"));
        let mean = scores.sum::<f64>() / 6.0;
        let output = Command::new(reference_python())
            .arg(workspace().join("tests/reference/scores.py"))
            .arg(&film)
            .arg("--laplacian")
            .output()
            .expect("Python can be started");
        let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (mean, said["variance"].as_f64().expect("a variance"))
    };
    let mut files = vec![clip("vtest_h264.mp4"), clip("vtest_street.mp4")];
    for more in more_recordings().iter().flat_map(|folder| {
        ["traffic_camera.mp4", "car-detection.mp4"].map(|name| folder.join(name))
    }) {
        files.push(more);
    }
    for file in files {
        let sharp = measure(&file, "null");
        let blurred = measure(&file, "gblur=sigma=2");
        let noisy = measure(&file, "gblur=sigma=2,noise=alls=14:allf=t:all_seed=3");
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        println!("{name}: sharp, blurred, blurred and noisy");
        println!(
            "  sharpness {:.3}, {:.3}, {:.3}",
            sharp.0, blurred.0, noisy.0
        );
        println!(
            "  variance {:.0}, {:.0}, {:.0}",
            sharp.1, blurred.1, noisy.1
        );
        assert!(blurred.0 < sharp.0 && noisy.0 < sharp.0, "{name}");
        // And it is told by a clear step: of what blur takes a third at least stays taken.
        assert!(sharp.0 - noisy.0 > (sharp.0 - blurred.0) / 3.0, "{name}");
        assert!(
            noisy.1 > 2.0 * sharp.1,
            "{name}: the usual measure is misled"
        );
    }
}
