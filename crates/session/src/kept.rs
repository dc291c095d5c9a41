//! Which pictures the sink holds, and whose winners' they are, so that a worker
//! that ends badly still leaves as many frames as it had found. Pure.

use std::collections::{HashMap, HashSet};

use bestshot_gallery::manifest::Winner;

/// A winner's pictures come a second or more after the winner itself. Until then
/// those of the frame that it overtook are kept.
pub(crate) struct Kept {
    limit: usize,
    /// Keys of which the sink holds pictures.
    put: HashSet<u64>,
    known: HashMap<u64, Winner>,
}

impl Kept {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            put: HashSet::new(),
            known: HashMap::new(),
        }
    }

    pub(crate) fn put(&mut self, key: u64) {
        self.put.insert(key);
    }

    /// Takes note of new winners; returns the keys whose pictures can go.
    pub(crate) fn winners(&mut self, winners: &[Winner]) -> Vec<u64> {
        let now: HashSet<u64> = winners.iter().map(|w| w.key).collect();
        self.known
            .extend(winners.iter().map(|w| (w.key, w.clone())));
        let covered = now.is_subset(&self.put);
        let mut spare: Vec<(u64, f64)> = self
            .known
            .values()
            .filter(|w| !covered && !now.contains(&w.key) && self.put.contains(&w.key))
            .map(|w| (w.key, w.score))
            .collect();
        spare.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        spare.truncate(self.limit);
        let wanted: HashSet<u64> = spare.iter().map(|(key, _)| *key).chain(now).collect();
        let gone = self.put.difference(&wanted).copied().collect();
        self.put.retain(|key| wanted.contains(key));
        self.known.retain(|key, _| wanted.contains(key));
        gone
    }

    /// The best frames of which there are pictures, best first.
    pub(crate) fn saved(&self) -> Vec<Winner> {
        let there = |winner: &&Winner| self.put.contains(&winner.key);
        let mut saved: Vec<Winner> = self.known.values().filter(there).cloned().collect();
        saved.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        saved.truncate(self.limit);
        saved
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn winner(key: u64, score: f64) -> Winner {
        Winner {
            key,
            score,
            scores: BTreeMap::new(),
            index: key,
            stream_time: 0.0,
            captured_at: String::new(),
            clock: "receive".to_owned(),
            keyframe: false,
            width: 1,
            height: 1,
        }
    }

    fn keys(winners: &[Winner]) -> Vec<u64> {
        winners.iter().map(|w| w.key).collect()
    }

    #[test]
    fn an_overtaken_picture_stays_until_its_successors_is_there() {
        let mut kept = Kept::new(2);
        assert!(kept.winners(&[winner(1, 0.2), winner(0, 0.1)]).is_empty());
        kept.put(0);
        kept.put(1);
        let next = [winner(2, 0.3), winner(1, 0.2)];
        assert!(kept.winners(&next).is_empty());
        assert_eq!(
            keys(&kept.saved()),
            [1, 0],
            "a crash now costs the newest frame only"
        );
        kept.put(2);
        assert_eq!(kept.winners(&next), [0]);
        assert_eq!(keys(&kept.saved()), [2, 1]);
    }

    #[test]
    fn a_stream_that_grows_brighter_for_ever_keeps_a_bounded_number() {
        let mut kept = Kept::new(2);
        for key in 0_u32..1_000 {
            let score = f64::from(key);
            kept.winners(&[
                winner(u64::from(key) + 1, score + 1.0),
                winner(u64::from(key), score),
            ]);
            kept.put(u64::from(key));
        }
        assert!(kept.put.len() <= 4 && kept.known.len() <= 4);
        assert_eq!(keys(&kept.saved()), [999, 998]);
    }
}
