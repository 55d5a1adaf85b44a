#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark itself, small: three hosts, one round, we and the floor, and what it measures instead when
asked to. What it writes is looked at, not how quick that was, and that nothing is left behind, also where it
is ended midway."""
import ipaddress
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree
from dataclasses import replace

import delay
import idle
import large
import reload
from host import Ground, Host
from kongfleet_tool import Alone
from packing import Packing
from results import Cost, Results
from table import US
from tree import Versions, shape_named
from watchdog import patience

RUN = pathlib.Path(__file__).resolve().parent / "run"
PROJECT = RUN.parents[2]
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()
KEYS = {"tool": str, "phase": str, "hosts": int, "wall_s": float, "driver_cpu_ms_per_host": float,
        "host_cpu_ms_per_host": float, "driver_peak_mb": float}


class WorksTest(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="kongfleet-bench-test-"))
        self.scratch.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.scratch)
        self.out = self.scratch / "out"
        for program in ("kongfleet", "kongfleet-agent", "tests/crash/tiny-kong"):
            (self.out / program).parent.mkdir(parents=True, exist_ok=True)
            (self.out / program).symlink_to(BUILD / program)

    def start(self, *options: str) -> subprocess.Popen:
        return subprocess.Popen(
            ["prlimit", "--nofile=1024:", RUN, "--hosts", "3", "--rounds", "1", "--tools", "kongfleet",
             "--out", self.out, *options],
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | {"TMPDIR": str(self.scratch)})

    def assert_nothing_left(self):
        self.assertEqual(list(self.scratch.glob("kongfleet-bench-*")), [])
        lines = subprocess.run(["ps", "-eo", "args"], stdout=subprocess.PIPE, text=True, check=True).stdout
        left = [line for line in lines.splitlines() if f"{self.scratch}/kongfleet-bench-" in line]
        self.assertEqual(left, [])

    def test_it_writes_what_it_measured(self):
        run = self.start()
        out, errors = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 0, errors)
        entries = json.loads((self.out / "bench.json").read_text())
        for entry in entries:
            self.assertEqual({key: type(value) for key, value in entry.items()}, KEYS)
            self.assertGreater(entry["wall_s"], 0)
            self.assertEqual(entry["hosts"], 3)
        self.assertEqual([(entry["tool"], entry["phase"]) for entry in entries],
                         [("ssh", "login"), ("kongfleet", "first"), ("kongfleet", "update"),
                          ("kongfleet", "unchanged")])
        self.assertEqual((self.out / "bench.txt").read_text(), out)
        self.assertNotIn("[warn]", errors)  # nginx would say that 1,024 files are too few for its connections
        xml.etree.ElementTree.parse(self.out / "bench.svg")
        self.assert_nothing_left()

    def run_other(self, name: str, *options: str) -> tuple[list[dict], str]:
        """What it writes instead: bench-NAME.json and the table."""
        run = self.start(*options)
        out, errors = run.communicate(timeout=240)
        self.assertEqual(run.returncode, 0, errors)
        self.assertEqual((self.out / f"bench-{name}.txt").read_text(), out)
        self.assert_nothing_left()
        return json.loads((self.out / f"bench-{name}.json").read_text()), out

    def assert_targets(self, table: str, *names: str):
        """Each is there, with a figure and what it is worth."""
        lines = [line for line in table.splitlines() if line.endswith(("  reached", "  MISSED"))]
        self.assertEqual([line[:52].rstrip() for line in lines], list(names))

    def test_a_large_plugin_is_measured_beside_rsync(self):
        entries, table = self.run_other("large", "--tree", "60x2000")
        self.assertEqual([(entry["tool"], entry["phase"]) for entry in entries],
                         [("kongfleet, 1 host", "alone"),
                          *((tool, phase) for phase in ("first", "update", "unchanged")
                            for tool in ("kongfleet", "rsync -z"))])
        self.assert_targets(table, "first: wall, times rsync -z", "update: wall, times rsync -z",
                            "first: CPU of a further host, times packing once",
                            "first: memory of a further host, times what's packed")

    def test_round_trips_are_counted_and_take_their_time(self):
        entries, table = self.run_other("delay", "--delay", "200ms")
        self.assertEqual([(entry["tool"], entry["phase"]) for entry in entries],
                         [("ssh", "login"), ("kongfleet to true", "login"),
                          *(("kongfleet", phase) for phase in ("first", "update", "unchanged"))])
        for entry in entries:
            self.assertGreaterEqual(entry["logins"], 1)
            self.assertGreater(entry["round_trips"] / entry["logins"], 4)  # TCP, versions, keys, user, command
            self.assertGreater(entry["wall_s"], 0.2 * entry["round_trips"] / entry["logins"])
        self.assert_targets(table, "unchanged: round trips, TCP's and SSH's included",
                            "unchanged: round trips that we add to a login")

    def test_an_idle_agent_is_looked_at(self):
        entries, table = self.run_other("idle", "--idle", f"{patience() / 2 + 1}s")
        self.assertEqual([entry["host"] for entry in entries], ["h0000", "h0001", "h0002"])
        for entry in entries:
            self.assertIn(entry["watchdog"], (1, 2))
            self.assertGreaterEqual(entry["wakeups"], entry["watchdog"])  # each is one
            self.assertGreater(entry["straight_after"], 0)
            self.assertGreater(entry["own_mb"], 0.1)
            self.assertGreater(entry["pss_mb"], entry["own_mb"])
        self.assert_targets(table, "idle: own memory of the largest agent, MB",
                            "idle: wake-ups of any agent besides the watchdog's")

    def test_no_request_on_a_new_connection_fails_under_rollouts(self):
        (fresh, kept), table = self.run_other("reload", "--reloads", "2")
        self.assertEqual((fresh["failed"], fresh["replaced"], fresh["rollouts"]), (0, 2, 2))
        self.assertGreater(fresh["requests"], 100)
        self.assertGreater(kept["requests"], 100)
        self.assert_targets(table, "reload: requests that failed on new connections",
                            "reload: failed on one kept connection, a reload",
                            "reload: rollouts that replaced all workers")

    def test_it_leaves_nothing_behind_when_it_is_ended(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), self.start() as run:
                self.assertTrue(run.stderr.readline().startswith("round 1/1"))
                run.send_signal(number)
                run.communicate(timeout=60)
                self.assertNotEqual(run.returncode, 0)
                time.sleep(0.2)  # whoever is being killed is still listed
                self.assert_nothing_left()


class LargeTest(unittest.TestCase):
    """With a controller made up: it takes 400 ms and 80 MB for one host, packing takes 100 ms and gives 4 MB."""

    def targets(self, cpu_ms: float, peak_mb: float) -> list[str]:
        results = Results(11)
        for tool, phase, hosts, more in ((Alone.name, "alone", 1, 0), (US, "first", 11, 10), (US, "update", 11, 0),
                                         ("rsync -z", "first", 11, 0), ("rsync -z", "update", 11, 0)):
            results.add(Cost(tool, phase, 0, 1.0, (400 + more * cpu_ms) / hosts, 0, 0, 0, 80 + more * peak_mb))
        return [line.split()[-1] for line in large.targets(results, Packing(100, 20, 4))]

    def test_a_controller_that_packs_for_each_host_is_seen(self):
        self.assertEqual(self.targets(20, 0.3), ["reached"] * 4)
        self.assertEqual(self.targets(120, 0.3), ["reached", "reached", "MISSED", "reached"])
        self.assertEqual(self.targets(20, 4), ["reached", "reached", "reached", "MISSED"])

    def test_the_tree_is_as_large_as_asked_for(self):
        with tempfile.TemporaryDirectory() as directory:
            tree = Versions(pathlib.Path(directory), shape_named("large")).tree("1.0.0")
            files = list(tree.rglob("*.lua"))
            self.assertEqual(len(files), 2000)
            self.assertAlmostEqual(sum(file.stat().st_size for file in files) / 1e6, 20, delta=0.5)


class ManyTest(unittest.TestCase):
    def test_1000_hosts_have_addresses_of_their_own(self):
        ground = Ground(*[pathlib.Path("/nowhere")] * 5)
        addresses = {ipaddress.ip_address(Host(number, ground).address) for number in range(1000)}
        self.assertEqual(len(addresses), 1000)
        self.assertTrue(all(address in ipaddress.ip_network("127.77.0.0/16") for address in addresses))


class IdleTest(unittest.TestCase):
    def said(self, **figures) -> list[str]:
        agent = idle.Idle("h0000", 31, 1.2, 3.0, 2, 3, 2, 2, 0)
        lines = idle.table([agent, replace(agent, **figures)]).splitlines()
        return [line.split()[-1] for line in lines[-2:]]

    def test_one_agent_that_wakes_up_or_is_large_is_enough(self):
        self.assertEqual(self.said(), ["reached", "reached"])
        self.assertEqual(self.said(wakeups=3), ["reached", "MISSED"])
        self.assertEqual(self.said(own_mb=5.1), ["MISSED", "reached"])

    def test_a_process_that_wakes_up_and_is_large_is_seen(self):
        program = "import time; own = b'x' * 20_000_000; print(flush=True)\nwhile True: time.sleep(0.01)"
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            first = idle.switches(process.pid)[str(process.pid)][0]
            deadline = time.monotonic() + 30
            while idle.switches(process.pid)[str(process.pid)][0] < first + 5:
                self.assertLess(time.monotonic(), deadline)
            own_kb, pss_kb = idle.memory_kb(process.pid)
            process.kill()
        self.assertGreater(own_kb, 19_000)
        self.assertGreater(pss_kb, own_kb)


class DelayTest(unittest.TestCase):
    def test_the_host_with_the_most_round_trips_decides(self):
        login = delay.Distance("kongfleet to true", "login", 3, 0.05, 1, 5, 5, 0, 1, 0.8)
        for most, said in ((6, ["reached", "reached"]), (7, ["MISSED", "reached"]), (12, ["MISSED", "MISSED"])):
            sync = replace(login, tool="kongfleet", phase="unchanged", round_trips_most=most)
            lines = delay.table([replace(login, tool="ssh"), login, sync]).splitlines()
            self.assertEqual([line.split()[-1] for line in lines[-4:-2]], said)


WRK_SAID = """\
Running 1440m test @ http://127.77.0.1:8000/
  1 threads and 10 connections
  9674 requests in 10.02s, 1.94MB read
"""


class ReloadTest(unittest.TestCase):
    def test_each_kind_of_failure_counts(self):
        self.assertEqual(reload.parse("new", WRK_SAID), reload.Count("new", 9674))
        bad = reload.parse("new", WRK_SAID + "  Socket errors: connect 1, read 20, write 300, timeout 4000\n"
                                             "  Non-2xx or 3xx responses: 50000\n")
        self.assertEqual(bad, reload.Count("new", 9674, 1, 20, 300, 4000, 50000))
        self.assertEqual(bad.failed, 54321)

    def test_one_failure_on_a_new_connection_is_too_much(self):
        good, bad = reload.Count("new", 100), reload.Count("new", 100, read=1)
        for fresh, replaced, said in ((good, 2, ["reached"] * 3), (bad, 2, ["MISSED", "reached", "reached"]),
                                      (good, 1, ["reached", "reached", "MISSED"])):
            lines = reload.table([fresh, reload.Count("kept", 100, read=20)], 2, replaced).splitlines()
            self.assertEqual([line.split()[-1] for line in lines[-3:]], said)

    def test_what_sent_nothing_is_no_result(self):
        self.assertRaises(RuntimeError, reload.parse, "new", "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
