//! Real recordings through the decoder, held against ffmpeg's own reading of the
//! same files. The clips are made by `cargo xtask setup`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use bestshot_decoder::{ErrorKind, Frame, Frames, OpenOptions, Stop, Taint};

/// The folder of clips, or a panic that says how to get them.
fn clips() -> PathBuf {
    let given = std::env::var_os("BESTSHOT_TEST_CLIPS").map(PathBuf::from);
    let folder =
        given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clips"));
    assert!(
        folder.is_dir(),
        "no clips in {}: run `cargo xtask setup` first",
        folder.display()
    );
    folder
}

/// The made clips and, where `BESTSHOT_CLIPS` names a folder, the videos in it.
fn recordings() -> Vec<PathBuf> {
    let mut folders = vec![clips()];
    match std::env::var_os("BESTSHOT_CLIPS") {
        Some(more) => folders.push(more.into()),
        None => println!("BESTSHOT_CLIPS is not set: only the clips of set-up are compared"),
    }
    let is_video = |path: &PathBuf| {
        path.extension()
            .is_some_and(|e| ["mp4", "mkv", "avi", "mov"].iter().any(|v| e == *v))
    };
    let mut found: Vec<_> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(is_video)
        .collect();
    found.sort();
    assert!(found.len() >= 8, "{found:?}");
    found
}

fn open(path: &Path) -> Frames {
    Frames::open_file(path, &OpenOptions::default(), &Stop::new())
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn ffmpeg(path: &Path, arguments: &[&str]) -> Vec<u8> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-flags", "0", "-i"])
        .arg(path)
        .args(["-map", "0:v:0", "-fps_mode", "passthrough"])
        .args(arguments)
        .args(["-f", "rawvideo", "-"])
        .output()
        .expect("ffmpeg is installed by set-up");
    out.stdout
}

/// The plain sum of one frame's luma samples.
fn luma_sum(frame: &Frame) -> u64 {
    let luma = frame.luma().unwrap();
    let row = luma.width * luma.bytes_per_sample;
    luma.data
        .chunks(luma.stride)
        .map(|line| sum(&line[..row], luma.bytes_per_sample))
        .sum()
}

fn sum(samples: &[u8], bytes: usize) -> u64 {
    match bytes {
        1 => samples.iter().map(|s| u64::from(*s)).sum(),
        _ => samples
            .chunks_exact(2)
            .map(|s| u64::from(u16::from_le_bytes([s[0], s[1]])))
            .sum(),
    }
}

#[test]
fn every_frame_has_the_luma_that_ffmpeg_finds() {
    let mut compared = 0;
    for path in recordings() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Unreadable on purpose, or with damage that the two report differently.
        if [
            "broken.mp4",
            "vtest_h264_noise.mp4",
            "vtest_h264_dropped_pkts.mp4",
        ]
        .contains(&&*name)
        {
            continue;
        }
        // A long recording says no more than its beginning does.
        let frames: Vec<Frame> = open(&path).take(40).map(Result::unwrap).collect();
        let luma = frames[0].luma().unwrap();
        let size = luma.width * luma.height * luma.bytes_per_sample;
        let raw = ffmpeg(&path, &["-frames:v", "40", "-vf", "extractplanes=y"]);
        assert_eq!(raw.len(), size * frames.len(), "{name}: number of frames");
        for (frame, plane) in frames.iter().zip(raw.chunks_exact(size)) {
            let ours = luma_sum(frame);
            let theirs = sum(plane, luma.bytes_per_sample);
            assert_eq!(ours, theirs, "{name}, frame {}", frame.index());
            assert!(!frame.is_corrupt(), "{name}, frame {}", frame.index());
        }
        compared += frames.len();
    }
    println!("{compared} frames compared");
}

#[test]
fn colours_are_those_of_ffmpegs_own_conversion() {
    for name in [
        "vtest_h264.mp4",
        "vtest_h264_full_range.mp4",
        "vtest_hevc_10bit.mp4",
    ] {
        let path = clips().join(name);
        let frame = open(&path).next().unwrap().unwrap();
        let ours = frame.to_rgb().unwrap();
        let theirs = ffmpeg(&path, &["-frames:v", "1", "-pix_fmt", "rgb24"]);
        assert_eq!(ours.data.len(), theirs.len(), "{name}");
        let psnr = psnr(&ours.data, &theirs);
        println!("{name}: PSNR {psnr:.1} dB");
        assert!(psnr >= 45.0, "{name}: {psnr:.1} dB");
    }
}

#[allow(clippy::cast_precision_loss)] // counts of a few million
fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let square = |(a, b): (&u8, &u8)| (i32::from(*a) - i32::from(*b)).pow(2);
    let error: i64 = a.iter().zip(b).map(|pair| i64::from(square(pair))).sum();
    let mean = error as f64 / a.len() as f64;
    if mean == 0.0 {
        f64::INFINITY
    } else {
        10.0 * (255.0 * 255.0 / mean).log10()
    }
}

#[test]
fn a_frame_outlives_its_decoder_and_its_clones_share_its_buffer() {
    let frame = {
        let mut frames = open(&clips().join("vtest_h264.mp4"));
        frames.next().unwrap().unwrap()
    };
    let copy = frame.clone();
    let (a, b) = (frame.luma().unwrap(), copy.luma().unwrap());
    assert_eq!(a.data.as_ptr(), b.data.as_ptr());
    let before = luma_sum(&frame);
    drop(frame);
    assert_eq!(luma_sum(&copy), before);
}

#[test]
fn frames_are_counted_and_timed_from_the_first() {
    let frames: Vec<Frame> = open(&clips().join("vtest_h264_bframes.mp4"))
        .map(Result::unwrap)
        .collect();
    for (expected, frame) in (0_u32..).zip(&frames) {
        assert_eq!(frame.index(), u64::from(expected));
        let seconds = frame.stream_time().as_secs_f64();
        assert!(
            (seconds - f64::from(expected) / 10.0).abs() < 1e-3,
            "{frame:?}"
        );
    }
    assert!(frames[0].is_keyframe() && !frames[1].is_keyframe());
}

/// What a reader is told of each picture, and the samples of those that are whole.
fn told(path: &Path, threads: usize) -> Vec<(u64, Duration, Option<Taint>, Option<u64>)> {
    let options = OpenOptions::default().threads(threads);
    let frames = Frames::open_file(path, &options, &Stop::new()).unwrap();
    let told = |frame: Frame| {
        let sum = frame.taint().is_none().then(|| luma_sum(&frame));
        (frame.index(), frame.stream_time(), frame.taint(), sum)
    };
    frames.map_while(Result::ok).map(told).collect()
}

#[test]
fn decoding_threads_do_not_change_a_single_sample() {
    for name in ["vtest_h264_bframes.mp4", "vtest_hevc_10bit.mp4"] {
        let path = clips().join(name);
        let alone = told(&path, 1);
        assert!(alone.iter().all(|(.., sum)| sum.is_some()), "{name}");
        for threads in [0, 2, 4, 16] {
            assert_eq!(told(&path, threads), alone, "{name}, {threads} threads");
        }
    }
}

#[test]
fn decoding_threads_do_not_change_which_pictures_of_a_damaged_file_are_whole() {
    let copy = std::env::temp_dir().join(format!("bestshot-{}-damaged", std::process::id()));
    let (mut whole, mut all) = (0, 0);
    for name in [
        "vtest_h264_bframes.mp4",
        "vtest_h264.mp4",
        "vtest_hevc.mp4",
        "vtest_mpeg4.mp4",
    ] {
        for seed in 0..4_u64 {
            let mut bytes = std::fs::read(clips().join(name)).unwrap();
            // Behind the first third, which holds the description of some containers; the
            // last seed strikes the last pictures.
            let (first, length) = match seed {
                3 => (bytes.len() * 7 / 8, bytes.len() / 8),
                _ => (bytes.len() / 3, bytes.len() / 2),
            };
            for flip in 1..=seed * 4 {
                let random = (seed * 100 + flip).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
                let at = first + usize::try_from(random).unwrap() % length;
                bytes[at] ^= 1 << (random % 8);
            }
            std::fs::write(&copy, bytes).unwrap();
            let told = |threads| {
                let mut told = told(&copy, threads);
                if name.contains("hevc") {
                    // What its decoder leaves unpainted, and says nothing of, is whatever
                    // the memory held.
                    for (.., sum) in &mut told {
                        *sum = sum.and(Some(0));
                    }
                }
                told
            };
            let alone = told(1);
            whole += alone.iter().filter(|(.., sum)| sum.is_some()).count();
            all += alone.len();
            for threads in [2, 3, 8] {
                let together = told(threads);
                assert_eq!(together, alone, "{name}, seed {seed}, {threads} threads");
            }
        }
    }
    std::fs::remove_file(copy).unwrap();
    println!("{whole} of {all} pictures are whole");
    assert!(whole < all && whole > all / 4, "{whole} of {all}");
}

/// The clip in another container, as it is, and how many bytes its last picture has.
fn copied(clip: &Path, copy: &Path) -> usize {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(clip)
        .args(["-map", "0:v:0", "-c", "copy"])
        .arg(copy)
        .status()
        .unwrap();
    assert!(made.success());
    let sizes = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0"])
        .args(["-show_entries", "packet=size", "-of", "csv=p=0"])
        .arg(clip)
        .output()
        .unwrap();
    let sizes = String::from_utf8(sizes.stdout).unwrap();
    let last = sizes.split_whitespace().next_back().unwrap();
    last.trim_end_matches(',').parse().unwrap()
}

#[test]
fn half_a_picture_at_the_end_of_a_cut_recording_is_not_taken_for_whole() {
    for (clip, endings) in [
        ("vtest_h264.mp4", ["ts", "h264"]),
        ("vtest_hevc.mp4", ["ts", "hevc"]),
    ] {
        let clip = clips().join(clip);
        let whole = told(&clip, 1);
        let sums: Vec<Option<u64>> = whole.iter().map(|(.., sum)| *sum).collect();
        for ending in endings {
            let copy =
                std::env::temp_dir().join(format!("bestshot-{}-cut.{ending}", std::process::id()));
            let last = copied(&clip, &copy);
            let found: Vec<_> = told(&copy, 1).iter().map(|(.., sum)| *sum).collect();
            // A decoder of H.265 cannot tell that the last picture is whole.
            let untrusted = usize::from(endings.contains(&"hevc"));
            let trusted = sums.len() - untrusted;
            assert_eq!(found[..trusted], sums[..trusted], "{}", copy.display());
            assert!(found[trusted..].iter().all(Option::is_none), "{found:?}");
            let length = std::fs::metadata(&copy).unwrap().len();
            for part in [4, 2] {
                let cut = length - u64::try_from(last / part).unwrap();
                let packets = if ending == "ts" { cut / 188 * 188 } else { cut };
                std::fs::File::options()
                    .write(true)
                    .open(&copy)
                    .unwrap()
                    .set_len(packets)
                    .unwrap();
                for threads in [1, 3] {
                    let found: Vec<_> = told(&copy, threads).iter().map(|(.., sum)| *sum).collect();
                    assert_eq!(found[..sums.len() - 1], sums[..sums.len() - 1]);
                    assert!(
                        found[sums.len() - 1..].iter().all(Option::is_none),
                        "{ending}: {found:?}"
                    );
                }
            }
            std::fs::remove_file(copy).unwrap();
        }
    }
}

#[test]
fn a_picture_larger_than_the_limit_is_refused_by_name() {
    let options = OpenOptions::default().max_pixels(640 * 480);
    let path = clips().join("vtest_h264.mp4");
    let error = Frames::open_file(&path, &options, &Stop::new())
        .and_then(|mut frames| frames.find_map(Result::err).map_or(Ok(()), Err))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn what_is_no_video_says_what_it_is() {
    let folder = clips();
    let kind = |path: &Path| {
        let opened = Frames::open_file(path, &OpenOptions::default(), &Stop::new());
        opened.err().map(|e| e.kind())
    };
    assert_eq!(
        kind(&folder.join("no-such-file.mp4")),
        Some(ErrorKind::Unreachable)
    );
    let temporary =
        |name| std::env::temp_dir().join(format!("bestshot-{}-{name}", std::process::id()));
    let rubbish = temporary("rubbish.mp4");
    std::fs::write(&rubbish, [0xa5; 4096]).unwrap();
    assert_eq!(kind(&rubbish), Some(ErrorKind::Corrupt));
    std::fs::remove_file(rubbish).unwrap();
    let sound = temporary("sound.wav");
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            "sine=duration=0.1",
        ])
        .arg(&sound)
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(kind(&sound), Some(ErrorKind::NoVideo));
    std::fs::remove_file(sound).unwrap();
}

#[test]
fn a_stop_that_was_given_ends_the_reading() {
    let stop = Stop::new();
    let path = clips().join("vtest_h264.mp4");
    let mut frames = Frames::open_file(&path, &OpenOptions::default(), &stop).unwrap();
    assert!(frames.next().unwrap().is_ok());
    stop.request();
    let error = frames.find_map(Result::err).expect("the end is told");
    assert_eq!(error.kind(), ErrorKind::Stopped);
    assert!(frames.next().is_none());
}
