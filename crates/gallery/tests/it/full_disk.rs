//! A disk that is really full. It needs a small file system of its own, which
//! not every machine lets a test mount; the promise is checked without one in
//! `saving.rs`, for the files that can stand for a full disk.

use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use bestshot_gallery::{ErrorKind, PictureKind, Store, annotate};

use crate::support::{check_whole, decode, listed, manifest, png, visible};

const CHILD: &str = "BESTSHOT_TEST_SMALL_DISK";
/// What the shell below answers where it may not mount.
const NOT_PERMITTED: i32 = 77;
/// Bytes that are given back to the full disk.
const BALLAST: usize = 256 * 1024;

#[test]
fn on_a_full_disk_nothing_is_lost_and_the_retry_succeeds() {
    let mount_point = tempfile::tempdir().unwrap();
    // A mount that only the child sees and that ends with it.
    let script = "mount -t tmpfs -o size=2m tmpfs \"$1\" || exit 77; shift; exec \"$@\"";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(mount_point.path())
        .arg(env::current_exe().unwrap())
        .args(["--exact", "full_disk::small_disk", "--nocapture"])
        .env(CHILD, mount_point.path())
        .output();
    let skipped = match &output {
        Err(error) => Some(error.to_string()),
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let refused =
                output.status.code() == Some(NOT_PERMITTED) || said.starts_with("unshare:");
            assert!(
                refused,
                "{said}\n{}",
                String::from_utf8_lossy(&output.stdout)
            );
            Some(said)
        }
    };
    if let Some(why) = skipped {
        // Straight to the terminal: the test harness hides what `eprintln!` says.
        let note = format!("NOT RUN: full disk, for no small disk can be mounted: {why}\n");
        std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
}

/// What the child runs; without the environment variable there is nothing to do.
#[test]
fn small_disk() {
    let Some(data) = env::var_os(CHILD) else {
        return;
    };
    let data = Path::new(&data);
    let store = Store::open(data).unwrap();
    let draft = store.draft("s-1").unwrap();
    // Given back block by block later, so that every step runs out of space once.
    let ballast = data.join("ballast");
    fs::write(&ballast, vec![1; BALLAST]).unwrap();
    let mut kept = Vec::new();
    let refused = loop {
        let key = kept.len() as u64;
        match draft.put(key, PictureKind::Original, &whole_blocks(key)) {
            Ok(()) => kept.push(key),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::NoSpace, "{refused}");
    assert!(refused.to_string().starts_with("the disk is full"));
    assert!(kept.len() > 4, "{kept:?}");
    assert!(!draft.has(kept.len() as u64, PictureKind::Original));
    let mut rest = fs::File::create(data.join("rest")).unwrap();
    while rest.write_all(&[1; 512]).is_ok() {}

    let whole = manifest("s-1", 0, &kept);
    let mut failures = 0;
    let gallery = loop {
        match draft.commit(&whole) {
            Ok(gallery) => break gallery,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
                failures += 1;
            }
        }
        assert!(store.newest().unwrap().is_none());
        assert!(!visible(data).contains(&"s-1".to_owned()));
        for &key in &kept {
            let picture = draft.read(key, PictureKind::Original).unwrap().unwrap();
            assert_eq!(decode(&picture).0, (200, 200));
        }
        let file = fs::File::options().write(true).open(&ballast).unwrap();
        let left = file.metadata().unwrap().len().checked_sub(4096);
        file.set_len(left.expect("all of the ballast was not enough"))
            .unwrap();
    };
    // The manifest, the page and each picture's texts take a block at least.
    assert!(failures > kept.len(), "{failures}");
    check_whole(&gallery);
    assert_eq!(listed(&store), ["s-1"]);
    drop((draft, store));
    assert_eq!(listed(&Store::open(data).unwrap()), ["s-1"]);
}

/// A PNG that fills its last block, so that its texts need a new one.
fn whole_blocks(seed: u64) -> Vec<u8> {
    let mut bytes = png(200, 200, seed);
    let chunk = 12 + "Comment".len() + 1;
    let padding = 4096 - (bytes.len() + chunk) % 4096;
    annotate(&mut bytes, &[("Comment", &"x".repeat(padding))]).unwrap();
    assert_eq!(bytes.len() % 4096, 0);
    bytes
}
