//! Which frames are looked at: keyframes alone are those that ffmpeg takes for such;
//! refined finds what all would find wherever it looks, never less than keyframes, and
//! tells what it gives up.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use bestshot_tests::{
    Camera, Harvest, Launch, Reading, Service, Twins, binary, clip,
    fault_camera::{Clip, End, Faults, Loss, Setup},
    files_below, more_recordings,
};
use serde_json::{Value, json};

/// Scores are compared to this: a few roundings of a double.
const CLOSE: f64 = 1e-9;
const CLIPS: [&str; 5] = [
    "vtest_h264.mp4",
    "vtest_h264_bframes.mp4",
    "vtest_hevc.mp4",
    "vtest_mjpeg.avi",
    "vtest_mpeg4.mp4",
];

/// What one frame that won is.
#[derive(Clone, Copy, Debug)]
struct Win {
    time: f64,
    score: f64,
    keyframe: bool,
}

/// What a session with this sampling made of a file. `None` where it could not.
fn grab(file: &Path, sampling: &str, limit: &str) -> Option<(Value, Vec<Win>)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(binary())
        .args(["grab", "--json", "--sampling", sampling, "--limit", limit])
        .arg("--out")
        .arg(folder.path().join("gallery"))
        .arg(file)
        .stderr(Stdio::null())
        .output()
        .expect("the program can be started");
    let manifest: Value = serde_json::from_slice(&output.stdout).ok()?;
    let wins = wins(manifest["winners"].as_array()?);
    Some((manifest["stats"].clone(), wins))
}

fn wins(frames: &[Value]) -> Vec<Win> {
    let number = |frame: &Value, name: &str| frame[name].as_f64().expect("a number");
    let win = |frame: &Value| Win {
        time: number(frame, "stream_time"),
        score: number(frame, "score"),
        keyframe: frame["keyframe"] == true,
    };
    frames.iter().map(win).collect()
}

fn count(stats: &Value, name: &str) -> u64 {
    stats[name].as_u64().expect("a count")
}

/// A file of the recording whose groups are open: pictures in front of a keyframe lean
/// on the group before.
fn open_groups(folder: &Path, name: &str, encoder: &str) -> PathBuf {
    let file = folder.join(name);
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(clip("vtest_street.mp4"))
        .args(["-frames:v", "60", "-vf", "scale=384:288", "-c:v"])
        .args(encoder.split_whitespace())
        .arg(&file)
        .status()
        .expect("ffmpeg can be started");
    assert!(status.success());
    file
}

#[test]
fn keyframes_are_what_ffmpeg_takes_for_keyframes() {
    for name in CLIPS {
        let file = clip(name);
        let reading = Reading::of_keyframes(&file).expect("ffmpeg decodes the clip");
        let (stats, ours) = grab(&file, "keyframes", "9").expect("a gallery");
        let all = reading.sums.len() as u64;
        assert_eq!(count(&stats, "frames_scored"), all, "{name}");
        assert_eq!(count(&stats, "frames_decoded"), all, "{name}");
        let theirs = reading.brightest(9);
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            let theirs = reading.brightness(theirs);
            assert!((ours.score - theirs).abs() < CLOSE, "{name}: {ours:?}");
            assert!(ours.keyframe, "{name}");
        }
    }
}

#[test]
fn refined_is_the_same_as_all_where_every_group_could_win() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut files = CLIPS.map(clip).to_vec();
    for (name, encoder) in [
        (
            "open_h264.mp4",
            "libx264 -g 12 -bf 2 -sc_threshold 0 -x264-params open-gop=1:b-pyramid=normal",
        ),
        (
            "open_hevc.mp4",
            "libx265 -preset ultrafast -tag:v hvc1 -x265-params \
             log-level=error:keyint=12:bframes=2:open-gop=1:scenecut=0:pools=1",
        ),
    ] {
        files.push(open_groups(folder.path(), name, encoder));
    }
    for file in files {
        let name = file.display();
        let (stats, all) = grab(&file, "all", "100").expect("a gallery");
        let (refined_stats, refined) = grab(&file, "refined", "100").expect("a gallery");
        assert!(count(&stats, "frames_scored") <= 100, "{name} is short");
        for counter in ["packets", "frames_decoded", "frames_scored"] {
            assert_eq!(
                count(&refined_stats, counter),
                count(&stats, counter),
                "{name}"
            );
        }
        assert_eq!(refined.len(), all.len(), "{name}");
        for (a, b) in all.iter().zip(&refined) {
            assert!((a.score - b.score).abs() < CLOSE, "{name}: {a:?} {b:?}");
            assert!((a.time - b.time).abs() < 1e-6, "{name}: {a:?} {b:?}");
            assert_eq!(a.keyframe, b.keyframe, "{name}: {a:?} {b:?}");
        }
    }
}

#[test]
fn refined_never_finds_less_than_keyframes_and_what_it_gives_up_is_told() {
    let mut files = CLIPS.map(clip).to_vec();
    files.push(clip("vtest_street.mp4"));
    if let Some(folder) = more_recordings() {
        files.extend(files_below(&folder));
    }
    let sum = |wins: &[Win]| wins.iter().map(|win| win.score).sum::<f64>();
    let mut compared = 0;
    println!("regret against all, in per cent of the nine scores; frames looked at");
    for file in files {
        let [all, keyframes, refined] =
            ["all", "keyframes", "refined"].map(|sampling| grab(&file, sampling, "9"));
        let (Some(all), Some(keyframes), Some(refined)) = (all, keyframes, refined) else {
            continue;
        };
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for (better, worse) in [(&refined, &keyframes), (&all, &refined)] {
            assert!(better.1.len() >= worse.1.len(), "{name}");
            for (better, worse) in better.1.iter().zip(&worse.1) {
                assert!(better.score >= worse.score - CLOSE, "{name}");
            }
            let looked = |side: &(Value, Vec<Win>)| count(&side.0, "frames_scored");
            assert!(looked(better) >= looked(worse), "{name}");
        }
        let looked = |side: &(Value, Vec<Win>)| count(&side.0, "frames_scored");
        println!(
            "{name:32} {:6.2} % with {:4} of {:4} frames; keyframes alone {:6.2} % with {:3}",
            100.0 * (1.0 - sum(&refined.1) / sum(&all.1)),
            looked(&refined),
            looked(&all),
            100.0 * (1.0 - sum(&keyframes.1) / sum(&all.1)),
            looked(&keyframes),
        );
        compared += 1;
    }
    assert!(compared >= CLIPS.len());
}

/// Plays a clip once as a camera, and returns what a session with this sampling found.
async fn played(name: &str, sampling: &str) -> (Value, Vec<Win>) {
    let camera = Camera::with(&[&format!("/cam={name},loops=1,speed=3")]).await;
    let service = Service::start().await;
    let options = json!({ "sampling": sampling, "limit": 100 });
    let id = service.begin_with(&camera.url("/cam"), options).await;
    let session = service.until(&id, &["ended"]).await;
    let frames = service.frames(&id).await;
    (session["stats"].clone(), wins(&frames))
}

#[tokio::test]
async fn a_cameras_keyframes_and_groups_are_those_of_its_recording() {
    for name in ["vtest_h264.mp4", "vtest_hevc.mp4"] {
        let file = clip(name);
        let keyframes = Reading::of_keyframes(&file).expect("ffmpeg decodes the clip");
        let all = Reading::of(&file).expect("ffmpeg decodes the clip");
        for (sampling, reading) in [("keyframes", &keyframes), ("refined", &all)] {
            let (stats, ours) = played(name, sampling).await;
            let wanted = reading.sums.len();
            assert_eq!(
                count(&stats, "frames_scored"),
                wanted as u64,
                "{name} {stats}"
            );
            assert_eq!(count(&stats, "packets"), all.sums.len() as u64, "{name}");
            assert_eq!(ours.len(), wanted, "{name} {sampling}");
            for (ours, theirs) in ours.iter().zip(reading.brightest(wanted)) {
                let theirs = reading.brightness(theirs);
                assert!((ours.score - theirs).abs() < CLOSE, "{name}: {ours:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_group_within_which_the_duration_ends_is_looked_at_like_any_other() {
    // A keyframe every two seconds: the third comes when the duration is long over.
    let camera = Camera::with(&["/cam=vtest_h264.mp4"]).await;
    let service = Service::start().await;
    let options = json!({ "sampling": "refined", "limit": 100, "duration": 2.75 });
    let id = service.begin_with(&camera.url("/cam"), options).await;
    service.until(&id, &["ended"]).await;
    let times = wins(&service.frames(&id).await)
        .into_iter()
        .map(|win| win.time);
    let last = times.fold(0.0, f64::max);
    assert!((2.5..2.75).contains(&last), "{last}");
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_group_answers_with_what_was_found() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4"]).await;
    let service = Service::start().await;
    for sampling in ["keyframes", "refined"] {
        let options = json!({ "sampling": sampling, "wait": 10 });
        let id = service.begin_with(&camera.url("/cam"), options).await;
        let report = service
            .post_json(&format!("/v1/sessions/{id}/stop"), &json!({}))
            .await
            .expect(200)
            .json();
        let frames = report["frames"].as_array().expect("a list");
        assert!(!frames.is_empty(), "{sampling}: {report}");
        assert_eq!(report["session"]["state"], "stopped", "{sampling}");
    }
}

/// A refresh that goes on for ever has no keyframe to look at, and nothing is wrong with
/// it: more pictures than decoding needs to give up are sent first.
#[tokio::test]
async fn sampling_a_stream_without_keyframes_is_told_as_no_keyframe_and_not_as_corrupt() {
    let clip = Clip::made_of(
        "vtest.avi",
        "-frames:v 120 -vf scale=256:192 -c:v libx264 -preset veryfast -g 10 -bf 0 \
         -x264-params intra-refresh=1",
    );
    let faults = Faults {
        no_keyframes: true,
        ..Faults::default()
    };
    let camera = Setup::playing(&clip).faults(faults).start();
    let launch = Launch::new().with(&["--keyframe-timeout", "12"]);
    let service = launch.start().await;
    let options = json!({ "sampling": "keyframes" });
    let told = service.diagnose(&camera.url(), options).await;
    assert_eq!(told.kind, "no_keyframe", "{}", told.session);
    assert_eq!(told.session["stats"]["frames_scored"], 0);
}

#[test]
fn no_keyframe_and_no_group_of_a_lossy_line_wins_damaged() {
    let (width, height) = (512, 384);
    for encoder in [
        "-c:v libx264 -preset veryfast -sc_threshold 0 -g 10 -bf 0",
        "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params \
         pools=none:frame-threads=1:log-level=error:scenecut=0:repeat-headers=1:keyint=10:bframes=0",
    ] {
        let words = format!("-frames:v 200 -vf scale={width}:{height} {encoder}");
        let clip = Clip::made_of("vtest.avi", &words);
        let twins = Twins::of(std::slice::from_ref(&clip), width, height);
        for (sampling, seed) in [("keyframes", 5), ("refined", 6)] {
            let setup = Setup::playing(&clip)
                .speed(4.0)
                .passes(1, End::Bye)
                .faults(Faults::default().loss(Loss::dropping(0.02, seed)));
            let words = [
                "--sampling",
                sampling,
                "--limit",
                "40",
                "--transport",
                "tcp",
            ];
            let harvest = Harvest::of(setup, &twins, &words);
            let damaged = harvest.damaged();
            assert!(damaged.is_empty(), "{sampling}, seed {seed}: {damaged:?}");
            assert!(!harvest.winners.is_empty(), "{sampling}, seed {seed}");
            println!(
                "{sampling}, seed {seed}: {} winners are their clean twins",
                harvest.winners.len()
            );
        }
    }
}
