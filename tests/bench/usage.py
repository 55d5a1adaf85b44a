# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""CPU time that a host used, by what used it."""
import os
import pathlib
from dataclasses import dataclass

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    """CPU time in seconds. `login`: sshd and all that logins ran; `agent`: the daemon; `kong`: the
    gateway, and Kong's commands, that the agent runs."""
    login: float = 0
    agent: float = 0
    kong: float = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.login + other.login, self.agent + other.agent, self.kong + other.kong)

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.login - other.login, self.agent - other.agent, self.kong - other.kong)


def cpu_of(pid: int) -> tuple[float, float]:
    """What a process used itself, and what its children used that it has waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    own_user, own_system, user, system = (int(field) for field in fields[11:15])
    return (own_user + own_system) / TICK, (user + system) / TICK
