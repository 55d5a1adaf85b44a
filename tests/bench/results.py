# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What was measured: one Cost for each tool, phase and round; and the medians that become bench.json."""
import json
import pathlib
import statistics
from dataclasses import asdict, dataclass

FLOOR = "ssh"


@dataclass
class Cost:
    """CPU in milliseconds a host: `driver_ms` the controlling side; on the hosts `login_ms` sshd and all
    it ran, `agent_ms` our daemon, `kong_ms` the gateway and its commands."""
    tool: str
    phase: str
    round: int
    wall_s: float
    driver_ms: float
    login_ms: float
    agent_ms: float
    kong_ms: float
    peak_mb: float

    @property
    def host_ms(self) -> float:
        """Without Kong's own, which is every tool's."""
        return self.login_ms + self.agent_ms


class Results:
    def __init__(self, hosts: int):
        self.hosts = hosts
        self.costs: list[Cost] = []

    def add(self, cost: Cost) -> None:
        self.costs.append(cost)

    def of(self, tool: str, phase: str) -> list[Cost]:
        return [cost for cost in self.costs if (cost.tool, cost.phase) == (tool, phase)]

    def values(self, tool: str, phase: str, figure: str) -> list[float]:
        return [getattr(cost, figure) for cost in self.of(tool, phase)]

    def median(self, tool: str, phase: str, figure: str) -> float:
        return statistics.median(self.values(tool, phase, figure))

    def wall_spread(self, tool: str, phase: str) -> str:
        """Shortest, median and longest, in seconds."""
        walls = self.values(tool, phase, "wall_s")
        return f"{min(walls):.2f} / {statistics.median(walls):.2f} / {max(walls):.2f}"

    def pairs(self) -> list[tuple[str, str]]:
        """Tool and phase, the floor first, then as they came."""
        return sorted(dict.fromkeys((cost.tool, cost.phase) for cost in self.costs),
                      key=lambda pair: pair[0] != FLOOR)

    def tools(self) -> list[str]:
        return list(dict.fromkeys(tool for tool, _ in self.pairs()))

    def ratio(self, tool: str, phase: str, other: str, other_phase: str) -> float:
        """How many times as long: the median over the rounds in which both ran, which were alike in load."""
        others = {cost.round: cost.wall_s for cost in self.of(other, other_phase)}
        ratios = [cost.wall_s / others[cost.round] for cost in self.of(tool, phase)
                  if cost.round in others]
        return statistics.median(ratios)

    def choose_floor(self) -> str:
        """Of the logins with different parallelism, keeps the quickest, as the floor. Gives its name."""
        logins = dict.fromkeys(cost.tool for cost in self.costs if cost.phase == "login")
        best = min(logins, key=lambda tool: self.median(tool, "login", "wall_s"))
        self.costs = [cost for cost in self.costs if cost.phase != "login" or cost.tool == best]
        for cost in self.costs:
            cost.tool = FLOOR if cost.tool == best else cost.tool
        return best

    def write(self, directory: pathlib.Path, name: str = "bench") -> None:
        """NAME.json: the medians. NAME-runs.json: each run."""
        medians = [{"tool": tool, "phase": phase, "hosts": self.hosts,
                    "wall_s": round(self.median(tool, phase, "wall_s"), 3),
                    "driver_cpu_ms_per_host": round(self.median(tool, phase, "driver_ms"), 2),
                    "host_cpu_ms_per_host": round(self.median(tool, phase, "host_ms"), 2),
                    "driver_peak_mb": round(self.median(tool, phase, "peak_mb"), 1)}
                   for tool, phase in self.pairs()]
        (directory / f"{name}.json").write_text(json.dumps(medians, indent=1) + "\n")
        runs = [asdict(cost) | {"hosts": self.hosts} for cost in self.costs]
        (directory / f"{name}-runs.json").write_text(json.dumps(runs, indent=1) + "\n")
