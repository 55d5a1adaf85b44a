#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The unit tests of agent and controller once more, while the wall clock jumps by up to a year at every
look (jumping_clock.cpp): deadlines, leases and trials do not go by it (T27). The daily run takes those
that are about time and order, --deep takes all."""
import os
import pathlib
import re
import subprocess
import sys

from in_shares import run_in_shares

TESTS = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", TESTS.parent / "build")).resolve()
ABOUT_TIME = re.compile(r"trial|lease|renew|deadline|timeout|times out|in time|second|minute|silen|slow|wait|bake|late"
                        r"|hold|newest|resume|Ctrl-C|steady|clock", re.IGNORECASE)
# What a wall clock is for: until when a signature or a certificate holds, and what time it is.
BY_THE_WALL_CLOCK = {
    "a check-up is answered with all checks and the host's clock, and changes nothing",
    "a certificate of one hour logs in where no key is taken, and nothing else does",
    "a certificate that is not valid yet is told to be so, one of another principal is not",
    "a user certificate beside the key is used",
    "a signed release that is confirmed is the lowest that is taken from then on",
}


def wanted(name: str) -> bool:
    return name not in BY_THE_WALL_CLOCK and bool(os.environ.get("KONGFLEET_DEEP") or ABOUT_TIME.search(name))


def main() -> int:
    environment = os.environ | {"LD_PRELOAD": str(BUILD / "tests/libjumping_clock.so")}
    looks = "import time; print(abs(time.time() - time.time()) > 1000)"
    if subprocess.check_output([sys.executable, "-c", looks], env=environment, text=True) != "True\n":
        sys.exit("the clock does not jump")
    for part in ("agent", "controller"):
        print(run_in_shares(str(BUILD / f"tests/{part}_tests"), 5, environment, wanted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
