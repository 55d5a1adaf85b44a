#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The crontab and the service that packaging installs: the very command lines in them are run, up to
the wait that --splay asks for; and that wait ends quietly, before anything is locked."""
import configparser
import datetime
import os
import pathlib
import pty
import re
import shlex
import signal
import subprocess
import tempfile
import unittest

from lone_fleet import BUILD, PROJECT, catches, wait_for

CRONTAB = PROJECT / "packaging/cron.d/kongfleet-sync"
SERVICE = PROJECT / "systemd/controller/kongfleet-sync@.service"
TIMER = PROJECT / "systemd/controller/kongfleet-sync@.timer"
DIRECTORY = "/etc/kongfleet/fleets/"
FLEET = """
[fleet]
name = "edge"
[ssh]
identity = "~/.ssh/deploy"
[plugins.my-plugin]
source = "plugins/my-plugin"
[groups.edge]
hosts = ["edge-[1-3].example.net"]
plugins = ["my-plugin"]
"""
FIELD = r"(\*|[0-9]+)(/[0-9]+)?"


def jobs() -> list[re.Match]:
    """The lines of the crontab that run something: its fields, the user, the command."""
    lines = [line for line in CRONTAB.read_text().splitlines() if line and not line.startswith("#")]
    job = re.compile(rf"((?:{FIELD} ){{5}})([a-z]+) (.+)")
    return [match for match in map(job.fullmatch, lines) if match]


class ExamplesTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="kongfleet-sync-")
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)
        (self.directory / "edge").mkdir()
        (self.directory / "edge/fleet.toml").write_text(FLEET)

    def waits(self, *command: str, variables: dict[str, str], **options) -> None:
        """Runs it until it waits for its splay, as one sees by its being ready for SIGTERM, and
        ends it then."""
        path = f"{BUILD}:{os.environ['PATH']}"
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True,
                                   env={"PATH": path} | variables, **options)
        try:
            def ready() -> bool:
                self.assertIsNone(process.poll(), "it does not wait")
                return catches(process.pid, signal.SIGTERM)
            wait_for("it comes to its wait", ready, 30)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
            process.communicate()
        self.assertEqual((process.returncode, out, err), (130, "", ""))
        self.assertEqual(os.listdir(self.directory / "edge"), ["fleet.toml"])

    def test_the_crontab(self):
        settings = [line for line in CRONTAB.read_text().splitlines()
                    if line and not line.startswith("#") and not re.match(r"[A-Z]+=", line)]
        self.assertEqual([job.group(0) for job in jobs()], settings)
        job, = jobs()
        command = job.groups()[-1]
        self.assertNotIn("%", command, "cron would make it a new line")
        self.assertIn(f"cd {DIRECTORY}edge && kongfleet ", command)
        here = command.replace(DIRECTORY, f"{self.directory}/").replace("kongfleet -f",
                                                                       "exec kongfleet -f")
        self.waits("/bin/sh", "-c", here, variables={"HOME": str(self.directory)})

    def test_the_crontab_finds_programs_where_the_service_does(self):
        found, = re.findall(r"^PATH=(.*)$", CRONTAB.read_text(), re.M)
        given = subprocess.run(["systemd-path", "search-binaries-default"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout.strip()
        self.assertEqual(found, given)

    def test_the_service(self):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str
        unit.read_string(SERVICE.read_text())
        program, *arguments = shlex.split(unit["Service"]["ExecStart"])
        self.assertEqual(program, "/usr/bin/kongfleet")
        self.assertIn("130", unit["Service"]["SuccessExitStatus"])
        where = unit["Service"]["WorkingDirectory"].replace("%i", "edge")
        self.assertEqual(where, DIRECTORY + "edge")
        # systemd gives it no HOME.
        self.waits(str(BUILD / "kongfleet"), *arguments, variables={}, cwd=self.directory / "edge")

    def test_the_timer(self):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str
        unit.read_string(TIMER.read_text())
        when = unit["Timer"]["OnCalendar"]
        said = subprocess.run(["systemd-analyze", "calendar", "--iterations=3", when], check=True,
                              stdout=subprocess.PIPE, text=True, env=os.environ | {"TZ": "UTC"}).stdout
        times = [datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S") for text in
                 re.findall(r"(?:elapse|Iter\w*\. #\d+|Iteration #\d+): \w+ (\S+ \S+) UTC", said)]
        self.assertEqual({after - before for before, after in zip(times, times[1:])},
                         {datetime.timedelta(hours=1)}, said)
        job, = jobs()
        self.assertRegex(job.group(0), r"^\d+ \* \* \* \* ", "the crontab is hourly too")

    def said_to_wait(self, name: str, splay: str) -> str:
        """How long a sync at a terminal says that it waits."""
        directory = self.directory / name
        directory.mkdir(exist_ok=True)
        (directory / "fleet.toml").write_text(FLEET.replace('"edge"', f'"{name}"', 1))
        master, terminal = pty.openpty()
        process = subprocess.Popen([BUILD / "kongfleet", "sync", "--splay", splay], cwd=directory,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=terminal, env=os.environ | {"TERM": "xterm"})
        said = ""
        try:
            while not said.endswith("\n"):
                said += os.read(master, 1000).decode()
        finally:
            process.kill()
            process.wait()
            os.close(terminal)
            os.close(master)
        found = re.search(r"waits for (\S+(?: \S+)*) \(--splay\)", said)
        self.assertTrue(found, said)
        return found[1]

    def test_each_fleet_waits_for_its_own_time_and_always_the_same(self):
        names = [f"fleet-{number}" for number in range(8)]
        first = [self.said_to_wait(name, "15m") for name in names]
        self.assertEqual([self.said_to_wait(name, "15m") for name in names], first)
        self.assertGreater(len(set(first)), 4, first)
        self.assertNotIn("15m", first)

    def test_the_test_can_fail(self):
        with self.assertRaisesRegex(AssertionError, "it does not wait"):
            self.waits(str(BUILD / "kongfleet"), "sync", "--splat", "15m", variables={},
                       cwd=self.directory / "edge")

    def test_they_are_installed(self):
        where = self.directory / "root"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", where], check=True,
                       stdout=subprocess.DEVNULL)
        there = {str(path.relative_to(where)) for path in where.rglob("*") if path.is_file()}
        self.assertLessEqual({"lib/systemd/system/kongfleet-sync@.service",
                              "lib/systemd/system/kongfleet-sync@.timer",
                              "share/kongfleet/kongfleet-1.schema.json",
                              "share/doc/kongfleet/examples/cron.d/kongfleet-sync"}, there)


if __name__ == "__main__":
    unittest.main(verbosity=2)
