# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What is true on the hosts of a fleet while it is rolled out to: read from the hosts' own journals,
not from what anybody says of them."""
import threading
import time
from dataclasses import dataclass, field

from host import Host
from strike import journal

PAUSE = 0.01  # between two looks at all hosts


@dataclass
class Event:
    """Something that happened between two looks, in seconds: `after` the one, `by` the other. What is
    concluded from it is certain, however late a look comes on a machine that has other things to do.
    """
    after: float
    by: float | None = None

    def see(self, happened: bool, begin: float, end: float) -> None:
        """A look, from `begin` to `end`."""
        if self.by is None:
            if happened:
                self.by = end
            else:
                self.after = begin


class Sight:
    """When a host began, was in trial, and when its transaction was over."""

    def __init__(self, now: float):
        self.begun, self.trial, self.committed = Event(now), Event(now), Event(now)


@dataclass
class Truth:
    """Watches in a thread of its own from start() to stop()."""
    hosts: list[Host]
    most_changing: list[tuple[str, str]] = field(default_factory=list)
    sights: dict[str, Sight] = field(default_factory=dict)

    def start(self, struck: set[str]) -> None:
        """`struck`: the hosts that are not counted, as their agents go their own ways."""
        self.struck = struck
        self.over = threading.Event()
        self.before = {host.name: journal(host)["committed"] for host in self.hosts}
        now = time.monotonic()
        self.sights = {host.name: Sight(now) for host in self.hosts}
        self.most_changing = []
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def stop(self) -> None:
        self.over.set()
        self.thread.join()

    def watch(self) -> None:
        while not self.over.wait(PAUSE):
            self.look()

    def look(self) -> None:
        # What was changing at the first look and still is at the second was changing in between,
        # each host as well as every other: those were changing at once.
        first = self.changing()
        changing = sorted(first & self.changing())
        if len(changing) > len(self.most_changing):
            self.most_changing = changing

    def changing(self) -> set[tuple[str, str]]:
        """Each host, with its transaction, that is in one and not in trial. What hosts have done
        is put down."""
        found = set()
        for host in self.hosts:
            begin = time.monotonic()
            try:
                record = journal(host)
            except (OSError, ValueError):  # just being written
                continue
            step = record.get("open", {}).get("step")
            if step not in (None, "trial") and host.name not in self.struck:
                found.add((host.name, record["open"]["id"]))
            sight, end = self.sights[host.name], time.monotonic()
            committed = record["committed"] != self.before[host.name]
            sight.begun.see(step is not None or committed, begin, end)
            sight.trial.see(step == "trial" or committed, begin, end)
            sight.committed.see(committed, begin, end)
        return found

    def wrong(self, waves: list[list[str]], bake: float, unavailable: int) -> list[str]:
        """What was not as promised."""
        found = []
        if len(self.most_changing) > unavailable:
            found.append(f"{self.most_changing} were changing at once, allowed are {unavailable}")
        for number, wave in enumerate(waves):
            trials = [event.after for event in self.events(wave, "trial")]
            for name in wave:
                found += self.too_soon(name, max(trials, default=0), bake)
            if number + 1 < len(waves):
                found += self.out_of_order(wave, waves[number + 1])
        return found

    def events(self, wave: list[str], kind: str) -> list[Event]:
        """Those of the hosts of a wave that count, where they happened."""
        events = [getattr(self.sights[name], kind) for name in wave if name not in self.struck]
        return [event for event in events if event.by is not None]

    def too_soon(self, name: str, last_trial: float, bake: float) -> list[str]:
        committed = self.sights[name].committed.by
        if committed is None or committed >= last_trial + bake:
            return []
        return [f"{name} was confirmed at most {committed - last_trial:.2f} s after the last of its "
                f"wave was in trial, not {bake} s"]

    def out_of_order(self, wave: list[str], later: list[str]) -> list[str]:
        begun = [self.sights[name].begun.by for name in later]
        first = min((at for at in begun if at is not None), default=None)
        last = max((event.after for event in self.events(wave, "committed")), default=0)
        if first is None or first >= last:
            return []
        return [f"a host of {later[0]}'s wave began at least {last - first:.2f} s before the last of "
                f"{wave[0]}'s was confirmed"]
