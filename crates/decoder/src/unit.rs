//! A packet of video and what is known of it on arrival: what its bytes, its side
//! data and libav's marks say. Where packets come from, and what becomes of them from
//! one to the next, is in `packets`.

use std::time::{Duration, Instant, SystemTime};

use ffmpeg_next::{Packet, codec::packet::side_data::Type as SideData};

use crate::{
    nal::{self, Access, Entry, Syntax},
    repeats::Succession,
};

/// A packet and what is known of it on arrival.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) packet: Packet,
    pub(crate) keyframe: bool,
    pub(crate) access: Access,
    /// Packets went missing before it, or libav marks it as damaged.
    pub(crate) broken: bool,
    /// The reader itself gave up packets before it.
    pub(crate) after_gap: bool,
    /// What it is to the unit before it.
    pub(crate) succession: Succession,
    /// The index of its picture, where that was handed out already.
    pub(crate) repeated: Option<u64>,
    /// Bytes that it takes up in the queue.
    pub(crate) queued: usize,
    pub(crate) arrival: Instant,
    pub(crate) received_at: SystemTime,
    pub(crate) captured_at: Option<SystemTime>,
}

impl Unit {
    /// Makes one picture of its beginning, which was taken for one of its own, and of
    /// this unit: what stands in front of the first slice came with the beginning.
    pub(crate) fn complete(mut self, syntax: Syntax, beginning: &Self) -> Self {
        let front = beginning.packet.data().unwrap_or_default();
        let front = &front[..nal::slices(syntax, front)];
        let data = self.packet.data().unwrap_or_default();
        let whole = [front, &data[nal::slices(syntax, data)..]].concat();
        self.packet = with_data(&self.packet, &whole);
        self.keyframe |= beginning.keyframe;
        self.access = access(Some(syntax), &self.packet);
        self.broken |= beginning.broken;
        self.after_gap |= beginning.after_gap;
        self.succession = beginning.succession;
        self.arrival = beginning.arrival;
        self.received_at = beginning.received_at;
        self.captured_at = self.captured_at.or(beginning.captured_at);
        self.queued += beginning.queued;
        self
    }
}

/// What decoding can begin at this packet, by its own units where their syntax is
/// known, otherwise by libav's mark.
pub(crate) fn access(syntax: Option<Syntax>, packet: &Packet) -> Access {
    let keyframe = packet.is_key();
    match syntax {
        Some(syntax) => nal::access(syntax, packet.data().unwrap_or_default(), keyframe),
        None => Access {
            entry: if keyframe { Entry::Clean } else { Entry::None },
            reference: true,
        },
    }
}

/// The same packet with other bytes.
pub(crate) fn with_data(packet: &Packet, data: &[u8]) -> Packet {
    let mut other = Packet::copy(data);
    other.set_pts(packet.pts());
    other.set_dts(packet.dts());
    other.set_duration(packet.duration());
    other.set_flags(packet.flags());
    other.set_stream(packet.stream());
    other
}

/// The wall clock that libav derives from RTCP sender reports
/// (`AVProducerReferenceTime`: microseconds since 1970, then flags).
pub(crate) fn producer_time(packet: &Packet) -> Option<SystemTime> {
    let data = packet.side_data().find(|d| d.kind() == SideData::PRFT)?;
    let micros = i64::from_ne_bytes(data.data().get(..8)?.try_into().ok()?);
    let micros = u64::try_from(micros).ok().filter(|m| *m > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros))
}
