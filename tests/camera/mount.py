"""What the command line says about one path of the camera.

What lives here: `Mount` and the checks of its settings. What does not: opening
the clip it names.
"""

import argparse
from dataclasses import dataclass, field

SOUND = {
    "audio": "audiotestsrc name=sound is-live=true ! alawenc ! rtppcmapay pt=8",
    "opus": "audiotestsrc name=sound is-live=true ! audioconvert ! opusenc ! rtpopuspay pt=97",
}
# The sources that are not files.
MUTE = "mute"


@dataclass
class Mount:
    """One path of the camera and what is sent there."""

    path: str
    source: str
    loops: int = 0
    speed: float = 1.0
    transports: set[str] = field(default_factory=lambda: {"tcp", "udp"})
    shared: bool = False
    stall: int | None = None
    audio: bool = False

    @staticmethod
    def parse(text: str) -> "Mount":
        path, equals, rest = text.partition("=")
        source, *settings = rest.split(",")
        if not equals or not path.startswith("/") or not source:
            problem = f"{text!r} is not of the form /name=FILE[,setting=value]"
            raise argparse.ArgumentTypeError(problem)
        mount = Mount(path, source)
        for setting in settings:
            name, _, value = setting.partition("=")
            try:
                mount.set(name, value)
            except ValueError as problem:
                raise argparse.ArgumentTypeError(f"{path}: {name}={value}: {problem}") from None
        return mount

    def set(self, name: str, value: str) -> None:
        match name:
            case "loops":
                self.loops = whole_number(value)
            case "stall":
                self.stall = whole_number(value)
                if self.stall == 0:
                    raise ValueError("at least one access unit is sent; mute sends none")
            case "speed":
                self.speed = float(value)
                if not 0.01 <= self.speed <= 100:
                    raise ValueError("a speed lies between 0.01 and 100")
            case "shared":
                self.shared = yes_or_no(value)
            case "audio":
                self.audio = yes_or_no(value)
            case "transport":
                self.transports = set(value.split("+"))
                if not self.transports or self.transports - {"tcp", "udp"}:
                    raise ValueError("a transport is tcp, udp or tcp+udp")
            case _:
                raise ValueError("there is no such setting")


def whole_number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("the number may not be negative")
    return number


def yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("the answer is yes or no")
    return text == "yes"
