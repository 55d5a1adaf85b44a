#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a command and tells on standard output, as JSON, what it cost with all that it started:

    measured.py LOG COMMAND...      {"code", "wall_s", "cpu_s", "peak_mb"}

Processes that put themselves into the background (Ansible's SSH masters) are adopted, ended when the
command has ended, and count as well. The peak is the sum over all processes of what each has for
itself and its share of what it shares (PSS), looked at four times a second; of one process alone, the
kernel's own record."""
import ctypes
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading
import time

SET_CHILD_SUBREAPER = 36
LOOK_EVERY = 0.25


def descendants(pid: int) -> list[int]:
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            children = [int(child) for child in (task / "children").read_text().split()]
        except OSError:  # it has just ended
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def memory_kb(pid: int) -> int:
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


class MemoryWatch:
    def __init__(self) -> None:
        self.peak_kb = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self) -> None:
        while not self.over.wait(LOOK_EVERY):
            self.peak_kb = max(self.peak_kb, sum(map(memory_kb, descendants(os.getpid()))))

    def end(self) -> int:
        self.over.set()
        self.thread.join()
        return self.peak_kb


def end_leftovers() -> None:
    """Ends and reaps whatever the command left behind."""
    deadline = time.monotonic() + 5
    while True:
        number = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


def main() -> None:
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with open(sys.argv[1], "wb") as log:
        watch = MemoryWatch()
        begin = time.monotonic()
        command = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        code = command.wait()
        wall = time.monotonic() - begin
        peak_kb = watch.end()
    end_leftovers()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"code": code, "wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime,
                      "peak_mb": max(peak_kb, used.ru_maxrss) / 1024}))


if __name__ == "__main__":
    main()
