# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What tests of the kongfleet program without hosts are made of: a fleet file with one host where
nobody listens, and how a process is seen to be ready for a signal."""
import os
import pathlib
import re
import signal
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()

FLEET = """
[fleet]
name = "edge"
[ssh]
config = "/dev/null"
known_hosts = "known_hosts"
connect_timeout = "2s"
[plugins.my-plugin]
source = "plugins/my-plugin"
[groups.edge]
hosts = ["127.0.0.1:1"]                # where nobody listens
plugins = ["my-plugin"]
{more}
"""


def catches(process: int, number: signal.Signals) -> bool:
    """Whether that process is kongfleet, and has a handler for the signal (proc(5), SigCgt)."""
    text = pathlib.Path(f"/proc/{process}/status").read_text()
    name, = re.findall(r"^Name:\s+(.+)$", text, re.MULTILINE)
    caught, = re.findall(r"^SigCgt:\s+([0-9a-f]+)$", text, re.MULTILINE)
    return name == "kongfleet" and bool(int(caught, 16) >> (number - 1) & 1)


def wait_for(what: str, condition, seconds: float = 60):
    """Polls until `condition()` is true, and returns that; AssertionError with `what` if too late."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.005)
    return found
