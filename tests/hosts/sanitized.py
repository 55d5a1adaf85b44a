# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Programs that were built with sanitizers (tests/sanitizers), on real hosts and beside them.

An ordinary build needs nothing of this. A sanitizer's report is written to a file of its process,
and is a failure, whatever else came of it.
"""
import functools
import os
import pathlib
import re
import shutil
import subprocess

from host import Host

LOGS = "/var/lib/kongfleet/sanitizer"  # the daemon may write there
UNITS = ("kongfleet-agent", "kongfleet-recover")


@functools.cache
def libraries(program: pathlib.Path) -> list[pathlib.Path]:
    """What a program that was built with sanitizers is linked with; nothing for any other one."""
    linked = subprocess.run(["ldd", program], check=False, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True).stdout  # 1: it is linked to nothing
    if not re.search(r"lib(a|t|ub)san\.so", linked):
        return []
    return [pathlib.Path(path) for path in re.findall(r"=> (/\S+)", linked)]


def is_sanitized(program: pathlib.Path) -> bool:
    """Whether it was: it takes its time then, and memory that is not its own."""
    return bool(libraries(program))


def options(logs: str) -> dict[str, str]:
    """The environment in which a sanitizer reports to files whose names begin with `logs`."""
    # LeakSanitizer looks at its process with ptrace, which no daemon here may.
    return {name: f"log_path={logs}:{more}" for name, more in (
        ("ASAN_OPTIONS", "detect_leaks=0:verify_asan_link_order=0"), ("UBSAN_OPTIONS", "print_stacktrace=1"),
        ("TSAN_OPTIONS", "second_deadlock_stack=1"))}


def install(host: Host, agent: pathlib.Path) -> None:
    """Where the agent was built with sanitizers: puts what it needs on the host, before it boots."""
    needed = libraries(agent)
    for library in needed:
        if not host.path(str(library)).exists():
            shutil.copy(library, host.path("/usr/lib") / library.parent.name)
    environment = "".join(f'Environment="{name}={value}"\n' for name, value in options(LOGS).items())
    for unit in UNITS if needed else ():
        host.write(f"/etc/systemd/system/{unit}.service.d/sanitizer.conf", f"[Service]\n{environment}")


def report_from(program: pathlib.Path, directory: pathlib.Path) -> None:
    """From now on `program`, run by this process, reports to `directory` if it has sanitizers."""
    if libraries(program):
        os.environ.update(options(f"{directory}/sanitizer"))


def require_clean(hosts: list[Host], directory: pathlib.Path) -> None:
    """AssertionError with the reports of hosts and of `directory`, if there is one."""
    places = {"here": directory} | {host.name: host.path(LOGS).parent for host in hosts}
    found = [f"--- {place} {log.name}\n{log.read_text(errors='replace')}"
             for place, path in places.items() for log in sorted(path.glob("sanitizer.*"))]
    if found:
        raise AssertionError("\n".join(["a sanitizer reports:", *found]))
