//! Access units packed into RTP (RFC 3550; RFC 6184 for H.264, RFC 7798 for
//! H.265, RFC 6416 for MPEG-4): one NAL unit to a packet, or fragments of it. Pure.
//! JPEG comes here cut already (`jpeg`).

use crate::fault_camera::{annexb::Codec, clip::Unit};

/// The type of a fragment in H.264.
const FU_A: u8 = 0x1c;
/// The type of a fragment in H.265.
const FU: u8 = 0x31;
/// The payload type that the usual description names.
pub(crate) const PAYLOAD_TYPE: u8 = 96;
/// The source of all packets.
pub(crate) const SOURCE: u32 = 0x0BAD_CA3E;
/// Bytes of the header of a packet.
pub(crate) const HEADER: usize = 12;

/// The payloads of one picture, each at most `most` bytes, in order.
pub(crate) fn payloads(codec: Codec, unit: &Unit, most: usize) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for nal in &unit.nals {
        if nal.len() <= most {
            found.push(nal.clone());
        } else {
            fragment(codec, nal, most, &mut found);
        }
    }
    found
}

fn fragment(codec: Codec, nal: &[u8], most: usize, into: &mut Vec<Vec<u8>>) {
    let (head, kind): (Vec<u8>, u8) = match codec {
        // The indicator keeps the importance, the header of the fragment the type.
        Codec::H264 => (vec![nal[0] & 0xe0 | FU_A], nal[0] & 0x1f),
        Codec::H265 => (vec![nal[0] & 0x81 | FU << 1, nal[1]], nal[0] >> 1 & 0x3f),
        Codec::Jpeg => panic!("a part of a JPEG picture is larger than a packet"),
        // A fragment says nothing of itself.
        Codec::Mpeg4 => return into.extend(nal.chunks(most).map(<[u8]>::to_vec)),
    };
    let body = &nal[head.len()..];
    let parts: Vec<&[u8]> = body.chunks(most - head.len() - 1).collect();
    for (number, part) in parts.iter().enumerate() {
        let start = u8::from(number == 0) << 7;
        let end = u8::from(number + 1 == parts.len()) << 6;
        let mut payload = head.clone();
        payload.push(start | end | kind);
        payload.extend_from_slice(part);
        into.push(payload);
    }
}

/// A packet of this type. `marker` stands on the last one of a picture.
pub(crate) fn packet(kind: u8, sequence: u16, stamp: u32, marker: bool, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(HEADER + payload.len());
    packet.push(0x80);
    packet.push(u8::from(marker) << 7 | kind);
    packet.extend(sequence.to_be_bytes());
    packet.extend(stamp.to_be_bytes());
    packet.extend(SOURCE.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(nal: Vec<u8>) -> Unit {
        Unit {
            nals: vec![nal],
            keyframe: true,
            decode: 0,
            present: 0,
        }
    }

    #[test]
    fn a_small_unit_goes_as_it_is() {
        let found = payloads(Codec::H264, &unit(vec![0x65, 1, 2]), 10);
        assert_eq!(found, [[0x65, 1, 2]]);
    }

    #[test]
    fn fragments_of_h264_carry_type_start_and_end() {
        let found = payloads(Codec::H264, &unit(vec![0x65, 1, 2, 3, 4, 5]), 4);
        assert_eq!(
            found,
            [
                vec![0x7c, 0x85, 1, 2],
                vec![0x7c, 0x05, 3, 4],
                vec![0x7c, 0x45, 5]
            ]
        );
    }

    #[test]
    fn fragments_of_h265_carry_type_start_and_end() {
        let found = payloads(Codec::H265, &unit(vec![0x26, 0x01, 1, 2, 3]), 4);
        assert_eq!(
            found,
            [
                vec![0x62, 0x01, 0x93, 1],
                vec![0x62, 0x01, 0x13, 2],
                vec![0x62, 0x01, 0x53, 3]
            ]
        );
    }

    #[test]
    fn fragments_of_mpeg4_are_its_bytes() {
        let found = payloads(Codec::Mpeg4, &unit(vec![0, 0, 1, 0xb6, 5]), 4);
        assert_eq!(found, [vec![0, 0, 1, 0xb6], vec![5]]);
    }

    #[test]
    fn a_packet_is_headed_as_rfc_3550_says() {
        let made = packet(PAYLOAD_TYPE, 7, 9, true, &[5]);
        assert_eq!(made[..4], [0x80, 0xe0, 0, 7]);
        assert_eq!(made[4..8], 9_u32.to_be_bytes());
        assert_eq!((made[HEADER], made.len()), (5, HEADER + 1));
    }
}
