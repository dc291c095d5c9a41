//! The fault camera itself: what it plays is what was recorded, bit for bit, and
//! what it is told to do wrong it does. ffmpeg is the witness.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

use bestshot_tests::{
    clip,
    fault_camera::{
        Clip, Close, End, FaultCamera, Faults, Harm, Lock, Loss, Media, Reply, Scheme, Setup, When,
    },
};

/// The sums of the decoded pictures of a file or a camera.
fn pictures(words: &[&str], input: &str) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(words)
        .args(["-i", input, "-fps_mode", "passthrough"])
        .args(["-f", "framemd5", "-"])
        .stderr(Stdio::null())
        .output()
        .expect("ffmpeg can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| Some(line.split(',').next_back()?.trim().to_owned()))
        .collect()
}

fn of_file(file: &Path) -> Vec<String> {
    pictures(&[], &file.display().to_string())
}

fn once(name: &str) -> Setup {
    Setup::playing(&Clip::of(name))
        .speed(10.0)
        .passes(1, End::Bye)
}

/// Asks one request on a connection of its own; the status of the answer.
fn asked(camera: &FaultCamera, method: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", camera.port())).expect("it listens");
    let request = format!("{method} {} RTSP/1.0\r\nCSeq: 1\r\n\r\n", camera.url());
    stream.write_all(request.as_bytes()).expect("it is heard");
    let mut answer = [0; 4096];
    let count = stream.read(&mut answer).unwrap_or(0);
    let text = String::from_utf8_lossy(&answer[..count]).into_owned();
    text.split_whitespace()
        .nth(1)
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn every_picture_arrives_bit_for_bit_over_tcp_and_udp() {
    for name in [
        "vtest_h264.mp4",
        "vtest_h264_bframes.mp4",
        "vtest_hevc.mp4",
        "vtest_hevc_10bit.mp4",
        "vtest_mpeg4.mp4",
    ] {
        let recorded = of_file(&clip(name));
        // ffmpeg heeds a goodbye at once, whatever datagrams it has yet to read: on a
        // machine that is busy it must not be behind.
        for (transport, speeds) in [("tcp", &[10.0][..]), ("udp", &[10.0, 2.0, 1.0])] {
            let mut arrived = speeds.iter().map(|&speed| {
                let camera = once(name).speed(speed).start();
                let words = ["-rtsp_transport", transport];
                (pictures(&words, &camera.url()), camera)
            });
            let whole = arrived.find(|(played, _)| *played == recorded);
            let (_, camera) = whole.unwrap_or_else(|| panic!("{name} over {transport}"));
            let seen = camera.seen();
            assert_eq!(seen.sessions[0].units, recorded.len() as u64);
            for method in ["DESCRIBE", "SETUP", "PLAY", "TEARDOWN"] {
                assert_eq!(seen.count(method), 1, "{method}");
            }
        }
    }
}

#[test]
fn ipv6_is_spoken_too() {
    let camera = once("vtest_hevc.mp4").ipv6().start();
    assert!(camera.url().starts_with("rtsp://[::1]:"));
    for transport in ["tcp", "udp"] {
        let played = pictures(&["-rtsp_transport", transport], &camera.url());
        assert_eq!(played.len(), 40, "{transport}");
    }
}

#[test]
fn only_the_right_password_opens_the_lock() {
    for scheme in [Scheme::Basic, Scheme::Digest] {
        let lock = Lock {
            scheme,
            user: "owner".into(),
            password: "right".into(),
        };
        let camera = once("vtest_hevc.mp4").lock(lock).start();
        let read = |url: &str| pictures(&["-rtsp_transport", "tcp"], url).len();
        assert_eq!(read(&camera.url_for("owner", "right")), 40);
        assert_eq!(read(&camera.url_for("owner", "Right")), 0);
        assert_eq!(read(&camera.url_for("other", "right")), 0);
        assert_eq!(read(&camera.url()), 0);
    }
}

#[test]
fn a_camera_that_refuses_keeps_its_port_and_comes_back_on_it() {
    let camera = once("vtest_hevc.mp4").start();
    for _ in 0..3 {
        assert_eq!(asked(&camera, "OPTIONS"), "200");
        camera.unplug(Close::Rst);
        assert!(TcpStream::connect(("127.0.0.1", camera.port())).is_err());
        camera.listen();
    }
    assert_eq!(camera.seen().count("OPTIONS"), 3);
}

#[test]
fn answers_are_those_that_were_ordered() {
    let camera = once("vtest_hevc.mp4").start();
    for status in [401, 403, 404, 406, 454, 461, 500] {
        let reply = Reply::Status(status);
        camera.set(Faults::default().reply(When::method("DESCRIBE"), reply));
        assert_eq!(asked(&camera, "DESCRIBE"), status.to_string());
        assert_eq!(asked(&camera, "OPTIONS"), "200");
    }
    camera.set(Faults::default());
    assert_eq!(asked(&camera, "DESCRIBE"), "200");
}

#[test]
fn every_kind_of_harm_is_done_and_recorded_and_repeats_itself() {
    let harmed = |harm: Harm| {
        let loss = Loss::of(0.05, 7, &[harm]);
        let faults = Faults::default().loss(loss.clone());
        let camera = once("vtest_h264.mp4").faults(faults).start();
        pictures(&["-rtsp_transport", "tcp"], &camera.url());
        let session = camera.seen().sessions[0].clone();
        let numbers: Vec<u64> = session.harmed.iter().map(|h| h.packet).collect();
        let expected = (0..session.packets).filter(|n| loss.fate(*n).is_some());
        assert_eq!(numbers, expected.collect::<Vec<u64>>(), "{harm:?}");
        assert!(session.harmed.iter().all(|h| h.harm == harm));
        (session.packets, numbers)
    };
    let dropped = harmed(Harm::Drop);
    assert!(!dropped.1.is_empty());
    for harm in [Harm::Duplicate, Harm::Reorder, Harm::Flip] {
        assert_eq!(harmed(harm), dropped);
    }
}

#[test]
fn reports_go_on_while_pictures_do_not() {
    let faults = Faults::default().media(Media::Silent);
    let camera = once("vtest_hevc.mp4").speed(2.0).faults(faults).start();
    assert!(pictures(&["-rtsp_transport", "tcp"], &camera.url()).is_empty());
    let session = &camera.seen().sessions[0];
    assert_eq!((session.units, session.packets), (0, 0));
    assert!(session.reports >= 2, "{session:?}");
}

#[test]
fn a_gigantic_picture_is_one() {
    let clip = Clip::gigantic();
    let bytes: usize = clip.units[0].nals.iter().map(Vec::len).sum();
    assert!(bytes < 400_000, "{bytes} bytes");
    assert!(clip.units.iter().all(|unit| unit.keyframe));
}
