//! What was recorded of an RTSP session over TCP, taken apart into pictures. Pure;
//! the payloads stay as the recorded server made them.

use crate::fault_camera::{clip::Unit, rtp::HEADER};

/// The pictures of one channel, each with the payloads that have its stamp. Whether
/// one is a keyframe is not looked at.
pub(crate) fn pictures(interleaved: &[u8], channel: u8) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut begin = None;
    let mut rest = interleaved;
    while let [b'$', number, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((packet, next)) = after.split_at_checked(length) else {
            break;
        };
        rest = next;
        let Some((stamp, payload)) = taken_apart(packet).filter(|_| *number == channel) else {
            continue;
        };
        let tick = u64::from(stamp.wrapping_sub(*begin.get_or_insert(stamp)));
        match units.last_mut() {
            Some(unit) if unit.present == tick => unit.nals.push(payload.to_vec()),
            _ => units.push(Unit {
                nals: vec![payload.to_vec()],
                keyframe: false,
                decode: tick,
                present: tick,
            }),
        }
    }
    units
}

/// The stamp and the payload of a packet without extension, as these have none.
fn taken_apart(packet: &[u8]) -> Option<(u32, &[u8])> {
    let sources = usize::from(packet.first()? & 0x0f);
    let stamp = packet.get(4..8)?.try_into().ok()?;
    let payload = packet.get(HEADER + 4 * sources..)?;
    Some((u32::from_be_bytes(stamp), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_one_stamp_make_a_picture_and_other_channels_none() {
        let packet = |channel: u8, stamp: u8, payload: u8| {
            let mut packet = vec![b'$', channel, 0, 13, 0x80, 96, 0, 0, 0, 0, 0, stamp];
            packet.extend([0, 0, 0, 1, payload]);
            packet
        };
        let session = [
            packet(2, 10, 1),
            packet(0, 99, 9),
            packet(2, 10, 2),
            packet(2, 40, 3),
            b"$\x02\x00".to_vec(),
        ];
        let found = pictures(&session.concat(), 2);
        let told: Vec<_> = found
            .iter()
            .map(|unit| (unit.present, &unit.nals))
            .collect();
        assert_eq!(told, [(0, &vec![vec![1], vec![2]]), (30, &vec![vec![3]])]);
    }
}
