#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Runs all test cases of a Catch2 program in several processes at once:

    in_shares COUNT PROGRAM [TEST-SPEC]...

A spec is Catch's, and may have the name of a source file as a tag: "~[#sandbox_test]". For tests
that wait more than they work. Each test case runs in one of the processes, and it is an error when
one did not run. Prints what the failing processes said; exit 1 if there is one.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable


def start(program: str, names: list[str], file: pathlib.Path, environment: dict) -> subprocess.Popen:
    chosen = [name.replace(",", "\\,") for name in names]  # ',' is Catch's "or"
    file.write_text("\n".join(chosen) + "\n")
    return subprocess.Popen([program, "--input-file", file], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", env=environment)


def run_in_shares(program: str, count: int, environment: dict | None = None,
                  wanted: Callable[[str], bool] = lambda name: True, specs: tuple[str, ...] = ()) -> str:
    """How many test cases ran, in a sentence; SystemExit with what was said when something failed."""
    listed = subprocess.run([program, "--list-test-names-only", "-#", *specs], stdout=subprocess.PIPE, text=True,
                            check=False, env=environment)  # it exits with their number
    names = [name for name in listed.stdout.splitlines() if wanted(name)]
    with tempfile.TemporaryDirectory() as directory:
        shares = [start(program, names[share::count], pathlib.Path(directory) / str(share),
                        environment) for share in range(count) if names[share::count]]
        said = [share.communicate()[0] for share in shares]
    failed = [text for share, text in zip(shares, said) if share.returncode != 0]
    if failed:
        sys.exit("\n".join(failed))
    ran = sum(int(re.search(r"(\d+) test case", text)[1]) for text in said)
    if ran != len(names) or not names:
        sys.exit(f"{program}: {ran} of {len(names)} tests ran\n{listed.stdout if not names else ''}")
    return f"{program}: {ran} test cases passed"


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    print(run_in_shares(os.path.abspath(sys.argv[2]), int(sys.argv[1]), specs=tuple(sys.argv[3:])))
