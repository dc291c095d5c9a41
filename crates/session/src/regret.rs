//! What choosing online costs on real recordings: the frames that `Spread` keeps, held
//! against the rule, greedy selection by score over the whole stream. Prints the regret;
//! random sequences are in `crates/ranker/tests/it/spread.rs`.

use std::{
    cmp::Reverse,
    env, fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use bestshot_decoder::{Frames, OpenOptions, Stop};
use bestshot_ranker::{Apart, Look, Score, Scorer, Spread};

use crate::planes::picture;

/// Frames of a recording that are looked at, at the most.
const MOST: usize = 900;
const LIMIT: usize = 9;
const BESTS: [&str; 3] = ["brightness", "overall", "motion"];
/// The regret of a selection that would still be borne. Of frames in one third of a
/// `min_gap` only the best is known, so every frame is within 4/3 of a gap of a winner,
/// where there is room for winners one gap apart: at least 3/8 as many are found.
const WORST: f64 = 5.0 / 8.0;
/// The same for the mean of all.
const MEAN: f64 = 0.04;

struct Shot {
    score: Score,
    time: Duration,
    look: Look,
}

/// The clips of set-up, and those of `BESTSHOT_CLIPS` where it is set.
fn recordings() -> Vec<PathBuf> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clips");
    let made = env::var_os("BESTSHOT_TEST_CLIPS").map_or(made, PathBuf::from);
    let more = env::var_os("BESTSHOT_CLIPS").filter(|given| !given.is_empty());
    let folders = [Some(made), more.map(PathBuf::from)].into_iter().flatten();
    let entries = folders.flat_map(|folder| fs::read_dir(folder).expect("a folder of clips"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

/// Score by each of [`BESTS`], time and look of each whole frame. `None` where it is no
/// video.
fn shots(file: &Path) -> Option<[Vec<Shot>; 3]> {
    let frames = Frames::open_file(file, &OpenOptions::default().threads(0), &Stop::new()).ok()?;
    let scorer = |best: &str| Scorer::new(best.parse().expect("a blend")).looks(true);
    let mut scorers = BESTS.map(scorer);
    let mut shots = [const { Vec::new() }; 3];
    let whole = frames.filter_map(|frame| frame.ok().filter(|frame| !frame.is_corrupt()));
    for frame in whole.take(MOST) {
        let picture = picture(&frame).ok().expect("a layout that is known");
        for (shots, scorer) in shots.iter_mut().zip(&mut scorers) {
            let scored = scorer.score(&picture);
            shots.push(Shot {
                score: scored.score,
                time: frame.stream_time(),
                look: scored.look.expect("a look was asked for"),
            });
        }
    }
    (!shots[0].is_empty()).then_some(shots)
}

fn are_apart(a: &Shot, b: &Shot, apart: Apart) -> bool {
    let unlike = !apart.needs_looks() || a.look.distance(&b.look) >= apart.distinct;
    a.time.abs_diff(b.time) >= apart.min_gap && unlike
}

/// The rule itself.
fn greedy(shots: &[Shot], apart: Apart) -> Vec<usize> {
    let mut order: Vec<usize> = (0..shots.len()).collect();
    order.sort_by_key(|&at| (Reverse(shots[at].score), at));
    let mut winners: Vec<usize> = Vec::new();
    for at in order {
        let mut others = winners.iter();
        if winners.len() < LIMIT && others.all(|&o| are_apart(&shots[at], &shots[o], apart)) {
            winners.push(at);
        }
    }
    winners
}

fn online(shots: &[Shot], apart: Apart) -> Vec<usize> {
    let mut spread = Spread::new(NonZeroUsize::new(LIMIT).expect("not 0"), apart);
    for (at, shot) in shots.iter().enumerate() {
        let _ = spread.offer(shot.score, shot.time, Some(shot.look.clone()), at);
        assert!(spread.known().count() <= 2 * LIMIT + 12);
    }
    let winners: Vec<usize> = spread.iter().map(|(_, &at)| at).collect();
    for (place, &a) in winners.iter().enumerate() {
        let mut before = winners[..place].iter();
        assert!(before.all(|&b| are_apart(&shots[a], &shots[b], apart)));
    }
    winners
}

/// The lost part of the score; tells where there is any.
fn regret(shots: &[Shot], apart: Apart, setting: &str) -> f64 {
    let (rule, ours) = (greedy(shots, apart), online(shots, apart));
    if apart == Apart::default() {
        assert_eq!(rule, ours, "{setting}: nothing may differ");
    }
    let total = |winners: &[usize]| {
        winners
            .iter()
            .map(|&at| shots[at].score.value())
            .sum::<f64>()
    };
    let (ours_total, rule_total) = (total(&ours), total(&rule));
    if rule_total == 0.0 {
        return 0.0;
    }
    // The rule's is not the greatest sum that could be had: this may be below 0.
    let regret = 1.0 - ours_total / rule_total;
    if regret.abs() > 1e-9 {
        println!(
            "{setting}: {} frames, {} of {} winners, {:.2} %",
            shots.len(),
            ours.len(),
            rule.len(),
            100.0 * regret
        );
    }
    regret
}

#[test]
fn on_real_recordings_little_is_lost_by_choosing_online() {
    let settings = [
        (0.0, 0.0),
        (1.0, 0.0),
        (3.0, 0.0),
        (0.0, 0.1),
        (0.0, 0.3),
        (1.0, 0.1),
    ];
    let mut regrets = Vec::new();
    for file in recordings() {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let each = shots(&file).into_iter().flatten().zip(BESTS);
        for (shots, best) in each {
            for (min_gap, distinct) in settings {
                let min_gap = Duration::from_secs_f64(min_gap);
                let setting = format!("{name:32} {best:10} {min_gap:?} {distinct}");
                regrets.push(regret(&shots, Apart { min_gap, distinct }, &setting));
            }
        }
    }
    let worst = regrets.iter().copied().fold(0.0, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "a count of recordings")]
    let mean = regrets.iter().sum::<f64>() / regrets.len() as f64;
    println!(
        "{} selections: mean regret {:.3} %, worst {:.2} %",
        regrets.len(),
        100.0 * mean,
        100.0 * worst
    );
    assert!(worst <= WORST && mean <= MEAN, "{worst} {mean}");
}
