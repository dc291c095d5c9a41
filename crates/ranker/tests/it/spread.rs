//! Winners that are apart: what is chosen online, in bounded memory, against the
//! rule, greedy selection by score over the whole stream. Prints what is lost.

use std::cmp::Reverse;
use std::num::NonZeroUsize;
use std::time::Duration;

use bestshot_ranker::{Apart, Best, Look, Score, Spread};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Shot {
    score: Score,
    time: Duration,
    look: Look,
}

/// The rule itself.
fn greedy(shots: &[Shot], limit: usize, apart: Apart) -> Vec<usize> {
    let mut order: Vec<usize> = (0..shots.len()).collect();
    order.sort_by_key(|&at| (Reverse(shots[at].score), at));
    let mut winners: Vec<usize> = Vec::new();
    for at in order {
        let far = winners
            .iter()
            .all(|&other| are_apart(&shots[at], &shots[other], apart));
        if far && winners.len() < limit {
            winners.push(at);
        }
    }
    winners
}

fn are_apart(a: &Shot, b: &Shot, apart: Apart) -> bool {
    let unlike = !apart.needs_looks() || a.look.distance(&b.look) >= apart.distinct;
    a.time.abs_diff(b.time) >= apart.min_gap && unlike
}

/// The winners; checks on the way what must hold after each offer.
fn online(shots: &[Shot], limit: usize, apart: Apart) -> Vec<usize> {
    let mut spread = Spread::new(NonZeroUsize::new(limit).expect("not 0"), apart);
    let mut known = 0_usize;
    for (at, shot) in shots.iter().enumerate() {
        let would_keep = spread.would_keep(shot.score, shot.time, Some(&shot.look));
        let (revision, before) = (spread.revision(), winners(&spread));
        let out = spread.offer(shot.score, shot.time, Some(shot.look.clone()), at);
        assert!(
            would_keep || out == Some(at),
            "it said that {at} could not be kept"
        );
        known = known + 1 - usize::from(out.is_some());
        assert_eq!(spread.known().count(), known);
        assert!(known <= 2 * limit + 12);
        let now = winners(&spread);
        assert_eq!(spread.revision() > revision, now != before);
        assert!(now.len() <= limit && now.len() == spread.len());
        assert!(now.is_sorted_by_key(|&at| (Reverse(shots[at].score), at)));
        for (place, &a) in now.iter().enumerate() {
            assert!(
                now[..place]
                    .iter()
                    .all(|&b| are_apart(&shots[a], &shots[b], apart))
            );
        }
    }
    winners(&spread)
}

fn winners(spread: &Spread<usize>) -> Vec<usize> {
    spread.iter().map(|(_, &at)| at).collect()
}

fn total(shots: &[Shot], winners: &[usize]) -> f64 {
    winners.iter().map(|&at| shots[at].score.value()).sum()
}

fn look(colour: [f32; 3]) -> Look {
    Look::new([colour; 64])
}

/// How scores go on.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Each by itself.
    Noise,
    /// A little up or down.
    Walk,
    /// Ever better: a sunrise.
    Rise,
    /// Few values, so that ties are common.
    Ties,
    /// Views that alternate, each with a level of its own.
    Views,
}

fn shots(kind: Kind, random: &[u32]) -> Vec<Shot> {
    let (mut level, mut hue) = (0.5_f64, 0.3_f32);
    let unit = |word: u32| f64::from(word % 10_007) / 10_006.0;
    let each = random.iter().enumerate().map(|(at, &word)| {
        let at = u32::try_from(at).expect("few");
        let (a, b) = (unit(word), unit(word.rotate_left(13)));
        #[expect(clippy::cast_possible_truncation, reason = "a colour")]
        let step = (b - 0.5) as f32 * 0.06;
        hue = (hue + step).clamp(0.0, 1.0);
        let (score, colour) = match kind {
            Kind::Noise => (a, [hue, 0.0, 0.1]),
            Kind::Walk => {
                level = (level + (a - 0.5) * 0.05).clamp(0.0, 1.0);
                (level, [hue, hue - 0.5, 0.0])
            }
            Kind::Rise => (
                f64::from(at) / 4000.0 + a * 1e-3,
                [0.2 + hue / 4.0, 0.0, 0.0],
            ),
            Kind::Ties => ((a * 4.0).round() / 4.0, [hue, 0.2, -0.2]),
            Kind::Views => {
                let view = (at / 40) % 5;
                let base = f64::from(view) * 0.15 + a * 0.2;
                #[expect(clippy::cast_precision_loss, reason = "below 5")]
                let shade = view as f32 / 5.0;
                (base, [shade, hue / 10.0, 0.5 - shade])
            }
        };
        Shot {
            score: Score::clamped(score),
            time: Duration::from_millis(u64::from(at) * 40),
            look: look(colour),
        }
    });
    each.collect()
}

const KINDS: [Kind; 5] = [Kind::Noise, Kind::Walk, Kind::Rise, Kind::Ties, Kind::Views];

fn apart(min_gap: f64, distinct: f64) -> Apart {
    Apart {
        min_gap: Duration::from_secs_f64(min_gap),
        distinct,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn winners_are_apart_sorted_and_never_more_than_asked_for(
        kind in prop::sample::select(&KINDS[..]),
        random in vec(any::<u32>(), 0..300),
        limit in 1_usize..12,
        min_gap in prop::sample::select(&[0.0, 0.05, 0.5, 3.0][..]),
        distinct in prop::sample::select(&[0.0, 0.1, 0.3, 1.0][..]),
    ) {
        let shots = shots(kind, &random);
        let apart = apart(min_gap, distinct);
        let got = online(&shots, limit, apart);
        prop_assert_eq!(got.is_empty(), shots.is_empty());
        // The best of all frames always wins.
        let best = greedy(&shots, 1, apart);
        prop_assert_eq!(got.first(), best.first());
    }

    #[test]
    fn without_distances_it_is_the_best(
        kind in prop::sample::select(&KINDS[..]),
        random in vec(any::<u32>(), 0..300),
        limit in 1_usize..30,
    ) {
        let shots = shots(kind, &random);
        let mut best = Best::new(NonZeroUsize::new(limit).expect("not 0"));
        for (at, shot) in shots.iter().enumerate() {
            let _ = best.offer(shot.score, at);
        }
        let expected: Vec<usize> = best.iter().map(|(_, &at)| at).collect();
        prop_assert_eq!(online(&shots, limit, Apart::default()), expected);
    }

    #[test]
    fn the_rule_is_kept_exactly_while_everything_is_known(
        random in vec(any::<u32>(), 0..30),
        limit in 9_usize..12,
        min_gap in prop::sample::select(&[0.0, 0.05, 0.12, 0.7][..]),
    ) {
        // At most 30 frames, and no two in a slot: 40 ms apart, slots of at most 40 ms.
        let mut shots = shots(Kind::Noise, &random);
        for shot in &mut shots {
            shot.time *= if min_gap > 0.2 { 7 } else { 1 };
        }
        let apart = apart(min_gap, 0.0);
        prop_assert_eq!(online(&shots, limit, apart), greedy(&shots, limit, apart));
    }
}

/// Two minutes of each kind at 25 frames a second.
#[test]
fn less_than_three_percent_of_the_score_is_lost_on_average() {
    let mut worst = 0.0_f64;
    let (mut sum, mut count) = (0.0, 0.0);
    println!("kind, min_gap, distinct: mean and greatest part of the score that is lost");
    for kind in KINDS {
        for (min_gap, distinct) in [(1.0, 0.0), (5.0, 0.0), (0.0, 0.1), (0.0, 0.3), (2.0, 0.2)] {
            let apart = apart(min_gap, distinct);
            let (mut lost_here, mut worst_here) = (0.0, 0.0_f64);
            for seed in 0..8_u32 {
                let mut word = seed.wrapping_mul(0x9e37_79b9) | 1;
                let random: Vec<u32> = std::iter::repeat_with(|| {
                    word ^= word << 13;
                    word ^= word >> 17;
                    word ^= word << 5;
                    word
                })
                .take(3000)
                .collect();
                let shots = shots(kind, &random);
                let rule = total(&shots, &greedy(&shots, 9, apart));
                let lost = 1.0 - total(&shots, &online(&shots, 9, apart)) / rule;
                lost_here += lost / 8.0;
                worst_here = worst_here.max(lost);
            }
            println!("{kind:?}, {min_gap} s, {distinct}: {lost_here:.4}, {worst_here:.4}");
            sum += lost_here;
            count += 1.0;
            worst = worst.max(worst_here);
        }
    }
    println!("mean {:.4}, greatest {worst:.4}", sum / count);
    assert!(sum / count <= 0.03, "{}", sum / count);
}
