# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A part of this machine that is the benchmark's alone: namespaces of its own for network, processes and
mounts, so that its addresses collide with nobody's, its mounts are seen by nobody else, and nothing of
it outlives it, however it ends."""
import os
import shutil
import subprocess
import sys

INSIDE = "KONGFLEET_BENCH_INSIDE"


def enter(arguments: list[str]) -> None:
    """Comes back only inside, as process 1 there; outside it starts that and waits."""
    if os.environ.get(INSIDE) == "1":
        os.environ.pop(INSIDE)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    if os.geteuid() != 0:
        sys.exit("tests/bench/run: makes namespaces and runs sshds: run it as root")
    needs("unshare", "util-linux")
    needs("ip", "iproute2")
    # The kernel ends every process in there with the first one, which ends with us.
    inside = subprocess.Popen(
        ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
         "--propagation", "private", *arguments], env=os.environ | {INSIDE: "1"})
    try:
        code = inside.wait()
        if code < 0:
            sys.exit(f"tests/bench/run: ended by signal {-code}; nothing was written")
        sys.exit(code)
    except KeyboardInterrupt:
        sys.exit("tests/bench/run: interrupted; nothing was written")
    finally:
        inside.kill()
        inside.wait()


def needs(program: str, package: str) -> str:
    """Where a program is. One that is missing is an error that names Debian's package."""
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not found:
        raise RuntimeError(f"'{program}' is missing: apt-get install {package}")
    return found
