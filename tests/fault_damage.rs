//! Streams that come damaged, from the first packet or later: what is said of them, what
//! is counted, and that nothing of it wins. Losses by seed are in `corruption`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, Instant};

use bestshot_tests::{
    Harvest, Launch, Service, Twins,
    breaks::is,
    fault_camera::{Clip, End, Faults, Harm, Loss, Setup},
};
use serde_json::{Value, json};

const H264: &str = "vtest_h264.mp4";
const H265: &str = "vtest_hevc.mp4";

#[tokio::test]
async fn a_stream_that_is_damaged_throughout_says_corrupt_within_fifteen_seconds_and_recovers() {
    let camera = Setup::playing(&Clip::of(H264)).speed(2.0).start();
    let service = Service::start().await;
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 20).await;
    // Every keyframe is a dozen packets and more.
    let loss = Loss::of(0.4, 21, &[Harm::Drop]);
    camera.set(Faults::default().loss(loss));
    let start = Instant::now();
    let corrupt = |session: &Value| session["error"]["kind"] == "corrupt";
    let session = service.until_that(&id, "it says corrupt", corrupt).await;
    let took = start.elapsed();
    println!("told after {took:?}");
    // Ten seconds without a whole picture; the last group may have been whole.
    assert!(took <= Duration::from_secs(15), "{took:?}");
    assert!(took >= Duration::from_secs(9), "{took:?} is not throughout");
    assert_eq!(session["state"], "running", "{session}");
    let rejected = session["stats"]["frames_rejected"]["corrupt"].as_u64();
    assert!(rejected > Some(0), "{session}");

    camera.set(Faults::default());
    let before = session["stats"]["frames_scored"].as_u64();
    let again = |session: &Value| {
        session["error"].is_null() && session["stats"]["frames_scored"].as_u64() > before
    };
    let start = Instant::now();
    service.until_that(&id, "it is clean again", again).await;
    // A group takes one second.
    assert!(
        start.elapsed() <= Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(service.session(&id).await["stats"]["reconnects"], 0);
}

#[tokio::test]
async fn five_percent_of_packets_with_a_flipped_bit_stop_no_session() {
    let service = Service::start().await;
    for name in [H264, H265] {
        let loss = Loss::of(0.05, 31, &[Harm::Flip]);
        let camera = Setup::playing(&Clip::of(name))
            .faults(Faults::default().loss(loss))
            .speed(2.0)
            .passes(1, End::Bye)
            .start();
        let id = service.open(&camera.url(), json!({})).await;
        let session = service.until_that(&id, "it is over", is("ended")).await;
        assert!(camera.seen().sessions[0].harmed.len() > 5);
        assert_eq!(session["stats"]["reconnects"], 0, "{name}: {session}");
        assert!(session["error"].is_null(), "{name}: {session}");
    }
}

/// From the first packet on: no keyframe is ever whole, and it is not for want of any.
#[tokio::test]
async fn a_stream_that_is_damaged_from_its_beginning_says_corrupt_within_fifteen_seconds() {
    let service = Service::start().await;
    for name in [H264, H265] {
        // Every keyframe is a dozen packets and more.
        let loss = Loss::of(0.4, 21, &[Harm::Drop]);
        let camera = Setup::playing(&Clip::of(name))
            .speed(2.0)
            .faults(Faults::default().loss(loss))
            .start();
        let start = Instant::now();
        let id = service.open(&camera.url(), json!({})).await;
        let told = |session: &Value| !session["error"].is_null();
        let session = service.until_that(&id, "something is said", told).await;
        println!("{name}: told after {:?}", start.elapsed());
        assert_eq!(session["error"]["kind"], "corrupt", "{name}: {session}");
        assert!(start.elapsed() <= Duration::from_secs(15));
        assert_eq!(session["stats"]["frames_scored"], 0, "{name}: {session}");
        service.halt(&id).await;
    }
}

/// Its pictures are decoded by guess and look damaged; nothing is, a keyframe is wanted.
#[tokio::test]
async fn a_stream_without_a_keyframe_is_not_called_damaged_and_its_pictures_are_counted() {
    let service = Launch::new()
        .with(&["--keyframe-timeout", "14"])
        .start()
        .await;
    for name in [H264, H265] {
        let faults = Faults {
            no_keyframes: true,
            ..Faults::default()
        };
        let camera = Setup::playing(&Clip::of(name))
            .speed(2.0)
            .faults(faults)
            .start();
        let start = Instant::now();
        let told = service.diagnose(&camera.url(), json!({})).await;
        println!("{name}: told after {:?}", start.elapsed());
        assert_eq!(told.kind, "no_keyframe", "{name}: {}", told.session);
        let stats = &told.session["stats"];
        assert_eq!(stats["frames_scored"], 0, "{stats}");
        assert_eq!(stats["frames_rejected"]["corrupt"], 0, "{stats}");
        let before = stats["frames_rejected"]["before_keyframe"].as_u64();
        let decoded = stats["frames_decoded"].as_u64();
        assert_eq!(before, decoded, "{stats}");
    }
}

/// A flipped bit is no loss that the transport reports: what notices it is the decoder,
/// which of H.264 tells what does not fit.
#[test]
fn no_winner_of_h264_shows_a_flipped_bit() {
    let clip = Clip::of(H264);
    let twins = Twins::of(std::slice::from_ref(&clip), 768, 576);
    let mut damaged = Vec::new();
    let mut winners = 0;
    for seed in [41, 42, 43] {
        let loss = Loss::of(0.02, seed, &[Harm::Flip]);
        let setup = Setup::playing(&clip)
            .speed(4.0)
            .passes(1, End::Bye)
            .faults(Faults::default().loss(loss));
        let harvest = Harvest::of(setup, &twins, &["--transport", "tcp", "--limit", "100"]);
        let harmed = harvest.camera.seen().sessions[0].harmed.len();
        let worst = harvest
            .winners
            .iter()
            .map(|w| w.decibels)
            .fold(f64::INFINITY, f64::min);
        println!(
            "seed {seed}: {harmed} bits, {} winners, the worst at {worst:.1} dB, scored {} of {}",
            harvest.winners.len(),
            harvest.count("frames_scored"),
            harvest.whole(),
        );
        assert!(harmed > 5);
        winners += harvest.winners.len();
        damaged.extend(harvest.damaged());
    }
    assert!(winners > 20, "{winners}");
    assert!(damaged.is_empty(), "{damaged:#?}");
}
