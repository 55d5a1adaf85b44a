#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Replays the corpus of tests/fuzz; with KONGFLEET_DEEP set also fuzzes every target for a minute:

    run.py [--seconds N] [TARGET...]     fuzzes those targets now, whatever KONGFLEET_DEEP says

The fuzzers are built with clang, ASan and UBSan, in KONGFLEET_BUILD/fuzz. What makes one fail stays
there as crash-TARGET-…, and is printed: mend the cause, and add it to tests/fuzz/corpus/TARGET/.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", HERE.parent.parent / "build"))
TREE = BUILD / "fuzz"
INPUT_MAX = {"fleet-toml": 65536, "agent-toml": 65536}  # what nests too deeply takes that much
LIMITS = ["-rss_limit_mb=1500", "-malloc_limit_mb=512", "-timeout=20",
          "-print_final_stats=1", "-verbosity=1",
          "-detect_leaks=0"]  # of single inputs, which costs most of the time; at the end it is asked


def build() -> list[str]:
    """The names of the targets."""
    subprocess.run(["cmake", "-S", HERE.parent.parent, "-B", TREE, "-G", "Ninja",
                    "-DKONGFLEET_BUNCHES=ON", "-DKONGFLEET_FUZZ=ON", "-DCMAKE_CXX_COMPILER=clang++-14",
                    "-DCMAKE_C_COMPILER=clang-14"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["nice", "ninja", "-C", TREE, "--quiet", "fuzzer"], check=True)
    return subprocess.run([TREE / "tests/fuzz/fuzzer"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.split()


def fuzz(target: str, seconds: int) -> tuple[int, bool]:
    """How many inputs were tried, and whether all went well."""
    found = TREE / "found" / target
    found.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"KONGFLEET_FUZZ": target}
    command = ["nice", TREE / "tests/fuzz/fuzzer", *LIMITS, f"-max_total_time={seconds}",
               f"-max_len={INPUT_MAX.get(target, 8192)}",
               f"-artifact_prefix={TREE}/crash-{target}-", found, HERE / "corpus" / target]
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, errors="backslashreplace", check=False)
    tried = re.search(r"stat::number_of_executed_units: (\d+)", run.stdout)
    if run.returncode != 0 or not tried:
        lines = [line for line in run.stdout.splitlines() if not line.startswith("#")]
        print(f"{target}: exit code {run.returncode}", *lines[-40:], sep="\n  ", flush=True)
        return 1, False
    print(f"{target}: {tried[1]} inputs, well", flush=True)
    return int(tried[1]), True


def campaign(chosen: list[str], seconds: int) -> bool:
    began, count, bad = time.monotonic(), 0, 0
    for target in [name for name in build() if not chosen or name in chosen]:
        tried, well = fuzz(target, seconds)
        count += tried
        bad += not well
    directory = os.environ.get("KONGFLEET_PROOF_DIR")
    if directory:
        entry = {"name": "fuzz-inputs", "promise": "P10", "count": count, "bad": bad,
                 "seconds": time.monotonic() - began}
        (pathlib.Path(directory) / "fuzz-inputs.json").write_text(json.dumps(entry) + "\n")
    return bad == 0 and count > 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("target", nargs="*")
    options = parser.parse_args()
    if options.target:
        return not campaign(options.target, options.seconds)
    replayed = subprocess.run([BUILD / "tests/fuzz/fuzz-replay", HERE / "corpus"], check=False)
    well = replayed.returncode == 0
    if os.environ.get("KONGFLEET_DEEP"):
        well = campaign([], options.seconds) and well
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
