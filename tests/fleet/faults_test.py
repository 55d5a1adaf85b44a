#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever is killed on a host in whatever step of a deploy, the host comes back by itself to a
generation that is confirmed, runs it, says so, and takes the next rollout (P2, P3, P4)."""
import os
import queue
import sys
import threading
import time
import traceback
import unittest
from dataclasses import dataclass, replace

from fleet import write_proof
from station import Station
from strike import VICTIMS, Moment, Striker

THERE = (Moment("receive"), Moment("stage"), Moment("preflight", after=0.1),
         Moment("switch", moved=True), Moment("reload", after=0.05), Moment("verify", after=0.2),
         Moment("trial"), Moment("commit"))
BACK = (Moment("restore", moved=True), Moment("reload-back", after=0.05),
        Moment("verify-back", after=0.1))
# A deep run strikes the long steps at more places, and the short ones where they begin too.
DEEPER = tuple(Moment(step, after=after) for after in (0, 0.02, 0.3) for step in
               ("preflight", "reload", "verify", "reload-back", "verify-back")) \
    + (Moment("switch"), Moment("restore"))
HOSTS = ("2.8.5", "3.4.2", "3.4.2")  # of these versions of Kong
# Kong 3 leaves behind what keeps it from starting again: whoever is killed with it is struck there.
LEAVING = ("master", "host")
TRIES = 12  # a switch is over within milliseconds
WRONG_MAX = 6  # then the rest would take long to say the same


@dataclass(frozen=True)
class Case:
    victim: str
    moment: Moment

    def __str__(self) -> str:
        return f"{self.victim} in {self.moment}"

    def play(self, station: Station) -> bool:
        """False when the moment passed unseen: nothing was struck then."""
        striker = Striker(station.host)
        good = self.moment.step not in {moment.step for moment in BACK}
        with station.rollout(good=good) as rollout:
            struck = striker.wait(self.moment, rollout.is_over) and striker.strike(self.victim)
            if struck and self.victim == "host":
                station.host.boot()
            station.settle(rollout.end(), rollout.version)
        striker.close()
        if struck:
            station.roll_out()
        return struck


class Run:
    """All cases, on as many hosts as there are, whichever is free."""

    def __init__(self, cases: list[Case]):
        self.cases = {kong: queue.SimpleQueue() for kong in HOSTS}
        for case in cases:
            self.cases["3.4.2" if case.victim in LEAVING else "2.8.5"].put(case)
        self.struck: list[Case] = []
        self.wrong: list[str] = []
        threads = [threading.Thread(target=self.work, args=(kong,)) for kong in HOSTS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def next_case(self, kong: str) -> Case:
        """queue.Empty when all are done. A host with 3.4.2 helps out."""
        try:
            return self.cases[kong].get_nowait()
        except queue.Empty:
            if kong == "2.8.5":
                raise
            return self.cases["2.8.5"].get_nowait()

    def work(self, kong: str) -> None:
        station = None
        while len(self.wrong) < WRONG_MAX:
            try:
                case = self.next_case(kong)
            except queue.Empty:
                break
            try:
                station = station or Station(kong)
                self.try_hard(station, case)
            except Exception:  # the next case gets another host
                self.wrong.append(f"{case}: {traceback.format_exc(limit=-3)}")
                if station:
                    station.close(*sys.exc_info())
                station = None
        if station:
            station.close()

    def try_hard(self, station: Station, case: Case) -> None:
        began = time.monotonic()
        after = case.moment.after
        for _ in range(TRIES):
            if replace(case, moment=replace(case.moment, after=after)).play(station):
                self.struck.append(case)
                print(f"{case}: {time.monotonic() - began:.1f} s", flush=True)
                return
            after /= 2
        raise AssertionError("could not be struck")


class FaultsTest(unittest.TestCase):
    def test_every_victim_in_every_step(self):
        began = time.monotonic()
        moments = THERE + BACK + (DEEPER if os.environ.get("KONGFLEET_DEEP") else ())
        cases = [Case(victim, moment) for moment in moments for victim in VICTIMS]
        run = Run(cases)
        write_proof("systemd-faults", "P2 P3 P4", count=len(run.struck), bad=len(run.wrong),
                    seconds=time.monotonic() - began)
        if run.wrong:
            self.fail("\n\n".join(run.wrong))
        self.assertEqual(sorted(map(str, run.struck)), sorted(map(str, cases)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
