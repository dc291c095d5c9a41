//! Packets in, pictures out: one libav decoder for the life of a stream, each
//! picture joined again with what was known of its packet.

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use ffmpeg_next::{Dictionary, Error as AvSafeError, codec, codec::decoder, color, frame::Video};

use crate::{
    error::{Error, ErrorKind},
    ffi::{self, LumaLayout, Picture},
    frame::Frame,
    gate::{Gate, Taint},
    log::{self, Listening, Signals},
    options::OpenOptions,
    orientation::Orientation,
    timeline::Timeline,
    unit::Unit,
};

/// Packets whose pictures have not come out: more than any decoder holds back.
const PENDING: usize = 128;

/// What is remembered of a packet until its picture comes out.
struct Sent {
    serial: u64,
    pts: Option<i64>,
    keyframe: bool,
    taint: Option<Taint>,
    repeated: Option<u64>,
    arrival: std::time::Instant,
    received_at: SystemTime,
    captured_at: Option<SystemTime>,
}

pub(crate) struct Decoder {
    codec: decoder::Video,
    _listening: Listening,
    signals: Arc<Signals>,
    gate: Gate,
    timeline: Timeline,
    pending: VecDeque<Sent>,
    serial: u64,
    /// Nothing is given out before the picture of the next keyframe.
    entering: bool,
    is_jpeg: bool,
    orientation: Orientation,
    codec_name: &'static str,
    name: String,
}

impl Decoder {
    pub(crate) fn new(
        source: &crate::packets::Packets,
        options: &OpenOptions,
    ) -> Result<Self, Error> {
        let unsupported = |what: &str| {
            Error::new(
                ErrorKind::Unsupported,
                format!("{} sends {what}", source.name()),
            )
        };
        let stream = &source.parameters;
        let id = stream.parameters.id();
        let mut parameters = codec::Parameters::new();
        parameters.clone_from(&stream.parameters);
        let mut context = codec::Context::from_parameters(parameters)
            .map_err(|e| unsupported("video whose description cannot be read").with_source(e))?;
        context.set_threading(codec::threading::Config {
            count: options.threads,
            ..codec::threading::Config::default()
        });
        let listening = ffi::listen_to_decoder(&context, &source.signals);
        let settings = [
            ("max_pixels", options.max_pixels.to_string()),
            // What stands in place of a lost packet may look like a message on film
            // grain. libav 5.1 would show pictures that were never painted for it, and
            // go on with that after the next keyframe.
            ("export_side_data", "film_grain".to_owned()),
        ];
        let settings: Dictionary<'_> = settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let codec = decoder::find(id).ok_or_else(|| {
            unsupported(&format!(
                "{} video, which cannot be decoded here",
                id.name()
            ))
        })?;
        let _here = log::during(&source.signals);
        let decoder = context
            .decoder()
            .open_as_with(codec, settings)
            .and_then(decoder::Opened::video)
            .map_err(|e| {
                if source.signals.too_large() {
                    return too_large(source.name()).with_source(e);
                }
                unsupported("video that the decoder does not accept").with_source(e)
            })?;
        let live = source.transport.is_some();
        Ok(Self {
            codec: decoder,
            _listening: listening,
            signals: Arc::clone(&source.signals),
            gate: Gate::new(),
            timeline: Timeline::new(stream.time_base, stream.frame_rate, live),
            pending: VecDeque::new(),
            serial: 0,
            entering: false,
            is_jpeg: id == codec::Id::MJPEG,
            orientation: Orientation::default(),
            codec_name: id.name(),
            name: source.name().to_owned(),
        })
    }

    pub(crate) fn codec(&self) -> &'static str {
        self.codec_name
    }

    /// Decodes one packet (`None`: the end), handing every picture to `out`.
    pub(crate) fn decode(
        &mut self,
        unit: Option<Unit>,
        mut out: impl FnMut(Frame),
    ) -> Result<(), Error> {
        // libav logs an oversized picture under a context of its own, so lines that
        // name no known stream are taken for this one while it decodes.
        let _here = log::during(&self.signals);
        let damaged = self.signals.damaged();
        let sent = match unit {
            Some(unit) => self.send(unit),
            None => self.codec.send_eof(),
        };
        match sent {
            Ok(()) | Err(AvSafeError::Eof) => {}
            Err(_) => self.damage_last(),
        }
        if self.signals.too_large() {
            return Err(too_large(&self.name));
        }
        loop {
            let mut frame = Video::empty();
            match self.codec.receive_frame(&mut frame) {
                Ok(()) => {
                    // What the decoder complained about may be in this very picture.
                    let complained = self.signals.damaged() != damaged;
                    if complained {
                        self.damage_last();
                    }
                    if let Some(frame) = self.complete(frame)? {
                        out(frame);
                    }
                }
                Err(AvSafeError::Eof) => break,
                Err(AvSafeError::Other { errno }) if errno == ffmpeg_next::error::EAGAIN => break,
                Err(_) => {
                    self.damage_last();
                    break;
                }
            }
        }
        if self.signals.damaged() != damaged {
            self.damage_last();
        }
        Ok(())
    }

    /// Decodes a keyframe by itself, without waiting for what follows it.
    pub(crate) fn decode_alone(
        &mut self,
        unit: Unit,
        mut out: impl FnMut(Frame),
    ) -> Result<(), Error> {
        self.decode(Some(unit), &mut out)?;
        self.finish(out)
    }

    /// Gives out what is held back. After it only a keyframe can be decoded.
    pub(crate) fn finish(&mut self, out: impl FnMut(Frame)) -> Result<(), Error> {
        self.decode(None, out)?;
        self.codec.flush();
        self.pending.clear();
        Ok(())
    }

    /// Takes note of a packet that is not decoded.
    pub(crate) fn skip(&mut self, unit: &Unit) {
        if unit.after_gap {
            self.gate.damage();
        }
        self.gate.packet(self.serial, unit.access, unit.broken);
        self.serial += 1;
        self.timeline.skip();
    }

    /// The times of the stream as they stand.
    pub(crate) fn times(&self) -> Timeline {
        self.timeline.clone()
    }

    /// Begins with the keyframe that follows, which was handed out before, at these
    /// times. Pictures in front of it lean on what this decoder has not seen.
    pub(crate) fn enter(&mut self, times: Timeline) {
        self.gate = Gate::new();
        self.timeline = times;
        self.entering = true;
    }

    fn send(&mut self, mut unit: Unit) -> Result<(), AvSafeError> {
        let serial = self.serial;
        self.serial += 1;
        if unit.after_gap {
            self.gate.damage();
        }
        self.gate.packet(serial, unit.access, unit.broken);
        if self.pending.len() == PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back(Sent {
            serial,
            pts: unit.packet.pts().or_else(|| unit.packet.dts()),
            keyframe: unit.keyframe,
            taint: self.gate.taint(),
            repeated: unit.repeated,
            arrival: unit.arrival,
            received_at: unit.received_at,
            captured_at: unit.captured_at,
        });
        // The picture brings back the packet's time stamp whatever the order of
        // output, so a serial number there finds its packet even where the camera
        // sends no time stamps, or the same one twice.
        let packet = &mut unit.packet;
        packet.set_pts(i64::try_from(serial).ok());
        packet.set_dts(i64::try_from(serial).ok());
        self.codec.send_packet(packet)
    }

    fn damage_last(&mut self) {
        self.gate.damage();
        if let Some(last) = self.pending.back_mut()
            && last.taint.is_none()
        {
            last.taint = Some(Taint::Corrupt);
        }
    }

    fn complete(&mut self, frame: Video) -> Result<Option<Frame>, Error> {
        let Some(sent) = self.take_sent(frame.pts()) else {
            return Ok(None);
        };
        if self.entering && sent.repeated.is_none() {
            return Ok(None);
        }
        self.entering = false;
        let mut taint = self.gate.picture(sent.serial, sent.taint);
        if taint.is_none() && (frame.is_corrupt() || frame.has_decode_errors()) {
            self.gate.damage();
            taint = Some(Taint::Corrupt);
        }
        let keyframe = sent.keyframe || frame.is_key();
        // Told once and not repeated by every decoder: it holds until the stream tells
        // another, as ffmpeg's own programs take it.
        if let Some(told) = Orientation::of(&frame) {
            self.orientation = told;
        }
        let range = frame.color_range();
        let picture = Picture::new(frame).upright().map_err(|e| {
            let message = format!("a picture of {} could not be turned upright", self.name);
            Error::new(ErrorKind::Limit, message).with_source(ffmpeg_next::Error::from(e.0))
        })?;
        let layout: LumaLayout = picture.luma_layout().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{} sends {} pictures, which cannot be scored",
                    self.name,
                    picture.pixel_format_name()
                ),
            )
        })?;
        let full_range = match range {
            color::Range::JPEG => true,
            color::Range::MPEG => false,
            // A stream that does not say: JPEG is full range, H.26x limited.
            color::Range::Unspecified => {
                self.is_jpeg || picture.pixel_format_name().starts_with("yuvj")
            }
        };
        let stream_time = self.timeline.next(sent.pts, sent.arrival);
        Ok(Some(Frame {
            picture,
            layout,
            full_range,
            is_jpeg: self.is_jpeg,
            orientation: self.orientation,
            // Counted where pictures are handed out.
            index: 0,
            stream_time,
            received_at: sent.received_at,
            captured_at: sent.captured_at,
            keyframe,
            taint,
            repeated: sent.repeated,
        }))
    }

    /// The packet of a picture; those of pictures that never came are let go.
    fn take_sent(&mut self, stamp: Option<i64>) -> Option<Sent> {
        let serial = stamp.and_then(|s| u64::try_from(s).ok());
        let at = self
            .pending
            .iter()
            .position(|s| Some(s.serial) == serial)
            .unwrap_or(0);
        self.pending.remove(at)
    }
}

fn too_large(name: &str) -> Error {
    let message = format!("{name} sends pictures larger than this program accepts");
    Error::new(ErrorKind::Limit, message)
}
