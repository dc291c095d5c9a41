//! What the reader promises in seconds and per cent, measured on the fault camera and
//! beside ffmpeg on the same faults. `cargo xtask bench reader` runs it and shows what it
//! prints: one JSON document on standard output.
//!
//! What lives here: provoking each fault and taking the time. What does not: whether the
//! right thing is told, which is for the tests.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot be made ends by panicking, with words that say why"
)]

use std::{
    io::Read,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bestshot_tests::{
    Service, eventually,
    fault_camera::{Clip, Close, FaultCamera, Faults, Join, Media, Reply, Setup, When},
    holdings, processor_time,
};
use serde_json::{Value, json};

/// Starts, stops and first frames that are measured.
const TIMES: usize = 30;
/// How long retries are watched.
const RETRIES: Duration = Duration::from_secs(20);
/// How long ffmpeg may take to notice that something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // Alone first: what is short is disturbed most.
    let mut figures = Vec::new();
    figures.extend(first_frames().await);
    figures.extend(stops().await);
    figures.extend(retries().await);
    figures.extend(cycles().await);
    // What waits for seconds waits side by side.
    let (stall, back, diagnoses) = tokio::join!(stall(), back(), diagnoses());
    figures.extend(stall);
    figures.extend(back);
    figures.extend(diagnoses);
    println!("{}", json!({ "figures": figures }));
}

fn figure(name: &str, unit: &str, ours: f64, at_most: f64) -> Value {
    eprintln!("{name}: {ours:.3} {unit}");
    json!({ "name": name, "unit": unit, "ours": ours, "at_most": at_most })
}

fn beside(mut figure: Value, peer: f64, note: &str) -> Value {
    figure["peer"] = peer.into();
    figure["peer_name"] = "ffmpeg".into();
    figure["note"] = note.into();
    figure
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The smallest measurement that 95 per cent do not exceed.
fn p95(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[(all.len() * 95).div_ceil(100) - 1]
}

fn camera(faults: Faults) -> FaultCamera {
    Setup::playing(&Clip::of("vtest_h264.mp4"))
        .speed(4.0)
        .faults(faults)
        .start()
}

/// A camera that answers the DESCRIBE like this.
fn describing(reply: Reply) -> FaultCamera {
    camera(Faults::default().reply(When::method("DESCRIBE"), reply))
}

/// From the moment in which a keyframe is sent to the answer that tells of it.
async fn first_frames() -> Vec<Value> {
    let clip = Clip::of("vtest_h264.mp4");
    let before = clip.keyframes()[1] as u64 - 5;
    let camera = Setup::playing(&clip).join(Join::At(before)).start();
    let service = Service::start().await;
    let mut waits = Vec::new();
    for _ in 0..TIMES {
        let body = json!({ "rtsp_url": camera.url(), "wait": 10 });
        let reply = service.post_json("/start", &body).await.expect(200);
        let answered = Instant::now();
        let played = camera.seen().sessions.last().expect("one plays").clone();
        waits.push(answered.duration_since(played.keyframes[0].1));
        let session = reply.json()["session"]["id"].clone();
        service.forget(session.as_str().expect("an id")).await;
    }
    vec![figure(
        "keyframe sent to first frame, p95",
        "ms",
        ms(p95(waits)),
        300.0,
    )]
}

/// Stops in every state that a session can be in.
async fn stops() -> Vec<Value> {
    let service = Service::start().await;
    let mut running = Vec::new();
    let sound = camera(Faults::default());
    for turn in 0..TIMES {
        let id = service.begin(&sound.url()).await;
        service.until_scored(&id, 5 + 4 * turn as u64).await;
        running.push(service.halt(&id).await.0);
    }
    let mut others = Vec::new();
    for reply in [Reply::Mute, Reply::Drip, Reply::Close(Close::Hole)] {
        let camera = describing(reply);
        let id = service.open(&camera.url(), json!({})).await;
        eventually("DESCRIBE being heard", async || {
            (camera.seen().count("DESCRIBE") > 0).then_some(())
        })
        .await;
        others.push(service.halt(&id).await.0);
    }
    let id = service
        .open("rtsp://no-such-camera.invalid/cam", json!({}))
        .await;
    others.push(service.halt(&id).await.0);
    for media in [Media::Silent, Media::Still] {
        let camera = camera(Faults::default());
        let id = service.begin(&camera.url()).await;
        camera.set(Faults::default().media(media));
        service.until_that(&id, "it is missed", reconnecting).await;
        others.push(service.halt(&id).await.0);
    }
    let camera = camera(Faults::default());
    let id = service.begin(&camera.url()).await;
    camera.unplug(Close::Rst);
    service.until_that(&id, "it is away", reconnecting).await;
    others.push(service.halt(&id).await.0);
    let worst = others
        .iter()
        .chain(&running)
        .max()
        .copied()
        .unwrap_or_default();
    vec![
        figure("stop while running, p95", "ms", ms(p95(running)), 150.0),
        figure("stop in any state, longest", "ms", ms(worst), 1000.0),
    ]
}

fn reconnecting(session: &Value) -> bool {
    session["state"] == "reconnecting"
}

/// What trying again costs: a camera that redirects to itself, and a closed port.
async fn retries() -> Vec<Value> {
    let circle = camera(Faults::default().reply(When::always(), Reply::RedirectToItself));
    let closed = camera(Faults::default());
    closed.refuse();
    let mut figures = Vec::new();
    for (name, camera) in [("redirect to itself", &circle), ("refused port", &closed)] {
        let service = Service::start().await;
        let id = service
            .open(&camera.url(), json!({ "persist": true }))
            .await;
        service.until_that(&id, "it was tried", reconnecting).await;
        let used = || {
            let workers = service.workers().into_iter().map(processor_time);
            workers.sum::<Duration>() + processor_time(service.pid())
        };
        let before = used();
        tokio::time::sleep(RETRIES).await;
        let share = used().saturating_sub(before).as_secs_f64() / RETRIES.as_secs_f64();
        let name = format!("processor share of retries, {name}");
        figures.push(figure(&name, "%", 100.0 * share, 2.0));
    }
    figures
}

/// What sessions leave behind in the service.
async fn cycles() -> Vec<Value> {
    let camera = camera(Faults::default());
    let service = Service::start().await;
    let cycle = async || {
        let id = service.begin(&camera.url()).await;
        service.halt(&id).await;
        service.forget(&id).await;
    };
    for _ in 0..TIMES {
        cycle().await;
    }
    let rest = async || {
        eventually("the last worker's end", async || {
            service.workers().is_empty().then_some(())
        })
        .await;
        holdings(service.pid())
    };
    let before = rest().await;
    for _ in 0..2 * TIMES {
        cycle().await;
    }
    let after = eventually("what was held being given back", async || {
        let now = rest().await;
        (now.threads <= before.threads).then_some(now)
    })
    .await;
    #[expect(clippy::cast_precision_loss, reason = "kilobytes")]
    let grown = 100.0 * (after.memory as f64 / before.memory as f64 - 1.0);
    let more = after.descriptors().saturating_sub(before.descriptors());
    vec![
        figure(
            "memory after 60 more sessions, grown by",
            "%",
            grown.max(0.0),
            5.0,
        ),
        figure(
            "descriptors after 60 more sessions, more by",
            "count",
            f64::from(u32::try_from(more).unwrap_or(u32::MAX)),
            2.0,
        ),
    ]
}

/// From the last packet to the word that the stream is stalled.
async fn stall() -> Vec<Value> {
    let (service, camera, theirs) = (
        Service::start().await,
        camera(Faults::default()),
        camera(Faults::default()),
    );
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 40).await;
    let mut peer = ffmpeg(&theirs.url());
    eventually("ffmpeg's reading", async || {
        let seen = theirs.seen();
        seen.sessions.last().filter(|s| s.units > 40).map(|_| ())
    })
    .await;
    let start = Instant::now();
    let silent = || Faults::default().media(Media::Silent);
    camera.set(silent());
    theirs.set(silent());
    let ours = async {
        service.until_that(&id, "it is stalled", reconnecting).await;
        start.elapsed()
    };
    let peers = tokio::task::spawn_blocking(move || ended(&mut peer, start));
    let (ours, peers) = tokio::join!(ours, peers);
    let figure = figure("stall told after", "s", ours.as_secs_f64(), 10.0);
    vec![beside(
        figure,
        peers.expect("the thread ends").as_secs_f64(),
        "RTCP goes on; ffmpeg -timeout 5 s, ended by us after 30 s",
    )]
}

/// From the return of a camera that was away until tries grew rare to the next frame.
async fn back() -> Vec<Value> {
    let (service, camera) = (Service::start().await, camera(Faults::default()));
    let id = service.begin(&camera.url()).await;
    service.until_scored(&id, 40).await;
    camera.unplug(Close::Fin);
    service.until_that(&id, "it is away", reconnecting).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    let scored = |session: &Value| session["stats"]["frames_scored"].as_u64().unwrap_or(0);
    let before = scored(&service.session(&id).await);
    let start = Instant::now();
    camera.listen();
    service
        .until_that(&id, "frames come again", |now| scored(now) > before)
        .await;
    let took = start.elapsed().as_secs_f64();
    vec![figure(
        "frames again after a camera's return",
        "s",
        took,
        5.0,
    )]
}

/// How long a camera that says nothing of use is waited for.
async fn diagnoses() -> Vec<Value> {
    let service = Service::start().await;
    let mut figures = Vec::new();
    for (name, reply) in [
        ("mute", Reply::Mute),
        ("a byte every 0.4 s", Reply::Drip),
        ("black hole", Reply::Close(Close::Hole)),
    ] {
        let (camera, theirs) = (describing(reply.clone()), describing(reply));
        let start = Instant::now();
        let mut peer = ffmpeg(&theirs.url());
        let peers = tokio::task::spawn_blocking(move || ended(&mut peer, start));
        let url = camera.url();
        let (told, peers) = tokio::join!(service.diagnose(&url, json!({})), peers);
        let name = format!("diagnosis of a camera that is: {name}");
        figures.push(beside(
            figure(&name, "s", told.took.as_secs_f64(), 10.0),
            peers.expect("the thread ends").as_secs_f64(),
            "ffmpeg -timeout 5 s, ended by us after 30 s",
        ));
    }
    figures
}

/// ffmpeg reading a camera, told to wait five seconds for each byte.
fn ffmpeg(url: &str) -> std::process::Child {
    Command::new("ffmpeg")
        .args(["-nostdin", "-v", "quiet", "-timeout", "5000000"])
        .args(["-rtsp_transport", "tcp", "-i", url, "-f", "null", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg can be started")
}

/// When it ended by itself, or was made to.
fn ended(child: &mut std::process::Child, start: Instant) -> Duration {
    let mut output = child.stdout.take().expect("stdout is a pipe");
    let (sender, closed) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // It closes as ffmpeg ends.
        let _ = output.read_to_end(&mut Vec::new());
        let _ = sender.send(());
    });
    let left = PATIENCE.saturating_sub(start.elapsed());
    if closed.recv_timeout(left).is_err() {
        child.kill().expect("ffmpeg can be ended");
    }
    let took = start.elapsed();
    child.wait().expect("ffmpeg can be waited for");
    took
}
