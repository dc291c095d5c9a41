//! Breaks of a running stream: the moment one is told, and the moment frames come
//! again. The promises are stated here as numbers, for every test that breaks a stream.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    fault_camera::{Clip, Close, FaultCamera, Faults, Media, Setup},
    service::Service,
};

/// Silence in a running stream is told after this.
pub const STALL: Duration = Duration::from_secs(10);
/// A camera that is back is read after this.
pub const BACK: Duration = Duration::from_secs(5);
/// A broken connection is told after this: there is nothing to wait for. Most of this
/// is for a slow machine.
pub const AT_ONCE: Duration = Duration::from_secs(5);

/// A camera of forty pictures a second, twenty to a group.
pub fn brisk_camera() -> FaultCamera {
    Setup::playing(&Clip::of("vtest_h264.mp4"))
        .speed(4.0)
        .start()
}

/// Whether a session is in this state.
pub fn is(state: &str) -> impl Fn(&Value) -> bool {
    move |session| session["state"] == state
}

/// How many frames a session has scored.
pub fn scored(session: &Value) -> u64 {
    session["stats"]["frames_scored"].as_u64().unwrap_or(0)
}

/// A session that has seen all of the clip: its winners change no more.
pub async fn settled(service: &Service, url: &str) -> (String, Vec<Value>) {
    let id = service.begin(url).await;
    service.until_scored(&id, 110).await;
    let winners = winners(service, &id).await;
    assert_eq!(winners.len(), 9);
    (id, winners)
}

/// What was won, without the addresses of pictures, which come a little later.
pub async fn winners(service: &Service, id: &str) -> Vec<Value> {
    let mut frames = service.frames(id).await;
    for frame in &mut frames {
        let fields = frame.as_object_mut().expect("a frame is an object");
        fields.retain(|name, _| !name.ends_with("_url"));
    }
    frames
}

/// Waits until the session says that it reconnects, and why and when.
pub async fn breaks_off(service: &Service, id: &str, since: Instant, within: Duration) -> Value {
    let lost = service
        .until_that(id, "it reconnects", is("reconnecting"))
        .await;
    let took = since.elapsed();
    println!("noticed after {took:?}");
    assert!(took <= within, "{took:?}");
    assert!(lost["error"]["kind"].is_string(), "{lost}");
    assert!(lost["error"]["message"].is_string(), "{lost}");
    let next = lost["next_try_at"].as_str().unwrap_or_default();
    assert!(next.ends_with('Z') && next.contains('T'), "{lost}");
    lost
}

/// Lets the camera send this only, which must be told as a stall, and then all again.
pub async fn stalls_and_comes_back(
    service: &Service,
    id: &str,
    camera: &FaultCamera,
    media: Media,
) {
    let start = Instant::now();
    camera.set(Faults::default().media(media));
    let lost = breaks_off(service, id, start, STALL).await;
    assert_eq!(lost["error"]["kind"], "stalled", "{lost}");
    let start = Instant::now();
    camera.set(Faults::default());
    comes_back(service, id, start, &lost, 1).await;
}

/// Ends the connection. Until that was told, the next one shows nothing: it may come
/// sooner than somebody looks.
pub async fn hangs_up(service: &Service, id: &str, camera: &FaultCamera, how: Close) -> Value {
    let start = Instant::now();
    camera.hang_up(how);
    camera.set(Faults::default().media(Media::Still));
    let within = if how == Close::Hole { STALL } else { AT_ONCE };
    let lost = breaks_off(service, id, start, within).await;
    camera.set(Faults::default());
    lost
}

/// Waits until tries have grown rare: the fourth wait is the first of six seconds.
pub async fn tries_grow_rare(service: &Service, id: &str) -> Value {
    let far = |session: &Value| {
        let next = session["next_try_at"].as_str().and_then(|t| t.parse().ok());
        next.is_some_and(|next: Timestamp| next.duration_since(Timestamp::now()).as_secs() >= 5)
    };
    service.until_that(id, "the next try is far", far).await
}

/// Waits until frames are scored again, and checks what a reconnect keeps.
pub async fn comes_back(service: &Service, id: &str, since: Instant, before: &Value, times: u64) {
    let goes_on =
        |session: &Value| session["state"] == "running" && scored(session) > scored(before);
    let back = service.until_that(id, "frames come again", goes_on).await;
    let took = since.elapsed();
    println!("back after {took:?}");
    assert!(took <= BACK, "{took:?}");
    assert_eq!(back["stats"]["reconnects"], times, "{back}");
    assert!(
        back["error"].is_null() && back["next_try_at"].is_null(),
        "{back}"
    );
    for count in ["packets", "bytes", "frames_decoded"] {
        let counts = |session: &Value| session["stats"][count].as_u64();
        assert!(counts(&back) >= counts(before), "{count}: {back}");
    }
}
