//! The best few of a stream of scored things, whatever they are. Knows
//! scores and nothing of planes.

use std::num::NonZeroUsize;

use crate::score::Score;

/// Keeps the `limit` best of all items offered so far.
///
/// Offers come in stream order; of equal scores, the earlier offer is the
/// better one. What is kept after any number of offers is therefore what a
/// stable sort of all of them, best first, would begin with.
///
/// An offer costs O(limit) moves of small entries, less than a microsecond at
/// the 100 that users may ask for.
#[derive(Clone, Debug)]
pub struct Best<T> {
    limit: NonZeroUsize,
    /// Best first; of equal scores the earlier first.
    kept: Vec<(Score, T)>,
    revision: u64,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the rejected or evicted item is handed back here"]
pub enum Offer<T> {
    /// Not among the best: the item is handed back.
    Rejected(T),
    /// Now among the best.
    Kept {
        /// The item that had to make room, if all places were taken.
        evicted: Option<T>,
    },
}

impl<T> Best<T> {
    /// An empty list with `limit` places.
    pub const fn new(limit: NonZeroUsize) -> Self {
        Self {
            limit,
            kept: Vec::new(),
            revision: 0,
        }
    }

    /// Offers the stream's next item.
    pub fn offer(&mut self, score: Score, item: T) -> Offer<T> {
        if !self.would_keep(score) {
            return Offer::Rejected(item);
        }
        let evicted = if self.is_full() {
            self.kept.pop().map(|(_, evicted)| evicted)
        } else {
            None
        };
        let place = self.kept.partition_point(|&(kept, _)| kept >= score);
        self.kept.insert(place, (score, item));
        self.revision += 1;
        Offer::Kept { evicted }
    }

    /// Whether an item of this score, offered next, would be kept: lets the
    /// caller skip costly work for an item that would not.
    pub fn would_keep(&self, score: Score) -> bool {
        !self.is_full() || self.kept.last().is_none_or(|&(worst, _)| score > worst)
    }

    /// The kept items, best first. An item's rank is its position, from 0.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Score, &T)> + DoubleEndedIterator {
        self.kept.iter().map(|(score, item)| (*score, item))
    }

    /// The kept items, best first.
    pub fn into_sorted(self) -> Vec<(Score, T)> {
        self.kept
    }

    /// Grows with every change of what is kept, and only then.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// How many items are kept.
    pub const fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether nothing has been kept yet.
    pub const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many items can be kept.
    pub const fn limit(&self) -> NonZeroUsize {
        self.limit
    }

    const fn is_full(&self) -> bool {
        self.kept.len() >= self.limit.get()
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::*;

    use super::*;

    fn best<T>(limit: usize) -> Best<T> {
        Best::new(NonZeroUsize::new(limit).unwrap())
    }

    fn score(hundredths: u64) -> Score {
        Score::ratio(hundredths, 100)
    }

    #[test]
    fn equal_scores_go_to_the_earlier_frame() {
        let mut best = best(2);
        assert_eq!(best.offer(score(5), "first"), Offer::Kept { evicted: None });
        assert_eq!(
            best.offer(score(5), "second"),
            Offer::Kept { evicted: None }
        );
        assert!(!best.would_keep(score(5)));
        assert_eq!(best.offer(score(5), "third"), Offer::Rejected("third"));
        assert_eq!(
            best.offer(score(6), "better"),
            Offer::Kept {
                evicted: Some("second")
            }
        );
        assert_eq!(
            best.into_sorted(),
            [(score(6), "better"), (score(5), "first")]
        );
    }

    #[test]
    fn one_place_goes_to_the_single_best() {
        let mut best = best(1);
        assert!(best.is_empty() && best.would_keep(Score::MIN));
        assert_eq!(best.offer(score(1), 'a'), Offer::Kept { evicted: None });
        assert_eq!(best.offer(score(0), 'b'), Offer::Rejected('b'));
        assert_eq!(
            best.offer(score(2), 'c'),
            Offer::Kept { evicted: Some('a') }
        );
        assert_eq!((best.len(), best.limit().get()), (1, 1));
    }

    #[test]
    fn a_huge_limit_costs_nothing_until_it_is_used() {
        let mut best = best(usize::MAX);
        assert_eq!(best.offer(score(1), ()), Offer::Kept { evicted: None });
        assert_eq!(best.len(), 1);
    }

    #[test]
    fn items_need_no_traits() {
        struct Opaque;
        let mut best = best(1);
        assert!(matches!(
            best.offer(score(1), Opaque),
            Offer::Kept { evicted: None }
        ));
        assert!(matches!(
            best.offer(score(1), Opaque),
            Offer::Rejected(Opaque)
        ));
    }

    proptest! {
        // Few different scores, so that ties are common.
        #[test]
        fn what_is_kept_is_the_head_of_a_stable_sort(
            offers in prop::collection::vec(0_u64..8, 0..200),
            limit in 1_usize..30,
        ) {
            let mut best = best(limit);
            let mut out = Vec::new();
            for (index, &offered) in offers.iter().enumerate() {
                let (revision, would_keep) = (best.revision(), best.would_keep(score(offered)));
                let kept = match best.offer(score(offered), index) {
                    Offer::Rejected(item) => {
                        prop_assert_eq!(item, index);
                        out.push(item);
                        false
                    }
                    Offer::Kept { evicted } => {
                        out.extend(evicted);
                        true
                    }
                };
                prop_assert_eq!(kept, would_keep);
                prop_assert_eq!(best.revision() > revision, kept);
            }

            let mut sorted: Vec<_> = offers.iter().map(|&n| score(n)).zip(0..).collect();
            sorted.sort_by_key(|&(score, _)| Reverse(score));
            let lost = sorted.split_off(limit.min(sorted.len()));
            prop_assert!(best.iter().map(|(score, &item)| (score, item)).eq(sorted.iter().copied()));
            prop_assert_eq!(best.into_sorted(), sorted);
            // Every item comes back exactly once.
            let mut lost: Vec<usize> = lost.into_iter().map(|(_, index)| index).collect();
            lost.sort_unstable();
            out.sort_unstable();
            prop_assert_eq!(out, lost);
        }
    }
}
