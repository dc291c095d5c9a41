//! The clips: one public recording, and what is made from it.
//!
//! What lives here: fetching and checking the recording, the recipes, and
//! skipping what is already there. What does not: serving clips (`camera`).
//!
//! Nothing here is committed to the repository. The recording is `vtest.avi`, a
//! surveillance camera's view of a street, which Debian ships as an example in
//! the package `opencv-doc`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::{shell, system};

/// What all clips are made from: 768×576, 10 frames a second.
pub(crate) const RECORDING: &str = "vtest.avi";
const RECORDING_SHA256: &str = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf";
const PACKAGE: &str = "opencv-doc";

/// The whole recording, for the demo: 795 frames, 10 a second.
pub(crate) const STREET: &str = "vtest_street.mp4";
/// One minute of 1080p at 25 frames a second, for the benchmarks.
pub(crate) const HD: &str = "vtest_1080p25.mp4";

/// How ffmpeg makes one clip from the recording.
struct Recipe {
    name: &'static str,
    /// ffmpeg's words before the input.
    input: &'static str,
    /// The words that choose and set up an encoder.
    encoder: &'static str,
    /// What else stands after the input.
    output: &'static str,
}

/// No scene cuts and no B-frames unless named, as surveillance cameras send.
const X264: &str = "-c:v libx264 -profile:v high -preset veryfast -sc_threshold 0";
/// x265 has threads of its own, which `-threads` does not reach.
const X265: &str = "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params \
                    pools=none:frame-threads=1:log-level=error:keyint=20:bframes=0";
const MPEG4: &str = "-c:v mpeg4 -q:v 4";
/// RTP carries no Huffman tables: only the standard ones survive it.
const MJPEG: &str = "-c:v mjpeg -huffman default -q:v 4";

const STREET_RECIPE: Recipe = Recipe {
    name: STREET,
    input: "",
    encoder: X264,
    output: "-g 20 -bf 0",
};

/// The 10 frames a second are played as 25 and the clip begins again after 795
/// frames, so that no frame repeats the one before and costs nothing to decode.
const HD_RECIPE: Recipe = Recipe {
    name: HD,
    input: "-stream_loop 1 -r 25",
    encoder: X264,
    output: "-frames:v 1500 -vf scale=1920:1080:flags=bicubic -g 50 -bf 0 \
             -b:v 4700k -maxrate 6000k -bufsize 9400k",
};

const TEST_RECIPES: &[Recipe] = &[
    plain("vtest_h264.mp4", X264, "-frames:v 100 -g 20 -bf 0"),
    plain("vtest_h264_bframes.mp4", X264, "-frames:v 60 -g 20 -bf 2"),
    plain(
        "vtest_h264_full_range.mp4",
        X264,
        "-frames:v 40 -g 20 -bf 0 -vf scale=out_range=full -pix_fmt yuvj420p -color_range pc",
    ),
    plain(
        "vtest_h264_portrait.mp4",
        X264,
        "-frames:v 40 -g 20 -bf 0 -vf crop=324:576,setsar=1",
    ),
    plain("vtest_hevc.mp4", X265, "-frames:v 40"),
    plain(
        "vtest_hevc_10bit.mp4",
        X265,
        "-frames:v 40 -pix_fmt yuv420p10le",
    ),
    plain("vtest_mjpeg.avi", MJPEG, "-frames:v 40"),
    plain("vtest_mpeg4.mp4", MPEG4, "-frames:v 60 -g 20 -bf 0"),
];

const fn plain(name: &'static str, encoder: &'static str, output: &'static str) -> Recipe {
    Recipe {
        name,
        input: "",
        encoder,
        output,
    }
}

/// Which clips a command needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    Demo,
    Test,
    Bench,
    All,
}

impl Set {
    fn recipes(self) -> Vec<&'static Recipe> {
        match self {
            Self::Demo => vec![&STREET_RECIPE],
            Self::Test => TEST_RECIPES.iter().chain([&STREET_RECIPE]).collect(),
            Self::Bench => vec![&HD_RECIPE],
            Self::All => TEST_RECIPES
                .iter()
                .chain([&STREET_RECIPE, &HD_RECIPE])
                .collect(),
        }
    }
}

/// Makes sure that `directory` holds the clips of `set`, and makes only those
/// that are absent or were made by another recipe.
pub(crate) fn ensure(directory: &Path, set: Set) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("{} cannot be made", directory.display()))?;
    let recording = directory.join(RECORDING);
    if !is_recording(&recording) {
        fetch(directory, &recording)?;
    }
    let ffmpeg = ffmpeg_version()?;
    for recipe in set.recipes() {
        let path = directory.join(recipe.name);
        let stamp = recipe.stamp(&ffmpeg);
        if is_stamped(&path, &stamp) {
            continue;
        }
        println!("Making the clip {} …", recipe.name);
        make(recipe, &recording, &path)?;
        fs::write(stamp_path(&path), stamped(&path, &stamp))?;
    }
    Ok(())
}

/// Takes the recording out of Debian's package. The package is fetched but not
/// installed: unpacked it is three times as large and brings others along.
fn fetch(directory: &Path, recording: &Path) -> Result<()> {
    system::require_debian(&[PACKAGE]).with_context(|| {
        format!(
            "the recording {RECORDING} (SHA-256 {RECORDING_SHA256}) must be put into {}",
            directory.display()
        )
    })?;
    println!(
        "Fetching Debian's package {PACKAGE} (96 MB) for the recording {RECORDING}; \
         it is not installed and is removed again …"
    );
    let place = directory.join("download");
    fs::create_dir_all(&place)?;
    let taken = system::download(PACKAGE, &place).and_then(|()| extract(&place, recording));
    fs::remove_dir_all(&place)?;
    taken
}

fn extract(place: &Path, recording: &Path) -> Result<()> {
    let package = fs::read_dir(place)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .with_context(|| format!("apt-get left no package in {}", place.display()))?;
    let mut unpacker = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(&package)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("`dpkg-deb` could not be started")?;
    let archive = unpacker.stdout.take().context("dpkg-deb gave no output")?;
    let found = Command::new("tar")
        .args(["--extract", "--to-stdout", "--wildcards"])
        .arg(format!("*/{RECORDING}"))
        .stdin(archive)
        .stderr(Stdio::inherit())
        .output()
        .context("`tar` could not be started")?;
    let unpacked = unpacker.wait()?;
    if !unpacked.success() || !found.status.success() {
        bail!("{} holds no {RECORDING}", package.display());
    }
    let sum = sha256(&found.stdout);
    if sum != RECORDING_SHA256 {
        bail!("{RECORDING} has SHA-256 {sum} instead of {RECORDING_SHA256}: it is not used");
    }
    let part = recording.with_extension("part");
    fs::write(&part, &found.stdout)?;
    fs::rename(&part, recording)?;
    Ok(())
}

fn is_recording(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| sha256(&bytes) == RECORDING_SHA256)
}

fn make(recipe: &Recipe, recording: &Path, path: &Path) -> Result<()> {
    // The same ending tells ffmpeg the container; the rename makes it whole or
    // absent.
    let part = path.with_file_name(format!("part-{}", recipe.name));
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-hide_banner", "-v", "error", "-y"])
        .args(recipe.input.split_whitespace())
        .arg("-i")
        .arg(recording)
        .args(recipe.encoder.split_whitespace())
        .args(recipe.output.split_whitespace())
        // One thread makes the same bits on every machine.
        .args(["-an", "-threads", "1", "-map_metadata", "-1"])
        .args(["-fflags", "+bitexact", "-flags:v", "+bitexact"])
        .arg(&part);
    shell::run(&mut command)?;
    fs::rename(&part, path)?;
    Ok(())
}

impl Recipe {
    /// Names the recording, the words and the program that make this clip: a
    /// change in any of them makes it anew.
    fn stamp(&self, ffmpeg: &str) -> String {
        let words = [
            RECORDING_SHA256,
            ffmpeg,
            self.name,
            self.input,
            self.encoder,
            self.output,
        ];
        sha256(words.join("\n").as_bytes())
    }
}

fn ffmpeg_version() -> Result<String> {
    let text = shell::read(Command::new("ffmpeg").arg("-version"))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn stamp_path(clip: &Path) -> PathBuf {
    let name = clip.file_name().unwrap_or_default().to_string_lossy();
    clip.with_file_name(format!("{name}.stamp"))
}

/// The stamp with the clip's length, so that a cut file is noticed.
fn stamped(clip: &Path, stamp: &str) -> String {
    let length = fs::metadata(clip).map_or(0, |file| file.len());
    format!("{stamp} {length}\n")
}

fn is_stamped(clip: &Path, stamp: &str) -> bool {
    clip.is_file()
        && fs::read_to_string(stamp_path(clip)).is_ok_and(|text| text == stamped(clip, stamp))
}

fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        // A `String` takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_written_as_sha256sum_does() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
    }

    #[test]
    fn a_stamp_changes_with_the_recipe_and_with_ffmpeg() {
        let recipes = Set::All.recipes();
        for (n, recipe) in recipes.iter().enumerate() {
            assert_eq!(recipe.stamp("5.1"), recipe.stamp("5.1"));
            assert_ne!(recipe.stamp("5.1"), recipe.stamp("7.1"));
            for other in &recipes[..n] {
                assert_ne!(recipe.stamp("5.1"), other.stamp("5.1"));
            }
        }
    }

    #[test]
    fn a_clip_of_another_length_or_recipe_is_made_anew() {
        let directory = std::env::temp_dir().join(format!("xtask-clips-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let clip = directory.join("a.mp4");
        fs::write(&clip, b"12345").unwrap();
        assert!(!is_stamped(&clip, "s"));
        fs::write(stamp_path(&clip), stamped(&clip, "s")).unwrap();
        assert!(is_stamped(&clip, "s"));
        assert!(!is_stamped(&clip, "t"));
        fs::write(&clip, b"1234").unwrap();
        assert!(!is_stamped(&clip, "s"));
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_file_that_is_not_the_recording_is_not_taken_for_it() {
        assert!(!is_recording(Path::new(env!("CARGO_MANIFEST_DIR"))));
        assert!(!is_recording(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
        ));
    }
}
