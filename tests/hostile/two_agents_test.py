#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Two agents that are started for one host do not both change it: the second says so and ends, and takes nothing
from the first. Real processes of the agent as it is built."""
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()
SECONDS = 30


class TwoAgentsTest(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="kongfleet-two-")))
        self.state = self.scratch / "state"

    def config(self, socket: str) -> pathlib.Path:
        """An agent.toml of this host's; nothing but the socket differs."""
        path = self.scratch / f"{socket}.toml"
        path.write_text(f'[kong]\nconf = "{self.scratch}/none.conf"\nbinary = "/bin/false"\nunit = "none"\n'
                        f'[agent]\nsocket = "{self.scratch}/{socket}"\nstate = "{self.state}"\ngroup = "root"\n')
        return path

    def command(self, name: str, socket: str) -> list:
        return [BUILD / "kongfleet-agent", "--config", self.config(socket), name]

    def start(self, socket: str) -> subprocess.Popen:
        """An agent, once it is ready."""
        process = subprocess.Popen(self.command("serve", socket), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        said = ""
        while "ready" not in said:
            line = process.stderr.readline()
            self.assertTrue(line, f"it ended and said '{said}'")
            said += line
        return process

    def refused(self, name: str, socket: str) -> None:
        ran = subprocess.run(self.command(name, socket), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=SECONDS, check=False)
        self.assertEqual(ran.returncode, 1, ran.stderr)
        self.assertIn(f"another agent holds '{self.state}/lock'", ran.stderr)

    def answers(self, socket: str) -> bool:
        ran = subprocess.run(self.command("status", socket), capture_output=True, text=True, timeout=SECONDS, check=False)
        return "unmanageable" in ran.stdout  # there is no Kong; the agent says so

    def files(self) -> dict:
        return {path.relative_to(self.state): path.read_bytes()
                for path in self.state.rglob("*") if path.is_file() and "ballast" not in path.parts}

    def test_the_second_says_who_is_there_and_takes_nothing_from_the_first(self):
        first = self.start("one")
        self.assertTrue(self.answers("one"))
        before = self.files()
        for command in ("serve", "recover"):
            for socket in ("two", "one"):  # beside the first one's socket, or in its place
                self.refused(command, socket)
        self.assertIsNone(first.poll())
        self.assertTrue(self.answers("one"))
        self.assertFalse((self.scratch / "two").exists())
        self.assertEqual(self.files(), before)

    def test_of_many_at_once_one_stays(self):
        agents = [subprocess.Popen(self.command("serve", f"at-once-{number}"), stdin=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL) for number in range(8)]
        try:
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline and sum(agent.poll() is None for agent in agents) > 1:
                time.sleep(0.01)
            self.refused("serve", "another")  # the one that is left is it
            self.assertEqual(sorted(str(agent.poll()) for agent in agents), ["1"] * 7 + ["None"])
        finally:
            for agent in agents:
                agent.kill()
                agent.wait()

    def test_one_that_was_killed_holds_nothing(self):
        first = self.start("one")
        first.kill()
        first.wait()
        self.start("one")
        self.assertTrue(self.answers("one"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
