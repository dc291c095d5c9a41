//! The packets of a video file, read when asked. What lives here: that the last of them
//! may be a part of one. What does not: reading packets (`packets`), cameras
//! (`arrivals`).

use ffmpeg_next::codec::Id;

use crate::{error::Error, packets::Packets, unit::Unit, watch::Watch};

pub(crate) struct Recording {
    packets: Packets,
    /// A recording that was cut ends within a picture. A decoder of H.265 says nothing of
    /// what is missing, and libav only where the file says how long the packet is.
    may_be_cut: bool,
    /// The packet that may be the last one.
    held: Option<Unit>,
    /// What came behind the last packet.
    end: Option<Result<Option<Unit>, Error>>,
}

impl Recording {
    pub(crate) fn new(packets: Packets) -> Self {
        let codec = packets.parameters.parameters.id();
        Self {
            may_be_cut: codec == Id::HEVC && packets.parameters.start_codes,
            packets,
            held: None,
            end: None,
        }
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.packets.watch
    }

    /// The next packet of the video, or `None` at the end.
    pub(crate) fn read(&mut self) -> Result<Option<Unit>, Error> {
        if let Some(end) = self.end.take() {
            return end;
        }
        loop {
            let next = self.packets.read();
            match (next, self.held.take()) {
                (Ok(Some(unit)), before) if self.may_be_cut => {
                    self.held = Some(unit);
                    if before.is_some() {
                        return Ok(before);
                    }
                }
                (end, Some(mut last)) => {
                    last.broken = true;
                    self.end = Some(end);
                    return Ok(Some(last));
                }
                (next, None) => return next,
            }
        }
    }
}
