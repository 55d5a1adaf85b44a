# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Stands in for systemd, which wants to hear from an agent twice in its WatchdogSec. Agents that are started
inside it have one:

    with Watchdog(directory) as watchdog:
        ...                 # start them
        watchdog.count()    # by the process's id, how often each was heard since the last count
"""
import collections
import os
import pathlib
import re
import socket
import struct
import threading

UNIT = pathlib.Path(__file__).resolve().parents[2] / "systemd/kongfleet-agent.service"
CREDENTIALS = struct.Struct("3i")  # ucred


def patience() -> int:
    """Seconds, as the unit has it."""
    return int(re.search(r"^WatchdogSec=(\d+)s$", UNIT.read_text(), re.MULTILINE)[1])


class Watchdog:
    def __init__(self, directory: pathlib.Path):
        self.path = directory / "notify"
        self.heard: collections.Counter[int] = collections.Counter()
        self.lock = threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self) -> "Watchdog":
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(str(self.path))
        os.environ |= {"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": str(patience() * 1_000_000)}
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC"):
            os.environ.pop(name)

    def listen(self) -> None:
        while True:
            text, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(CREDENTIALS.size))
            if text == b"WATCHDOG=1":
                pid = CREDENTIALS.unpack(ancillary[0][2])[0]
                with self.lock:
                    self.heard[pid] += 1

    def count(self) -> collections.Counter[int]:
        with self.lock:
            heard, self.heard = self.heard, collections.Counter()
        return heard
