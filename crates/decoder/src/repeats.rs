//! RTP packets that came twice. libav 5.1 hands both copies on: a repeated
//! fragment stands twice in its picture, a repeated first fragment begins the
//! picture a second time, and decoders of H.265 show the rubble without a word.
//! What stands there twice can be seen, and is taken out here. Pure; reads bytes
//! that a camera wrote.

use crate::nal::{self, Syntax};

/// Shorter fragments are not looked for. A line's packets are filled; only the last
/// fragment is short, and what follows the end of a picture is not decoded.
const SHORTEST: usize = 512;
/// A packet of RTP cannot be longer.
const LONGEST: usize = 1 << 16;
/// Where a byte ends in these five bits, the eight that begin there are remembered, to
/// be met again: about one place in 32, the same ones in both copies. Of a run as
/// short as [`SHORTEST`] one in ten million has no such place.
const MARK: u64 = 0b10101;
const MARK_BITS: u64 = 0b11111;
const EACH_BYTE: u64 = u64::from_ne_bytes([1; 8]);
const SLOT_BITS: u32 = 12;
/// How far back from where a run is met it is looked for: many places, as the first
/// ones may have been forgotten for others.
const BACK: usize = 512;

/// What an access unit is to the one before it, of the same time stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Succession {
    /// A picture of its own.
    New,
    /// The same picture again.
    Copy,
    /// The same picture, of which the one before is only the beginning.
    Completion,
}

/// Compares the slices of two access units (see [`nal::slices`]).
pub(crate) fn succession(before: &[u8], slices: &[u8]) -> Succession {
    let (before, slices) = (trimmed(before), trimmed(slices));
    if before.is_empty() || !slices.starts_with(before) {
        Succession::New
    } else if before.len() == slices.len() {
        Succession::Copy
    } else {
        Succession::Completion
    }
}

/// The access unit without what stands in it twice in a row; `None` where nothing
/// does.
pub(crate) fn without_repeats(syntax: Option<Syntax>, data: &[u8]) -> Option<Vec<u8>> {
    let once = without_runs(data);
    let Some(syntax) = syntax else {
        return once;
    };
    without_begun_slices(syntax, once.as_deref().unwrap_or(data)).or(once)
}

/// Without slices that the next one begins with: their first fragment, or all of
/// them, came twice. (Two slices of one picture differ in their headers.)
fn without_begun_slices(syntax: Syntax, data: &[u8]) -> Option<Vec<u8>> {
    let mut kept: Option<Vec<u8>> = None;
    let mut copied = 0;
    let mut before: Option<(usize, &[u8])> = None;
    for (start, unit) in nal::units(data) {
        let slice = nal::is_slice(syntax, unit).then_some((start, trimmed(unit)));
        if let (Some((from, begun)), Some((to, whole))) = (before, slice)
            && whole.starts_with(begun)
        {
            // From unit to unit, so that a start code goes, too.
            let kept = kept.get_or_insert_default();
            kept.extend_from_slice(&data[copied..from]);
            copied = to;
        }
        before = slice;
    }
    let mut kept = kept?;
    kept.extend_from_slice(&data[copied..]);
    Some(kept)
}

/// Without runs of bytes that come twice in a row. Coded pictures are as good as
/// random, so that a run of [`SHORTEST`] bytes is not there twice by chance; what
/// repeats a short pattern over and over, as fillers do, is left alone.
fn without_runs(data: &[u8]) -> Option<Vec<u8>> {
    let mut kept: Option<Vec<u8>> = None;
    let mut copied = 0;
    let mut seen = vec![usize::MAX; 1 << SLOT_BITS];
    let mut from = 0;
    while let Some((at, word)) = marked(data, from) {
        let slot = &mut seen[slot(word)];
        let earlier = std::mem::replace(slot, at);
        let near = earlier != usize::MAX
            && earlier >= copied
            && (SHORTEST..=LONGEST).contains(&(at - earlier));
        if !near || self::word(data, earlier) != Some(word) {
            from = at + 1;
            continue;
        }
        let distance = at - earlier;
        let back = (0..(earlier - copied).min(BACK))
            .take_while(|n| data[earlier - 1 - n] == data[at - 1 - n])
            .count();
        let ahead = (at..data.len())
            .take_while(|n| data[*n] == data[*n - distance])
            .count();
        let first = earlier - back;
        if back + ahead >= distance && !is_pattern(&data[first..first + distance]) {
            kept.get_or_insert_default()
                .extend_from_slice(&data[copied..first + distance]);
            // Once more, and as often as it came.
            copied = first + 2 * distance;
            let run = &data[first..first + distance];
            while data[copied..].starts_with(run) {
                copied += distance;
            }
            from = copied;
        } else {
            from = at + ahead;
        }
    }
    let mut kept = kept?;
    kept.extend_from_slice(&data[copied..]);
    Some(kept)
}

/// Whether a shorter piece, repeated, makes up all of it (by the prefix function of
/// Knuth, Morris and Pratt).
fn is_pattern(run: &[u8]) -> bool {
    let mut borders = vec![0_usize; run.len()];
    for at in 1..run.len() {
        let mut border = borders[at - 1];
        while border > 0 && run[border] != run[at] {
            border = borders[border - 1];
        }
        borders[at] = border + usize::from(run[border] == run[at]);
    }
    let longest = borders.last().copied().unwrap_or(0);
    2 * longest >= run.len()
}

/// The next marked place and the eight bytes there.
fn marked(data: &[u8], from: usize) -> Option<(usize, u64)> {
    let mut at = from;
    // Eight places at a time: a byte that equals the mark becomes zero, and borrows.
    while let Some(eight) = word(data, at) {
        let others = (eight & (EACH_BYTE * MARK_BITS)) ^ (EACH_BYTE * MARK);
        if others.wrapping_sub(EACH_BYTE) & !others & (EACH_BYTE << 7) != 0 {
            for place in at..at + 8 {
                if u64::from(data[place]) & MARK_BITS == MARK {
                    return word(data, place).map(|word| (place, word));
                }
            }
        }
        at += 8;
    }
    None
}

fn word(data: &[u8], at: usize) -> Option<u64> {
    let bytes = data.get(at..at + 8)?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// Fibonacci hashing: the highest bits of a product with 2^64 over the golden ratio.
fn slot(word: u64) -> usize {
    let high = word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOT_BITS);
    usize::try_from(high).unwrap_or(0)
}

/// Without the zeros that belong to the next start code.
fn trimmed(data: &[u8]) -> &[u8] {
    let end = data.iter().rposition(|byte| *byte != 0);
    &data[..end.map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A slice of H.265 with a header of its own and bytes as good as random.
    fn slice(number: u8, length: usize) -> Vec<u8> {
        let mut state = u64::from(number) + 1;
        let mut unit = vec![0, 0, 0, 1, 1 << 1, 1, number];
        unit.extend((0..length).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((state >> 56) as u8).max(4)
        }));
        unit
    }

    fn mended(data: &[u8]) -> Option<Vec<u8>> {
        without_repeats(Some(Syntax::H265), data)
    }

    #[test]
    fn a_repeated_fragment_is_taken_out_wherever_it_stands() {
        let whole = slice(1, 9_000);
        for length in [SHORTEST, 700, 1_399, 3_000] {
            for start in [7, 8, 39, 4_000, whole.len() - length] {
                let end = start + length;
                let damaged = [&whole[..end], &whole[start..end], &whole[end..]].concat();
                assert!(mended(&damaged).as_ref() == Some(&whole), "{start}..{end}");
                let thrice = [&damaged[..end], &damaged[start..]].concat();
                assert!(mended(&thrice).as_ref() == Some(&whole), "{start}..{end}");
            }
        }
    }

    #[test]
    fn a_slice_that_is_begun_twice_is_kept_whole() {
        for length in [40, 900, 5_000] {
            let [one, two, three] = [1, 2, 3].map(|number| slice(number, length));
            let whole = [&one[..], &two, &three].concat();
            for begun in [10, 20, length] {
                let damaged = [&one[..], &two[..begun.min(two.len())], &two, &three].concat();
                assert!(
                    mended(&damaged).as_ref() == Some(&whole),
                    "{begun} of {length}"
                );
            }
            let damaged = [&one[..], &two, &two, &three].concat();
            assert!(mended(&damaged).as_ref() == Some(&whole));
        }
    }

    #[test]
    fn slices_in_one_packet_that_came_twice_are_kept_once() {
        let both = [slice(2, 300), slice(3, 300)].concat();
        let whole = [&slice(1, 500)[..], &both].concat();
        let damaged = [&whole[..], &both].concat();
        assert_eq!(mended(&damaged), Some(whole));
    }

    #[test]
    fn what_is_whole_and_what_repeats_a_pattern_is_left_alone() {
        assert_eq!(mended(&slice(1, 20_000)), None);
        assert_eq!(mended(&[slice(1, 300), slice(2, 300)].concat()), None);
        for pattern in [
            &[0xff_u8][..],
            &[0, 0, 3],
            &[7; 40],
            b"a longer pattern of forty bytes, or so..",
        ] {
            let filler = pattern.repeat(50_000 / pattern.len());
            assert_eq!(mended(&filler), None);
            assert_eq!(mended(&[slice(1, 300), filler].concat()), None);
        }
        assert_eq!(mended(&[]), None);
    }

    #[test]
    fn a_picture_that_is_begun_again_completes_the_one_before() {
        let whole = slice(1, 900);
        assert_eq!(
            succession(&whole[4..400], &whole[4..]),
            Succession::Completion
        );
        assert_eq!(succession(&whole[4..], &whole[4..]), Succession::Copy);
        let padded = [&whole[4..], &[0]].concat();
        assert_eq!(succession(&padded, &whole[4..]), Succession::Copy);
        assert_eq!(
            succession(&slice(2, 900)[4..], &whole[4..]),
            Succession::New
        );
        assert_eq!(succession(&[], &whole[4..]), Succession::New);
    }

    proptest! {
        #[test]
        fn any_fragment_of_any_random_bytes_may_come_twice(
            whole in prop::collection::vec(any::<u8>(), SHORTEST..6_000),
            start in any::<prop::sample::Index>(),
            length in any::<prop::sample::Index>(),
        ) {
            let start = start.index(whole.len() - SHORTEST + 1);
            let length = SHORTEST + length.index(whole.len() - start - SHORTEST + 1);
            let end = start + length;
            let damaged = [&whole[..end], &whole[start..]].concat();
            prop_assert_eq!(without_runs(&damaged), Some(whole.clone()));
            prop_assert_eq!(without_runs(&whole), None);
        }

        #[test]
        fn hostile_bytes_are_borne(data in prop::collection::vec(prop::sample::select(&[0_u8, 1, 2, 65][..]), 0..3_000)) {
            let mended = without_repeats(Some(Syntax::H264), &data);
            prop_assert!(mended.is_none_or(|mended| mended.len() < data.len()));
        }
    }
}
