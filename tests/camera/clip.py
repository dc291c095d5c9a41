"""Recorded clips as lists of access units with their times.

What lives here: reading a file once through GStreamer's demuxers and parsers.
What does not: sending, which is `feed.py`'s, and any decoding of pictures.
"""

import statistics
import threading
from dataclasses import dataclass
from pathlib import Path

from gst import GLib, Gst

# How long a clip may take to give its next access unit while it is read in.
READ_LIMIT_NS = 10 * Gst.SECOND


@dataclass(frozen=True)
class Codec:
    """How one kind of video is cut into access units and packed into RTP."""

    parser: str
    caps: str
    payloader: str


# By the media type that GStreamer's demuxers give. Parameter sets go out again
# with every keyframe, as cameras do, so that a reader may join at any of them.
CODECS = {
    "video/x-h264": Codec(
        "h264parse config-interval=-1",
        "video/x-h264,stream-format=byte-stream,alignment=au",
        "rtph264pay config-interval=-1 pt=96",
    ),
    "video/x-h265": Codec(
        "h265parse config-interval=-1",
        "video/x-h265,stream-format=byte-stream,alignment=au",
        "rtph265pay config-interval=-1 pt=96",
    ),
    "video/mpeg": Codec(
        "mpeg4videoparse config-interval=-1",
        "video/mpeg,mpegversion=4,systemstream=false",
        "rtpmp4vpay config-interval=1 pt=96",
    ),
    "image/jpeg": Codec("jpegparse", "image/jpeg", "rtpjpegpay pt=26"),
}


@dataclass(frozen=True)
class Unit:
    """One access unit: its bytes, and its times from the clip's start in ns."""

    data: GLib.Bytes
    decode_ns: int
    present_ns: int


@dataclass(frozen=True)
class Clip:
    """A clip in memory, in decoding order; `length_ns` is one whole pass."""

    codec: Codec
    caps: str
    units: list[Unit]
    length_ns: int


class ClipError(Exception):
    """A clip that cannot be sent, in words for whoever named it."""


class Reader:
    """Reads the first video stream of a file into a `Clip`."""

    def __init__(self, path: Path):
        self.path = path
        self.codec: Codec | None = None
        self.found = threading.Event()
        self.pipeline = Gst.Pipeline.new("reader")
        source = Gst.ElementFactory.make("filesrc")
        source.set_property("location", str(path))
        demuxer = Gst.ElementFactory.make("parsebin")
        demuxer.connect("pad-added", self.stream_found)
        demuxer.connect("no-more-pads", lambda *_: self.found.set())
        self.units = Gst.ElementFactory.make("appsink")
        self.units.set_property("sync", False)
        self.pipeline.add(source)
        self.pipeline.add(demuxer)
        source.link(demuxer)

    def stream_found(self, _demuxer, pad) -> None:
        caps = pad.get_current_caps() or pad.query_caps(None)
        codec = CODECS.get(caps.get_structure(0).get_name())
        if codec is None or self.codec is not None:
            self.attach(Gst.ElementFactory.make("fakesink"), pad)
            return
        self.codec = codec
        parser = Gst.parse_bin_from_description(codec.parser, True)
        self.units.set_property("caps", Gst.Caps.from_string(codec.caps))
        self.pipeline.add(self.units)
        self.units.sync_state_with_parent()
        self.attach(parser, pad)
        parser.link(self.units)
        self.found.set()

    def attach(self, element, pad) -> None:
        self.pipeline.add(element)
        element.sync_state_with_parent()
        pad.link(element.get_static_pad("sink"))

    def read(self) -> Clip:
        self.pipeline.set_state(Gst.State.PLAYING)
        try:
            return self.collect()
        finally:
            self.pipeline.set_state(Gst.State.NULL)

    def collect(self) -> Clip:
        bus = self.pipeline.get_bus()
        while not self.found.wait(0.05):
            if bus.pop_filtered(Gst.MessageType.ERROR | Gst.MessageType.EOS):
                break
        if self.codec is None:
            raise ClipError(f"{self.path} holds no H.264, H.265, MJPEG or MPEG-4 video")
        data, stamps, durations, caps = [], [], [], ""
        while sample := self.units.try_pull_sample(READ_LIMIT_NS):
            buffer = sample.get_buffer()
            caps = caps or sample.get_caps().to_string()
            data.append(GLib.Bytes.new(buffer.extract_dup(0, buffer.get_size())))
            stamps.append(buffer.pts)
            durations.append(buffer.duration)
        if not data:
            raise ClipError(f"{self.path} gave no pictures")
        stamps, frame_ns = complete_stamps(stamps, durations, caps)
        decode = sorted(stamps)
        # Pictures that are shown later than they are decoded (B-frames) move the
        # whole presentation back by the largest step, so that none is due before
        # it was sent.
        delay = max(due - shown for due, shown in zip(decode, stamps))
        start = decode[0]
        units = [
            Unit(piece, due - start, shown - start + delay)
            for piece, due, shown in zip(data, decode, stamps)
        ]
        return Clip(self.codec, caps, units, decode[-1] - start + frame_ns)


def complete_stamps(stamps, durations, caps) -> tuple[list[int], int]:
    """Presentation times in ns for every unit, and how long one frame lasts.

    A container without presentation times is taken to run at the frame rate of
    its caps, else at 25 frames a second.
    """
    missing = Gst.CLOCK_TIME_NONE
    known, numerator, denominator = Gst.Caps.from_string(caps).get_structure(0).get_fraction(
        "framerate"
    )
    frame_ns = Gst.SECOND * denominator // numerator if known and numerator else Gst.SECOND // 25
    lasting = [d for d in durations if d not in (0, missing)]
    if lasting:
        frame_ns = int(statistics.median(lasting))
    if missing in stamps or len(set(stamps)) < len(stamps):
        return [n * frame_ns for n in range(len(stamps))], frame_ns
    return list(stamps), frame_ns
