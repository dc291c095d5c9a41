//! The winners that bestshot finds over RTSP are those that an independent
//! reader finds in the same recording, and so are their scores, their pictures
//! and what is kept of them on disk.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{fs, io::Write, path::Path, process::Stdio};

use bestshot_tests::{
    Camera, PngFile, Reading, Service, clip, difference, more_recordings, program,
};
use serde_json::{Value, json};

/// Scores are compared to this: a few roundings of a double.
const CLOSE: f64 = 1e-9;
/// Mean difference of RGB samples that two right conversions may have: swscale
/// rounds in places where others do not.
const SAME_PICTURE: f64 = 2.0;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap_or(u64::MAX)
}

/// Checks rank, index and score of `frames` against the frames `expected` of
/// the independent reader.
fn assert_winners(frames: &[Value], expected: &[usize], score: impl Fn(usize) -> f64) {
    let indices: Vec<u64> = frames.iter().map(|f| whole(&f["index"])).collect();
    let wanted: Vec<u64> = expected.iter().map(|i| *i as u64).collect();
    assert_eq!(indices, wanted, "the same frames in the same order");
    for (place, (frame, index)) in frames.iter().zip(expected).enumerate() {
        assert_eq!(whole(&frame["rank"]), place as u64 + 1);
        let (ours, theirs) = (number(&frame["score"]), score(*index));
        assert!(
            (ours - theirs).abs() < CLOSE,
            "frame {index}: {ours}, not {theirs}"
        );
    }
}

/// Plays a clip once as a camera, three times as fast, and checks all that is
/// left of the session.
async fn plays_and_agrees(name: &str) {
    let file = clip(name);
    let reading = Reading::of(&file).expect("ffmpeg decodes the clip");
    let camera = Camera::with(&[&format!("/cam={name},loops=1,speed=3")]).await;
    let service = Service::start().await;
    let id = service.begin(&camera.url("/cam")).await;
    let session = service.until(&id, &["ended"]).await;

    assert_eq!(session["stream"]["codec"], reading.codec.as_str());
    assert_eq!(session["stream"]["width"], reading.width);
    assert_eq!(session["stream"]["height"], reading.height);
    assert_eq!(
        session["stream"]["pixel_format"],
        reading.pixel_format.as_str()
    );
    let all = reading.sums.len() as u64;
    for count in ["frames_decoded", "frames_scored"] {
        assert_eq!(whole(&session["stats"][count]), all, "{count}: {session}");
    }
    let frames = service.frames(&id).await;
    assert_winners(&frames, &reading.brightest(9), |i| reading.brightness(i));
    assert_gallery(&service.data().join(&id), &id, &frames);
    assert_pictures(&service, &frames, &reading, &file).await;
}

/// Checks the pictures as the service gives them, and that they show what the
/// camera sent.
async fn assert_pictures(service: &Service, frames: &[Value], reading: &Reading, file: &Path) {
    for frame in frames {
        let address = |name: &str| frame[name].as_str().unwrap_or_default().to_owned();
        let thumbnail = service.get(&address("thumbnail_url")).await.expect(200);
        assert_eq!(thumbnail.media_type(), "image/png");
        let small = PngFile::parse(&thumbnail.body);
        assert_eq!((small.width, small.height), (300, 300));
        let original = service.get(&address("original_url")).await.expect(200);
        let large = PngFile::parse(&original.body);
        assert_eq!((large.width, large.height), (reading.width, reading.height));
        let apart = difference(&original.body, file, whole(&frame["index"]));
        assert!(
            apart < SAME_PICTURE,
            "the picture of frame {} differs by {apart}",
            frame["index"]
        );
    }
}

/// Checks the directory of a gallery: manifest, page, pictures with their texts.
fn assert_gallery(folder: &Path, id: &str, frames: &[Value]) {
    let read = |name: &str| fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let manifest: Value = serde_json::from_slice(&read("manifest.json")).expect("JSON");
    assert_eq!(manifest["id"], id);
    let winners = manifest["winners"].as_array().expect("a list of winners");
    assert_eq!(winners.len(), frames.len());
    for (winner, frame) in winners.iter().zip(frames) {
        for name in [
            "rank",
            "score",
            "scores",
            "index",
            "stream_time",
            "captured_at",
            "clock",
            "keyframe",
            "width",
            "height",
        ] {
            assert_eq!(winner[name], frame[name], "{name}");
        }
        for kind in ["thumbnail", "original"] {
            let path = winner[kind].as_str().expect("a picture has a path");
            let png = PngFile::parse(&read(path));
            let said = |word: &str| png.texts.iter().any(|(_, text)| text == word);
            assert!(said(&frame["rank"].to_string()), "the rank is in {path}");
            let score = number(&frame["score"]);
            let close = |text: &str| text.parse().is_ok_and(|n: f64| (n - score).abs() < CLOSE);
            assert!(
                png.texts.iter().any(|(_, text)| close(text)),
                "the score is in {path}"
            );
            assert!(said("brightness"), "the characteristic is in {path}");
            assert!(
                said(frame["captured_at"].as_str().unwrap_or_default()),
                "the time is in {path}"
            );
        }
    }
    assert_opens_offline(folder, frames.len());
}

/// Checks that all that the saved page refers to lies beside it.
fn assert_opens_offline(folder: &Path, winners: usize) {
    let page = fs::read_to_string(folder.join("index.html")).expect("a page");
    assert!(
        page.contains(&format!("Top {winners} Brightest Frames")),
        "{page}"
    );
    let mut pictures = 0;
    for start in ["src=\"", "href=\""] {
        for rest in page.split(start).skip(1) {
            let target = rest.split('"').next().unwrap_or_default();
            assert!(
                !target.contains(':') && folder.join(target).is_file(),
                "{target} is a file beside the page"
            );
            pictures += 1;
        }
    }
    assert_eq!(
        pictures,
        2 * winners + 2,
        "a picture and a link for each winner and for the plot"
    );
    // Its viewer is the one script that it lets run; the links work without.
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(page.matches("<script").count(), 1);
    assert!(
        page.contains("script-src &#39;sha256-"),
        "a policy of its own"
    );
}

#[tokio::test]
async fn h264_winners_are_those_of_the_independent_reader() {
    plays_and_agrees("vtest_h264.mp4").await;
}

#[tokio::test]
async fn reordered_h264_winners_are_those_of_the_independent_reader() {
    plays_and_agrees("vtest_h264_bframes.mp4").await;
}

#[tokio::test]
async fn full_range_winners_are_those_of_the_independent_reader() {
    plays_and_agrees("vtest_h264_full_range.mp4").await;
}

#[tokio::test]
async fn portrait_winners_are_those_of_the_independent_reader() {
    plays_and_agrees("vtest_h264_portrait.mp4").await;
}

#[tokio::test]
async fn hevc_winners_are_those_of_the_independent_reader() {
    plays_and_agrees("vtest_hevc.mp4").await;
}

#[tokio::test]
async fn ten_bit_winners_are_those_of_the_independent_reader() {
    plays_and_agrees("vtest_hevc_10bit.mp4").await;
}

#[tokio::test]
async fn mjpeg_winners_are_those_of_the_independent_reader() {
    plays_and_agrees("vtest_mjpeg.avi").await;
}

#[tokio::test]
async fn mpeg4_winners_are_those_of_the_independent_reader() {
    plays_and_agrees("vtest_mpeg4.mp4").await;
}

#[tokio::test]
async fn the_darkest_frames_are_those_of_the_independent_reader() {
    let name = "vtest_h264.mp4";
    let reading = Reading::of(&clip(name)).expect("ffmpeg decodes the clip");
    let camera = Camera::with(&[&format!("/cam={name},loops=1,speed=4")]).await;
    let service = Service::start().await;
    let options = json!({ "best": "darkness", "limit": 12 });
    let id = service.begin_with(&camera.url("/cam"), options).await;
    service.until(&id, &["ended"]).await;
    let frames = service.frames(&id).await;
    assert_winners(&frames, &reading.darkest(12), |i| {
        1.0 - reading.brightness(i)
    });
    let page = service.get(&format!("/v1/sessions/{id}/gallery")).await;
    assert!(page.expect(200).text().contains("Top 12 Darkest Frames"));
}

#[tokio::test]
async fn of_equal_frames_the_earlier_one_is_better() {
    let name = "vtest_mjpeg.avi";
    let mut reading = Reading::of(&clip(name)).expect("ffmpeg decodes the clip");
    let camera = Camera::with(&[&format!("/cam={name},loops=2,speed=4")]).await;
    let service = Service::start().await;
    let id = service.begin(&camera.url("/cam")).await;
    service.until(&id, &["ended"]).await;
    // Played twice, every frame comes twice.
    reading.sums.extend(reading.sums.clone());
    let frames = service.frames(&id).await;
    assert_winners(&frames, &reading.brightest(9), |i| reading.brightness(i));
}

#[tokio::test]
async fn a_stream_shorter_than_the_limit_gives_all_its_frames() {
    let camera = Camera::with(&["/cam=vtest_hevc.mp4,loops=1,speed=8"]).await;
    let service = Service::start().await;
    let options = json!({ "limit": 100, "width": 64, "height": 48 });
    let id = service.begin_with(&camera.url("/cam"), options).await;
    service.until(&id, &["ended"]).await;
    let frames = service.frames(&id).await;
    assert_eq!(frames.len(), 40);
    assert_opens_offline(&service.data().join(&id), 40);
    let last = service
        .get(&format!("/v1/sessions/{id}/frames/40/thumbnail"))
        .await
        .expect(200);
    let png = PngFile::parse(&last.body);
    assert_eq!((png.width, png.height), (64, 48));
}

#[test]
fn the_independent_reader_agrees_with_signalstats() {
    for name in [
        "vtest_h264.mp4",
        "vtest_h264_full_range.mp4",
        "vtest_hevc_10bit.mp4",
        "vtest_mjpeg.avi",
    ] {
        let file = clip(name);
        let reading = Reading::of(&file).expect("ffmpeg decodes the clip");
        let printed = Reading::printed_means(&file);
        assert_eq!(printed.len(), reading.sums.len(), "{name}");
        for (index, mean) in printed.iter().enumerate() {
            // Six digits are printed.
            let unit = 10_f64.powf(mean.log10().floor() - 5.0);
            let ours = reading.mean(index);
            assert!(
                (ours - mean).abs() <= 0.5001 * unit,
                "{name} {index}: {ours} is not {mean}"
            );
        }
    }
}

#[test]
fn further_recordings_give_the_winners_of_the_independent_reader() {
    let Some(folder) = more_recordings() else {
        // Past the test runner, which keeps what passing tests print to itself.
        let told = "NOT RUN: the sweep over more recordings; BESTSHOT_CLIPS names no folder.";
        writeln!(std::io::stderr(), "{told}").expect("standard error is open");
        return;
    };
    let entries = fs::read_dir(&folder).expect("BESTSHOT_CLIPS names a folder");
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let videos = ["mp4", "mkv", "avi", "mov"];
    let is_video = |file: &&std::path::PathBuf| {
        let ending = file.extension().unwrap_or_default();
        videos.iter().any(|known| ending == *known)
    };
    let faults: Vec<String> = files
        .iter()
        .filter(is_video)
        .filter_map(|file| sweep(file).err())
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Compares the winners of one file.
fn sweep(file: &Path) -> Result<(), String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let folder = tempfile::tempdir().expect("a temporary folder can be had");
    let output = program()
        .args(["grab", "--json", "--out"])
        .arg(folder.path().join("gallery"))
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .expect("the program can be started");
    // Without a decoder for it, a file is no video (exit 5). Which decoders there
    // are beside those that are promised is libav's affair.
    let promised = ["h264", "hevc", "mjpeg", "mpeg4"];
    let reading = Reading::of(file);
    let must = reading
        .as_ref()
        .is_some_and(|r| promised.contains(&&*r.codec));
    if output.status.code() == Some(5) && !must {
        println!("{name}: refused, as it may be");
        return Ok(());
    }
    let Some(reading) = reading else {
        return Err(format!("{name}: {} for what is no video", output.status));
    };
    let told = String::from_utf8_lossy(&output.stderr);
    let manifest: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("{name}: {} {told}", output.status))?;
    let rejected: u64 = manifest["stats"]["frames_rejected"]
        .as_object()
        .into_iter()
        .flat_map(|counts| counts.values().map(whole))
        .sum();
    let winners = manifest["winners"].as_array().cloned().unwrap_or_default();
    let ours: Vec<usize> = winners
        .iter()
        .map(|w| usize::try_from(whole(&w["index"])).unwrap_or(usize::MAX))
        .collect();
    let decoded = whole(&manifest["stats"]["frames_decoded"]);
    println!(
        "{name}: {decoded} of {} frames, {rejected} rejected, winners {ours:?}",
        reading.sums.len()
    );
    let theirs = reading.brightest(9);
    // ffmpeg gives damaged frames too, which never win here: of such a recording
    // only the scores and the order of those that are left can be compared.
    if rejected == 0 && ours != theirs {
        return Err(format!("{name}: {ours:?} instead of {theirs:?}"));
    }
    let all = reading.brightest(reading.sums.len());
    let mut ordered = all.iter().filter(|index| ours.contains(index));
    if !ours.iter().all(|index| ordered.next() == Some(index)) {
        return Err(format!("{name}: {ours:?} are not in order"));
    }
    for (winner, index) in winners.iter().zip(ours) {
        let (a, b) = (number(&winner["score"]), reading.brightness(index));
        if (a - b).abs() >= CLOSE {
            return Err(format!("{name}: frame {index} scores {a} instead of {b}"));
        }
    }
    Ok(())
}
