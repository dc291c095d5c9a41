//! A process killed at any moment leaves whole galleries or none. Fifty kills
//! ordinarily, a thousand where `BESTSHOT_NIGHTLY` is set.

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use bestshot_gallery::Store;

use crate::support::{check_whole, listed, save, visible};

const CHILD: &str = "BESTSHOT_TEST_SAVES_INTO";
const ROUND: &str = "BESTSHOT_TEST_ROUND";
/// One gallery takes some milliseconds, so a kill hits every step of one.
const LATEST_KILL_MICROS: u64 = 80_000;

#[test]
fn a_gallery_is_whole_or_absent() {
    let kills = if env::var_os("BESTSHOT_NIGHTLY").is_some() {
        1000
    } else {
        50
    };
    let data = tempfile::tempdir().unwrap();
    let mut random: u64 = 0x5EED;
    let mut known = BTreeSet::new();
    let mut promised = BTreeSet::new();
    let mut interrupted = 0;
    for round in 0..kills {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let after = Duration::from_micros(random % LATEST_KILL_MICROS);
        let (saved, deleting) = saved_until_killed(data.path(), round, after);
        promised.extend(saved);
        promised.retain(|id| !deleting.contains(id));

        interrupted += usize::from(
            visible(data.path())
                .iter()
                .any(|name| name.starts_with('.')),
        );
        let store = Store::open(data.path()).unwrap();
        let found: BTreeSet<String> = listed(&store).into_iter().collect();
        // Whatever is visible is listed, and nothing half done is left.
        assert_eq!(
            visible(data.path()),
            found.iter().cloned().collect::<Vec<_>>()
        );
        for id in &promised {
            assert!(
                found.contains(id),
                "{id} was saved but is gone (round {round})"
            );
        }
        for id in found.difference(&known) {
            check_whole(&store.get(id).unwrap().unwrap());
        }
        known = found;
    }
    // Otherwise the kills came at moments that prove nothing.
    assert!(interrupted > 0 && !known.is_empty());
    let store = Store::open(data.path()).unwrap();
    for id in known {
        check_whole(&store.get(&id).unwrap().unwrap());
    }
}

/// Lets a child save and delete galleries for `after`, kills it, and returns
/// the ids that it said were saved, and those that it may have deleted.
fn saved_until_killed(data: &Path, round: u64, after: Duration) -> (Vec<String>, Vec<String>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed::saves_until_killed", "--nocapture"])
        .env(CHILD, data)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(lines.any(|line| line == "ready"), "the child did not start");
    // No event to wait for: the moment of the kill is what the test is about.
    thread::sleep(after);
    child.kill().unwrap();
    let ended = child.wait().unwrap();
    assert_eq!(ended.code(), None, "the child ended by itself");
    let (mut saved, mut deleting) = (Vec::new(), Vec::new());
    for line in lines {
        // The last line may be cut off; an id always ends with a full stop.
        if let Some(id) = line
            .strip_prefix("saved ")
            .and_then(|id| id.strip_suffix('.'))
        {
            saved.push(id.to_owned());
        } else if let Some(id) = line
            .strip_prefix("deleting ")
            .and_then(|id| id.strip_suffix('.'))
        {
            deleting.push(id.to_owned());
        }
    }
    (saved, deleting)
}

/// What the child runs; without the environment variable there is nothing to do.
#[test]
fn saves_until_killed() {
    let Some(data) = env::var_os(CHILD) else {
        return;
    };
    let round = env::var(ROUND).unwrap();
    let store = Store::open(data).unwrap();
    let mut out = std::io::stdout();
    let mut say = |line: String| {
        out.write_all(line.as_bytes())
            .and_then(|()| out.flush())
            .unwrap();
    };
    say("\nready\n".to_owned());
    for number in 0.. {
        let id = format!("s-{round}-{number}");
        save(&store, &id, number, &[number, number + 1, number + 2]);
        say(format!("saved {id}.\n"));
        if number % 3 == 1 {
            say(format!("deleting {id}.\n"));
            assert!(store.delete(&id).unwrap());
        }
    }
}
