//! Which pictures are whole. libav flags almost nothing after a loss, so the gate
//! follows the packets themselves: closed until a clean keyframe, closed again by
//! anything that went missing or would not decode. Pure.

use crate::{
    nal::{Access, Entry},
    unit::Unit,
};

/// Why a picture may not win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taint {
    /// No keyframe has come yet.
    BeforeKeyframe,
    /// Something that it is predicted from, or it itself, was lost or damaged.
    Corrupt,
}

/// What the gate looks at of a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing {
    pub(crate) access: Access,
    /// Something went missing right before it or inside it.
    pub(crate) broken: bool,
    /// The reader itself gave up packets before it.
    pub(crate) after_gap: bool,
}

impl From<&Unit> for Passing {
    fn from(unit: &Unit) -> Self {
        Self {
            access: unit.access,
            broken: unit.broken,
            after_gap: unit.after_gap,
        }
    }
}

/// Follows the packets of one stream, in decode order.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    state: State,
    /// The packet from which on the stream is clean again, until its picture is shown.
    entered_at: Option<u64>,
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
            entered_at: None,
            refresh: None,
        }
    }

    /// A packet is about to be decoded, or passed over.
    pub(crate) fn packet(&mut self, serial: u64, passing: Passing) {
        if passing.after_gap {
            self.damage();
        }
        if passing.broken {
            self.damage();
            return;
        }
        let Access { entry, reference } = passing.access;
        let unclean = self.state != State::Clean;
        match entry {
            Entry::Clean if unclean => self.enter(serial),
            Entry::After(pictures) if unclean && self.refresh.is_none() => {
                self.refresh = Some(pictures);
            }
            _ if reference => {
                self.refresh = self.refresh.map(|left| left.saturating_sub(1));
                if self.refresh == Some(0) {
                    self.enter(serial);
                }
            }
            _ => {}
        }
    }

    fn enter(&mut self, serial: u64) {
        self.state = State::Clean;
        self.entered_at = Some(serial);
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

    /// The packet from which on the stream is clean, whose picture was not shown yet.
    pub(crate) fn entered_at(&self) -> Option<u64> {
        self.entered_at
    }

    /// That picture was shown.
    pub(crate) fn shown(&mut self) {
        self.entered_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(keyframe: bool, broken: bool) -> Passing {
        let entry = if keyframe { Entry::Clean } else { Entry::None };
        by(entry, broken)
    }

    fn by(entry: Entry, broken: bool) -> Passing {
        let reference = true;
        Passing {
            access: Access { entry, reference },
            broken,
            after_gap: false,
        }
    }

    /// Lets these packets pass: what holds for the pictures of each.
    fn run(packets: &[Passing]) -> Vec<Option<Taint>> {
        let mut gate = Gate::new();
        let mut taint = |(serial, passing): (u64, &Passing)| {
            gate.packet(serial, *passing);
            gate.taint()
        };
        (0..).zip(packets).map(&mut taint).collect()
    }

    const CORRUPT: Option<Taint> = Some(Taint::Corrupt);
    const BEFORE: Option<Taint> = Some(Taint::BeforeKeyframe);

    #[test]
    fn nothing_passes_before_the_first_keyframe() {
        let packets = [(false, false), (true, false), (false, false)];
        let got = run(&packets.map(|(key, broken)| passing(key, broken)));
        assert_eq!(got, [BEFORE, None, None]);
    }

    #[test]
    fn after_a_loss_nothing_passes_until_a_clean_keyframe() {
        let packets = [
            passing(true, false),
            passing(false, true),
            passing(false, false),
            // With a hole: not clean.
            passing(true, true),
            passing(true, false),
        ];
        assert_eq!(run(&packets), [None, CORRUPT, CORRUPT, CORRUPT, None]);
    }

    #[test]
    fn after_packets_were_given_up_only_a_keyframe_passes() {
        let after_gap = |keyframe| Passing {
            after_gap: true,
            ..passing(keyframe, false)
        };
        let packets = [
            passing(true, false),
            after_gap(false),
            passing(false, false),
            after_gap(true),
        ];
        assert_eq!(run(&packets), [None, CORRUPT, CORRUPT, None]);
    }

    #[test]
    fn a_gradual_refresh_is_clean_when_it_is_complete_and_not_when_it_begins() {
        let packets = [
            passing(true, false),
            passing(false, true),
            by(Entry::After(3), false),
            passing(false, false),
            passing(false, false),
            passing(false, false),
        ];
        let refresh = [CORRUPT, CORRUPT, CORRUPT, None];
        assert_eq!(run(&packets)[2..], refresh);
    }

    #[test]
    fn a_loss_during_a_gradual_refresh_waits_for_the_next_one() {
        let packets = [
            by(Entry::After(2), false),
            passing(false, true),
            passing(false, false),
            passing(false, false),
            by(Entry::After(2), false),
            passing(false, false),
            passing(false, false),
        ];
        let mut expected = [BEFORE; 7];
        expected[6] = None;
        assert_eq!(run(&packets), expected);
    }
}
