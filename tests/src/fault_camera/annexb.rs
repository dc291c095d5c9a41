//! A byte stream of H.264 (ITU-T H.264, annex B) or H.265 cut into NAL units
//! and access units. Pure; times are not in such a stream, `clip` adds them.

use crate::fault_camera::mpeg4;

/// How pictures are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// H.264, sent as RFC 6184 says.
    H264,
    /// H.265, sent as RFC 7798 says.
    H265,
    /// JPEG, sent as RFC 2435 says. What is called a NAL unit elsewhere is the
    /// payload of a packet.
    Jpeg,
    /// MPEG-4 part 2, sent as RFC 6416 says. What is called a NAL unit elsewhere is a
    /// picture, or the headers before one, from its start code on.
    Mpeg4,
}

impl Codec {
    /// ffmpeg's name of its byte stream.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "hevc",
            Self::Jpeg => "mjpeg",
            Self::Mpeg4 => "m4v",
        }
    }

    /// What stands before each NAL unit in a byte stream.
    pub(crate) fn start_code(self) -> &'static [u8] {
        match self {
            Self::H264 | Self::H265 => &[0, 0, 0, 1],
            Self::Jpeg | Self::Mpeg4 => &[],
        }
    }

    /// The type of a NAL unit.
    pub(crate) fn kind(self, nal: &[u8]) -> u8 {
        let first = nal.first().copied().unwrap_or(0);
        match self {
            Self::H264 => first & 0x1f,
            Self::H265 => first >> 1 & 0x3f,
            Self::Jpeg | Self::Mpeg4 => 0,
        }
    }

    /// Whether it holds (a part of) a picture.
    fn is_slice(self, nal: &[u8]) -> bool {
        match self {
            Self::H264 => matches!(self.kind(nal), 1..=5),
            Self::H265 => self.kind(nal) < 32,
            Self::Jpeg => true,
            Self::Mpeg4 => !mpeg4::is_header(nal),
        }
    }

    /// Whether it begins a picture: `first_mb_in_slice` is 0, which is coded as a
    /// single set bit, or `first_slice_segment_in_pic_flag` is set.
    fn begins_picture(self, nal: &[u8]) -> bool {
        let header = match self {
            Self::H264 => 1,
            Self::H265 => 2,
            Self::Jpeg | Self::Mpeg4 => return false,
        };
        self.is_slice(nal) && nal.get(header).is_some_and(|byte| byte & 0x80 != 0)
    }

    /// Whether a decoder can begin with its picture.
    pub(crate) fn is_key(self, nal: &[u8]) -> bool {
        match self {
            Self::H264 => self.kind(nal) == 5,
            Self::H265 => matches!(self.kind(nal), 16..=21),
            Self::Jpeg => true,
            Self::Mpeg4 => mpeg4::is_key(nal),
        }
    }

    /// Whether it is a parameter set: VPS, SPS or PPS, or the headers of MPEG-4.
    pub(crate) fn is_parameter_set(self, nal: &[u8]) -> bool {
        match self {
            Self::H264 => matches!(self.kind(nal), 7 | 8),
            Self::H265 => matches!(self.kind(nal), 32..=34),
            Self::Jpeg => false,
            Self::Mpeg4 => mpeg4::is_header(nal),
        }
    }

    /// Whether other pictures may be predicted from what is in it.
    pub(crate) fn is_reference(self, nal: &[u8]) -> bool {
        match self {
            Self::H264 => self.is_slice(nal) && nal[0] & 0x60 != 0,
            // Up to 15, even types are not predicted from within their layer.
            Self::H265 => matches!(self.kind(nal), 1 | 3 | 5 | 7 | 9 | 11 | 13 | 15 | 16..=31),
            Self::Jpeg => false,
            Self::Mpeg4 => mpeg4::is_reference(nal),
        }
    }
}

/// The NAL units between the start codes.
pub(crate) fn nal_units(stream: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(three) = stream.get(at..at + 3) {
        if three == [0, 0, 1] {
            starts.push(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    let ends = starts.iter().skip(1).map(|next| next - 3);
    starts
        .iter()
        .zip(ends.chain([stream.len()]))
        .map(|(&start, end)| {
            let nal = &stream[start..end];
            // A start code may have a fourth byte, and zeros may trail a unit.
            let trailing = nal.iter().rev().take_while(|byte| **byte == 0).count();
            &nal[..nal.len() - trailing]
        })
        .filter(|nal| !nal.is_empty())
        .collect()
}

/// The NAL units of each picture, with what stands before it.
pub(crate) fn access_units(codec: Codec, stream: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut units: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut ahead: Vec<Vec<u8>> = Vec::new();
    for nal in nal_units(stream) {
        if codec.begins_picture(nal) {
            ahead.push(nal.to_vec());
            units.push(std::mem::take(&mut ahead));
        } else if codec.is_slice(nal) && !units.is_empty() {
            units.last_mut().expect("not empty").push(nal.to_vec());
        } else {
            ahead.push(nal.to_vec());
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_codes_of_three_and_four_bytes_separate_units() {
        let stream = [
            0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 0x88,
        ];
        let units = nal_units(&stream);
        assert_eq!(units, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 0x88]]);
    }

    #[test]
    fn slices_and_what_precedes_them_make_an_access_unit() {
        let mut stream = Vec::new();
        for nal in [
            &[0x67_u8, 1][..],
            &[0x68, 1],
            &[0x65, 0x80, 1],
            &[0x65, 0x40, 1],
            &[0x06, 5],
            &[0x41, 0x80],
            &[0x41, 0x80],
        ] {
            stream.extend([0, 0, 1]);
            stream.extend(nal);
        }
        let units = access_units(Codec::H264, &stream);
        let counts: Vec<usize> = units.iter().map(Vec::len).collect();
        assert_eq!(counts, [4, 2, 1]);
    }
}
