//! Running streams that break off or fall silent: noticed within ten seconds,
//! read again within five of the camera's return, and nothing lost that was won.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use bestshot_tests::{
    Camera, Process, Service, Twins, VISIBLE,
    breaks::{
        AT_ONCE, STALL, breaks_off, brisk_camera, comes_back, hangs_up, is, scored, settled,
        stalls_and_comes_back, tries_grow_rare, winners,
    },
    clip, eventually,
    fault_camera::{Act, At, Clip, Clock, Close, End, Faults, Media, Setup},
    go_on, halt, psnr, rgb_of_png,
};
use jiff::Timestamp;
use serde_json::{Value, json};

#[tokio::test]
async fn a_connection_that_ends_is_told_at_once_and_read_again_within_five_seconds() {
    let service = Service::start().await;
    for how in [Close::Fin, Close::Rst] {
        let camera = brisk_camera();
        let (id, won) = settled(&service, &camera.url()).await;
        let lost = hangs_up(&service, &id, &camera, how).await;
        let start = Instant::now();
        assert_eq!(winners(&service, &id).await, won);
        comes_back(&service, &id, start, &lost, 1).await;
        assert_eq!(winners(&service, &id).await, won);
        service.forget(&id).await;
    }
}

#[tokio::test]
async fn a_connection_that_ends_within_a_picture_shows_no_half_of_it() {
    let service = Service::start().await;
    let clip = Clip::of("vtest_h264.mp4");
    let twins = Twins::of(std::slice::from_ref(&clip), 768, 576);
    let base = SystemTime::UNIX_EPOCH + Duration::from_secs(981_173_106);
    for (how, packet) in [(Close::Fin, 203), (Close::Rst, 331)] {
        let faults = Faults::default().cue(At::Packet(packet), Act::Close(how));
        let camera = Setup::playing(&clip)
            .speed(4.0)
            .clock(Clock::Fixed(base))
            .faults(faults)
            .start();
        let options = json!({ "best": "darkness", "limit": 100 });
        let id = service.open(&camera.url(), options).await;
        let twice = |session: &Value| session["stats"]["reconnects"] == 1 && scored(session) > 60;
        service.until_that(&id, "it reads on", twice).await;
        let whole = camera.seen().sessions[0].units;
        let report = service.halt(&id).await.1;
        let frames = report["frames"].as_array().expect("frames").clone();
        // Pictures of the first connection have the indices below the number that
        // was sent whole; the one that was cut is counted nowhere among them.
        let first = frames.iter().filter(|f| f["index"].as_u64() < Some(whole));
        assert!(first.count() as u64 <= whole);
        let times: Vec<f64> = by_index(&frames);
        assert!(times.is_sorted(), "{times:?}");
        // What was cut looks like none of the clip's pictures.
        let timed = frames.iter().filter(|f| f["clock"] == "rtcp");
        for frame in timed.clone() {
            let at: Timestamp = frame["captured_at"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .expect("RFC 3339");
            let micros = u64::try_from(at.as_microsecond()).expect("after 1970");
            let at = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
            let address = frame["original_url"].as_str().expect("an original");
            let png = service.get(address).await.expect(200).body;
            let twin = twins.get(camera.picture_at(at));
            let decibels = psnr(&rgb_of_png(&png), &twin);
            assert!(decibels >= VISIBLE, "{decibels} dB: {frame}");
        }
        assert!(timed.count() > 40, "there is something to compare");
    }
}

/// The stream times in the order of the indices.
fn by_index(frames: &[Value]) -> Vec<f64> {
    let mut known: Vec<(u64, f64)> = frames
        .iter()
        .filter_map(|f| Some((f["index"].as_u64()?, f["stream_time"].as_f64()?)))
        .collect();
    known.sort_by_key(|(index, _)| *index);
    known.into_iter().map(|(_, time)| time).collect()
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_told_as_stalled_within_ten_seconds() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    let (id, won) = settled(&service, &camera.url()).await;
    let start = Instant::now();
    camera.set(Faults::default().media(Media::Still));
    let lost = breaks_off(&service, &id, start, STALL).await;
    assert_eq!(lost["error"]["kind"], "stalled", "{lost}");
    assert_eq!(winners(&service, &id).await, won);
    let start = Instant::now();
    camera.set(Faults::default());
    comes_back(&service, &id, start, &lost, 1).await;
}

#[tokio::test]
async fn a_stream_of_reports_alone_is_told_as_stalled_within_ten_seconds() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    let (id, won) = settled(&service, &camera.url()).await;
    let start = Instant::now();
    camera.set(Faults::default().media(Media::Silent));
    let lost = breaks_off(&service, &id, start, STALL).await;
    assert_eq!(lost["error"]["kind"], "stalled", "{lost}");
    assert_eq!(winners(&service, &id).await, won);
    assert!(camera.seen().sessions[0].reports > 5);
    let start = Instant::now();
    camera.set(Faults::default());
    comes_back(&service, &id, start, &lost, 1).await;
    // The old session was given back before the new one was asked for.
    assert!(camera.seen().count("TEARDOWN") >= 1);
}

#[tokio::test]
async fn a_stream_that_stops_within_a_group_is_told_as_stalled_within_ten_seconds() {
    let faults = Faults::default().cue(At::Packet(517), Act::Media(Media::Silent));
    let camera = Setup::playing(&Clip::of("vtest_h264.mp4"))
        .speed(4.0)
        .faults(faults)
        .start();
    let service = Service::start().await;
    let id = service.begin(&camera.url()).await;
    eventually("the silence", async || {
        (camera.faults().media == Media::Silent).then_some(())
    })
    .await;
    let lost = breaks_off(&service, &id, Instant::now(), STALL).await;
    assert_eq!(lost["error"]["kind"], "stalled", "{lost}");
}

#[tokio::test]
async fn a_black_hole_is_told_as_stalled_within_ten_seconds() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    let (id, won) = settled(&service, &camera.url()).await;
    let lost = hangs_up(&service, &id, &camera, Close::Hole).await;
    let start = Instant::now();
    assert_eq!(lost["error"]["kind"], "stalled", "{lost}");
    assert_eq!(winners(&service, &id).await, won);
    // New connections are served: it is back as soon as it was missed.
    comes_back(&service, &id, start, &lost, 1).await;
}

#[tokio::test]
async fn a_silent_stream_over_udp_is_told_as_stalled_within_ten_seconds() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    let udp = json!({ "transport": "udp" });
    let id = service.begin_with(&camera.url(), udp).await;
    stalls_and_comes_back(&service, &id, &camera, Media::Silent).await;
}

#[tokio::test]
async fn a_camera_that_was_away_until_tries_grew_rare_is_read_within_five_seconds_of_its_return() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    let (id, won) = settled(&service, &camera.url()).await;
    let start = Instant::now();
    camera.unplug(Close::Fin);
    breaks_off(&service, &id, start, AT_ONCE).await;
    let lost = tries_grow_rare(&service, &id).await;
    assert_eq!(lost["state"], "reconnecting", "{lost}");
    assert_eq!(lost["error"]["kind"], "refused", "{lost}");
    let start = Instant::now();
    camera.listen();
    comes_back(&service, &id, start, &lost, 1).await;
    assert_eq!(winners(&service, &id).await, won);
}

#[tokio::test]
async fn counters_and_times_go_on_over_three_breaks() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    let options = json!({ "limit": 100 });
    let id = service.begin_with(&camera.url(), options).await;
    for times in 1..=3 {
        let more = scored(&service.session(&id).await) + 20;
        service.until_scored(&id, more).await;
        let lost = hangs_up(&service, &id, &camera, Close::Fin).await;
        let start = Instant::now();
        comes_back(&service, &id, start, &lost, times).await;
    }
    let report = service.halt(&id).await.1;
    let frames = report["frames"].as_array().expect("frames").clone();
    let times = by_index(&frames);
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    let mut indices: Vec<_> = frames.iter().map(|f| f["index"].as_u64()).collect();
    indices.sort_unstable();
    indices.dedup();
    assert_eq!(indices.len(), frames.len(), "an index is given once");
    let seen = camera.seen();
    assert_eq!((seen.count("SETUP"), seen.count("PLAY")), (4, 4));
    eventually("the connections' end", async || {
        (camera.seen().open() == 0).then_some(())
    })
    .await;
}

/// The time for which the camera was away counts: the session lasts as long, and its
/// winners are as far apart, as was asked for.
#[tokio::test]
async fn duration_and_min_gap_go_on_counting_over_a_break() {
    const LONG: f64 = 12.0;
    const GAP: f64 = 1.5;
    let (camera, service) = (brisk_camera(), Service::start().await);
    let options = json!({ "limit": 100, "duration": LONG, "min_gap": GAP });
    let id = service.begin_with(&camera.url(), options).await;
    service.until_scored(&id, 80).await;
    let lost = hangs_up(&service, &id, &camera, Close::Fin).await;
    let break_at = scored(&lost);
    comes_back(&service, &id, Instant::now(), &lost, 1).await;
    let session = service.until_that(&id, "it is over", is("ended")).await;
    let number = |value: &Value| value.as_f64().expect("a number");
    let mut won: Vec<(f64, u64)> = service
        .frames(&id)
        .await
        .iter()
        .map(|frame| {
            (
                number(&frame["stream_time"]),
                frame["index"].as_u64().expect("a number"),
            )
        })
        .collect();
    won.sort_by(|a, b| a.0.total_cmp(&b.0));
    let sides = [
        won.iter().any(|w| w.1 < break_at),
        won.iter().any(|w| w.1 > break_at),
    ];
    assert_eq!(sides, [true; 2], "on both sides of the break: {won:?}");
    // In whole nanoseconds, as they are counted: as floats, some that are exactly as far
    // apart as was asked for are a little nearer.
    let nanoseconds = |seconds: f64| (seconds * 1e9).round();
    assert!(
        won.windows(2)
            .all(|pair| nanoseconds(pair[1].0) - nanoseconds(pair[0].0) >= nanoseconds(GAP)),
        "{won:?}"
    );
    assert!(won.iter().all(|w| w.0 < LONG), "{won:?}");
    // Forty pictures a second would be 480; while the camera was away there were none.
    let least_missed = 20;
    assert!(scored(&session) < 480 - least_missed, "{session}");
    assert!(
        won.last().is_some_and(|last| last.0 > LONG - 4.0),
        "{won:?}"
    );
}

#[tokio::test]
async fn an_end_without_a_word_is_told_as_stalled_within_ten_seconds() {
    let clip = Clip::of("vtest_h264.mp4");
    let camera = Setup::playing(&clip)
        .speed(4.0)
        .passes(1, End::Nothing)
        .start();
    let service = Service::start().await;
    let id = service.begin(&camera.url()).await;
    eventually("the last picture", async || {
        (camera.seen().sessions[0].units == 100).then_some(())
    })
    .await;
    let lost = breaks_off(&service, &id, Instant::now(), STALL).await;
    assert_eq!(lost["error"]["kind"], "stalled", "{lost}");
}

/// A session on a camera whose process is halted and goes on again.
async fn survives_a_halt(url: &str, pid: u32) {
    let service = Service::start().await;
    let (id, won) = settled(&service, url).await;
    let start = Instant::now();
    halt(pid);
    let lost = breaks_off(&service, &id, start, STALL).await;
    assert_eq!(lost["error"]["kind"], "stalled", "{lost}");
    assert_eq!(winners(&service, &id).await, won);
    let start = Instant::now();
    go_on(pid);
    comes_back(&service, &id, start, &lost, 1).await;
    assert_eq!(winners(&service, &id).await, won);
}

#[tokio::test]
async fn a_server_of_gstreamer_that_is_halted_is_told_in_ten_seconds_and_read_in_five() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4,speed=4"]).await;
    survives_a_halt(&camera.url("/cam"), camera.pid()).await;
}

#[tokio::test]
async fn a_fault_camera_that_is_halted_is_told_in_ten_seconds_and_read_in_five() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fault-camera"));
    command.arg(clip("vtest_h264.mp4")).args(["--speed", "4"]);
    let mut camera = Process::start("the fault camera", &mut command);
    let url: String = camera
        .line(|line| {
            let ready: Value = serde_json::from_str(line).ok()?;
            Some(ready["url"].as_str()?.to_owned())
        })
        .await;
    survives_a_halt(&url, camera.pid()).await;
}

#[tokio::test]
async fn a_camera_that_is_not_there_yet_is_awaited_where_told_to_persist() {
    let (camera, service) = (brisk_camera(), Service::start().await);
    camera.refuse();
    let id = service
        .open(&camera.url(), json!({ "persist": true }))
        .await;
    let waiting = |session: &Value| session["state"] == "reconnecting";
    let session = service.until_that(&id, "it waits", waiting).await;
    assert_eq!(session["error"]["kind"], "refused", "{session}");
    assert!(session["next_try_at"].is_string(), "{session}");
    // A session that does not persist has given up by then.
    let session = tries_grow_rare(&service, &id).await;
    assert_eq!(session["state"], "reconnecting", "{session}");
    camera.listen();
    let running = |session: &Value| session["state"] == "running" && scored(session) > 0;
    service.until_that(&id, "it runs", running).await;
}
