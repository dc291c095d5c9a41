//! Packets on their way through the decoder: which of them is a picture's, and what
//! damage to one means for those that were sent behind it. libav decodes several at
//! once, so a packet may turn out to be damaged when the next ones are already under
//! way. What a packet does to the gate is in `gate`; calling libav is for `decode`.

use std::collections::VecDeque;

use crate::gate::{Gate, Passing, Taint};

/// Packets whose pictures have not come out: more than any decoder holds back.
pub(crate) const MOST: usize = 128;

/// A packet that was sent; its picture may come out.
#[derive(Debug)]
struct Sent<T> {
    serial: u64,
    passing: Passing,
    /// Decoding it met something that could not be decoded.
    damaged: bool,
    /// As it stands behind this packet.
    gate: Gate,
    what: T,
}

/// The packets of one stream in decode order, each with what its picture needs (`T`).
#[derive(Debug)]
pub(crate) struct Flight<T> {
    /// As it stands behind the last packet.
    gate: Gate,
    sent: VecDeque<Sent<T>>,
    next: u64,
}

impl<T> Flight<T> {
    pub(crate) fn new() -> Self {
        Self {
            gate: Gate::new(),
            sent: VecDeque::new(),
            next: 0,
        }
    }

    /// Begins anew, as with the first packet of a stream. Serial numbers go on.
    pub(crate) fn begin(&mut self) {
        self.gate = Gate::new();
    }

    /// A packet goes into the decoder. Returns its serial number.
    pub(crate) fn send(&mut self, passing: Passing, what: T) -> u64 {
        let serial = self.pass(passing);
        if self.sent.len() == MOST {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent {
            serial,
            passing,
            damaged: false,
            gate: self.gate.clone(),
            what,
        });
        serial
    }

    /// Takes note of a packet that is not decoded.
    pub(crate) fn skip(&mut self, passing: Passing) {
        self.pass(passing);
    }

    fn pass(&mut self, passing: Passing) -> u64 {
        let serial = self.next;
        self.next += 1;
        self.gate.packet(serial, passing);
        serial
    }

    /// Decoding this packet met something that could not be decoded. What is predicted
    /// from it is damaged, too, up to where the stream can be entered again.
    pub(crate) fn damage(&mut self, serial: u64) {
        let Some(at) = self.sent.iter().position(|s| s.serial == serial) else {
            // Its picture is out, or never will be: whatever is under way may lean on it.
            for packet in &mut self.sent {
                packet.damaged = true;
            }
            return self.replay(0);
        };
        if !self.sent[at].damaged {
            self.sent[at].damaged = true;
            self.replay(at);
        }
    }

    /// So many packets that were sent last may be damaged: it is not known which.
    pub(crate) fn damage_last(&mut self, packets: usize) {
        let from = self.sent.len().saturating_sub(packets);
        for packet in self.sent.range_mut(from..) {
            packet.damaged = true;
        }
        self.replay(from);
    }

    /// Lets the gate see the packets from this one on once more.
    fn replay(&mut self, from: usize) {
        let Some(first) = self.sent.get(from) else {
            return self.gate.damage();
        };
        let mut gate = first.gate.clone();
        if gate.entered_at().is_some_and(|s| !self.is_under_way(s)) {
            gate.shown();
        }
        for (at, packet) in self.sent.iter_mut().enumerate().skip(from) {
            if at > from {
                gate.packet(packet.serial, packet.passing);
            }
            if packet.damaged {
                gate.damage();
            }
            packet.gate = gate.clone();
        }
        self.gate = gate;
    }

    /// The packet of the picture that comes out with this time stamp. A picture without
    /// one is that of the oldest packet.
    pub(crate) fn find(&self, stamp: Option<i64>) -> Option<u64> {
        let serial = stamp.and_then(|s| u64::try_from(s).ok());
        let found = self.sent.iter().find(|s| Some(s.serial) == serial);
        found.or(self.sent.front()).map(|s| s.serial)
    }

    /// The picture of this packet came out. `None` where it did before.
    pub(crate) fn land(&mut self, serial: u64) -> Option<(T, Option<Taint>)> {
        let at = self.sent.iter().position(|s| s.serial == serial)?;
        let entered_at = self.sent[at].gate.entered_at();
        // After damage the stream is whole again from its keyframe on, but pictures that
        // are shown before it may still lean on what was lost (the leading pictures of
        // an open group).
        let leading = entered_at.is_some_and(|key| key < serial && self.is_under_way(key));
        let packet = self.sent.remove(at)?;
        if self.gate.entered_at() == Some(serial) {
            self.gate.shown();
        }
        let taint = packet.gate.taint();
        Some((packet.what, taint.or(leading.then_some(Taint::Corrupt))))
    }

    /// Nothing that was sent comes out any more.
    pub(crate) fn clear(&mut self) {
        self.sent.clear();
    }

    fn is_under_way(&self, serial: u64) -> bool {
        self.sent.iter().any(|s| s.serial == serial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nal::{Access, Entry};

    const CORRUPT: Option<Taint> = Some(Taint::Corrupt);

    fn passing(keyframe: bool, broken: bool) -> Passing {
        let entry = if keyframe { Entry::Clean } else { Entry::None };
        Passing {
            access: Access {
                entry,
                reference: true,
            },
            broken,
            after_gap: false,
        }
    }

    /// Sends packets, each a keyframe (`I`) or none (`P`), nothing of them missing.
    fn sent(packets: &str) -> Flight<()> {
        let mut flight = Flight::new();
        for kind in packets.chars() {
            flight.send(passing(kind == 'I', false), ());
        }
        flight
    }

    fn land(flight: &mut Flight<()>, serials: &[u64]) -> Vec<Option<Taint>> {
        let mut land = |serial: &u64| flight.land(*serial).expect("it is under way").1;
        serials.iter().map(&mut land).collect()
    }

    #[test]
    fn leading_pictures_of_an_open_group_do_not_pass_after_a_loss() {
        // Decode order I0 P1(lost) I2 B3; output order 0 1 3 2: 3 leans on 1.
        let mut flight = Flight::new();
        for (keyframe, broken) in [(true, false), (false, true), (true, false), (false, false)] {
            flight.send(passing(keyframe, broken), ());
        }
        assert_eq!(
            land(&mut flight, &[0, 1, 3, 2]),
            [None, CORRUPT, CORRUPT, None]
        );
        flight.send(passing(true, false), ());
        flight.send(passing(false, false), ());
        assert_eq!(
            land(&mut flight, &[5, 4]),
            [None, None],
            "of the group behind"
        );
    }

    #[test]
    fn damage_that_shows_late_holds_for_what_was_sent_meanwhile_up_to_a_keyframe() {
        let mut flight = sent("IPPPIP");
        flight.damage(1);
        assert_eq!(
            land(&mut flight, &[0, 1, 2, 3, 4, 5]),
            [None, CORRUPT, CORRUPT, CORRUPT, None, None]
        );
        flight.send(passing(false, false), ());
        assert_eq!(land(&mut flight, &[6]), [None]);
    }

    #[test]
    fn damage_that_shows_late_holds_for_what_is_still_to_be_sent() {
        let mut flight = sent("IPP");
        flight.damage(1);
        flight.send(passing(false, false), ());
        flight.send(passing(true, false), ());
        assert_eq!(
            land(&mut flight, &[0, 1, 2, 3, 4]),
            [None, CORRUPT, CORRUPT, CORRUPT, None]
        );
    }

    #[test]
    fn the_order_in_which_damage_shows_changes_nothing() {
        let taints = |order: &[u64]| {
            let mut flight = sent("IPIPPIPPIP");
            for serial in order {
                flight.damage(*serial);
            }
            land(&mut flight, &[0, 1, 2, 4, 3, 6, 5, 7, 9, 8])
        };
        let expected = taints(&[1, 3, 5]);
        assert_eq!(
            expected,
            [
                None, CORRUPT, None, CORRUPT, CORRUPT, CORRUPT, CORRUPT, CORRUPT, CORRUPT, None
            ]
        );
        for order in [[1, 5, 3], [3, 1, 5], [3, 5, 1], [5, 1, 3], [5, 3, 1]] {
            assert_eq!(taints(&order), expected, "{order:?}");
        }
    }

    #[test]
    fn a_damaged_keyframe_is_no_way_back_in() {
        let mut flight = sent("IPIPIP");
        flight.damage(1);
        flight.damage(2);
        assert_eq!(
            land(&mut flight, &[0, 1, 2, 3, 4, 5]),
            [None, CORRUPT, CORRUPT, CORRUPT, None, None]
        );
    }

    #[test]
    fn damage_of_an_unknown_packet_holds_for_all_that_may_be_it() {
        let mut flight = sent("IPIPP");
        flight.damage_last(2);
        assert_eq!(
            land(&mut flight, &[0, 1, 2, 3, 4]),
            [None, None, None, CORRUPT, CORRUPT]
        );
        let mut flight = sent("IPI");
        assert_eq!(land(&mut flight, &[0]), [None]);
        flight.damage(0);
        assert_eq!(land(&mut flight, &[1, 2]), [CORRUPT, CORRUPT]);
    }

    #[test]
    fn a_picture_without_a_time_stamp_is_that_of_the_oldest_packet() {
        let mut flight = sent("IPP");
        assert_eq!(flight.find(Some(2)), Some(2));
        assert_eq!(flight.find(None), Some(0));
        assert_eq!(land(&mut flight, &[0]), [None]);
        assert_eq!(flight.find(None), Some(1));
    }
}
