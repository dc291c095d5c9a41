"""The whole way of a session with the client that openapi-generator makes for Python.

Usage: flow_openapi_generator.py SERVICE CAMERA USER PASSWORD
"""

import sys

from openapi_client import (
    ApiClient,
    ApiException,
    CompatApi,
    Configuration,
    FramesApi,
    SessionsApi,
    SessionState,
    StartRequest,
    SystemApi,
)
from pydantic import SecretStr

from expect import LIMIT, THUMBNAIL, attempts, best_first, png_size


def main(service: str, camera: str, user: str, password: str) -> None:
    with ApiClient(Configuration(host=service)) as client:
        flow(client, camera, user, password)


def flow(client: ApiClient, camera: str, user: str, password: str) -> None:
    system, compat = SystemApi(client), CompatApi(client)
    sessions, frames = SessionsApi(client), FramesApi(client)
    assert system.get_health().status == "ok"
    known = system.list_characteristics()
    assert "brightness" in [one.name for one in known.characteristics]

    width, height = THUMBNAIL
    request = StartRequest(
        rtsp_url=camera,
        username=user,
        password=SecretStr(password),
        limit=LIMIT,
        width=width,
        height=height,
    )
    reply = compat.start(request, wait=20)
    assert reply.message == "Video processing started."
    session = reply.session
    try:
        sessions.create_session(request)
    except ApiException as refused:
        assert refused.status == 409, refused
    else:
        raise AssertionError("one camera was read twice")

    for _ in attempts("a dozen scored frames"):
        session = sessions.get_session(session.id)
        assert session.state is SessionState.RUNNING, session.error
        if session.stats.frames_scored >= 12:
            break
    for _ in attempts("a thumbnail and an original"):
        winners = frames.list_frames(session.id)
        assert len(winners.items) == LIMIT
        try:
            thumbnail = frames.get_thumbnail(session.id, 1)
            original = frames.get_original(session.id, 1)
            break
        except ApiException as overtaken:
            assert overtaken.status == 404, overtaken
    best = winners.items[0]
    assert png_size(thumbnail) == THUMBNAIL
    assert png_size(original) == (best.width, best.height)

    report = sessions.stop_session(session.id)
    assert report.session.state is SessionState.STOPPED
    assert [frame.rank for frame in report.frames] == list(range(1, LIMIT + 1))
    best_first([frame.score for frame in report.frames])
    # This client asks for JSON wherever it can be had; /stop's is described as a page.
    page = compat.stop(session=session.id, _headers={"Accept": "text/html"})
    assert page.count("<img") >= LIMIT
    assert sessions.get_archive(session.id).startswith(b"PK\x03\x04")
    assert b"<svg" in sessions.get_plot(session.id)
    listed = sessions.list_sessions(limit=1)
    assert [one.id for one in listed.items] == [session.id]

    sessions.delete_session(session.id)
    try:
        sessions.get_session(session.id)
    except ApiException as absent:
        assert absent.status == 404, absent
    else:
        raise AssertionError("a deleted session is still there")
    print(f"{len(report.frames)} of {report.session.stats.frames_scored} frames, then deleted")


if __name__ == "__main__":
    main(*sys.argv[1:])
