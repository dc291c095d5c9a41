//! Many sessions that begin and are stopped at any moment: afterwards the
//! service holds what it held before.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::time::{Duration, SystemTime};

use bestshot_tests::{
    Holdings, Service, eventually,
    fault_camera::{
        Act, At, Clip, Close, FaultCamera, Faults, Loss, Media, Reply, Setup, Transport, When,
    },
    holdings, is_alive, nightly,
};
use serde_json::json;

/// What a seed chooses: SplitMix64, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What the camera does in a cycle: each state that a session can be in comes of
/// one of these, or of the camera's not being there.
fn faults(dice: &mut Dice) -> Faults {
    let sound = Faults::default();
    let steps = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"];
    let step = When::method(steps[usize::try_from(dice.below(5)).expect("an index")]);
    let packet = At::Packet(dice.below(200));
    match dice.below(13) {
        0 => sound.reply(step, Reply::Mute),
        1 => sound.reply(step, Reply::Close(Close::Hole)),
        2 => sound.reply(step, Reply::Close(Close::Rst)),
        3 => sound.cue(packet, Act::Close(Close::Fin)),
        4 => sound.cue(packet, Act::Close(Close::Hole)),
        5 => sound.cue(packet, Act::Media(Media::Silent)),
        6 => sound.loss(Loss::dropping(0.02, dice.below(1_000))),
        7 => sound.reply(step, Reply::Drip),
        8 => sound.reply(step, Reply::RedirectToItself),
        9 => sound.media(Media::Drip),
        10 => sound.media_over(Transport::Tcp, Media::Silent),
        _ => sound,
    }
}

/// One session, stopped after some time between nothing and a second.
async fn cycle(service: &Service, camera: &FaultCamera, dice: &mut Dice) -> String {
    let faults = faults(dice);
    camera.set(faults.clone());
    let away = dice.below(8);
    let url = if away == 0 {
        "rtsp://no-such-camera.invalid/cam".to_owned()
    } else {
        camera.url()
    };
    if away == 1 {
        camera.refuse();
    }
    let body = json!({
        "rtsp_url": url,
        "limit": 1 + dice.below(9),
        "transport": (["auto", "tcp", "udp"][usize::try_from(dice.below(3)).expect("an index")]),
        "persist": dice.below(2) == 0,
    });
    let id = service
        .post_json("/v1/sessions", &body)
        .await
        .expect(201)
        .json()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let moment = Duration::from_millis(dice.below(1_000));
    tokio::time::sleep(moment / 2).await;
    if away == 2 {
        // In the middle of whatever it is at.
        camera.unplug(Close::Rst);
    }
    tokio::time::sleep(moment / 2).await;
    let state = service.session(&id).await["state"].to_string();
    // One that has failed meanwhile is stopped just so.
    let (took, _) = service.halt(&id).await;
    assert!(
        took <= Duration::from_secs(1),
        "{state}: {took:?}, {faults:?}"
    );
    service.forget(&id).await;
    camera.hang_up(Close::Fin);
    camera.listen();
    state
}

async fn at_rest(service: &Service) -> Holdings {
    eventually("the last worker's end", async || {
        service.workers().is_empty().then_some(())
    })
    .await;
    holdings(service.pid())
}

#[tokio::test]
async fn sessions_stopped_at_any_moment_leave_nothing_behind_and_five_percent_of_memory_at_most() {
    let cycles = if nightly() { 500 } else { 40 };
    let seed = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(1, |since| since.as_secs());
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let camera = Setup::playing(&Clip::of("vtest_h264.mp4"))
        .speed(4.0)
        .start();
    let service = Service::start().await;
    // What is taken once and kept: threads, caches, the catalogue.
    for _ in 0..cycles / 4 {
        cycle(&service, &camera, &mut dice).await;
    }
    let before = at_rest(&service).await;
    let mut states = std::collections::BTreeMap::new();
    for _ in 0..cycles {
        *states
            .entry(cycle(&service, &camera, &mut dice).await)
            .or_insert(0) += 1;
    }
    println!("stopped in {states:?}");
    if nightly() {
        let all = ["connecting", "running", "reconnecting", "failed"];
        let missing = all
            .iter()
            .find(|s| !states.contains_key(&format!("\"{s}\"")));
        assert_eq!(missing, None, "{states:?}");
    }
    // Threads that wait for work end after ten seconds of none.
    let after = eventually("what was held being given back", async || {
        let now = at_rest(&service).await;
        let few = now.descriptors() <= before.descriptors() + 2;
        (few && now.threads <= before.threads).then_some(now)
    })
    .await;
    println!("before {before:?}\nafter  {after:?}");
    assert!(is_alive(service.pid()));
    // In 40 cycles an allocator's page or two weigh more than a leak.
    let room = (before.memory / 20).max(2_048);
    assert!(after.memory <= before.memory + room, "{before:?} {after:?}");
    let list = service.get("/v1/sessions").await.expect(200).json();
    assert_eq!(list["items"], json!([]));
    let health = service.get("/v1/health").await.expect(200).json();
    assert_eq!(health["sessions_running"], 0);
}
