#!/usr/bin/python3
"""Runs a command beside a name server that never answers, in namespaces of its own.

Usage: unanswered.py wait|stop|late COMMAND…, as root of a network and a mount
namespace in which /etc/resolv.conf names 127.0.0.1. `wait` lets the command go
on until it gives up, `stop` sends SIGINT as soon as it has asked for a name. With
`late` each name is answered after three seconds, and a camera stands there that
takes connections and never says a word.
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
import threading
import time

SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING = 0x41
LONGEST_S = 20
LATE_S = 3
ADDRESS = 1


def answer(query: bytes) -> bytes:
    """127.0.0.1 to who asks for an address, nothing to any other question (RFC 1035)."""
    end = query.index(0, 12) + 5
    kind = struct.unpack("!H", query[end - 4 : end - 2])[0]
    records = b""
    if kind == ADDRESS:
        records = struct.pack("!HHHIH4s", 0xC00C, ADDRESS, 1, 60, 4, bytes([127, 0, 0, 1]))
    head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1 if records else 0, 0, 0)
    return head + query[12:end] + records


def answer_late(names: socket.socket) -> None:
    """Answers each question when it is three seconds old."""
    while True:
        query, asker = names.recvfrom(512)
        threading.Timer(LATE_S, names.sendto, (answer(query), asker)).start()


def main() -> None:
    act, command = sys.argv[1], sys.argv[2:]
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(names, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP_RUNNING))
    names.bind(("127.0.0.1", 53))
    names.settimeout(LONGEST_S)
    camera = socket.create_server(("127.0.0.1", 554))
    start = time.monotonic()
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if act == "late":
        threading.Thread(target=answer_late, args=(names,), daemon=True).start()
    else:
        names.recv(512)
    if act == "stop":
        start = time.monotonic()
        child.send_signal(signal.SIGINT)
    printed, said = child.communicate(timeout=LONGEST_S)
    seconds = time.monotonic() - start
    result = {"seconds": seconds, "code": child.returncode, "said": said, "printed": printed}
    camera.close()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
