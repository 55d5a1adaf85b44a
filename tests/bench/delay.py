# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Hosts that are far away: how many round trips a host takes, counted in what crossed the wire, and as the
time that the delay adds, in round trips.

`ssh HOST true` and a login of ours that starts no agent stand beside it: what of a no-change sync is
TCP's and SSH's, and what our own protocol adds. All hosts are logged in to at once. Where there are many,
the time says less than the count: while one host's packets are under way others are worked on."""
import pathlib
import statistics
import sys
from dataclasses import asdict, dataclass

from hosts import Hosts
from kongfleet_tool import Kongfleet, Unanswered
from results import Cost
from rounds import run_once
from shell_tools import Login
from target import at_most
from tool import Job, Tool
from tools import make_job
from turns import Turns
from wire import Wire

LIMIT = 6
LOGINS_MAX = 200  # of OpenSSH's client at once
HEAD = (f"{'tool':<20}{'phase':<12}{'logins a host':>14}{'round trips':>13}{'most':>6}{'held back':>11}{'wall s':>9}"
        f"{'without':>9}{'round trips by it':>19}")


@dataclass
class Distance:
    """What one tool did in one phase: logins a host, round trips of a host, the median and the most, and how
    many of a host's waits were for an acknowledgement."""
    tool: str
    phase: str
    hosts: int
    delay_s: float
    logins: float
    round_trips: float
    round_trips_most: int
    held_back: float
    wall_s: float
    wall_without_delay_s: float

    @property
    def by_time(self) -> float:
        return (self.wall_s - self.wall_without_delay_s) / self.delay_s

    def row(self) -> str:
        return (f"{self.tool:<20}{self.phase:<12}{self.logins:>14.1f}{self.round_trips:>13.0f}"
                f"{self.round_trips_most:>6}{self.held_back:>11.1f}{self.wall_s:>9.2f}{self.wall_without_delay_s:>9.2f}"
                f"{self.by_time:>19.1f}")


def distance(cost: Cost, without: Cost, hosts: int, delay_s: float, counted: Turns) -> Distance:
    trips = list(counted.per_host().values())
    if len(trips) != hosts:
        raise RuntimeError(f"{cost.tool}, {cost.phase}: of {hosts} hosts {len(trips)} were logged in to")
    together = [sum(one) for one in trips]
    return Distance(cost.tool, cost.phase, hosts, delay_s, statistics.mean(map(len, trips)),
                    statistics.median(together), max(together), counted.held_back() / hosts,
                    cost.wall_s, without.wall_s)


def runs(tools: list[Tool]) -> list[tuple[Tool, str]]:
    return [(tool, phase) for phase in ("login", "first", "update", "unchanged")
            for tool in tools if phase in tool.phases]


def go_through(tools: list[Tool], job: Job, wire: Wire, number: int) -> list[tuple[Cost, Turns]]:
    done = []
    for tool, phase in runs(tools):
        wire.turns = Turns()
        cost = run_once(tool, phase, number, job)
        done.append((cost, wire.turns))
        print(f"round trip {wire.round_trip * 1000:.0f} ms  {phase:<10}{tool.name:<18}{cost.wall_s:8.2f} s",
              file=sys.stderr, flush=True)
    return done


def table(distances: list[Distance]) -> str:
    by_name = {(one.tool, one.phase): one for one in distances}
    sync, login = by_name[Kongfleet.name, "unchanged"], by_name[Unanswered.name, "login"]
    lines = [f"{sync.hosts} hosts, all at once; a round trip takes {sync.delay_s * 1000:.0f} ms. Counted are "
             "those of TCP and SSH as well.", "", HEAD, *(one.row() for one in distances), "",
             at_most("unchanged: round trips, TCP's and SSH's included", LIMIT, sync.round_trips_most),
             at_most("unchanged: round trips that we add to a login", LIMIT,
                     sync.round_trips_most - login.round_trips), "",
             f"A login of ours takes {login.round_trips:.0f}, until a command has run; with OpenSSH's client it "
             f"is {by_name['ssh', 'login'].round_trips:.0f}."]
    return "\n".join(lines) + "\n"


def measure(hosts: Hosts, directory: pathlib.Path, build: pathlib.Path,
            delay_s: float) -> tuple[str, list[dict]]:
    hosts.move_away()
    job = make_job(hosts, directory, build)
    login = Login(job, min(len(hosts), LOGINS_MAX))
    tools = [login, Unanswered(job), Kongfleet(job)]
    with Wire(0) as wire:
        near = go_through(tools, job, wire, 0)
        wire.round_trip = delay_s
        far = go_through(tools, job, wire, 1)
    distances = [distance(cost, without, len(hosts), delay_s, counted)
                 for (without, _), (cost, counted) in zip(near, far)]
    for one in distances:
        one.tool = "ssh" if one.tool == login.name else one.tool
    return table(distances), [asdict(one) for one in distances]
