//! `bestshot` as people and scripts use it in a shell: completions that a real bash
//! reads, manual pages that groff accepts, several sources at once, a bar on a terminal,
//! and an end by Ctrl-C that loses nothing.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking too"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use bestshot_tests::{Camera, FaultPort, Process, binary, clip, descendants, eventually, program};
use serde_json::Value;

fn run(command: &mut Command) -> Output {
    let command = command.stdin(Stdio::null());
    command.output().expect("the program can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

/// What bash offers where the last of these words is being typed.
fn completed(words: &[&str]) -> Vec<String> {
    let script = format!(
        "source <(\"$PROGRAM\" completions bash)\n\
         COMP_WORDS=({}); COMP_CWORD={}\n\
         _bestshot bestshot \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len() - 1
    );
    let mut bash = Command::new("bash");
    let output = run(bash
        .args(["--norc", "-c", &script])
        .env("PROGRAM", binary()));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn a_real_bash_completes_commands_options_and_words() {
    assert_eq!(completed(&["bestshot", "gr"]), ["grab"]);
    assert_eq!(completed(&["bestshot", "grab", "--sampl"]), ["--sampling"]);
    for (option, start, word) in [
        ("--sampling", "ref", "refined"),
        ("--fit", "st", "stretch"),
        ("--transport", "u", "udp"),
        ("--best", "over", "overall"),
    ] {
        let words = ["bestshot", "grab", option, start];
        assert_eq!(completed(&words), [word], "{option}");
    }
    // Only offered: what else is good for "best" is still taken, and what is not is told
    // in our own words.
    let mut sum = program();
    sum.args([
        "grab",
        "--frames",
        "1",
        "--best",
        "sharpness:0.7,brightness:0.3",
    ]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    sum.arg("--out")
        .arg(folder.path().join("g"))
        .arg(clip("vtest_h264.mp4"));
    assert_eq!(run(&mut sum).status.code(), Some(0));
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let output = run(program().args(["completions", shell]));
        assert!(text(&output.stdout).contains("grab"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_sound_page_for_each_command_that_names_every_option() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = run(program().arg("man").arg("--out").arg(folder.path()));
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    for command in [
        "",
        "serve",
        "grab",
        "probe",
        "openapi",
        "completions",
        "man",
    ] {
        let name = ["bestshot", command].join("-");
        let page = folder
            .path()
            .join(format!("{}.1", name.trim_end_matches('-')));
        let mut groff = Command::new("groff");
        let read = run(groff
            .args(["-man", "-ww", "-Tascii", "-P-cbou", "-rLL=100n"])
            .arg(&page));
        assert!(read.status.success() && read.stderr.is_empty(), "{read:?}");
        let plain = text(&read.stdout);
        let help = run(program().args([command, "--help"].iter().filter(|w| !w.is_empty())));
        let help = text(&help.stdout);
        let words = help.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
        for option in words.filter(|word| word.starts_with("--") && word.len() > 3) {
            assert!(plain.contains(option), "{option} is missing in {name}");
        }
        if !command.is_empty() {
            let one = run(program().args(["man", command]));
            let file = fs::read_to_string(&page).expect("a page");
            assert_eq!(text(&one.stdout).trim_end(), file.trim_end());
        }
    }
}

#[test]
fn two_sources_give_a_gallery_each_and_one_that_fails_costs_only_its_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (one, other) = (clip("vtest_h264.mp4"), clip("vtest_hevc.mp4"));
    let missing = folder.path().join("missing.mp4");
    let out = folder.path().join("galleries");
    let mut grab = program();
    grab.args(["grab", "--json", "--out"]).arg(&out);
    let output = run(grab.args([&one, &other, &one]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let all = json(&output);
    let all = all.as_array().expect("a list");
    assert_eq!(all.len(), 3);
    let names = ["vtest_h264", "vtest_hevc", "vtest_h264-2"];
    for (entry, name) in all.iter().zip(names) {
        let directory = entry["directory"].as_str().expect("a directory");
        assert_eq!(Path::new(directory), out.join(name));
        assert!(out.join(name).join("index.html").is_file(), "{name}");
        assert!(entry["error"].is_null(), "{entry}");
        let winners = entry["manifest"]["winners"].as_array().expect("a list");
        assert_eq!(winners.len(), 9);
    }
    // Neither disturbs the other.
    let scores = |place: usize| {
        let winners = all[place]["manifest"]["winners"]
            .as_array()
            .expect("a list");
        let scores = winners
            .iter()
            .map(|win| (win["index"].clone(), win["score"].clone()));
        scores.collect::<Vec<_>>()
    };
    assert_eq!(scores(0), scores(2));

    let out = folder.path().join("half");
    let mut grab = program();
    grab.args(["grab", "--json", "--out"]).arg(&out);
    let output = run(grab.args([&missing, &one]));
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let all = json(&output);
    assert!(all[0]["manifest"].is_null(), "{all}");
    assert!(all[0]["error"]["message"].is_string(), "{all}");
    assert_eq!(
        all[1]["manifest"]["winners"].as_array().map(Vec::len),
        Some(9)
    );
    let kept: Vec<_> = fs::read_dir(&out).expect("a folder").flatten().collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
}

#[test]
fn frames_ends_after_just_so_many_scored_frames() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (sampling, wanted) in [("all", "25"), ("keyframes", "3"), ("refined", "25")] {
        let mut grab = program();
        grab.args(["grab", "--json", "--frames", wanted, "--sampling", sampling]);
        grab.arg("--out").arg(folder.path().join(sampling));
        let output = run(grab.arg(clip("vtest_h264.mp4")));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let scored = json(&output)["stats"]["frames_scored"].to_string();
        assert_eq!(scored, wanted, "{sampling}");
    }
    let refused = run(program().args(["grab", "--frames", "0", "x.mp4"]));
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn winners_that_must_be_wholly_unlike_each_other_are_fewer_and_never_padded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let won = |distinct: &str| {
        let mut grab = program();
        grab.args(["grab", "--json", "--distinct", distinct, "--out"]);
        grab.arg(folder.path().join(distinct));
        let output = run(grab.arg(clip("vtest_h264.mp4")));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let winners = json(&output)["winners"].as_array().map(Vec::len);
        winners.expect("a list")
    };
    assert_eq!((won("0"), won("1")), (9, 1));
}

#[tokio::test]
async fn ctrl_c_saves_what_there_is_and_is_no_failure() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("gallery");
    let mut grab = program();
    grab.arg("grab")
        .arg("--out")
        .arg(&out)
        .arg(camera.url("/cam"));
    let mut grab = Process::start("grab", &mut grab);
    grab.line(|line| line.contains("frames scored").then_some(()))
        .await;
    grab.interrupt();
    let status = grab.ended().await;
    assert_eq!(status.code(), Some(0), "{}", grab.log());
    let manifest = fs::read(out.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    assert_eq!(manifest["winners"].as_array().map(Vec::len), Some(9));
    assert_eq!(manifest["state"], "stopped", "{manifest}");
}

#[tokio::test]
async fn a_terminal_shows_a_bar_with_rate_count_and_best() {
    let camera = Camera::with(&["/cam=vtest_h264.mp4"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let words = format!(
        "'{}' grab --for 3 --out '{}' '{}'",
        binary().display(),
        folder.path().join("gallery").display(),
        camera.url("/cam")
    );
    // `script` gives it a terminal.
    let mut script = Command::new("script");
    script
        .args(["-qec", &words, "/dev/null"])
        .env("TERM", "xterm");
    let shown = tokio::task::spawn_blocking(move || run(&mut script));
    let shown = shown.await.expect("no panic");
    let shown = text(&shown.stdout);
    for piece in ["frames scored", "fps", "best 0.", "%", "Saved 9 frames"] {
        assert!(shown.contains(piece), "{piece:?} is not in {shown}");
    }
}

#[test]
fn a_page_that_cannot_be_opened_is_told_and_is_no_failure() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut grab = program();
    grab.args(["grab", "--open", "--out"])
        .arg(folder.path().join("g"));
    grab.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let output = run(grab.arg(clip("vtest_h264.mp4")));
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stderr);
    assert!(
        said.contains("was not opened: there is no desktop here"),
        "{said}"
    );
}

/// Two cameras, side by side, until Ctrl-C: a gallery each.
#[tokio::test]
async fn ctrl_c_saves_what_each_of_two_cameras_has_shown() {
    let cameras = Camera::with(&["/one=vtest_h264.mp4", "/two=vtest_hevc.mp4"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("galleries");
    let mut grab = program();
    grab.args(["grab", "--json", "--out"]).arg(&out);
    grab.arg(cameras.url("/one")).arg(cameras.url("/two"));
    let mut grab = Process::start("grab", &mut grab);
    for name in ["-one:", "-two:"] {
        grab.line(|line| (line.contains(name) && line.contains("frames scored")).then_some(()))
            .await;
    }
    grab.interrupt();
    let status = grab.ended().await;
    assert_eq!(status.code(), Some(0), "{}", grab.log());
    let galleries: Vec<_> = fs::read_dir(&out).expect("a folder").flatten().collect();
    assert_eq!(galleries.len(), 2, "{galleries:?}");
    for gallery in galleries {
        let manifest = fs::read(gallery.path().join("manifest.json")).expect("a manifest");
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        assert_eq!(manifest["state"], "stopped", "{manifest}");
        assert!(!manifest["winners"].as_array().expect("a list").is_empty());
    }
}

#[test]
fn the_page_is_opened_with_the_desktops_own_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (opener, told) = (folder.path().join("xdg-open"), folder.path().join("told"));
    let script = format!("#!/bin/sh\nprintf %s \"$*\" > {}\n", told.display());
    fs::write(&opener, script).expect("a file can be written");
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).expect("so can its mode");
    let path = std::env::var("PATH").expect("a path");
    let out = folder.path().join("gallery");
    let mut grab = program();
    grab.args(["grab", "--open", "--out"]).arg(&out);
    grab.env("DISPLAY", ":0");
    grab.env("PATH", format!("{}:{path}", folder.path().display()));
    let output = run(grab.arg(clip("vtest_h264.mp4")));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let opened = fs::read_to_string(&told).expect("it was called");
    assert_eq!(Path::new(&opened), out.join("index.html"));
}

#[tokio::test]
async fn a_probe_that_is_interrupted_says_so() {
    let port = FaultPort::silent().await;
    let mut probe = program();
    probe.args(["probe", "--json"]).arg(port.url("/cam"));
    let mut probe = Process::start("probe", &mut probe);
    // It is there once it has something to interrupt.
    eventually("its own process", async || {
        (!descendants(probe.pid()).is_empty()).then_some(())
    })
    .await;
    probe.interrupt();
    let status = probe.ended().await;
    assert_eq!(status.code(), Some(1), "{}", probe.log());
    let log = probe.log();
    assert!(log.contains("\"kind\": \"stopped\""), "{log}");
}
