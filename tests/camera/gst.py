"""GStreamer for Python, asked for once, with a hint where it is not installed."""

import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstApp", "1.0")
    gi.require_version("GstRtsp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    # GstApp is not named below, but importing it gives appsrc and appsink
    # their methods.
    from gi.repository import Gio, GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: F401
except (ImportError, ValueError) as problem:
    sys.exit(
        f"camera.py: {problem}. It runs on Debian's /usr/bin/python3 with the packages "
        "python3-gi, gir1.2-gst-rtsp-server-1.0 and gstreamer1.0-plugins-{base,good,bad}; "
        "`cargo xtask setup` installs them."
    )
