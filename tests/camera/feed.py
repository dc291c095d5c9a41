"""What feeds a stream while it is read: a clip in real time, or nothing.

What lives here: one thread per media that pushes access units when they are
due. What does not: reading clips (`clip.py`) and RTSP (`camera.py`).
"""

import threading
import time

from clip import Clip, Unit
from gst import GLib, Gst
from mount import Mount

# The parameter sets of a 640x480 H.264 stream, Annex B: all that a mute camera
# tells about the pictures that never come.
MUTE_CAPS = "video/x-h264,stream-format=byte-stream,alignment=au,width=640,height=480"
MUTE_SETS = bytes.fromhex(
    "000000016742c01ed900a03db011000003000100000300320f162e48"  # sequence
    "0000000168cb83cb20"  # picture
)
MUTE_EVERY_S = 0.05


class Feed:
    """Sends one media its data, on a thread of its own, until it is unprepared."""

    def __init__(self, media):
        self.media = media
        self.source = media.get_element().get_child_by_name("units")
        self.over = threading.Event()
        self.begun = False
        media.connect("unprepared", lambda *_: self.over.set())

    def start_when_wanted(self) -> None:
        # The first request for data tells that the pipeline takes buffers.
        self.source.connect("need-data", self.begin)

    def begin(self, *_) -> None:
        if not self.begun:
            self.begun = True
            threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        raise NotImplementedError

    def push(self, data: GLib.Bytes, decode_ns: int, present_ns: int) -> bool:
        buffer = Gst.Buffer.new_wrapped_bytes(data)
        buffer.dts, buffer.pts = decode_ns, present_ns
        return self.source.push_buffer(buffer) == Gst.FlowReturn.OK


class Mute(Feed):
    """A stream that is described and played, and in which no picture ever comes.

    The server needs some packet before it answers DESCRIBE and PLAY, so the
    parameter sets are sent until then and nothing after.
    """

    def run(self) -> None:
        playing = threading.Event()
        self.media.connect(
            "new-state", lambda _media, state: state == Gst.State.PLAYING and playing.set()
        )
        sets = GLib.Bytes.new(MUTE_SETS)
        start = time.monotonic()
        while not self.over.is_set() and not playing.is_set():
            now = int((time.monotonic() - start) * Gst.SECOND)
            if not self.push(sets, now, now):
                return
            playing.wait(MUTE_EVERY_S)


class ClipFeed(Feed):
    """A clip in real time, over and over where the mount says so."""

    def __init__(self, clip: Clip, mount: Mount, media):
        super().__init__(media)
        self.clip = clip
        self.mount = mount

    def run(self) -> None:
        start = time.monotonic()
        left = self.mount.stall
        passes = 0
        while self.mount.loops == 0 or passes < self.mount.loops:
            offset = passes * self.clip.length_ns
            for unit in self.clip.units:
                if left == 0 or not self.wait_until(start, offset + unit.decode_ns):
                    return
                if not self.send(unit, offset):
                    return
                left = None if left is None else left - 1
            passes += 1
        # The last picture is shown for its full time before the stream ends.
        if self.wait_until(start, passes * self.clip.length_ns):
            self.end()

    def wait_until(self, start: float, clip_ns: int) -> bool:
        """Waits for a moment of the clip; false when the reader has gone."""
        due = start + clip_ns / self.mount.speed / Gst.SECOND
        return not self.over.wait(max(0.0, due - time.monotonic()))

    def send(self, unit: Unit, offset: int) -> bool:
        speed = self.mount.speed
        decode_ns, present_ns = offset + unit.decode_ns, offset + unit.present_ns
        return self.push(unit.data, int(decode_ns / speed), int(present_ns / speed))

    def end(self) -> None:
        self.source.end_of_stream()
        if self.mount.audio:
            self.media.get_element().get_child_by_name("sound").send_event(Gst.Event.new_eos())
