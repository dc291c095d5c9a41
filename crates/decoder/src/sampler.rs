//! From packets to what the caller is given, by each way of sampling: every picture,
//! keyframes alone, or keyframes and the groups that the caller chooses. Where packets
//! come from, and how long they may stay away, is for `frames`.

use std::collections::VecDeque;

use crate::{
    decode::Decoder,
    error::Error,
    frame::Frame,
    group::{Arriving, Group},
    nal::Entry,
    options::OpenOptions,
    packets::Packets,
    refiner::Refiner,
    sampling::Sampling,
    unit::Unit,
};

/// What comes next of a stream; see [`Frames::step`](crate::Frames::step).
#[derive(Debug)]
pub enum Step {
    /// A picture.
    Picture(Frame),
    /// A picture of a group that was asked for ([`Frames::refine`](crate::Frames::refine)).
    Refined(Frame),
    /// The pictures between two keyframes, right behind the second of them, not yet
    /// decoded. With [`Sampling::Refined`] only.
    Group(Group),
}

/// What a packet brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) any: bool,
    pub(crate) clean: bool,
}

pub(crate) struct Sampler {
    /// Of all pictures, or of keyframes.
    decoder: Decoder,
    sampling: Sampling,
    groups: Option<Groups>,
    ready: VecDeque<Step>,
    index: u64,
}

struct Groups {
    arriving: Arriving,
    refiner: Refiner,
    /// A group was handed out, and nothing was said of it yet.
    offered: bool,
}

impl Sampler {
    pub(crate) fn new(packets: &Packets, options: &OpenOptions) -> Result<Self, Error> {
        let sampling = options.sampling;
        let decoder = match sampling {
            Sampling::All => Decoder::new(packets, options)?,
            // A keyframe is waited for by itself: there is nothing to share.
            _ => Decoder::new(packets, &options.clone().threads(1))?,
        };
        let groups = match sampling {
            Sampling::Refined => Some(Groups {
                arriving: Arriving::default(),
                refiner: Refiner::new(Decoder::new(packets, options)?),
                offered: false,
            }),
            _ => None,
        };
        Ok(Self {
            decoder,
            sampling,
            groups,
            ready: VecDeque::new(),
            index: 0,
        })
    }

    pub(crate) fn codec(&self) -> &'static str {
        self.decoder.codec()
    }

    /// Whether groups are held back.
    pub(crate) fn holds_groups(&self) -> bool {
        self.groups.is_some()
    }

    /// Whether the packet promises a picture. Keyframes alone are decoded where pictures
    /// are sampled, and libav also calls the points so from which a gradual refresh
    /// begins.
    pub(crate) fn expects(&self, unit: &Unit) -> bool {
        match self.sampling {
            Sampling::All => unit.keyframe,
            _ => unit.access.entry == Entry::Clean,
        }
    }

    /// What is ready to be handed out.
    pub(crate) fn next(&mut self) -> Option<Step> {
        if let Some(groups) = &mut self.groups
            && groups.offered
        {
            groups.offered = false;
            groups.refiner.refuse();
        }
        let step = self.ready.pop_front()?;
        if let (Some(groups), Step::Group(_)) = (&mut self.groups, &step) {
            groups.offered = true;
        }
        Some(step)
    }

    /// The group that was handed out last is wanted.
    pub(crate) fn refine(&mut self, group: Group) {
        if let Some(groups) = &mut self.groups {
            groups.offered = false;
            groups.refiner.take(group);
        }
    }

    /// Does a piece of what was asked for. False where nothing is left to do.
    pub(crate) fn work(&mut self) -> Result<bool, Error> {
        let Some(groups) = &mut self.groups else {
            return Ok(false);
        };
        let (ready, index) = (&mut self.ready, &mut self.index);
        groups
            .refiner
            .step(|frame| ready.push_back(Step::Refined(counted(frame, index))))
    }

    /// Nothing more comes: what was asked for is completed. False where it is.
    pub(crate) fn finish(&mut self) -> bool {
        let groups = self.groups.as_mut();
        groups.is_some_and(|groups| groups.refiner.refuse())
    }

    /// Gives up whatever was not handed out.
    pub(crate) fn abandon(&mut self) {
        self.ready.clear();
        self.groups = None;
    }

    /// A packet came, or (`None`) the last one has.
    pub(crate) fn packet(&mut self, unit: Option<Unit>) -> Result<Brought, Error> {
        let before = self.ready.len();
        match (self.sampling, unit) {
            (Sampling::All, unit) => self.decode(unit)?,
            (_, Some(unit)) if unit.access.entry == Entry::Clean => self.keyframe(unit)?,
            (_, Some(unit)) => {
                self.decoder.skip(&unit);
                let part = self.groups.as_mut().and_then(|g| g.arriving.other(unit));
                self.ready.extend(part.map(Step::Group));
            }
            (_, None) => {
                let last = self.groups.as_mut().and_then(|g| g.arriving.end());
                self.ready.extend(last.map(Step::Group));
            }
        }
        let mut brought = Brought::default();
        for step in self.ready.iter().skip(before) {
            if let Step::Picture(frame) | Step::Refined(frame) = step {
                brought.any = true;
                brought.clean |= frame.taint().is_none();
            }
        }
        Ok(brought)
    }

    fn decode(&mut self, unit: Option<Unit>) -> Result<(), Error> {
        let (ready, index) = (&mut self.ready, &mut self.index);
        self.decoder.decode(unit, |frame| {
            ready.push_back(Step::Picture(counted(frame, index)));
        })
    }

    fn keyframe(&mut self, unit: Unit) -> Result<(), Error> {
        let again = self.groups.is_some().then(|| unit.clone());
        let times = self.decoder.times();
        let (ready, index) = (&mut self.ready, &mut self.index);
        let own = *index;
        self.decoder.decode_alone(unit, |frame| {
            ready.push_back(Step::Picture(counted(frame, index)));
        })?;
        if let (Some(groups), Some(mut again)) = (&mut self.groups, again) {
            again.repeated = (*index > own).then_some(own);
            let ended = groups.arriving.keyframe(again, times);
            ready.extend(ended.map(Step::Group));
        }
        Ok(())
    }
}

/// Pictures are counted in the order in which they are handed out.
fn counted(mut frame: Frame, index: &mut u64) -> Frame {
    frame.index = frame.repeated.unwrap_or(*index);
    if !frame.is_repeated() {
        *index += 1;
    }
    frame
}
