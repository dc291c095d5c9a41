//! Where a decoder can enter a stream of H.264 or H.265: what an access unit says
//! of itself in front of its first slice. Pure; reads bytes that a camera wrote.

/// How clean a decoder's pictures are that begins with this access unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It leans on what came before.
    #[default]
    None,
    /// Clean at once.
    Clean,
    /// The stream refreshes gradually: clean after so many more pictures that others
    /// are predicted from (a recovery point, H.264 D.2.8, H.265 D.3.8).
    After(u32),
}

/// What an access unit says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) entry: Entry,
    /// Whether other pictures may be predicted from it.
    pub(crate) reference: bool,
}

/// How a codec lays out its units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    H264,
    H265,
}

/// A recovery point is written in the first dozen bytes of a message.
const LONGEST_MESSAGE: usize = 64;

/// Looks at an access unit as RTP delivers it, each unit behind a start code.
/// `keyframe`: what libav's parser takes it for, who calls the beginning of a
/// gradual refresh a keyframe, too.
pub(crate) fn access(syntax: Syntax, data: &[u8], keyframe: bool) -> Access {
    let mut recovery = None;
    for (_, unit) in units(data) {
        match kind(syntax, unit) {
            Kind::RandomAccess => {
                return Access {
                    entry: Entry::Clean,
                    reference: true,
                };
            }
            Kind::Slice { reference } => {
                let entry = match recovery {
                    Some(0) => Entry::Clean,
                    Some(pictures) => Entry::After(pictures),
                    None if keyframe => Entry::Clean,
                    None => Entry::None,
                };
                return Access { entry, reference };
            }
            Kind::Message(payload) => recovery = recovery_point(syntax, payload).or(recovery),
            Kind::Other => {}
        }
    }
    // No slice: parameter sets alone, or nothing that is understood here.
    Access {
        entry: if keyframe { Entry::Clean } else { Entry::None },
        reference: true,
    }
}

enum Kind<'a> {
    RandomAccess,
    Slice { reference: bool },
    Message(&'a [u8]),
    Other,
}

fn kind(syntax: Syntax, unit: &[u8]) -> Kind<'_> {
    let Some(&first) = unit.first() else {
        return Kind::Other;
    };
    match syntax {
        Syntax::H264 => match first & 0x1f {
            5 => Kind::RandomAccess,
            1..=4 => Kind::Slice {
                reference: first & 0x60 != 0,
            },
            6 => Kind::Message(&unit[1..]),
            _ => Kind::Other,
        },
        Syntax::H265 => match (first >> 1) & 0x3f {
            16..=23 => Kind::RandomAccess,
            // Up to 15, even numbers are not predicted from within their layer.
            number @ 0..=15 => Kind::Slice {
                reference: number % 2 == 1,
            },
            39 => Kind::Message(unit.get(2..).unwrap_or_default()),
            _ => Kind::Other,
        },
    }
}

/// Whether a unit holds a part of a picture.
pub(crate) fn is_slice(syntax: Syntax, unit: &[u8]) -> bool {
    matches!(kind(syntax, unit), Kind::RandomAccess | Kind::Slice { .. })
}

/// Where the first slice of an access unit begins, behind its start code; its
/// length where there is none.
pub(crate) fn slices(syntax: Syntax, data: &[u8]) -> usize {
    units(data)
        .find(|(_, unit)| is_slice(syntax, unit))
        .map_or(data.len(), |(start, _)| start)
}

/// The units between start codes (00 00 01), and where they begin.
pub(crate) fn units(data: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut rest = after_start_code(data);
    std::iter::from_fn(move || {
        let unit = rest?;
        let start = data.len() - unit.len();
        rest = after_start_code(unit);
        let end = rest.map_or(unit.len(), |next| unit.len() - next.len() - 3);
        Some((start, &unit[..end]))
    })
}

fn after_start_code(data: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(data, &[0, 0, 1])?;
    Some(&data[at + 3..])
}

/// How many pictures a recovery point message (type 6) names.
fn recovery_point(syntax: Syntax, messages: &[u8]) -> Option<u32> {
    const RECOVERY_POINT: usize = 6;
    let mut rest = messages;
    loop {
        let (kind, after) = variable(rest)?;
        let (size, after) = variable(after)?;
        if kind == RECOVERY_POINT {
            let bits = unescape(after.get(..size.min(LONGEST_MESSAGE))?);
            let code = exp_golomb(&bits)?;
            return Some(match syntax {
                Syntax::H264 => code,
                // Signed: 1, 2, 3, 4 stand for 1, -1, 2, -2.
                Syntax::H265 if code % 2 == 1 => code.div_ceil(2),
                Syntax::H265 => 0,
            });
        }
        rest = after.get(size..)?;
    }
}

/// A number written as a run of 255s and a last byte.
fn variable(data: &[u8]) -> Option<(usize, &[u8])> {
    let full = data.iter().take_while(|byte| **byte == 255).count();
    let last = usize::from(*data.get(full)?);
    Some((full * 255 + last, &data[full + 1..]))
}

/// Without the 3 that keeps 00 00 01 out of a unit's inside.
fn unescape(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    for &byte in data {
        if !(byte == 3 && out.ends_with(&[0, 0])) {
            out.push(byte);
        }
    }
    out
}

/// The first unsigned exp-Golomb code (H.264 9.1).
fn exp_golomb(data: &[u8]) -> Option<u32> {
    let bit = |at: usize| Some(u32::from(data.get(at / 8)? >> (7 - at % 8)) & 1);
    let mut zeros = 0;
    while bit(zeros)? == 0 {
        zeros += 1;
    }
    if zeros > 30 {
        return None;
    }
    let mut value = 1_u32;
    for at in zeros + 1..=2 * zeros {
        value = (value << 1) | bit(at)?;
    }
    Some(value - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(bytes: &[u8]) -> Vec<u8> {
        [&[0, 0, 0, 1], bytes].concat()
    }

    #[test]
    fn an_idr_picture_is_clean_at_once() {
        let data = [unit(&[0x67, 1, 2]), unit(&[0x68, 3]), unit(&[0x65, 0x88])].concat();
        assert_eq!(access(Syntax::H264, &data, true).entry, Entry::Clean);
        let data = [unit(&[0x40, 1]), unit(&[19 << 1, 1, 9])].concat();
        assert_eq!(access(Syntax::H265, &data, true).entry, Entry::Clean);
    }

    #[test]
    fn a_recovery_point_tells_after_how_many_pictures_the_stream_is_clean() {
        // recovery_frame_cnt 24 is 000011001; then the flags and the stop bit.
        let sei = unit(&[0x06, 0x06, 0x02, 0b0000_1100, 0b1100_0000, 0x80]);
        let data = [sei, unit(&[0x41, 0x9a])].concat();
        let got = access(Syntax::H264, &data, true);
        assert_eq!((got.entry, got.reference), (Entry::After(24), true));
        // The same for H.265, where +12 has the code 23 (000011000).
        let sei = unit(&[39 << 1, 1, 0x06, 0x02, 0b0000_1100, 0b0100_0000, 0x80]);
        let data = [sei, unit(&[1 << 1, 1, 0x9a])].concat();
        assert_eq!(access(Syntax::H265, &data, false).entry, Entry::After(12));
    }

    #[test]
    fn an_open_group_begins_with_a_recovery_point_of_zero() {
        let data = [unit(&[0x06, 0x06, 0x01, 0xc0, 0x80]), unit(&[0x61, 0x9a])].concat();
        assert_eq!(access(Syntax::H264, &data, true).entry, Entry::Clean);
    }

    #[test]
    fn an_ordinary_picture_is_no_entry() {
        assert_eq!(
            access(Syntax::H264, &unit(&[0x41, 0x9a]), false).entry,
            Entry::None
        );
        let not_predicted_from = access(Syntax::H264, &unit(&[0x01, 0x9e]), false);
        assert!(!not_predicted_from.reference);
    }

    #[test]
    fn cut_and_hostile_bytes_are_no_entry_and_no_panic() {
        for data in [
            &[][..],
            &[0, 0, 1],
            &[0, 0, 1, 6],
            &[0, 0, 1, 6, 255, 255],
            &[0, 0, 1, 6, 6, 255, 200, 0],
            &[0, 0, 1, 6, 6, 4, 0, 0, 0, 0, 0, 0, 1, 0x41],
        ] {
            assert_eq!(access(Syntax::H264, data, false).entry, Entry::None);
            assert_eq!(access(Syntax::H265, data, false).entry, Entry::None);
        }
    }
}
