#!/usr/bin/python3
"""Runs a command beside a name server that never answers, in namespaces of its own.

Usage: unanswered.py wait|stop COMMAND…, as root of a network and a mount
namespace in which /etc/resolv.conf names 127.0.0.1. `wait` lets the command go
on until it gives up, `stop` sends SIGINT as soon as it has asked for a name.
Prints one line of JSON: how many seconds that took, the exit code, what it said on
standard error and what it printed on standard output.
"""

import fcntl
import json
import signal
import socket
import struct
import subprocess
import sys
import time

SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING = 0x41
LONGEST_S = 20


def main() -> None:
    act, command = sys.argv[1], sys.argv[2:]
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(names, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP_RUNNING))
    names.bind(("127.0.0.1", 53))
    names.settimeout(LONGEST_S)
    start = time.monotonic()
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    names.recv(512)
    if act == "stop":
        start = time.monotonic()
        child.send_signal(signal.SIGINT)
    printed, said = child.communicate(timeout=LONGEST_S)
    seconds = time.monotonic() - start
    result = {"seconds": seconds, "code": child.returncode, "said": said, "printed": printed}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
