# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""How busy the machine was with other things than the benchmark: its figures are worth what that allows."""
import os
import pathlib
import time


class Load:
    def __init__(self) -> None:
        self.begin, self.busy = time.monotonic(), self.busy_now()
        self.average = os.getloadavg()[0]

    @staticmethod
    def busy_now() -> float:
        """CPU seconds the whole machine has used, all that is not idle or waiting for a disk."""
        line = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0]
        fields = [int(field) for field in line.split()[1:]]
        return (sum(fields[:8]) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")

    def text(self, ours: float) -> str:
        """`ours`: CPU seconds that the benchmark used, both sides."""
        cores = os.cpu_count()
        seconds = time.monotonic() - self.begin
        others = max(0.0, self.busy_now() - self.busy - ours) / seconds
        return (f"The machine: {cores} cores; {seconds:.0f} s of measuring; others used {others:.2f} of the "
                f"cores meanwhile ({others / cores:.0%}); load average {self.average:.1f} before, "
                f"{os.getloadavg()[0]:.1f} after.")
