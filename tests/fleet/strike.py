# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Kills something on a host in a step of a deploy.

A host's journal and kong.conf are watched from outside. At each change the agent is stopped
(SIGSTOP) before it can go on; when that change is the moment that is waited for, the victim is
killed, and what is left goes on. So even a step of a few milliseconds is hit, for certain.
"""
import ctypes
import json
import os
import pathlib
import select
import signal
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

import cgroups
from host import Host

STATE = "/var/lib/kongfleet"
CONF = "/etc/kong/kong.conf"
SLOT = 8192
IN_MODIFY, IN_MOVED_TO, IN_CREATE = 0x2, 0x80, 0x100
libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Moment:
    """`step` as the journal says it; `after` seconds into it; `moved`: once kong.conf has been
    exchanged in it."""
    step: str
    after: float = 0
    moved: bool = False

    def __str__(self) -> str:
        return self.step + (f" + {1000 * self.after:.0f} ms" if self.after else "")


def journal(host: Host) -> dict:
    """What the host's agent has written down, its newest record."""
    content = host.path(f"{STATE}/journal").read_bytes()
    newest = (0, b"{}")
    for slot in (content[:SLOT], content[SLOT:]):
        head, _, rest = slot.partition(b"\n")
        _, _, sequence, length, _ = head.split(b" ")
        newest = max(newest, (int(sequence), rest[:int(length)]))
    return json.loads(newest[1])


def open_step(host: Host) -> str | None:
    """The step of the transaction that is under way; None at rest; "?" while that is being written."""
    try:
        return journal(host).get("open", {}).get("step")
    except (OSError, ValueError):
        return "?"


def is_in_trial(host: Host) -> bool:
    return open_step(host) == "trial"


def is_at_rest(host: Host) -> bool:
    return open_step(host) is None


def processes(host: Host) -> dict[int, str]:
    """The host's processes: the pid on this machine, and the title or command line."""
    found = {}
    for directory, _, _ in os.walk(cgroups.hierarchies()[0] / host.group):
        try:
            pids = pathlib.Path(directory, "cgroup.procs").read_text().split()
        except OSError:  # the group is just going
            continue
        for pid in pids:
            try:
                title = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            found[int(pid)] = title.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def pids_of(host: Host, *words: str) -> list[int]:
    return [pid for pid, title in processes(host).items() if all(word in title for word in words)]


def parent(pid: int) -> int:
    """0 for one that is gone."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def agent(host: Host) -> int:
    """The daemon's pid; 0 while there is none. Its factory and their interpreters are forks of it."""
    forks = pids_of(host, "kongfleet-agent serve")
    return next((pid for pid in forks if parent(pid) not in (0, *forks)), 0)


def masters(host: Host) -> list[int]:
    return pids_of(host, "nginx: master process", "/usr/local/kong")


def workers(host: Host) -> list[int]:
    """Those that serve: children of Kong's master that are not shutting down."""
    masters_now = masters(host)
    found = []
    for pid in pids_of(host, "nginx: worker process"):  # others say "… is shutting down"
        if "shutting down" in processes(host).get(pid, "shutting down"):
            continue
        if parent(pid) in masters_now:
            found.append(pid)
    return sorted(found)


VICTIMS = {
    "agent": lambda host: [agent(host)],
    "session": lambda host: pids_of(host, "sshd: kongfleet"),
    "master": masters,
    "worker": lambda host: workers(host)[:1],
    "workers": workers,
    "host": lambda host: [host.leader],
}


def state(process: pathlib.Path) -> str:
    """The letter that proc(5) has for it, of a directory in /proc; X for one that is gone."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Striker:
    """Waits for a moment on a host and kills a victim in it. One use."""

    def __init__(self, host: Host):
        self.host = host
        self.queue = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        for path, events in ((f"{STATE}/journal", IN_MODIFY), ("/etc/kong", IN_MOVED_TO),
                             (f"{STATE}/generations", IN_CREATE)):
            if libc.inotify_add_watch(self.queue, bytes(host.path(path)), events) < 0:
                raise OSError(ctypes.get_errno(), "watch", path)
        self.agent = agent(host)
        if not self.agent:
            raise RuntimeError(f"strike '{host.name}': no agent runs there")
        self.before = journal(host)["last_number"]

    def close(self) -> None:
        os.close(self.queue)

    def freeze(self) -> None:
        """Returns when the agent does nothing more."""
        signal_all([self.agent], signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.agent}/task")
        while any(state(task) not in "TZX" for task in tasks.iterdir()):
            time.sleep(0.0005)  # a sync that is under way has to end first

    def thaw(self) -> None:
        signal_all([self.agent], signal.SIGCONT)

    def changes(self, seconds: float) -> set[str]:
        """The names of what changed; waits for something to."""
        select.select([self.queue], [], [], seconds)
        names = set()
        try:
            events = os.read(self.queue, 65536)
        except BlockingIOError:
            return names
        while events:
            length = struct.unpack_from("iIII", events)[3]
            names.add(events[16:16 + length].rstrip(b"\0").decode())
            events = events[16 + length:]
        return names

    def is_now(self, moment: Moment, changed: set[str]) -> bool:
        record = journal(self.host)
        step = record.get("open", {}).get("step")
        if moment.step == "receive":
            return step is None and any(name.startswith(".incoming-") for name in changed)
        if moment.step == "commit":  # its step is the record that says it is over
            return step is None and record["last_number"] > self.before \
                and record["last_end"] == "committed"
        return step == moment.step and (not moment.moved or "kong.conf" in changed)

    def wait(self, moment: Moment, over: Callable[[], bool]) -> bool:
        """True with the agent stopped in that moment; False when the rollout is `over` before it
        came, or the moment had passed already."""
        while True:
            changed = self.changes(0.2)
            if not changed and over():
                return False
            self.freeze()
            if self.is_now(moment, changed):
                break
            self.thaw()
        if not moment.after:
            return True
        self.thaw()
        time.sleep(moment.after)  # what is waited for is that time passes
        self.freeze()
        if self.is_now(moment, set()):
            return True
        self.thaw()
        return False

    def strike(self, victim: str) -> bool:
        """Kills the victim and lets the agent go on. False when there was nobody to kill."""
        pids = VICTIMS[victim](self.host)
        if victim == "host":
            self.host.kill()
        else:
            signal_all(pids, signal.SIGKILL)
            self.thaw()
        return bool(pids)
