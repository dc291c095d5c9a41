"""What both flows look for in what the service sends.

What lives here: the checks that are the same for every client. What does not: calls
of a client (`flow_openapi_python_client.py`, `flow_openapi_generator.py`).
"""

import struct
import time
from collections.abc import Iterator

LIMIT = 4
THUMBNAIL = (64, 48)
PATIENCE = 30.0


def attempts(what: str) -> Iterator[None]:
    """Tries again every quarter of a second, until time is up."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        yield
        time.sleep(0.25)
    raise AssertionError(f"{what} did not come within {PATIENCE:.0f} s")


def png_size(picture: bytes) -> tuple[int, int]:
    """Width and height that a PNG's header tells."""
    signature, length, kind, width, height = struct.unpack(">8sI4sII", picture[:24])
    assert (signature, length, kind) == (b"\x89PNG\r\n\x1a\n", 13, b"IHDR"), picture[:24]
    assert b"IEND" in picture[-12:], "the PNG has no end"
    return width, height


def best_first(scores: list[float]) -> None:
    assert scores == sorted(scores, reverse=True), scores
    assert all(0.0 <= score <= 1.0 for score in scores), scores
