//! Decodes the groups that were asked for, one packet at a time, beside the decoder
//! that looks at keyframes only. Which groups is for the caller to say.

use std::collections::VecDeque;

use crate::{
    decode::Decoder, error::Error, frame::Frame, group::Group, timeline::Timeline, unit::Unit,
};

pub(crate) struct Refiner {
    decoder: Decoder,
    waiting: VecDeque<Work>,
    /// Place in the stream behind the last packet that was taken; none where the
    /// decoder has to begin anew.
    end: Option<u64>,
}

enum Work {
    /// Begin with the keyframe that follows, at these times.
    Enter(Timeline),
    Decode(Unit),
    /// Give out what the decoder still holds back.
    Finish,
}

impl Refiner {
    pub(crate) fn new(decoder: Decoder) -> Self {
        Self {
            decoder,
            waiting: VecDeque::new(),
            end: None,
        }
    }

    /// Its pictures are wanted. A later part of a group whose beginning was not is
    /// passed over: nothing can be predicted from what is missing.
    pub(crate) fn take(&mut self, group: Group) {
        let follows = self.end == Some(group.first);
        let end = group.end();
        match group.entry {
            // The pictures in front of its keyframe that lean on the group before can
            // be decoded, too.
            _ if follows => {}
            Some(times) => {
                self.refuse();
                self.waiting.push_back(Work::Enter(times));
            }
            None => return,
        }
        self.end = Some(end);
        self.waiting
            .extend(group.units.into_iter().map(Work::Decode));
    }

    /// The group behind the last one that was taken is not wanted, or there is none.
    /// Whether that leaves anything to do.
    pub(crate) fn refuse(&mut self) -> bool {
        let taken = self.end.take().is_some();
        if taken {
            self.waiting.push_back(Work::Finish);
        }
        taken
    }

    /// Does a piece of the work, handing every picture to `out`. False where there is
    /// none.
    pub(crate) fn step(&mut self, out: impl FnMut(Frame)) -> Result<bool, Error> {
        match self.waiting.pop_front() {
            None => return Ok(false),
            Some(Work::Enter(times)) => self.decoder.enter(times),
            Some(Work::Decode(unit)) => self.decoder.decode(Some(unit), out)?,
            Some(Work::Finish) => self.decoder.finish(out)?,
        }
        Ok(true)
    }
}
