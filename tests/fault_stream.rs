//! Streams that go on and are odd: time stamps, sizes, clocks, and where a reader comes
//! in. None of it stops a session or makes it lie.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime},
};

use bestshot_tests::{
    PngFile, Reading, Service, clip,
    fault_camera::{Act, At, Clip, Clock, End, FaultCamera, Faults, Join, Setup, TICKS},
};
use jiff::Timestamp;
use serde_json::{Value, json};

const H264: &str = "vtest_h264.mp4";
const DAY: i64 = 86_400 * TICKS as i64;

/// By so many seconds the stream's end may be off where one interval is known by its
/// arrival only, and where all are, on a slow machine.
const ONE_ARRIVAL: f64 = 0.3;
const ALL_ARRIVALS: f64 = 3.0;

fn over(session: &Value) -> bool {
    ["ended", "failed"].iter().any(|s| session["state"] == *s)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn moment(frame: &Value) -> SystemTime {
    let text = frame["captured_at"].as_str().expect("a time");
    let moment: Timestamp = text.parse().expect("RFC 3339");
    let micros = u64::try_from(moment.as_microsecond()).expect("after 1970");
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

/// The winners of a session in the order of the stream.
async fn in_order(service: &Service, id: &str) -> Vec<Value> {
    let mut frames = service.frames(id).await;
    frames.sort_by_key(|frame| frame["index"].as_u64());
    frames
}

/// Plays one pass at twice the pace to a session that keeps every picture.
async fn one_pass(setup: Setup) -> (Service, FaultCamera, String, Value) {
    let camera = setup.speed(2.0).passes(1, End::Bye).start();
    let service = Service::start().await;
    let id = service.open(&camera.url(), json!({ "limit": 100 })).await;
    let session = service.until_that(&id, "it is over", over).await;
    assert_eq!(session["state"], "ended", "{session}");
    (service, camera, id, session)
}

/// Plays a hundred pictures, twenty a second, whose stamps go wrong, and checks
/// that all of them count and that their times grow as they came.
async fn keeps_time(faults: Faults, stamp_base: u32, off: f64) {
    let setup = Setup::playing(&Clip::of(H264))
        .faults(faults)
        .stamp_base(stamp_base);
    let (service, _camera, id, session) = one_pass(setup).await;
    assert_eq!(session["stats"]["frames_scored"], 100, "{session}");
    assert_eq!(session["stats"]["reconnects"], 0, "{session}");
    let frames = in_order(&service, &id).await;
    let times: Vec<f64> = frames.iter().map(|f| number(&f["stream_time"])).collect();
    assert_eq!(times.len(), 100);
    assert!(times.windows(2).all(|pair| pair[0] <= pair[1]), "{times:?}");
    // 99 intervals of 50 ms, whatever the stamps claim.
    assert!((times[99] - 4.95).abs() < off, "the last at {}", times[99]);
}

#[tokio::test]
async fn stamps_that_jump_a_day_ahead_keep_stream_time_monotonic() {
    keeps_time(
        Faults::default().cue(At::Unit(33), Act::Jump(DAY)),
        1_000_003,
        ONE_ARRIVAL,
    )
    .await;
}

#[tokio::test]
async fn stamps_that_jump_a_day_back_keep_stream_time_monotonic() {
    keeps_time(
        Faults::default().cue(At::Unit(47), Act::Jump(-DAY)),
        1_000_003,
        ONE_ARRIVAL,
    )
    .await;
}

#[tokio::test]
async fn stamps_that_wrap_keep_stream_time_monotonic() {
    // They begin again after two seconds.
    keeps_time(Faults::default(), u32::MAX - 2 * TICKS, 0.1).await;
}

#[tokio::test]
async fn stamps_that_are_constant_keep_stream_time_monotonic() {
    keeps_time(
        Faults::default().cue(At::Unit(0), Act::Freeze),
        1_000_003,
        ALL_ARRIVALS,
    )
    .await;
    keeps_time(
        Faults::default().cue(At::Unit(50), Act::Freeze),
        1_000_003,
        ALL_ARRIVALS,
    )
    .await;
}

/// Plays two clips one after another, and checks that the gallery has winners of
/// both sizes, each as large as it says.
async fn has_both(first: &str, second: &str, sizes: &[(u64, u64)]) {
    let clips = [Clip::of(first), Clip::of(second)];
    let expected: usize = clips.iter().map(|clip| clip.units.len()).sum();
    let camera = Setup::playing_all(&clips)
        .speed(2.0)
        .passes(1, End::Bye)
        .start();
    let service = Service::start().await;
    let limit = json!({ "limit": 100 });
    let id = service.open(&camera.url(), limit).await;
    let session = service.until_that(&id, "it is over", over).await;
    assert_eq!(session["state"], "ended", "{session}");
    assert_eq!(session["stats"]["frames_scored"], expected, "{session}");
    assert_eq!(session["stats"]["reconnects"], 0, "{session}");
    let frames = service.frames(&id).await;
    assert_eq!(frames.len(), expected.min(100));
    let mut found = BTreeSet::new();
    for frame in &frames {
        let size = |name: &str| frame[name].as_u64().expect("a size");
        found.insert((size("width"), size("height")));
        let address = frame["original_url"].as_str().expect("an original");
        let original = PngFile::parse(&service.get(address).await.expect(200).body);
        let (width, height) = (u64::from(original.width), u64::from(original.height));
        assert_eq!((width, height), (size("width"), size("height")));
    }
    assert_eq!(found, sizes.iter().copied().collect::<BTreeSet<_>>());
}

#[tokio::test]
async fn a_size_that_changes_gives_winners_of_both_sizes_in_one_gallery() {
    let sizes = [(768, 576), (324, 576)];
    has_both("vtest_h264_bframes.mp4", "vtest_h264_portrait.mp4", &sizes).await;
}

/// The region is said in fractions, so that it means the same part of either size.
#[tokio::test]
async fn the_region_that_is_scored_follows_a_size_that_changes() {
    const CLOSE: f64 = 1e-9;
    let names = ["vtest_h264_bframes.mp4", "vtest_h264_portrait.mp4"];
    let camera = Setup::playing_all(&names.map(Clip::of))
        .speed(2.0)
        .passes(1, End::Bye)
        .start();
    let service = Service::start().await;
    let options = json!({ "limit": 100, "roi": "0,0,0.5,0.5", "exclude": "0,0,0.5,0.25" });
    let id = service.open(&camera.url(), options).await;
    service.until_that(&id, "it is over", over).await;
    // What is left: from a quarter to half of the way down, the left half.
    let mut expected: Vec<(f64, u32)> = Vec::new();
    for name in names {
        let part = Reading::of_part(&clip(name), [0, 2, 4, 2]).expect("ffmpeg decodes it");
        expected.extend((0..part.sums.len()).map(|n| (part.brightness(n), 2 * part.width)));
    }
    expected.sort_by(|a, b| b.0.total_cmp(&a.0));
    let frames = service.frames(&id).await;
    assert_eq!(frames.len(), expected.len().min(100));
    for (frame, (score, width)) in frames.iter().zip(expected) {
        let ours = frame["score"].as_f64().expect("a score");
        assert!((ours - score).abs() < CLOSE, "{score}: {frame}");
        assert_eq!(frame["width"], width, "{frame}");
    }
}

#[tokio::test]
async fn a_depth_that_changes_costs_no_frame() {
    has_both("vtest_hevc.mp4", "vtest_hevc_10bit.mp4", &[(768, 576)]).await;
}

#[tokio::test]
async fn a_colour_range_that_changes_costs_no_frame() {
    let other = "vtest_h264_full_range.mp4";
    has_both("vtest_h264_bframes.mp4", other, &[(768, 576)]).await;
}

#[tokio::test]
async fn captured_at_is_the_cameras_own_time_whatever_the_hour() {
    for hours in [-7, 5_i32] {
        let setup = Setup::playing(&Clip::of(H264)).clock(Clock::Offset(i64::from(hours) * 3_600));
        let (service, camera, id, _) = one_pass(setup).await;
        let started = camera.seen().sessions[0].started;
        let frames = in_order(&service, &id).await;
        let now = SystemTime::now();
        let age = Instant::now().duration_since(started);
        let mut by_rtcp = 0;
        for frame in &frames {
            if frame["clock"] != "rtcp" {
                continue;
            }
            by_rtcp += 1;
            let here = signed(moment(frame), now) - f64::from(hours) * 3_600.0;
            // Within the session, to a tenth of a second.
            let (oldest, newest) = (-age.as_secs_f64() - 0.1, 0.1);
            assert!((oldest..newest).contains(&here), "{here} s: {frame}");
        }
        // libav before 8.1 tells the time of a picture one picture too early: of the first,
        // nothing.
        assert!(by_rtcp + 1 >= frames.len(), "each has the camera's time");
    }
}

/// Seconds from one moment to another, negative where it is earlier.
fn signed(moment: SystemTime, from: SystemTime) -> f64 {
    match moment.duration_since(from) {
        Ok(later) => later.as_secs_f64(),
        Err(earlier) => -earlier.duration().as_secs_f64(),
    }
}

#[tokio::test]
async fn captured_at_tells_which_picture_it_is() {
    let base = SystemTime::UNIX_EPOCH + Duration::from_secs(981_173_106);
    for name in [H264, "vtest_h264_bframes.mp4", "vtest_hevc.mp4"] {
        let setup = Setup::playing(&Clip::of(name)).clock(Clock::Fixed(base));
        let (service, camera, id, _) = one_pass(setup).await;
        for frame in service.frames(&id).await {
            // Of the first, libav before 8.1 tells nothing.
            if frame["index"] == 0 && frame["clock"] == "receive" {
                continue;
            }
            assert_eq!(frame["clock"], "rtcp", "{name}: {frame}");
            let picture = camera.picture_at(moment(&frame)) as u64;
            assert_eq!(frame["index"], picture, "{name}: {frame}");
        }
    }
}

#[tokio::test]
async fn without_reports_captured_at_is_the_time_of_arrival() {
    let faults = Faults {
        no_reports: true,
        ..Faults::default()
    };
    let clock = Clock::Offset(-7 * 3_600);
    let setup = Setup::playing(&Clip::of("vtest_hevc.mp4"))
        .faults(faults)
        .clock(clock);
    let start = SystemTime::now();
    let (service, _camera, id, _) = one_pass(setup).await;
    let frames = service.frames(&id).await;
    assert_eq!(frames.len(), 40);
    for frame in frames {
        assert_eq!(frame["clock"], "receive", "{frame}");
        let moment = moment(&frame);
        // To the millisecond, in which it is told.
        let early = start - Duration::from_millis(1);
        assert!(moment >= early && moment <= SystemTime::now(), "{frame}");
    }
}

#[tokio::test]
async fn a_reader_that_comes_in_within_a_group_shows_whole_pictures_only() {
    for name in [H264, "vtest_hevc.mp4"] {
        let recorded = Clip::of(name);
        let (first, all) = (recorded.keyframes()[1], recorded.units.len());
        let base = SystemTime::UNIX_EPOCH + Duration::from_secs(981_173_106);
        let setup = Setup::playing(&recorded).clock(Clock::Fixed(base));
        let (service, camera, id, session) = one_pass(setup.join(Join::At(3))).await;
        let whole = all - first;
        assert_eq!(
            session["stats"]["frames_scored"], whole,
            "{name}: {session}"
        );
        for frame in service.frames(&id).await {
            let picture = camera.picture_at(moment(&frame));
            assert!(picture >= first, "{name}: picture {picture}");
            let address = frame["original_url"].as_str().expect("an original");
            let png = service.get(address).await.expect(200).body;
            let off = bestshot_tests::difference(&png, &clip(name), picture as u64);
            assert!(off < 2.0, "{name}: picture {picture} is off by {off}");
        }
    }
}

#[tokio::test]
async fn pictures_of_the_warm_up_are_counted_and_never_win() {
    let camera = Setup::playing(&Clip::of(H264)).speed(2.0).start();
    let service = Service::start().await;
    let options = json!({ "warmup": 2.0, "limit": 100 });
    let id = service.begin_with(&camera.url(), options).await;
    let stats = service.session(&id).await["stats"].clone();
    let withheld = stats["frames_rejected"]["warmup"].as_u64().unwrap_or(0);
    // Twenty a second, for two seconds.
    assert!((39..=41).contains(&withheld), "{stats}");
    let report = service.halt(&id).await.1;
    assert_eq!(report["session"]["options"]["warmup"], 2.0);
    for frame in report["frames"].as_array().expect("frames") {
        assert!(frame["index"].as_u64() >= Some(withheld), "{frame}");
    }
}
