#!/usr/bin/python3
"""A network camera for tests: recorded clips behind GStreamer's RTSP server.

What lives here: the server, its paths, log-in, and the life of the program.
What does not: reading clips (`clip.py`), sending them (`feed.py`), the words
of the command line about one path (`mount.py`), and faults on the wire.

It needs Debian's own Python with GObject introspection; README.md beside it
names the packages. `camera.py --help` tells the options.
"""

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

# The sources lie in a checkout: no compiled copies beside them.
sys.dont_write_bytecode = True

from clip import CODECS, Clip, ClipError, Reader
from feed import MUTE_CAPS, ClipFeed, Mute
from gst import Gio, GLib, Gst, GstRtsp, GstRtspServer
from mount import MUTE, SOUND, Mount

# Bytes that wait in the pipeline when a reader does not keep up.
QUEUE_BYTES = 8_000_000
USER_VARIABLE = "BESTSHOT_CAMERA_USER"
PASSWORD_VARIABLE = "BESTSHOT_CAMERA_PASSWORD"


class Camera(GstRtspServer.RTSPMediaFactory):
    """Builds the pipeline that serves one mount: per reader, or one for all."""

    def __init__(self, mount: Mount, clip: Clip | None):
        super().__init__()
        self.mount = mount
        self.clip = clip
        self.set_launch(self.describe())
        self.set_shared(mount.shared)
        protocols = GstRtsp.RTSPLowerTrans(0)
        if "tcp" in mount.transports:
            protocols |= GstRtsp.RTSPLowerTrans.TCP
        if "udp" in mount.transports:
            protocols |= GstRtsp.RTSPLowerTrans.UDP
        self.set_protocols(protocols)
        self.connect("media-configure", self.configure)

    def describe(self) -> str:
        if self.mount.source in SOUND:
            return f"( {SOUND[self.mount.source]} name=pay0 )"
        payloader = CODECS["video/x-h264"].payloader
        caps = MUTE_CAPS
        if self.clip is not None:
            payloader = self.clip.codec.payloader
            caps = self.clip.caps.replace('"', '\\"')
        parts = [
            "appsrc name=units is-live=true format=time do-timestamp=false block=true",
            f'max-bytes={QUEUE_BYTES} caps="{caps}" ! {payloader} name=pay0',
        ]
        if self.mount.audio:
            parts.append(f"{SOUND['audio']} name=pay1")
        return f"( {' '.join(parts)} )"

    def configure(self, _factory, media) -> None:
        if self.mount.source not in SOUND:
            feed = Mute(media) if self.clip is None else ClipFeed(self.clip, self.mount, media)
            feed.start_when_wanted()


def load(mounts: list[Mount]) -> dict[str, Clip]:
    """The clips that the mounts name, each file read once."""
    clips: dict[str, Clip] = {}
    for mount in mounts:
        if mount.source in SOUND or mount.source == MUTE or mount.source in clips:
            continue
        path = Path(mount.source)
        if not path.is_file():
            raise ClipError(f"there is no file {path}")
        clips[mount.source] = Reader(path).read()
    return clips


def credentials(file: str | None) -> tuple[str, str]:
    """User name and password, never from the command line: `ps` shows that."""
    if file is not None:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
        if len(lines) < 2:
            raise ClipError(f"{file} must hold the user name and the password on two lines")
        return lines[0], lines[1]
    user, password = os.environ.get(USER_VARIABLE), os.environ.get(PASSWORD_VARIABLE)
    if not user or password is None:
        raise ClipError(f"--auth needs {USER_VARIABLE} and {PASSWORD_VARIABLE}, or --auth-file")
    return user, password


def self_signed():
    """A certificate for `localhost` that only itself vouches for, as cameras come with,
    made anew."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = f"{folder}/certificate.pem", f"{folder}/key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        command += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
        subprocess.run(command, check=True, capture_output=True)
        return Gio.TlsCertificate.new_from_files(certificate, key)


def protect(guard, cameras: list[Camera], method: str, user: str, password: str) -> None:
    """Lets only `user` see and open what the server offers."""
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "owner")
    if method in ("basic", "both"):
        guard.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    if method in ("digest", "both"):
        guard.add_digest(user, password, token)
    allow(guard, method)
    for camera in cameras:
        permissions = GstRtspServer.RTSPPermissions.new()
        permissions.add_permission_for_role("owner", "media.factory.access", True)
        permissions.add_permission_for_role("owner", "media.factory.construct", True)
        camera.set_permissions(permissions)


def welcome(guard, cameras: list[Camera]) -> None:
    """Lets everybody in, where there is a guard for other reasons."""
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "anybody")
    guard.set_default_token(token)
    for camera in cameras:
        permissions = GstRtspServer.RTSPPermissions.new()
        permissions.add_permission_for_role("anybody", "media.factory.access", True)
        permissions.add_permission_for_role("anybody", "media.factory.construct", True)
        camera.set_permissions(permissions)


def allow(guard, method: str) -> None:
    """Names the ways to log in that the server offers."""
    basic, digest = GstRtsp.RTSPAuthMethod.BASIC, GstRtsp.RTSPAuthMethod.DIGEST
    if method == "both":
        # The bindings take one member of what the library uses as a set, so the
        # library is called past them; a wrapped object's hash is its address.
        library = ctypes.CDLL("libgstrtspserver-1.0.so.0")
        address = ctypes.c_void_p(hash(guard))
        library.gst_rtsp_auth_set_supported_methods(address, int(basic) | int(digest))
    else:
        guard.set_supported_methods(basic if method == "basic" else digest)


def parse_arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(
        description="Serves recorded clips as RTSP cameras on 127.0.0.1. One line of JSON with "
        "the port and the URLs is printed when they can be read; the program ends on SIGTERM, "
        "on SIGINT, and when its standard input closes.",
        epilog="Settings of a mount, after the file and separated by commas: loops=N passes over "
        "the clip, 0 for ever (0); speed=X times faster (1); transport=tcp, udp or tcp+udp (both); "
        "shared=yes lets later readers join the running stream, no starts each at the first frame "
        "(no); stall=N falls silent after N access units without ending; audio=yes adds a sound "
        "stream (no). In place of a file: audio or opus for sound only, mute for a camera that "
        "accepts everything and sends nothing.",
    )
    arguments.add_argument(
        "--mount", action="append", type=Mount.parse, required=True, metavar="/NAME=FILE[,…]",
        help="a path and the clip behind it (H.264, H.265, MJPEG or MPEG-4 in mp4, avi or mkv); "
        "may be given many times",
    )
    arguments.add_argument("--port", type=int, default=0, help="0 (default) lets the system choose")
    arguments.add_argument(
        "--auth", choices=("basic", "digest", "both"),
        help=f"ask for a log-in; user and password come from {USER_VARIABLE} and "
        f"{PASSWORD_VARIABLE}, or from --auth-file",
    )
    arguments.add_argument(
        "--auth-file", help="a file with the user name and the password, a line each"
    )
    arguments.add_argument(
        "--tls", action="store_true",
        help="speak rtsps, with a self-signed certificate of its own (needs openssl)",
    )
    return arguments.parse_args()


def serve(options: argparse.Namespace) -> None:
    clips = load(options.mount)
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(str(options.port))
    # A thread for each reader: one that hangs must not hold up the others.
    server.get_thread_pool().set_max_threads(-1)
    certificate = self_signed() if options.tls else None
    cameras = []
    for mount in options.mount:
        camera = Camera(mount, clips.get(mount.source))
        server.get_mount_points().add_factory(mount.path, camera)
        cameras.append(camera)
    if options.auth or options.tls:
        guard = GstRtspServer.RTSPAuth.new()
        if certificate:
            guard.set_tls_certificate(certificate)
        if options.auth:
            protect(guard, cameras, options.auth, *credentials(options.auth_file))
        else:
            welcome(guard, cameras)
        server.set_auth(guard)
    if not server.attach(None):
        raise ClipError(f"port {options.port} of 127.0.0.1 cannot be had")

    loop = GLib.MainLoop()
    # Forgets the sessions of readers that went away without a word.
    GLib.timeout_add_seconds(2, lambda: server.get_session_pool().cleanup() >= 0)
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    # Whoever started this holds the other end; when it dies, so does the camera.
    threading.Thread(target=end_with_input, args=(loop,), daemon=True).start()
    port = server.get_bound_port()
    scheme = "rtsps" if options.tls else "rtsp"
    urls = {mount.path: f"{scheme}://127.0.0.1:{port}{mount.path}" for mount in options.mount}
    ready = {"port": port, "urls": urls}
    if certificate:
        ready["certificate"] = certificate.props.certificate_pem
    print(json.dumps(ready), flush=True)
    loop.run()


def end_with_input(loop) -> None:
    """Ends the loop when standard input does, even where it has yet to begin."""
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    GLib.idle_add(loop.quit)


def main() -> None:
    options = parse_arguments()
    Gst.init(None)
    try:
        serve(options)
    except (ClipError, OSError) as problem:
        sys.exit(f"camera.py: {problem}")
    # Readers may still be connected and their pipelines running: nothing of
    # theirs needs saving, and an orderly end would wait for them.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
