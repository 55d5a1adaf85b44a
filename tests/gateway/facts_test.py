#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that a Kong behaves as Kong does wherever a deployment tool can see it.

    facts_test.py [--version 2.8.5|3.4.2] [--only WORD] [--all]

Without KONGFLEET_TEST_KONG the stand-in beside this file is checked, as 2.8.5 and as 3.4.2;
with it, the Kong whose `kong` command it names. One line for each fact that does not hold, with
--all for every one; exit 1 if there is one. Root only: workers run as another user, as they do in
earnest.
"""

import argparse
import concurrent.futures
import importlib
import json
import os
import subprocess
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from facts import upstream  # noqa: E402
from facts.node import Node  # noqa: E402

TOPICS = ["starting", "reloading", "rejecting", "poison", "preflight", "runtime", "environment",
          "traffic", "removing", "apis", "loader", "newer",
          "installing", "databases"]
AT_ONCE = 5
# They watch what passes within milliseconds, which a machine that has other things to do may miss.
OF_A_MOMENT = ("reloading/good_reload", "reloading/mixed_state", "newer/readiness_during_reload")
LOOKS = 3


class Kong:
    """A command and the environment that makes it the version under test."""

    def __init__(self, command, version):
        self.command = command
        self.version = version
        self.is_stand_in = not os.environ.get("KONGFLEET_TEST_KONG")
        self.environment = {"KONG_STANDIN_VERSION": version} if self.is_stand_in else {}


class Facts:
    """What was found, by all groups; `about` makes the function a group calls with each fact."""

    def __init__(self, told_all):
        self.lock = threading.Lock()
        self.told_all = told_all
        self.count = 0
        self.bad = 0

    def note(self, holds, line):
        with self.lock:
            self.count += 1
            self.bad += not holds
            if self.told_all or not holds:
                print(line, flush=True)


class Check:
    """Called with a fact, whether it holds, and what was found; keeps that as (holds, line)."""

    def __init__(self, version, where):
        self.version = version
        self.where = where
        self.is_3x = not version.startswith("2.")
        self.noted = []

    def __call__(self, text, holds, found=""):
        line = f"{'ok ' if holds else 'BAD'} {self.version} {self.where}: {text}"
        if not holds and found != "":
            line += f"\n      found: {str(found)[:1500]}"
        self.noted.append((bool(holds), line))


def look(kong, where, group, upstream_port):
    check, node = Check(kong.version, where), Node(kong, upstream_port)
    try:
        group(check, node)
    except Exception:  # a group that breaks off is a fact that does not hold
        check("the group runs to its end", False, traceback.format_exc())
    finally:
        node.close()
    return check.noted


def run_group(facts, kong, where, group, upstream_port):
    """One look; another, and that is told, where only the moment may have been missed."""
    for left in reversed(range(LOOKS if where in OF_A_MOMENT else 1)):
        noted = look(kong, where, group, upstream_port)
        missed = [line for holds, line in noted if not holds]
        if not missed or not left:
            break
        print("\n".join(["looked at again:", *missed]), flush=True)
    for holds, line in noted:
        facts.note(holds, line)


def groups(only):
    for topic in TOPICS:
        for group in importlib.import_module("facts." + topic).GROUPS:
            where = f"{topic}/{group.__name__}"
            if not only or only in where:
                yield where, group


def kongs(wanted):
    command = os.environ.get("KONGFLEET_TEST_KONG")
    if command:
        version = subprocess.run([command, "version"], check=True, capture_output=True,
                                 text=True).stdout.strip()
        return [Kong([command], version)]
    stand_in = [os.path.join(HERE, "kong")]
    return [Kong(stand_in, version) for version in ([wanted] if wanted else ["2.8.5", "3.4.2"])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", choices=["2.8.5", "3.4.2"])
    parser.add_argument("--only", help="topics and groups whose name holds this word")
    parser.add_argument("--all", action="store_true", help="show what holds, too")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("facts_test.py: must run as root, since workers run as another user")
    began = time.monotonic()
    facts, server = Facts(options.all), upstream.start()
    # Most of a group is waiting, so several run at once; each has a Kong of its own.
    with concurrent.futures.ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for where, group in groups(options.only):
            for kong in kongs(options.version):
                pool.submit(run_group, facts, kong, where, group, server.server_address[1])
    server.shutdown()
    server.server_close()
    count, bad = facts.count, facts.bad
    print(f"{count} facts, {bad} bad")
    proof = os.environ.get("KONGFLEET_PROOF_DIR")
    if proof:
        with open(os.path.join(proof, "stand-in-facts.json"), "w", encoding="utf-8") as file:
            json.dump({"name": "stand-in-facts", "promise": "-", "count": count, "bad": bad,
                       "seconds": round(time.monotonic() - began, 1)}, file)
    return 1 if bad or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
