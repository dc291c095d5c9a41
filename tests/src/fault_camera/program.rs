//! What a camera plays: clips one after another, over and over, each picture
//! with its number and its times. Pure.

use std::sync::Arc;

use crate::fault_camera::{
    annexb::Codec,
    clip::{Clip, TICKS, Unit},
};

/// One or more clips of one codec as an endless sequence of pictures.
#[derive(Clone, Debug)]
pub struct Program {
    clips: Vec<Arc<Clip>>,
    places: Vec<Place>,
    length: u64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    clip: usize,
    unit: usize,
    /// Where its clip begins, in ticks.
    begins: u64,
}

/// A picture that is due.
#[derive(Clone, Copy, Debug)]
pub struct Due<'a> {
    /// The picture.
    pub unit: &'a Unit,
    /// How many come before it, in all passes.
    pub number: u64,
    /// When it is due, in ticks of 1/90000 s from the first of the first pass.
    pub decode: u64,
    /// When it is shown, in the same ticks.
    pub present: u64,
}

impl Program {
    /// Plays these clips in this order.
    ///
    /// # Panics
    /// Without a clip, and with clips of two codecs.
    pub fn of(clips: &[Arc<Clip>]) -> Self {
        let codec = clips.first().expect("a program has a clip").codec;
        let mut places = Vec::new();
        let mut begins = 0;
        for (number, clip) in clips.iter().enumerate() {
            assert_eq!(clip.codec, codec, "a program has one codec");
            places.extend((0..clip.units.len()).map(|unit| Place {
                clip: number,
                unit,
                begins,
            }));
            begins += clip.length;
        }
        Self {
            clips: clips.to_vec(),
            places,
            length: begins,
        }
    }

    /// How its pictures are coded.
    pub fn codec(&self) -> Codec {
        self.clips[0].codec
    }

    /// The clip that is described to readers.
    pub(crate) fn first(&self) -> &Clip {
        &self.clips[0]
    }

    /// Pictures in one pass.
    pub fn count(&self) -> u64 {
        self.places.len() as u64
    }

    /// How long one pass takes, in ticks of 1/90000 s.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Pictures a second, on average.
    pub(crate) fn rate(&self) -> f64 {
        float(self.count()) * f64::from(TICKS) / float(self.length)
    }

    /// The picture of this number.
    pub fn due(&self, number: u64) -> Due<'_> {
        let pass = number / self.count();
        let within = usize::try_from(number % self.count()).expect("an index");
        let place = self.places[within];
        let unit = &self.clips[place.clip].units[place.unit];
        let begins = pass * self.length + place.begins;
        Due {
            unit,
            number,
            decode: begins + unit.decode,
            present: begins + unit.present,
        }
    }

    /// The first picture that is due at this tick or later.
    pub(crate) fn number_at(&self, tick: u64) -> u64 {
        let mut number = tick / self.length * self.count();
        while self.due(number).decode < tick {
            number += 1;
        }
        number
    }

    /// The place within a pass, in the order of showing, of the picture that is
    /// shown nearest to this tick.
    pub(crate) fn shown_at(&self, tick: u64) -> usize {
        let mut shown: Vec<u64> = (0..self.count()).map(|n| self.due(n).present).collect();
        shown.sort_unstable();
        // The last ones of a pass are shown when the next one has begun, where pictures
        // are decoded in another order.
        let apart = |present: u64| {
            let there = (present + self.length - tick % self.length) % self.length;
            there.min(self.length - there)
        };
        let nearest = shown.iter().enumerate();
        let nearest = nearest.min_by_key(|(_, present)| apart(**present));
        nearest.expect("a program has pictures").0
    }
}

/// Counts of ticks and pictures stay far below 2^53, up to which doubles are
/// exact.
#[expect(clippy::cast_precision_loss, reason = "checked")]
pub(crate) fn float(whole: u64) -> f64 {
    assert!(whole < 1 << 53);
    whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(count: u64) -> Arc<Clip> {
        let unit = |n: u64| Unit {
            nals: vec![vec![0x41, 0x80]],
            keyframe: n == 0,
            decode: n * 9_000,
            present: n * 9_000,
        };
        Arc::new(Clip {
            codec: Codec::H264,
            units: (0..count).map(unit).collect(),
            length: count * 9_000,
        })
    }

    #[test]
    fn clips_follow_each_other_and_begin_again() {
        let program = Program::of(&[clip(3), clip(2)]);
        assert_eq!((program.count(), program.length()), (5, 45_000));
        let times: Vec<u64> = (0..7).map(|n| program.due(n).decode / 9_000).collect();
        assert_eq!(times, [0, 1, 2, 3, 4, 5, 6]);
        assert!(program.due(3).unit.keyframe && program.due(5).unit.keyframe);
        assert_eq!(program.number_at(45_001), 6);
        assert_eq!(program.shown_at(45_000 + 17_000), 2);
        assert_eq!(program.shown_at(45_000 - 1), 0);
        assert_eq!(program.shown_at(45_000 - 5_000), 4);
        assert!((program.rate() - 10.0).abs() < 1e-9);
    }
}
