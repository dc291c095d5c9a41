//! How many pictures a lossy line left whole: counted from what a camera sent
//! and what the line did to it. Pure; decodes nothing.

use crate::fault_camera::{Codec, Unit};

/// What one picture is to those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// After how many further pictures that others are predicted from a reader who
    /// begins here is clean; none where it cannot begin here.
    pub entry: Option<u32>,
    /// Whether others are predicted from it.
    pub reference: bool,
}

impl Role {
    /// Reads it off a picture's NAL units.
    pub fn of(codec: Codec, unit: &Unit) -> Self {
        let recovery = || unit.nals.iter().find_map(|nal| recovery_point(codec, nal));
        Self {
            entry: if unit.keyframe { Some(0) } else { recovery() },
            reference: unit.nals.iter().any(|nal| codec.is_reference(nal)),
        }
    }
}

/// How many of these pictures, in the order of decoding, may be whole: sent whole,
/// and predicted from whole ones only. `harmed`: the line took something of it. An
/// upper bound: leading pictures of an open group are taken for whole.
pub fn survivors(pictures: impl IntoIterator<Item = (Role, bool)>) -> u64 {
    let mut clean = false;
    let mut left = None;
    let mut count = 0;
    for (role, harmed) in pictures {
        if harmed {
            clean &= !role.reference;
            left = left.filter(|_| !role.reference);
            continue;
        }
        if !clean {
            match (role.entry, left) {
                (Some(pictures), None) => left = Some(pictures),
                (_, Some(pictures)) if role.reference => left = Some(pictures.saturating_sub(1)),
                _ => {}
            }
            clean = left == Some(0);
        }
        if clean {
            left = None;
            count += 1;
        }
    }
    count
}

/// The count of a recovery point message that is the first of its NAL unit, as
/// x264 and x265 write it: less than 2^7.
fn recovery_point(codec: Codec, nal: &[u8]) -> Option<u32> {
    let (kind, header) = match codec {
        Codec::H264 => (6, 1),
        Codec::H265 => (39, 2),
        Codec::Jpeg | Codec::Mpeg4 => return None,
    };
    let (6, [size, bits @ ..]) = nal.get(header..)?.split_first()? else {
        return None;
    };
    if codec.kind(nal) != kind || usize::from(*size) > bits.len() {
        return None;
    }
    let mut word = [0; 4];
    word.iter_mut().zip(bits).for_each(|(to, from)| *to = *from);
    let word = u32::from_be_bytes(word);
    let zeros = word.leading_zeros();
    let code = (word << zeros >> (31 - zeros.min(31))) - 1;
    Some(match codec {
        Codec::H264 => code,
        Codec::H265 if code % 2 == 1 => code.div_ceil(2),
        Codec::H265 | Codec::Jpeg | Codec::Mpeg4 => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Role = Role {
        entry: Some(0),
        reference: true,
    };
    const P: Role = Role {
        entry: None,
        reference: true,
    };
    const B: Role = Role {
        entry: None,
        reference: false,
    };

    #[test]
    fn a_harmed_picture_takes_those_that_are_predicted_from_it_along() {
        let all = |harmed: &[usize]| {
            let roles = [P, KEY, P, B, P, KEY, P];
            let numbered = roles.into_iter().enumerate();
            survivors(numbered.map(|(n, role)| (role, harmed.contains(&n))))
        };
        assert_eq!(all(&[]), 6);
        assert_eq!(all(&[2]), 3);
        assert_eq!(all(&[3]), 5);
        assert_eq!(all(&[1]), 2);
        assert_eq!(all(&[1, 5]), 0);
    }

    #[test]
    fn a_gradual_refresh_is_over_when_it_said() {
        let begin = Role {
            entry: Some(2),
            reference: true,
        };
        let whole = [P, begin, P, B, P, P].map(|role| (role, false));
        assert_eq!(survivors(whole), 2);
        let mut harmed = whole;
        harmed[2].1 = true;
        assert_eq!(survivors(harmed), 0);
    }

    #[test]
    fn recovery_points_are_read() {
        let nal = [0x06, 0x06, 0x02, 0b0000_1100, 0b1100_0000, 0x80];
        assert_eq!(recovery_point(Codec::H264, &nal), Some(24));
        let nal = [39 << 1, 1, 0x06, 0x02, 0b0000_1100, 0b0100_0000, 0x80];
        assert_eq!(recovery_point(Codec::H265, &nal), Some(12));
        assert_eq!(recovery_point(Codec::H264, &[0x06, 0x06, 1, 0xc0]), Some(0));
        assert_eq!(recovery_point(Codec::H264, &[0x06, 0x05, 1, 0xc0]), None);
    }
}
