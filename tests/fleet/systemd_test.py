#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What systemd knows of the agent: its status text, its entries in the journal by transaction, what it needs while
nobody wants anything, and that a daemon which hangs is ended and what it had in trial is taken back."""
import errno
import json
import os
import pathlib
import signal
import unittest

from fleet import BUILD, FleetTest, wait_for
import sanitized

UNIT = "kongfleet-agent.service"
# What the daemon, its C library or what it runs would rather use (syscalls(2) says since when).
NEWER_CALLS = ("renameat2", "getrandom", "memfd_create", "execveat", "membarrier", "copy_file_range", "preadv2", "pwritev2",
               "statx", "rseq", "pidfd_send_signal", "pidfd_open", "clone3", "openat2", "faccessat2", "close_range", "epoll_pwait2")
OWN_MEMORY_MAX = 5 << 20  # bytes of each process that are nobody else's and no file's


def anonymous_memory(pid: int) -> int:
    """RssAnon of proc_pid_status(5), in bytes."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon:")).split()[1]) * 1024


class SystemdTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.begin_with_one_host()

    def tearDown(self):
        self.fleet.let_go()
        self.fleet.write_fleet_file()

    def shown(self, name: str) -> str:
        return self.host.run("systemctl", "show", "-P", name, UNIT).stdout.strip()

    def processes(self) -> list[int]:
        """Those of the unit, as this machine numbers them."""
        group = self.shown("ControlGroup")
        # The host's own /sys: its group is the root there.
        numbers = self.host.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs").stdout.split()
        inside = {int(number) for number in numbers}
        space = os.stat(f"/proc/{self.host.leader}/ns/pid").st_ino
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                line = next(line for line in (process / "status").read_text().splitlines() if line.startswith("NSpid:"))
                numbers = [int(number) for number in line.split()[1:]]
                here, there = numbers[0], numbers[-1]
                if len(numbers) > 1 and there in inside and os.stat(process / "ns/pid").st_ino == space:
                    found.append(here)
            except OSError:  # it has ended, or is none of this host's
                continue
        return found

    def begin_trial(self, version: str, **rules):
        self.fleet.write_fleet_file(bake='"600s"', **rules)
        self.fleet.write_plugin(version)
        controller = self.fleet.start_kongfleet("rollout", "--yes")
        wait_for("the trial", lambda: self.fleet.header(self.host) == version)
        return controller

    def test_its_status_says_what_it_is_at(self):
        self.assertEqual(self.shown("StatusText"), "Waiting for a controller")
        controller = self.begin_trial("1.1.0")
        try:
            wait_for("the status of a trial", lambda: self.shown("StatusText").startswith("In trial: generation "))
            self.assertIn("transaction rollout-", self.shown("StatusText"))
        finally:
            controller.send_signal(signal.SIGINT)
            controller.communicate(timeout=60)
        wait_for("rest", lambda: self.shown("StatusText") == "Waiting for a controller")

    def test_the_journal_has_its_entries_by_rollout_transaction_and_generation(self):
        self.fleet.write_plugin("1.2.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        rollout = self.fleet.kongfleet("--output", "json", "show", "latest", expect=0).json()["rollout"]["id"]
        said = self.host.run("journalctl", "--no-pager", "-o", "json", f"KONGFLEET_ROLLOUT={rollout}").stdout
        entries = [json.loads(line) for line in said.splitlines()]
        self.assertTrue(entries)
        last = entries[-1]
        self.assertEqual(last["MESSAGE"], f"transaction {rollout}/edge-1: committed")
        self.assertEqual(last["KONGFLEET_TRANSACTION"], f"{rollout}/edge-1")
        self.assertRegex(last["KONGFLEET_GENERATION"], r"^\d+$")
        self.assertEqual((last["_SYSTEMD_UNIT"], last["PRIORITY"]), (UNIT, "6"))

    @unittest.skipIf(sanitized.is_sanitized(BUILD / "kongfleet-agent"), "a sanitizer's memory is no memory of its own")
    def test_while_nobody_wants_anything_it_has_little_memory_of_its_own(self):
        self.fleet.write_plugin("1.3.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        processes = self.processes()
        self.assertGreaterEqual(len(processes), 2)  # the daemon, and who makes its interpreters
        for pid in processes:
            self.assertLess(anonymous_memory(pid), OWN_MEMORY_MAX, pathlib.Path(f"/proc/{pid}/cmdline").read_text())

    def test_on_a_kernel_of_long_ago_it_does_the_same(self):
        """What Linux has got since 3.10 fails, for the daemon and all that it runs, as it does on a kernel that has none of it."""
        for unit in (UNIT, "kongfleet-recover.service"):
            self.host.write(f"/etc/systemd/system/{unit}.d/kernel.conf",
                            f"[Service]\nSystemCallFilter=~{' '.join(NEWER_CALLS)}\nSystemCallErrorNumber=ENOSYS\n")
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "restart", UNIT)
        self.assertEqual(self.shown("SystemCallErrorNumber"), str(errno.ENOSYS))
        allowed = self.shown("SystemCallFilter").split()
        self.assertIn("openat", allowed)
        self.assertEqual(set(NEWER_CALLS) & set(allowed), set())
        try:
            self.fleet.write_plugin("3.10.0")
            self.fleet.kongfleet("rollout", "--yes", expect=0)
            self.assertEqual(self.fleet.header(self.host), "3.10.0")
            self.fleet.write_plugin("3.10.1", access="if conf.greeting the return end")
            self.fleet.kongfleet("rollout", "--yes", expect=5)
            self.fleet.write_plugin("3.10.2", access='error("a bug that only requests show")')
            self.fleet.kongfleet("rollout", "--yes", expect=3)
            self.assertEqual(self.fleet.header(self.host), "3.10.0")
            self.host.run("systemctl", "stop", UNIT, "kongfleet-agent.socket")  # as at boot
            self.host.run("systemctl", "restart", "kongfleet-recover.service")
            self.host.run("systemctl", "start", "kongfleet-agent.socket")
            self.fleet.kongfleet("status", expect=0)
            self.fleet.write_plugin("3.10.0")
            self.fleet.kongfleet("rollback", "--yes", expect=0)
            self.fleet.kongfleet("check", "--hosts", expect=0)
        finally:
            for unit in (UNIT, "kongfleet-recover.service"):
                self.host.run("rm", f"/etc/systemd/system/{unit}.d/kernel.conf")
            self.host.run("systemctl", "daemon-reload")
            self.host.run("systemctl", "restart", UNIT)

    def test_a_daemon_that_hangs_is_ended_and_its_trial_is_taken_back(self):
        before = self.fleet.header(self.host)
        controller = self.begin_trial("1.4.0", confirm_timeout='"900s"')
        main = self.shown("MainPID")
        self.host.run("kill", "-STOP", main)
        try:
            # WatchdogSec= is 30 s; systemd ends it, and the next one takes the trial back.
            wait_for("another daemon", lambda: self.shown("MainPID") not in (main, "0"), seconds=90)
            wait_for("the way back", lambda: self.fleet.header(self.host) == before, seconds=60)
            self.assertIn("atchdog", self.host.run("journalctl", "--no-pager", "-o", "cat", "-u", UNIT).stdout)
        finally:
            controller.send_signal(signal.SIGINT)
            controller.communicate(timeout=120)


if __name__ == "__main__":
    unittest.main(verbosity=2)
