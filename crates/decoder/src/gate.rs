//! Which pictures are whole. libav flags almost nothing after a loss, so the gate
//! follows the packets themselves: closed until a clean keyframe, closed again by
//! anything that went missing or would not decode. Pure.

use crate::nal::{Access, Entry};

/// Why a picture may not win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taint {
    /// No keyframe has come yet.
    BeforeKeyframe,
    /// Something that it is predicted from, or it itself, was lost or damaged.
    Corrupt,
}

/// Follows one stream in decode order (packets) and output order (pictures).
#[derive(Debug)]
pub(crate) struct Gate {
    state: State,
    /// After damage the stream is clean again from this packet on, but pictures
    /// that leave the decoder before its own may still lean on what was lost
    /// (the leading pictures of an open GOP).
    resuming_at: Option<u64>,
    /// Under way in a stream that refreshes gradually: pictures that are predicted
    /// from which are still to come until everything was refreshed.
    refresh: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Clean,
    Tainted,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Waiting,
            resuming_at: None,
            refresh: None,
        }
    }

    /// A packet is about to be decoded. `broken`: something went missing right
    /// before it or inside it.
    pub(crate) fn packet(&mut self, serial: u64, access: Access, broken: bool) {
        if broken {
            self.damage();
            return;
        }
        let unclean = self.state != State::Clean;
        match access.entry {
            Entry::Clean if unclean || self.resuming_at.is_some() => self.resume(serial),
            Entry::After(pictures) if unclean && self.refresh.is_none() => {
                self.refresh = Some(pictures);
            }
            _ if access.reference => {
                self.refresh = self.refresh.map(|left| left.saturating_sub(1));
                if self.refresh == Some(0) {
                    self.resume(serial);
                }
            }
            _ => {}
        }
    }

    fn resume(&mut self, serial: u64) {
        self.state = State::Clean;
        self.resuming_at = Some(serial);
        self.refresh = None;
    }

    /// The decoder refused a packet or complained about it.
    pub(crate) fn damage(&mut self) {
        self.refresh = None;
        if self.state == State::Clean {
            self.state = State::Tainted;
        }
    }

    /// What holds for pictures of the packet sent last.
    pub(crate) fn taint(&self) -> Option<Taint> {
        match self.state {
            State::Waiting => Some(Taint::BeforeKeyframe),
            State::Tainted => Some(Taint::Corrupt),
            State::Clean => None,
        }
    }

    /// A picture leaves the decoder; `at_packet` is what [`Gate::taint`] said when
    /// its packet went in.
    pub(crate) fn picture(&mut self, serial: u64, at_packet: Option<Taint>) -> Option<Taint> {
        match self.resuming_at {
            Some(keyframe) if serial == keyframe => self.resuming_at = None,
            Some(keyframe) if at_packet.is_none() && serial > keyframe => {
                return Some(Taint::Corrupt);
            }
            _ => {}
        }
        at_packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(keyframe: bool) -> Access {
        Access {
            entry: if keyframe { Entry::Clean } else { Entry::None },
            reference: true,
        }
    }

    /// Sends packets in decode order, then takes pictures in output order.
    fn run(packets: &[(u64, bool, bool)], output: &[u64]) -> Vec<Option<Taint>> {
        let mut gate = Gate::new();
        let mut taints = std::collections::HashMap::new();
        for &(serial, keyframe, broken) in packets {
            gate.packet(serial, access(keyframe), broken);
            taints.insert(serial, gate.taint());
        }
        output.iter().map(|s| gate.picture(*s, taints[s])).collect()
    }

    #[test]
    fn nothing_passes_before_the_first_keyframe() {
        let got = run(
            &[(0, false, false), (1, true, false), (2, false, false)],
            &[0, 1, 2],
        );
        assert_eq!(got, [Some(Taint::BeforeKeyframe), None, None]);
    }

    #[test]
    fn after_a_loss_nothing_passes_until_a_clean_keyframe() {
        let packets = [
            (0, true, false),
            (1, false, true),
            (2, false, false),
            (3, true, true),
            (4, true, false),
        ];
        let got = run(&packets[..3], &[0, 1, 2]);
        assert_eq!(got, [None, Some(Taint::Corrupt), Some(Taint::Corrupt)]);
        let got = run(&packets, &[4]);
        assert_eq!(got, [None]);
        let mut gate = Gate::new();
        gate.packet(0, access(true), false);
        gate.packet(3, access(true), true);
        assert_eq!(
            gate.taint(),
            Some(Taint::Corrupt),
            "a keyframe with a hole is not clean"
        );
    }

    #[test]
    fn leading_pictures_of_an_open_group_do_not_pass_after_a_loss() {
        // Decode order I0 P1(lost) I2 B3; output order 0 1 3 2: 3 leans on 1.
        let packets = [
            (0, true, false),
            (1, false, true),
            (2, true, false),
            (3, false, false),
        ];
        let mut gate = Gate::new();
        let mut seen = Vec::new();
        gate.packet(0, access(true), false);
        seen.push(gate.picture(0, None));
        for &(serial, key, broken) in &packets[1..] {
            gate.packet(serial, access(key), broken);
        }
        seen.push(gate.picture(1, Some(Taint::Corrupt)));
        seen.push(gate.picture(3, None));
        seen.push(gate.picture(2, None));
        assert_eq!(
            seen,
            [None, Some(Taint::Corrupt), Some(Taint::Corrupt), None]
        );
    }

    #[test]
    fn a_gradual_refresh_is_clean_when_it_is_complete_and_not_when_it_begins() {
        let refresh = Access {
            entry: Entry::After(3),
            reference: true,
        };
        let mut gate = Gate::new();
        gate.packet(0, access(true), false);
        gate.packet(1, access(false), true);
        gate.packet(2, refresh, false);
        let mut taints = vec![gate.taint()];
        for serial in 3..6 {
            gate.packet(serial, access(false), false);
            taints.push(gate.taint());
        }
        let corrupt = Some(Taint::Corrupt);
        assert_eq!(taints, [corrupt, corrupt, corrupt, None]);
    }

    #[test]
    fn a_loss_during_a_gradual_refresh_waits_for_the_next_one() {
        let mut gate = Gate::new();
        let refresh = Access {
            entry: Entry::After(2),
            reference: true,
        };
        gate.packet(0, refresh, false);
        gate.packet(1, access(false), true);
        gate.packet(2, access(false), false);
        gate.packet(3, access(false), false);
        assert_eq!(gate.taint(), Some(Taint::BeforeKeyframe));
        gate.packet(4, refresh, false);
        gate.packet(5, access(false), false);
        gate.packet(6, access(false), false);
        assert_eq!(gate.taint(), None);
    }
}
