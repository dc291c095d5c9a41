//! The best few of a stream that are apart: in time, in looks, or both. Knows
//! scores, times and looks, and nothing of planes.

use std::cmp::Reverse;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::look::Look;
use crate::score::Score;

/// Slots of time in one `min_gap`. With more, the places do not suffice for a stream
/// that grows ever better, whose winners move on together (`tests/it/spread.rs`).
const SLOTS: u32 = 3;
/// Places for frames that are no winners now, besides one for each winner.
const RESERVE: usize = 12;

/// How far apart winners must be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Apart {
    /// Least time between two.
    pub min_gap: Duration,
    /// Least [distance](Look::distance) between their looks, in [0, 1].
    pub distinct: f64,
}

impl Apart {
    fn is_asked_for(self) -> bool {
        !self.min_gap.is_zero() || self.needs_looks()
    }

    /// Whether looks are to be told.
    pub fn needs_looks(self) -> bool {
        self.distinct > 0.0
    }
}

/// Keeps the `limit` best frames of a stream of which no two are nearer than asked.
///
/// **The rule** is greedy selection by score over the whole stream: frames are
/// taken from the best down (of equal scores the earlier first), each one that is at
/// least `min_gap` and `distinct` away from all that are taken already, until there
/// are `limit`. Fewer are a fact, and nothing is put in their place.
///
/// **Online**, not every frame of the past can be kept, so the result may differ from
/// the rule, in these ways only:
///
/// 1. Of frames that are kin only the best is known: those in the same third of a
///    `min_gap` (counted from time 0) that also look alike: within `distinct`/2 of
///    the first of them, within `distinct`/4 where there is no `min_gap`. A worse one
///    that would be far enough from a winner where the best is not is lost.
/// 2. At most `2·limit + 12` frames are known. Those are forgotten first that could
///    win only if the winners fell, and those who came in their place, and so on.
///
/// With neither `min_gap` nor `distinct` nothing differs: it is [`Best`](crate::Best).
/// What is lost in practice (the regret) is printed by `tests/it/spread.rs`.
#[derive(Clone, Debug)]
pub struct Spread<T> {
    limit: NonZeroUsize,
    apart: Apart,
    pool: Vec<Entry<T>>,
    /// Places in the pool of the winners, best first.
    winners: Vec<usize>,
    offers: u64,
    revision: u64,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    place: Place,
    /// Where the first frame of its kind was: fixed, so that a view that changes
    /// slowly does not take its own past along.
    slot: u128,
    founder: Option<Look>,
    item: T,
}

/// What one frame is compared by.
#[derive(Clone, Debug)]
struct Place {
    score: Score,
    order: u64,
    time: Duration,
    look: Option<Look>,
}

impl<T> Spread<T> {
    /// An empty list with `limit` places.
    pub const fn new(limit: NonZeroUsize, apart: Apart) -> Self {
        Self {
            limit,
            apart,
            pool: Vec::new(),
            winners: Vec::new(),
            offers: 0,
            revision: 0,
        }
    }

    /// Offers the stream's next frame, taken at `time`; `look` where looks count.
    /// Returns what is not known any more: perhaps the frame itself, perhaps another.
    pub fn offer(
        &mut self,
        score: Score,
        time: Duration,
        look: Option<Look>,
        item: T,
    ) -> Option<T> {
        let order = self.offers;
        self.offers += 1;
        if !self.has_room_for(score) {
            return Some(item);
        }
        let slot = self.slot(time);
        let place = Place {
            score,
            order,
            time,
            look,
        };
        if let Some(at) = self.kin(slot, place.look.as_ref()) {
            if self.pool[at].place.score >= score {
                return Some(item);
            }
            let before = self.orders();
            let entry = &mut self.pool[at];
            entry.place = place;
            let out = std::mem::replace(&mut entry.item, item);
            self.choose(&before);
            return Some(out);
        }
        let before = self.orders();
        let founder = place.look.clone();
        self.pool.push(Entry {
            place,
            slot,
            founder,
            item,
        });
        self.choose(&before);
        let out = (self.pool.len() > self.capacity())
            .then(|| self.least())
            .flatten();
        out.map(|out| self.remove(out))
    }

    /// Whether a frame that is offered next could become known: lets the caller skip
    /// costly work for one that could not. Never wrong when it says no.
    pub fn would_keep(&self, score: Score, time: Duration, look: Option<&Look>) -> bool {
        let better = |at: usize| score > self.pool[at].place.score;
        self.has_room_for(score) && self.kin(self.slot(time), look).is_none_or(better)
    }

    /// The winners, best first. A winner's rank is its position, from 0.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Score, &T)> + DoubleEndedIterator {
        self.winners
            .iter()
            .map(|&at| (self.pool[at].place.score, &self.pool[at].item))
    }

    /// All that is known: the winners and those that may still become some.
    pub fn known(&self) -> impl Iterator<Item = &T> {
        self.pool.iter().map(|entry| &entry.item)
    }

    /// Grows with every change of the winners, and only then.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// How many winners there are.
    pub const fn len(&self) -> usize {
        self.winners.len()
    }

    /// Whether nothing has won yet.
    pub const fn is_empty(&self) -> bool {
        self.winners.is_empty()
    }

    fn capacity(&self) -> usize {
        let limit = self.limit.get();
        if self.apart.is_asked_for() {
            limit.saturating_mul(2).saturating_add(RESERVE)
        } else {
            limit
        }
    }

    /// Where frames need not be apart, one that is worse than all is of no use.
    fn has_room_for(&self, score: Score) -> bool {
        let full = self.winners.len() >= self.limit.get();
        let worst = self.winners.last().map(|&at| self.pool[at].place.score);
        self.apart.is_asked_for() || !full || worst.is_none_or(|worst| score > worst)
    }

    fn slot(&self, time: Duration) -> u128 {
        let width = (self.apart.min_gap / SLOTS).as_nanos();
        time.as_nanos().checked_div(width).unwrap_or(0)
    }

    /// The known frame of the same slot and look.
    fn kin(&self, slot: u128, look: Option<&Look>) -> Option<usize> {
        if !self.apart.is_asked_for() {
            return None;
        }
        // Where slots of time divide the looks as well, there would be too many kinds.
        let part = if self.apart.min_gap.is_zero() {
            4.0
        } else {
            2.0
        };
        let kinship = self.apart.distinct / part;
        let alike = |entry: &Entry<T>| match (look, &entry.founder) {
            (Some(look), Some(founder)) if self.apart.needs_looks() => {
                let distance = look.distance(founder);
                (distance < kinship).then_some(distance)
            }
            _ => Some(0.0),
        };
        let kin = self
            .pool
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.slot == slot);
        let near = kin.filter_map(|(at, entry)| Some((at, alike(entry)?)));
        near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
    }

    fn are_apart(&self, a: &Place, b: &Place) -> bool {
        let far = a.time.abs_diff(b.time) >= self.apart.min_gap;
        let unlike = match (&a.look, &b.look) {
            (Some(a), Some(b)) if self.apart.needs_looks() => a.distance(b) >= self.apart.distinct,
            _ => true,
        };
        far && unlike
    }

    fn orders(&self) -> Vec<u64> {
        self.winners
            .iter()
            .map(|&at| self.pool[at].place.order)
            .collect()
    }

    /// The rule, among what is known. `before`: who won until now.
    fn choose(&mut self, before: &[u64]) {
        self.winners = self.greedy(self.by_score());
        self.revision += u64::from(self.orders() != before);
    }

    fn by_score(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.pool.len()).collect();
        order.sort_by_key(|&at| {
            let place = &self.pool[at].place;
            (Reverse(place.score), place.order)
        });
        order
    }

    fn greedy(&self, from_the_best: Vec<usize>) -> Vec<usize> {
        let mut taken: Vec<usize> = Vec::new();
        for at in from_the_best {
            if taken.len() >= self.limit.get() {
                break;
            }
            let place = &self.pool[at].place;
            if taken
                .iter()
                .all(|&other| self.are_apart(place, &self.pool[other].place))
            {
                taken.push(at);
            }
        }
        taken
    }

    /// The frame to forget. Those that would win without the winners are more use
    /// than those that would win without these as well, and so on: the worst of the
    /// last.
    fn least(&self) -> Option<usize> {
        let mut left = self.by_score();
        loop {
            let layer = self.greedy(left.clone());
            let last = *layer.last()?;
            left.retain(|at| !layer.contains(at));
            if left.is_empty() {
                return Some(last);
            }
        }
    }

    fn remove(&mut self, at: usize) -> T {
        let last = self.pool.len() - 1;
        for winner in &mut self.winners {
            if *winner == last {
                *winner = at;
            }
        }
        self.pool.swap_remove(at).item
    }
}
