//! Packets in, pictures out: one libav decoder for the life of a stream, each
//! picture joined again with what was known of its packet.

use std::{sync::Arc, time::SystemTime};

use ffmpeg_next::{
    Dictionary, Error as AvSafeError,
    codec::{self, decoder, threading},
    color,
    frame::Video,
};

use crate::{
    error::{Error, ErrorKind},
    ffi::{self, LumaLayout, Picture},
    flight::{self, Flight},
    frame::Frame,
    gate::Passing,
    log::{self, Names, Signals},
    options::OpenOptions,
    orientation::Orientation,
    timeline::Timeline,
    unit::Unit,
};

/// What is remembered of a packet until its picture comes out.
struct Sent {
    pts: Option<i64>,
    keyframe: bool,
    repeated: Option<u64>,
    arrival: std::time::Instant,
    received_at: SystemTime,
    captured_at: Option<SystemTime>,
}

pub(crate) struct Decoder {
    codec: decoder::Video,
    names: Names,
    signals: Arc<Signals>,
    flight: Flight<Sent>,
    /// The packet that was sent last.
    last: u64,
    /// Packets that are decoded at the same time.
    at_once: usize,
    timeline: Timeline,
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
        context.set_threading(threading::Config {
            kind: match options.threads {
                1 => threading::Type::None,
                _ => threading::Type::Frame,
            },
            count: options.threads,
            ..threading::Config::default()
        });
        let names = Names::new(&source.signals);
        ffi::name_packet(&mut context, names.of(0));
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
        let at_once = match decoder.threading() {
            threading::Config {
                kind: threading::Type::Frame,
                count,
                ..
            } => count.max(1),
            _ => 1,
        };
        // What it said of the stream's description is about no packet.
        names.take_damaged(0).for_each(drop);
        let live = source.transport.is_some();
        Ok(Self {
            codec: decoder,
            names,
            signals: Arc::clone(&source.signals),
            flight: Flight::new(),
            last: 0,
            at_once,
            timeline: Timeline::new(stream.time_base, stream.frame_rate, live),
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
        let mut damaged = self.signals.damaged();
        // At the end each thread has something to give out or to complain about.
        let mut complaints = if unit.is_some() { 1 } else { flight::MOST };
        let sent = match unit {
            Some(unit) => self.send(unit),
            None => self.codec.send_eof(),
        };
        match sent {
            Ok(()) | Err(AvSafeError::Eof) => {}
            Err(_) => self.damage_last(),
        }
        self.refuse_too_large()?;
        loop {
            let mut frame = Video::empty();
            let received = self.codec.receive_frame(&mut frame);
            // What the decoder complained about may be in this very picture.
            self.heed(&mut damaged);
            match received {
                Ok(()) => {
                    if let Some(frame) = self.complete(frame)? {
                        out(frame);
                    }
                }
                Err(AvSafeError::Eof) => break,
                Err(AvSafeError::Other { errno }) if errno == ffmpeg_next::error::EAGAIN => break,
                Err(_) => {
                    self.damage_last();
                    complaints -= 1;
                    if complaints == 0 {
                        break;
                    }
                }
            }
        }
        self.refuse_too_large()
    }

    fn refuse_too_large(&self) -> Result<(), Error> {
        if self.signals.too_large() {
            return Err(too_large(&self.name));
        }
        Ok(())
    }

    /// Takes note of what libav's log said meanwhile.
    fn heed(&mut self, damaged: &mut u64) {
        for serial in self.names.take_damaged(self.last) {
            self.flight.damage(serial);
        }
        if self.signals.damaged() != *damaged {
            *damaged = self.signals.damaged();
            self.damage_last();
        }
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
        self.flight.clear();
        Ok(())
    }

    /// Takes note of a packet that is not decoded.
    pub(crate) fn skip(&mut self, unit: &Unit) {
        self.flight.skip(Passing::from(unit));
        self.timeline.skip();
    }

    /// The times of the stream as they stand.
    pub(crate) fn times(&self) -> Timeline {
        self.timeline.clone()
    }

    /// Begins with the keyframe that follows, which was handed out before, at these
    /// times. Pictures in front of it lean on what this decoder has not seen.
    pub(crate) fn enter(&mut self, times: Timeline) {
        self.flight.begin();
        self.timeline = times;
        self.entering = true;
    }

    fn send(&mut self, mut unit: Unit) -> Result<(), AvSafeError> {
        let sent = Sent {
            pts: unit.packet.pts().or_else(|| unit.packet.dts()),
            keyframe: unit.keyframe,
            repeated: unit.repeated,
            arrival: unit.arrival,
            received_at: unit.received_at,
            captured_at: unit.captured_at,
        };
        let serial = self.flight.send(Passing::from(&unit), sent);
        self.last = serial;
        ffi::name_packet(&mut self.codec, self.names.of(serial));
        // The picture brings back the packet's time stamp whatever the order of
        // output, so a serial number there finds its packet even where the camera
        // sends no time stamps, or the same one twice.
        let packet = &mut unit.packet;
        packet.set_pts(i64::try_from(serial).ok());
        packet.set_dts(i64::try_from(serial).ok());
        self.codec.send_packet(packet)
    }

    /// Something is wrong that names no packet: it is one of those under way.
    fn damage_last(&mut self) {
        self.flight.damage_last(self.at_once);
    }

    fn complete(&mut self, frame: Video) -> Result<Option<Frame>, Error> {
        let Some(serial) = self.flight.find(frame.pts()) else {
            return Ok(None);
        };
        if frame.is_corrupt() || frame.has_decode_errors() {
            self.flight.damage(serial);
        }
        let Some((sent, taint)) = self.flight.land(serial) else {
            return Ok(None);
        };
        if self.entering && sent.repeated.is_none() {
            return Ok(None);
        }
        self.entering = false;
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
}

fn too_large(name: &str) -> Error {
    let message = format!("{name} sends pictures larger than this program accepts");
    Error::new(ErrorKind::Limit, message)
}
