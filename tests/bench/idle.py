# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What an agent costs its host when nothing is to do, after a rollout: memory, and how often it wakes up. Its
watchdog is as the unit has it. All processes of the agent count, with all their threads. It is looked at
for as long straight after the rollout, when it may still have an end to wait for, and then once more.

Its own memory is what would be free without it: pages that nobody else has. Pages of the program's file
are everybody's who runs it; its share of those is in PSS."""
import pathlib
import statistics
import time
from dataclasses import asdict, dataclass, replace

from host import Host
from hosts import Hosts
from kongfleet_tool import Kongfleet
from measured import descendants
from rounds import run_once
from target import at_most
from tools import make_job
from watchdog import Watchdog, patience

OWN_MB = 5
OWN = ("Private_Clean", "Private_Dirty", "Private_Hugetlb")
HEAD = (f"{'':<10}{'own MB':>9}{'PSS MB':>9}{'processes':>11}{'threads':>9}{'wake-ups':>10}"
        f"{'watchdog':>10}{'preempted':>11}{'straight after':>16}")


@dataclass
class Idle:
    """One agent. Wake-ups, what the watchdog heard and how often others took the core away: in `seconds`.
    `straight_after`: the wake-ups of as long before, straight after the rollout."""
    host: str
    seconds: float
    own_mb: float
    pss_mb: float
    processes: int
    threads: int
    wakeups: int
    watchdog: int
    preempted: int
    straight_after: int = 0

    @property
    def needless(self) -> int:
        return max(0, self.wakeups - self.watchdog)

    def row(self, name: str) -> str:
        return (f"{name:<10}{self.own_mb:>9.2f}{self.pss_mb:>9.2f}{self.processes:>11}{self.threads:>9}"
                f"{self.wakeups:>10}{self.watchdog:>10}{self.preempted:>11}{self.straight_after:>16}")


def memory_kb(pid: int) -> tuple[int, int]:
    """Own and PSS."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return sum(sizes[name] for name in OWN), sizes["Pss"]


def switches(pid: int) -> dict[str, tuple[int, int]]:
    """By its threads: how often each has gone to sleep, and was preempted."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        fields = dict(line.split(":\t") for line in (task / "status").read_text().splitlines())
        found[task.name] = (int(fields["voluntary_ctxt_switches"]), int(fields["nonvoluntary_ctxt_switches"]))
    return found


def all_switches(host: Host) -> dict[str, tuple[int, int]]:
    return {task: counts for pid in (host.agent, *descendants(host.agent))
            for task, counts in switches(pid).items()}


def look(host: Host, before: dict[str, tuple[int, int]], seconds: float, heard: int) -> Idle:
    pids = [host.agent, *descendants(host.agent)]
    now = all_switches(host)
    asleep, preempted = (sum(counts[kind] - before.get(task, (0, 0))[kind] for task, counts in now.items())
                         for kind in (0, 1))
    own, pss = (sum(sizes) / 1024 for sizes in zip(*map(memory_kb, pids)))
    return Idle(host.name, seconds, own, pss, len(pids), len(now), asleep, heard, preempted)


def watch(hosts: Hosts, watchdog: Watchdog, seconds: float) -> list[Idle]:
    watchdog.count()
    before = {host.name: all_switches(host) for host in hosts}
    begin = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begin
    heard = watchdog.count()
    return [look(host, before[host.name], took, heard[host.agent]) for host in hosts]


def median(agents: list[Idle]) -> Idle:
    figures = {name: statistics.median(getattr(agent, name) for agent in agents)
               for name in asdict(agents[0]) if name != "host"}
    return Idle("median", **figures)


def table(agents: list[Idle]) -> str:
    most = max(agents, key=lambda agent: agent.own_mb)
    restless = max(agents, key=lambda agent: agent.needless)
    lines = [f"{len(agents)} agents, idle for {agents[0].seconds:.0f} s after a rollout. The watchdog wants to hear "
             f"from each twice in {patience()} s.", "", HEAD, median(agents).row("median"), most.row("largest"),
             restless.row("restless"), "",
             at_most("idle: own memory of the largest agent, MB", OWN_MB, most.own_mb),
             at_most("idle: wake-ups of any agent besides the watchdog's", 0, restless.needless)]
    return "\n".join(lines) + "\n"


def measure(hosts: Hosts, directory: pathlib.Path, build: pathlib.Path, watchdog: Watchdog,
            seconds: float) -> tuple[str, list[dict]]:
    job = make_job(hosts, directory, build)
    ours = Kongfleet(job)
    for phase in ("first", "update"):
        run_once(ours, phase, 0, job)
    hosts.quiet()
    first, then = [watch(hosts, watchdog, seconds) for _ in range(2)]
    agents = [replace(agent, straight_after=before.wakeups) for before, agent in zip(first, then)]
    return table(agents), [asdict(agent) for agent in agents]
