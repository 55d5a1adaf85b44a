# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The rounds: in each, every phase, and in each phase every tool, one after the other, so that what is
compared ran within the same minutes. Each round begins with another tool."""
import sys

from results import Cost, Results
from tool import PHASES, Job, Tool


def version_of(phase: str, number: int) -> str:
    """What is first brought to one host alone, no other has, and nothing of it is in what comes then."""
    if phase == "alone":
        return f"0.{number}.0"
    return f"1.{number}.{0 if phase == 'first' else 1}"


def run_once(tool: Tool, phase: str, number: int, job: Job) -> Cost:
    version = version_of(phase, number)
    tree = job.versions.tree(version)
    before = job.hosts.usage()
    cost = tool.run(phase, tree, version)
    used = job.hosts.usage() - before
    ms = 1000 / len(tool.hosts())  # seconds of all, in milliseconds a host
    return Cost(tool.name, phase, number, cost["wall_s"], cost["cpu_s"] * ms, used.login * ms,
                used.agent * ms, used.kong * ms, cost["peak_mb"])


def run_rounds(tools: list[Tool], job: Job, rounds: int, slow_rounds: int) -> Results:
    results = Results(len(job.hosts))
    for number in range(rounds):
        quick_enough = [tool for tool in tools if not tool.slow or number < slow_rounds]
        order = quick_enough[number % len(quick_enough):] + quick_enough[:number % len(quick_enough)]
        for phase in PHASES:
            for tool in order:
                if phase not in tool.phases:
                    continue
                cost = run_once(tool, phase, number, job)
                results.add(cost)
                print(f"round {number + 1}/{rounds}  {phase:<10}{tool.name:<18}{cost.wall_s:8.2f} s",
                      file=sys.stderr, flush=True)
    return results
