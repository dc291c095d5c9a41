//! Which groups of pictures could hold a winner, by the scores of the keyframes at
//! their ends. Pure; what becomes of them is for the pipeline.

use std::{collections::VecDeque, time::Duration};

/// One group in so many is looked at in any case.
const SAMPLE: u32 = 16;
/// A group that is being decoded is soon followed by the next one.
const REMEMBERED: usize = 8;

/// Follows the keyframes of a stream and the groups between them.
///
/// A group could win where one of the keyframes at its ends, and the most by which a
/// picture ever was better than both keyframes of its group, together reach the worst
/// winner; and always while winners are fewer than the limit. Of those that could not,
/// one in sixteen is looked at all the same, to know better how far pictures rise.
#[derive(Debug, Default)]
pub(crate) struct Refine {
    keyframes: VecDeque<Keyframe>,
    /// Start of the groups that were asked for, and the better of their ends.
    asked: VecDeque<(Duration, f64)>,
    /// The most by which a picture was better than both ends of its group.
    rise: f64,
    /// Groups that were refused since the last one that was not.
    refused: u32,
}

#[derive(Clone, Copy, Debug)]
struct Keyframe {
    index: u64,
    time: Duration,
    /// None where it may not win.
    score: Option<f64>,
}

impl Refine {
    /// A connection begins: its frames are counted from 0.
    pub(crate) fn begin(&mut self) {
        self.keyframes.clear();
    }

    /// A keyframe was seen, and scored unless it may not win.
    pub(crate) fn keyframe(&mut self, index: u64, time: Duration, score: Option<f64>) {
        remember(&mut self.keyframes, Keyframe { index, time, score });
    }

    /// Whether the pictures between these keyframes are wanted. `worst`: the score of
    /// the worst winner, where there are as many as may be.
    pub(crate) fn asks_for(
        &mut self,
        keyframe: Option<u64>,
        next: Option<u64>,
        worst: Option<f64>,
    ) -> bool {
        let find = |index: Option<u64>| self.keyframes.iter().find(|k| Some(k.index) == index);
        let (Some(first), next) = (find(keyframe), find(next)) else {
            return false;
        };
        let scores = [Some(first), next].into_iter().flatten();
        // Without a score of either, as in the middle of a warm-up, nothing in it counts.
        let Some(ends) = scores.filter_map(|k| k.score).reduce(f64::max) else {
            return false;
        };
        let could_win = worst.is_none_or(|worst| ends + self.rise > worst);
        self.refused = if could_win {
            0
        } else {
            self.refused.wrapping_add(1)
        };
        let wanted = could_win || self.refused.is_multiple_of(SAMPLE);
        if wanted {
            let start = first.time;
            remember(&mut self.asked, (start, ends));
        }
        wanted
    }

    /// A picture of a group that was asked for was scored.
    pub(crate) fn picture(&mut self, time: Duration, score: f64) {
        let own = self.asked.iter().rev().find(|(start, _)| *start <= time);
        if let Some((_, ends)) = own {
            self.rise = self.rise.max(score - ends);
        }
    }
}

fn remember<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() == REMEMBERED {
        list.pop_front();
    }
    list.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn with_keyframes(scores: &[Option<f64>]) -> Refine {
        let mut refine = Refine::default();
        for ((index, time), score) in (0_u64..).zip(0_u32..).zip(scores) {
            refine.keyframe(index, time * SECOND, *score);
        }
        refine
    }

    #[test]
    fn every_group_is_wanted_while_winners_are_few() {
        let mut refine = with_keyframes(&[Some(0.1), Some(0.1)]);
        assert!(refine.asks_for(Some(0), Some(1), None));
        assert!(refine.asks_for(Some(1), None, None), "at the end");
    }

    #[test]
    fn either_end_may_promise_a_winner() {
        let mut refine = with_keyframes(&[Some(0.2), Some(0.4), Some(0.2), Some(0.2)]);
        assert!(refine.asks_for(Some(0), Some(1), Some(0.3)));
        assert!(refine.asks_for(Some(1), Some(2), Some(0.3)));
        assert!(!refine.asks_for(Some(2), Some(3), Some(0.3)));
    }

    #[test]
    fn what_pictures_rose_above_their_ends_is_granted_to_later_groups() {
        let mut refine = with_keyframes(&[Some(0.2), Some(0.2), Some(0.2)]);
        assert!(!refine.asks_for(Some(1), Some(2), Some(0.25)));
        assert!(refine.asks_for(Some(0), Some(1), None));
        refine.picture(SECOND / 2, 0.3);
        assert!(refine.asks_for(Some(1), Some(2), Some(0.25)));
        assert!(!refine.asks_for(Some(1), Some(2), Some(0.35)));
    }

    #[test]
    fn one_of_sixteen_groups_that_could_not_win_is_looked_at() {
        let mut refine = with_keyframes(&[Some(0.2), Some(0.2)]);
        let wanted = (1..=48).filter(|_| refine.asks_for(Some(0), Some(1), Some(0.9)));
        assert_eq!(wanted.collect::<Vec<_>>(), [16, 32, 48]);
    }

    #[test]
    fn a_group_whose_keyframes_may_not_win_is_not_wanted() {
        let mut refine = with_keyframes(&[None, None, Some(0.9)]);
        assert!(!refine.asks_for(Some(0), Some(1), None));
        assert!(
            refine.asks_for(Some(1), Some(2), None),
            "the end of a warm-up lies in it"
        );
        assert!(!refine.asks_for(Some(77), None, None), "one that never was");
    }
}
