"""The whole way of a session with the client that openapi-python-client generates.

Usage: flow_openapi_python_client.py SERVICE CAMERA USER PASSWORD
"""

import sys
from http import HTTPStatus
from typing import TypeVar

from bestshot_client import Client
from bestshot_client.api.compat import start, stop
from bestshot_client.api.frames import get_original, get_thumbnail, list_frames
from bestshot_client.api.sessions import (
    create_session,
    delete_session,
    get_archive,
    get_plot,
    get_session,
    list_sessions,
    stop_session,
)
from bestshot_client.api.system import get_health, list_characteristics
from bestshot_client.models import (
    CharacteristicList,
    FrameList,
    Health,
    Problem,
    Session,
    SessionList,
    SessionState,
    StartForm,
    StartMultipart,
    StartReply,
    StartRequest,
    StopReport,
)
from bestshot_client.types import File
from httpx import Timeout

from expect import LIMIT, THUMBNAIL, attempts, best_first, png_size

Answer = TypeVar("Answer")


def typed(kind: type[Answer], answer: object) -> Answer:
    assert isinstance(answer, kind), f"{answer} is no {kind.__name__}"
    return answer


def main(service: str, camera: str, user: str, password: str) -> None:
    client = Client(base_url=service, timeout=Timeout(40))
    assert typed(Health, get_health.sync(client=client)).status == "ok"
    known = typed(CharacteristicList, list_characteristics.sync(client=client))
    assert "brightness" in [one.name for one in known.characteristics]

    width, height = THUMBNAIL
    request = StartRequest(
        rtsp_url=camera, username=user, password=password, limit=LIMIT, width=width, height=height
    )
    reply = typed(StartReply, start.sync(client=client, body=request, wait=20))
    assert reply.message == "Video processing started."
    session = reply.session
    assert password not in session.rtsp_url
    # The two other forms of the same body find the session that runs.
    form = StartForm(rtsp_url=camera, username=user, password=password)
    again = typed(StartReply, start.sync(client=client, body=form))
    assert again.session.id == session.id, again
    multipart = StartMultipart(rtsp_url=camera, username=user, password=password, limit=LIMIT)
    refused = typed(Problem, create_session.sync(client=client, body=multipart))
    assert refused.status == HTTPStatus.CONFLICT, refused

    for _ in attempts("a dozen scored frames"):
        session = typed(Session, get_session.sync(session.id, client=client))
        assert session.state is SessionState.RUNNING, session.error
        if session.stats.frames_scored >= 12:
            break
    for _ in attempts("a thumbnail and an original"):
        frames = typed(FrameList, list_frames.sync(session.id, client=client))
        assert len(frames.items) == LIMIT
        thumbnail = get_thumbnail.sync(session.id, 1, client=client)
        original = get_original.sync(session.id, 1, client=client)
        if isinstance(thumbnail, File) and isinstance(original, File):
            break
        # A better frame came before the picture was made.
        assert Problem in (type(thumbnail), type(original))
    best = frames.items[0]
    assert png_size(typed(File, thumbnail).payload.read()) == THUMBNAIL
    assert png_size(typed(File, original).payload.read()) == (best.width, best.height)

    report = typed(StopReport, stop_session.sync(session.id, client=client))
    assert report.session.state is SessionState.STOPPED
    assert [frame.rank for frame in report.frames] == list(range(1, LIMIT + 1))
    best_first([frame.score for frame in report.frames])
    assert all(set(frame.scores.additional_properties) for frame in report.frames)
    page = typed(str, stop.sync(client=client, session=session.id))
    assert page.count("<img") >= LIMIT
    archive = typed(File, get_archive.sync(session.id, client=client))
    assert archive.payload.read().startswith(b"PK\x03\x04")
    plot = typed(File, get_plot.sync(session.id, client=client))
    assert b"<svg" in plot.payload.read()
    listed = typed(SessionList, list_sessions.sync(client=client, limit=1))
    assert [one.id for one in listed.items] == [session.id]

    gone = delete_session.sync_detailed(session.id, client=client)
    assert gone.status_code == HTTPStatus.NO_CONTENT
    absent = typed(Problem, get_session.sync(session.id, client=client))
    assert absent.status == HTTPStatus.NOT_FOUND
    print(f"{len(report.frames)} of {report.session.stats.frames_scored} frames, then deleted")


if __name__ == "__main__":
    main(*sys.argv[1:])
