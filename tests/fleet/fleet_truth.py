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
SLACK = 0.5  # seconds that a look may come late on a machine that has other things to do


@dataclass
class Sight:
    """When a host was seen, in seconds: in trial, and when its transaction was over."""
    begun: float | None = None
    trial: float | None = None
    committed: float | None = None


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
        self.sights = {host.name: Sight() for host in self.hosts}
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
            try:
                record = journal(host)
            except (OSError, ValueError):  # just being written
                continue
            step = record.get("open", {}).get("step")
            if step not in (None, "trial") and host.name not in self.struck:
                found.add((host.name, record["open"]["id"]))
            sight, now = self.sights[host.name], time.monotonic()
            if step and sight.begun is None:
                sight.begun = now
            if step == "trial" and sight.trial is None:
                sight.trial = now
            if record["committed"] != self.before[host.name] and sight.committed is None:
                sight.committed = now
        return found

    def wrong(self, waves: list[list[str]], bake: float, unavailable: int) -> list[str]:
        """What was not as promised."""
        found = []
        if len(self.most_changing) > unavailable:
            found.append(f"{self.most_changing} were changing at once, allowed are {unavailable}")
        for number, wave in enumerate(waves):
            trials = [self.sights[name].trial for name in wave if name not in self.struck]
            trials = [at for at in trials if at is not None]
            for name in wave:
                found += self.too_soon(name, trials, bake)
            if number + 1 < len(waves):
                found += self.out_of_order(wave, waves[number + 1])
        return found

    def too_soon(self, name: str, trials: list[float], bake: float) -> list[str]:
        committed = self.sights[name].committed
        if committed is None or not trials or committed >= max(trials) + bake - SLACK:
            return []
        return [f"{name} was confirmed {committed - max(trials):.2f} s after the last of its wave "
                f"was in trial, not {bake} s"]

    def out_of_order(self, wave: list[str], later: list[str]) -> list[str]:
        begun = [self.sights[name].begun for name in later if self.sights[name].begun is not None]
        ends = [self.sights[name].committed for name in wave if name not in self.struck]
        ends = [end for end in ends if end is not None]
        if not begun or not ends or min(begun) >= max(ends) - SLACK:
            return []
        return [f"a host of {later[0]}'s wave began {max(ends) - min(begun):.2f} s before the last "
                f"of {wave[0]}'s was confirmed"]
