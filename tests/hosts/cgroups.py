# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A control group for each host, so that the hosts' systemds do not see each other's processes.

A host is a child of whoever starts it and would otherwise share that one's group. systemd-nspawn
takes the path from systemd's own hierarchy where there is one (cgroup v1 or hybrid), so the group
is made there and in the unified one, under the same name.
"""
import os
import pathlib
import time


def hierarchies() -> list[pathlib.Path]:
    """Where cgroup v2, and v1's name=systemd, are mounted; v2 first."""
    unified, legacy = [], []
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        point = pathlib.Path(left.split()[4])
        if kind == "cgroup2":
            unified.append(point)
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            legacy.append(point)
    if not unified:
        raise RuntimeError("boot a host: no cgroup v2 hierarchy is mounted on this machine")
    return unified[:1] + legacy[:1]


def create(name: str) -> list[pathlib.Path]:
    """Makes the group; a process that writes its pid to each of the files returned is in it."""
    groups = [top / name for top in hierarchies()]
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return [group / "cgroup.procs" for group in groups]


def kill(name: str) -> None:
    """Ends every process in the group at once, its children's too."""
    switch = hierarchies()[0] / name / "cgroup.kill"
    if switch.exists():
        switch.write_text("1")


def remove(name: str) -> None:
    """Removes the group with all below it; waits a little for processes that are dying."""
    deadline = time.monotonic() + 10
    for top in hierarchies():
        for directory, _, _ in os.walk(top / name, topdown=False):
            while True:
                try:
                    os.rmdir(directory)
                except FileNotFoundError:
                    pass
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)
                    continue
                break
