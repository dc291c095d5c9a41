//! Groups of pictures as they arrive: from a keyframe up to the next one, held back
//! until somebody says whether they are worth decoding. Decoding is for `refiner`.

use std::fmt;

use crate::{timeline::Timeline, unit::Unit};

/// Bytes of packets that are held back at most: half a minute of a camera of 8 Mb/s.
const MOST_BYTES: usize = 32 << 20;
/// Packets that are held back at most: two and a half minutes at 25 a second.
const MOST_UNITS: usize = 4096;

/// The pictures between a keyframe and the next one, not yet decoded. A group that is
/// longer than 32 MiB or 4,096 packets comes in parts, of which a later one can be
/// decoded only where those before it were.
pub struct Group {
    /// Place in the stream of the first packet.
    pub(crate) first: u64,
    /// In decode order; the keyframe is the first, unless this is a later part.
    pub(crate) units: Vec<Unit>,
    /// The times of the stream as they stood before the keyframe; none in a later part.
    pub(crate) entry: Option<Timeline>,
    keyframe: Option<u64>,
    next_keyframe: Option<u64>,
}

impl Group {
    /// The index of the frame that its keyframe became, where it came out at all.
    pub fn keyframe(&self) -> Option<u64> {
        self.keyframe
    }

    /// That of the keyframe behind it; none at the end of the stream, before a break,
    /// and in a part that is not the last.
    pub fn next_keyframe(&self) -> Option<u64> {
        self.next_keyframe
    }

    /// Place in the stream behind its last packet.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.units.len() as u64
    }

    /// Whether there is anything that was not decoded yet.
    fn has_more(&self) -> bool {
        self.units.len() > usize::from(self.entry.is_some())
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("packets", &self.units.len())
            .field("keyframe", &self.keyframe)
            .field("next_keyframe", &self.next_keyframe)
            .finish_non_exhaustive()
    }
}

/// The group that is arriving.
#[derive(Default)]
pub(crate) struct Arriving {
    group: Option<Group>,
    bytes: usize,
    /// Packets seen so far.
    place: u64,
}

impl Arriving {
    /// A keyframe came, and was decoded; `again`: its packet once more. `before`: the
    /// times of the stream before it. Returns the group that it ends.
    pub(crate) fn keyframe(&mut self, again: Unit, before: Timeline) -> Option<Group> {
        let index = again.repeated;
        let ended = self.end().map(|group| Group {
            next_keyframe: index,
            ..group
        });
        self.bytes = again.queued;
        self.group = Some(Group {
            first: self.place,
            units: vec![again],
            entry: Some(before),
            keyframe: index,
            next_keyframe: None,
        });
        self.place += 1;
        ended
    }

    /// A packet came that is none. Returns a part of the group that is long enough.
    pub(crate) fn other(&mut self, unit: Unit) -> Option<Group> {
        self.place += 1;
        let group = self.group.as_mut()?;
        self.bytes += unit.queued;
        group.units.push(unit);
        if self.bytes < MOST_BYTES && group.units.len() < MOST_UNITS {
            return None;
        }
        let rest = Group {
            first: self.place,
            units: Vec::new(),
            entry: None,
            ..*group
        };
        self.bytes = 0;
        self.group.replace(rest)
    }

    /// Nothing more comes. Returns what was held back last.
    pub(crate) fn end(&mut self) -> Option<Group> {
        self.group.take().filter(Group::has_more)
    }
}
