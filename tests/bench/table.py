# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The results as text: what each tool took, beside the floor and beside us, and what issue 7 asks for."""
from results import FLOOR, Results
from target import at_least, at_most

US = "kongfleet"
HEAD = (f"{'tool':<18}{'phase':<10}{'wall s: min / median / max':>28}{'x floor':>9}{'x us':>7}"
        f"{'driver ms':>11}{'host ms':>9}{'agent ms':>10}{'Kong ms':>9}{'driver MB':>11}")


def row(results: Results, tool: str, phase: str) -> str:
    def median(figure: str) -> float:
        return results.median(tool, phase, figure)
    spread = results.wall_spread(tool, phase)
    floor = results.ratio(tool, phase, FLOOR, "login")
    us = f"{results.ratio(tool, phase, US, phase):.1f}" if results.of(US, phase) else ""
    return (f"{tool:<18}{phase:<10}{spread:>28}{floor:>9.2f}{us:>7}{median('driver_ms'):>11.1f}"
            f"{median('host_ms'):>9.1f}{median('agent_ms'):>10.1f}{median('kong_ms'):>9.1f}"
            f"{median('peak_mb'):>11.1f}")


def targets(results: Results) -> list[str]:
    """Each target of issue 7 that these runs can speak of: what it is, what was reached."""
    lines = [at_most(f"{phase}: wall, times the floor", limit, results.ratio(US, phase, FLOOR, "login"))
             for phase, limit in (("unchanged", 1.0), ("update", 1.3), ("first", 1.6))]
    for tool, limit in (("rsync + ssh", 3), ("ansible", 30)):
        if results.of(tool, "update"):
            faster = results.ratio(tool, "update", US, "update")
            lines.append(at_least(f"update: times faster than {tool}", limit, faster))
    for phase in ("unchanged", "update"):
        lines.append(at_most(f"{phase}: driver CPU, ms a host", 3, results.median(US, phase, "driver_ms")))
    lines.append(at_most("update: agent CPU, ms a host", 15, results.median(US, "update", "agent_ms")))
    lines.append(at_most("update: driver memory, MB", 64, results.median(US, "update", "peak_mb")))
    return lines


def table(results: Results, notes: list[str]) -> str:
    lines = [f"{results.hosts} hosts. CPU is user + system, a host; 'host' is sshd, what logins ran, and the",
             "agent, of which 'agent' is the daemon's part; Kong's own work is apart. Ratios are medians of",
             "pairs of one round.", "", HEAD]
    lines += [row(results, tool, phase) for tool, phase in results.pairs()]
    return "\n".join([*lines, "", *targets(results), "", *notes]) + "\n"
