# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A way to bring a plugin to all hosts."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

from host import HERE, Host
from hosts import Hosts
from tree import Versions

PHASES = ("login", "alone", "first", "update", "unchanged")


@dataclass
class Job:
    """What is the same for every tool."""
    hosts: Hosts
    versions: Versions
    directory: pathlib.Path
    build: pathlib.Path
    parallel: int  # logins at once, where a tool is to be told


class Tool:
    """One has a `name`, the `phases` it takes part in, and `command`s for them. A `slow` one runs in
    fewer rounds."""
    name = ""
    phases: tuple[str, ...] = PHASES[2:]
    slow = False

    def __init__(self, job: Job):
        self.job = job
        self.directory = job.directory / re.sub("[^a-z0-9]+", "-", self.name.lower())
        self.directory.mkdir()
        self.prepare()

    def hosts(self) -> list[Host]:
        """Those that it brings the plugin to."""
        return list(self.job.hosts)

    def prepare(self) -> None:
        """Writes what its user has written once: its configuration."""

    def ready(self, tree: pathlib.Path, version: str) -> None:
        """Puts in place, before the clock runs, what that version's commands want to find."""

    def command(self, phase: str, tree: pathlib.Path, version: str) -> list[str]:
        raise NotImplementedError

    def run(self, phase: str, tree: pathlib.Path, version: str) -> dict:
        """Runs it and gives what it cost, see measured.py."""
        self.ready(tree, version)
        log = self.directory / f"{phase}.log"
        command = [str(word) for word in self.command(phase, tree, version)]
        done = subprocess.run([sys.executable, str(HERE / "measured.py"), str(log), *command],
                              cwd=self.directory,
                              stdout=subprocess.PIPE, text=True, check=True)
        cost = json.loads(done.stdout)
        if cost["code"] != 0:
            raise RuntimeError(f"{self.name}, {phase}: exit code {cost['code']}: "
                               f"{log.read_text(errors='replace')[-1500:]}")
        self.check(tree)
        return cost

    def tree_on(self, host: Host) -> pathlib.Path:
        """The files that a host's Kong is to use, as we see them."""
        raise NotImplementedError

    def check(self, tree: pathlib.Path) -> None:
        """A tool that left a host without the files, or did not make Kong use them, has not done the job."""
        for host in self.hosts():
            at = self.tree_on(host)
            for file in (file.relative_to(tree) for file in tree.rglob("*.lua")):
                if not (at / file).is_file() or (at / file).read_bytes() != (tree / file).read_bytes():
                    raise RuntimeError(f"{self.name}: '{host.name}' does not have '{file}' as it "
                                       f"should be in '{at}'")


class Peer(Tool):
    """One of the others. On every host it has a directory: a kong.conf of its own, `releases/`, and
    `activate`."""

    def prepare(self) -> None:
        self.at = f"{self.job.hosts.home}/{self.directory.name}"
        for host in self.job.hosts:
            there = host.directory / self.directory.name
            (there / "releases").mkdir(parents=True)
            shutil.copy(host.directory / "kong.conf", there)
            shutil.copy(HERE / "activate", there)

    def tree_on(self, host: Host) -> pathlib.Path:
        return path_in((host.directory / self.directory.name / "kong.conf").read_text(), self.job.hosts, host)


def path_in(text: str, hosts: Hosts, host: Host) -> pathlib.Path:
    """The first directory of a lua_package_path, which is what is in `text` up to the first `/?.lua`."""
    found = re.search(r"^(?:lua_package_path *= *)?(/[^;]*)/\?\.lua;", text, re.MULTILINE)
    if not found:
        return pathlib.Path("/nowhere")
    return host.directory / pathlib.Path(found[1]).relative_to(hosts.home)
