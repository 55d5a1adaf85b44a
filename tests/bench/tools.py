# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""All tools there are, by the names that --tools takes."""
import pathlib

from ansible_tools import Ansible, Mitogen
from capistrano_tool import Capistrano
from hosts import Hosts
from kongfleet_tool import Kongfleet
from shell_tools import Login, Pssh, Rsync
from tool import Job, Tool
from tree import SMALL, Shape, Versions

PEERS = {"rsync": Rsync, "pssh": Pssh, "capistrano": Capistrano, "mitogen": Mitogen, "ansible": Ansible}
PARALLEL = 16  # of the tools that want to be told: best, or near it, on two to four cores


def make_job(hosts: Hosts, directory: pathlib.Path, build: pathlib.Path, shape: Shape = SMALL) -> Job:
    for name in ("versions", "tools"):
        (directory / name).mkdir()
    return Job(hosts, Versions(directory / "versions", shape), directory / "tools", build, PARALLEL)


def make_tools(names: list[str], job: Job, logins_at_once: tuple[int, ...]) -> list[Tool]:
    """The floor with each parallelism, then the tools named, kongfleet first."""
    classes = [Kongfleet, *(PEERS[name] for name in names if name != "kongfleet")]
    return [*(Login(job, count) for count in logins_at_once), *(one(job) for one in classes)]
