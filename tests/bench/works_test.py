#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark itself, small: three hosts, one round, we and the floor. What it writes is looked at, not
how quick that was, and that nothing is left behind, also where it is ended midway."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree

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

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(
            [RUN, "--hosts", "3", "--rounds", "1", "--tools", "kongfleet", "--out", self.out], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
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
        xml.etree.ElementTree.parse(self.out / "bench.svg")
        self.assert_nothing_left()

    def test_it_leaves_nothing_behind_when_it_is_ended(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), self.start() as run:
                self.assertTrue(run.stderr.readline().startswith("round 1/1"))
                run.send_signal(number)
                run.communicate(timeout=60)
                self.assertNotEqual(run.returncode, 0)
                time.sleep(0.2)  # whoever is being killed is still listed
                self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
