#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Twenty real hosts whose links are torn at a byte, that are cut off, whose agents are killed, and
whose controller dies, rollout after rollout. What is promised of a rollout (P8) is looked at on the
hosts while it runs; at its end no host is in trial, and each is what the controller says it is.

    invariants_test.py [SEED]

KONGFLEET_DEEP=1 tears the links at every byte of both directions.
"""
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

from cutting_proxy import TO_CONTROLLER, TO_HOST, CuttingProxy
from fleet import Fleet, FleetTest, wait_for, write_proof
from fleet_truth import Truth
from strike import is_at_rest

HOSTS = 20
UNAVAILABLE = 6
WAVES = (1, 8, HOSTS)  # cumulative
BAKE = 1
LEASE = 20  # seconds; then a host that hears nothing undoes what is in trial
SSH = 22
CUT_ROLLOUTS = 3  # at least, to tear a link of each host but the canary
TRIES = 5  # to tear a link at one byte
DEEP = os.environ.get("KONGFLEET_DEEP") == "1"
SEED = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 1
IS_BACK = ("back", "refused", "unreachable", "waiting", "unchanged")


class ProxiedFleet(Fleet):
    """Every host is reached by way of a proxy, unless `direct`."""
    direct = False

    def __enter__(self) -> "ProxiedFleet":
        self.proxies = []
        super().__enter__()
        self.proxies = [CuttingProxy((host.address, SSH)) for host in self.hosts]
        self.write_fleet_file()
        return self

    def __exit__(self, *error) -> None:
        for proxy in self.proxies:
            proxy.close()
        super().__exit__(*error)

    def go_direct(self, direct: bool) -> None:
        self.direct = direct
        self.write_fleet_file()

    def write_fleet_file(self, **changes) -> pathlib.Path:
        path = super().write_fleet_file(**changes)
        if self.direct:
            return path
        (self.directory / "ssh_config").write_text("".join(
            f"Host {host.name}\n  HostName 127.0.0.1\n  Port {proxy.port}\n"
            f"  HostKeyAlias {host.address}\n" for host, proxy in zip(self.hosts, self.proxies)))
        return path


class InvariantsTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.began = time.monotonic()
        cls.count = cls.bad = 0
        cls.chance = random.Random(SEED)
        cls.fleet = ProxiedFleet(HOSTS, waves=list(WAVES), bake=f'"{BAKE}s"', max_failures=HOSTS,
                                 max_unavailable=UNAVAILABLE, confirm_timeout=f'"{LEASE}s"')
        cls.fleet.__enter__()
        cls.names = [host.name for host in cls.fleet]
        cls.truth = Truth(list(cls.fleet))
        cls.number = 0
        cls.fleet.write_plugin("1.0.0")
        cls.fleet.kongfleet("rollout", "--yes", expect=0)

    @classmethod
    def tearDownClass(cls):
        cls.fleet.__exit__(None, None, None)
        write_proof("fleet-invariants", "P8", count=cls.count, bad=cls.bad,
                    seconds=time.monotonic() - cls.began)

    def waves(self) -> list[list[str]]:
        ends = (0, *WAVES)
        return [self.names[begin:end] for begin, end in zip(ends, ends[1:])]

    def begin(self, struck: set[str]):
        """A rollout of a next version; what it is told of is JSON."""
        InvariantsTest.number += 1
        self.version = f"2.{self.number}.0"
        self.before = dict(zip(self.names, self.fleet.headers()))
        self.fleet.write_plugin(self.version)
        self.truth.start(struck)
        return self.fleet.start_kongfleet("--output", "json", "rollout", "--yes")

    def end(self, controller, codes=(0,)) -> dict[str, str]:
        try:
            out, err = controller.communicate(timeout=600)
        finally:
            controller.kill()
            self.truth.stop()
        self.assertIn(controller.returncode, codes, out[-3000:] + err)
        return {host["host"]: host["phase"] for host in json.loads(out.splitlines()[-1])["hosts"]}

    def holds(self, phases: dict[str, str]) -> None:
        """All that is promised, once the rollout is over."""
        wrong = self.truth.wrong(self.waves(), BAKE, UNAVAILABLE)
        wait_for("no host is in trial", lambda: all(map(is_at_rest, self.fleet)), LEASE + 30)
        for host in self.fleet:
            runs, phase, was = self.fleet.header(host), phases[host.name], self.before[host.name]
            allowed = {self.version} if phase in ("done", "unchanged", "kept") else \
                {was} if phase in IS_BACK else {was, self.version}
            if runs not in allowed:
                wrong.append(f"{host.name} is said to be '{phase}', and runs {runs}; before {was}")
        InvariantsTest.bad += len(wrong)
        self.assertEqual(wrong, [], f"rollout to {self.version}, seed {SEED}: {phases}")

    def settle(self) -> None:
        """All hosts on one version again: what was taken back or never reached is brought up."""
        self.fleet.let_go()
        if set(self.fleet.headers()) != {self.version}:
            self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(set(self.fleet.headers()), {self.version})
        InvariantsTest.count += 1

    def bytes_of_a_rollout(self) -> list[tuple[int, int]]:
        """Each byte at which a link can be torn, by its direction: of the whole conversation of one
        host, from the first of SSH's greeting to the last, about as they come."""
        proxy = self.fleet.proxies[-1]
        proxy.longest = [0, 0]  # of what came before nothing counts: a first release is longer
        self.end(self.begin(set()))
        wait_for("the last connection is over", lambda: proxy.connections == 0)
        seen = proxy.longest
        self.assertGreater(min(seen), 1500, "a login and a rollout are longer than that")
        places = [(direction, at) for direction in (TO_HOST, TO_CONTROLLER)
                  for at in range(seen[direction])]
        return sorted(places, key=lambda place: place[1] / seen[place[0]])

    def tear(self, places: list[tuple[int, int]], first: int = 1) -> list[tuple[int, int]]:
        """A rollout that tears a link at each of them, a host's each, from the `first` one on. Those
        at which none was: a rollout that stops for the links of some hosts never gets that far on
        others'."""
        proxies = self.fleet.proxies[first:first + len(places)]
        before = [proxy.cuts for proxy in proxies]
        for proxy, place in zip(proxies, places):
            proxy.cut(*place)
        phases = self.end(self.begin(set()), codes=(0, 1, 3, 5))
        wait_for("the last connection is over",
                 lambda: not any(proxy.connections for proxy in self.fleet.proxies))
        for proxy in proxies:
            proxy.take_plan()
        with self.subTest(cuts=dict(zip(self.names[first:], places))):
            self.holds(phases)
        whole = [place for proxy, place, cuts in zip(proxies, places, before) if proxy.cuts == cuts]
        InvariantsTest.count += len(places) - len(whole)
        return whole

    def tear_at_some(self, places: list[tuple[int, int]]) -> None:
        self.chance.shuffle(places)
        torn = 0
        for number in range(3 * CUT_ROLLOUTS):
            now = places[number * (HOSTS - 1):][:HOSTS - 1]
            torn += len(now) - len(self.tear(now))
            self.settle()
            if number + 1 >= CUT_ROLLOUTS and torn > CUT_ROLLOUTS * HOSTS // 2:
                return
        self.fail(f"only {torn} links were torn")

    def tear_at_all(self, places: list[tuple[int, int]]) -> None:
        # Hosts whose links are torn at about the same byte get equally far. What one rollout leaves
        # behind the next one brings up.
        left = [(place, 1) for place in places]
        beyond = 0  # how long a conversation is differs by some bytes
        while left:
            now, left = left[:HOSTS - 1], left[HOSTS - 1:]
            whole = set(self.tear([place for place, _ in now]))
            self.fleet.let_go()
            again = [(place, tries + 1) for place, tries in now if place in whole]
            left += [(place, tries) for place, tries in again if tries <= TRIES]
            beyond += sum(tries > TRIES for _, tries in again)
        self.settle()
        print(f"{len(places)} bytes, {beyond} of them past the end of what other hosts say")
        self.assertLess(beyond, len(places) // 20)

    def tear_the_canarys(self, places: list[tuple[int, int]]) -> None:
        late = places[len(places) // 2:]  # most of what is said before is SSH's
        for number in range(40 if DEEP else 1):
            for tries in range(TRIES):
                if not self.tear([self.chance.choice(late)], first=0):
                    break
                self.assertLess(tries + 1, TRIES, f"its link was never torn, number {number}")
            self.settle()

    def test_links_torn_at_a_byte(self):
        places = self.bytes_of_a_rollout()
        self.tear_the_canarys(places)
        (self.tear_at_all if DEEP else self.tear_at_some)(places)

    def some(self, count: int) -> list:
        return self.chance.sample(list(self.fleet)[1:], count)

    def let_run(self, controller, shortest: float, longest: float) -> None:
        """To any moment of the rollout; or to its end, where that comes first."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            controller.wait(timeout=self.chance.uniform(shortest, longest))

    def test_hosts_cut_off(self):
        # A proxy would go on answering for a host that is gone.
        self.addCleanup(self.fleet.go_direct, False)
        self.fleet.go_direct(True)
        for _ in range(6 if DEEP else 1):
            lost = self.some(3)
            controller = self.begin({host.name for host in lost})
            self.let_run(controller, 0.2, 9)
            for host in lost:
                host.partition()
            try:
                phases = self.end(controller, codes=(0, 3, 4, 5))
            finally:
                for host in lost:
                    host.partition(cut=False)
            self.holds(phases)
            self.settle()

    def test_agents_killed(self):
        self.addCleanup(self.fleet.write_fleet_file)
        for number in range(12 if DEEP else 2):
            hit = self.some(4)
            # None may fail: then it stops, and what it changed goes back.
            self.fleet.write_fleet_file(max_failures=HOSTS if number % 2 else 0)
            controller = self.begin({host.name for host in hit})
            wait_for("it begins", lambda: not all(map(is_at_rest, self.fleet)))
            for host in hit:
                self.let_run(controller, 0.1, 1.5)
                host.run("systemctl", "kill", "-s", "KILL", "kongfleet-agent.service", check=False)
            self.holds(self.end(controller, codes=(0, 3, 4, 5)))
            self.settle()

    def shown(self) -> dict:
        return self.fleet.kongfleet("--output", "json", "show", "latest", expect=0).json()

    def test_a_controller_killed_and_followed(self):
        for follower in ("resume", "abort") * (6 if DEEP else 1):
            latest = self.shown()["rollout"]["id"]
            controller = self.begin(set())
            self.let_run(controller, 0.2, 9)
            controller.send_signal(signal.SIGKILL)
            controller.communicate()
            if controller.returncode == -signal.SIGKILL:
                self.fleet.kongfleet(follower, "--yes", "latest", timeout=600)
            self.truth.stop()
            shown = self.shown()
            began = shown["rollout"]["id"] != latest  # it had got that far: before, no host is touched
            self.holds({host["host"]: host["phase"] if began else "waiting"
                        for host in shown["hosts"]})
            self.settle()


if __name__ == "__main__":
    unittest.main(verbosity=2)
