# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A large plugin, 2,000 files and 20 MB: we beside `rsync -z`, which copies the files and does nothing else.

That the controller packs once for all hosts is seen by its CPU and memory: it brings as large a version to
one host alone as well, and what each further host adds is compared with what packing takes."""
import pathlib
from dataclasses import replace

from hosts import Hosts
from kongfleet_tool import Alone, Kongfleet
from packing import Packing, pack
from results import Results
from rounds import run_rounds
from shell_tools import RsyncCompressed
from table import US
from target import at_most
from tools import make_job
from tree import Shape

PEER = "rsync -z"
HEAD = (f"{'tool':<20}{'phase':<12}{'wall s: min / median / max':>28}{'driver ms':>11}{'host ms':>10}"
        f"{'agent ms':>10}{'driver MB':>11}")


def row(results: Results, tool: str, phase: str) -> str:
    def median(figure: str) -> float:
        return results.median(tool, phase, figure)
    spread = results.wall_spread(tool, phase)
    return (f"{tool:<20}{phase:<12}{spread:>28}{median('driver_ms'):>11.1f}{median('host_ms'):>10.1f}"
            f"{median('agent_ms'):>10.1f}{median('peak_mb'):>11.1f}")


def further_host(results: Results, figure: str) -> float:
    """What each host adds to what the first takes."""
    one = results.median(Alone.name, "alone", figure)
    return (results.median(US, "first", figure) - one) / (results.hosts - 1)


def further_cpu_ms(results: Results) -> float:
    of_all = Results(results.hosts)
    of_all.costs = [replace(cost, driver_ms=cost.driver_ms * (results.hosts if cost.tool == US else 1))
                    for cost in results.costs]
    return further_host(of_all, "driver_ms")


def targets(results: Results, packing: Packing) -> list[str]:
    lines = [at_most(f"{phase}: wall, times {PEER}", 1.0, results.ratio(US, phase, PEER, phase))
             for phase in ("first", "update")]
    if results.hosts > 1:
        lines += [at_most("first: CPU of a further host, times packing once", 0.5,
                          further_cpu_ms(results) / packing.cpu_ms),
                  at_most("first: memory of a further host, times what's packed", 0.5,
                          further_host(results, "peak_mb") / packing.packed_mb)]
    return lines


def table(results: Results, packing: Packing, shape: Shape) -> str:
    lines = [f"{results.hosts} hosts, {shape.files} files of {packing.tree_mb:.1f} MB together. CPU is user + "
             "system, a host; Kong's own work apart.", "", HEAD]
    lines += [row(results, tool, phase) for tool, phase in results.pairs()]
    lines += ["", *targets(results, packing), "",
              f"Packed once: {packing.packed_mb:.1f} MB, {packing.cpu_ms:.0f} ms of CPU."]
    if results.hosts > 1:
        lines.append(f"For each further host the controller takes {further_cpu_ms(results):.0f} ms of CPU and "
                     f"{further_host(results, 'peak_mb'):.1f} MB more.")
    return "\n".join(lines) + "\n"


def measure(hosts: Hosts, directory: pathlib.Path, build: pathlib.Path, shape: Shape,
            rounds: int) -> tuple[str, Results]:
    job = make_job(hosts, directory, build, shape)
    tools = [Alone(job), Kongfleet(job), RsyncCompressed(job)]
    results = run_rounds(tools, job, rounds, rounds)
    return table(results, pack(job.versions.tree("1.0.0")), shape), results
