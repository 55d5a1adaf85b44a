#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The harness keeps its word: real hosts, real ssh, power cuts, partitions, nothing left behind."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cgroups
from hosts import Hosts
from template import is_whole, list_files

PROGRAM = str(pathlib.Path(__file__).with_name("hosts.py"))
AGENT = '#!/bin/sh\necho "$1 as $(id -un) on $(uname -n), not: $SSH_ORIGINAL_COMMAND"\n'


def ssh(hosts, host, *options, command="uptime", user="kongfleet"):
    argv = ["ssh", "-F", "none", "-i", str(hosts.deploy_key), "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={hosts.known_hosts}",
            "-o", "ConnectTimeout=3", *options, f"{user}@{host.address}", command]
    return subprocess.run(argv, text=True, capture_output=True, timeout=30, check=False)


def remains(identity):
    """What on this machine still carries the fleet's name."""
    found = [line for path in ("/proc/self/mountinfo", "/proc/net/dev")
             for line in pathlib.Path(path).read_text().splitlines() if identity in line]
    for directory in ("/run/netns", "/run/systemd/nspawn/propagate", *cgroups.hierarchies()):
        if os.path.isdir(directory):
            found += [f"{directory}/{name}" for name in os.listdir(directory) if identity in name]
    found += [line for line in subprocess.check_output(["ps", "ax", "-o", "pid,args"], text=True)
              .splitlines() if identity in line]
    rules = subprocess.check_output(["nft", "list", "tables"], text=True)
    return found + [line for line in rules.splitlines() if identity in line]


def wait_for(what, happened, seconds=30):
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class HostsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="kongfleet-hosts-")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.agent = self.scratch / "agent"
        self.agent.write_text(AGENT)

    def boot(self, name, count):
        return Hosts(self.scratch / name, count, agent=self.agent, gateway=None)

    def test_a_login_gets_the_agent_and_nothing_else(self):
        with self.boot("a", 1) as hosts:
            got = ssh(hosts, hosts[0])
            said = "connect as kongfleet on edge-1, not: uptime\n"
            self.assertEqual(got.stdout, said, got.stderr)
            self.assertNotEqual(ssh(hosts, hosts[0], user="root").returncode, 0)
            forward = ssh(hosts, hosts[0], "-o", "ExitOnForwardFailure=yes", "-R", "9999:[::1]:9")
            self.assertNotEqual(forward.returncode, 0)
            hosts.known_hosts.write_text("")
            self.assertIn("Host key verification failed", ssh(hosts, hosts[0]).stderr)

    def test_a_host_loses_its_power_and_comes_back_with_what_it_had_written(self):
        with self.boot("a", 1) as hosts:
            host = hosts[0]
            first = host.run("cat", "/proc/sys/kernel/random/boot_id", "/etc/machine-id").stdout
            host.run("sh", "-c", "echo kept >/var/lib/kept; echo gone >/run/gone")
            host.kill()
            self.assertNotEqual(ssh(hosts, host).returncode, 0)
            host.boot()
            self.assertEqual(host.read("/var/lib/kept"), "kept\n")
            self.assertNotEqual(host.run("test", "-e", "/run/gone", check=False).returncode, 0)
            again = host.run("cat", "/proc/sys/kernel/random/boot_id", "/etc/machine-id").stdout
            self.assertEqual(first.split()[1], again.split()[1])
            self.assertEqual(ssh(hosts, host).returncode, 0)
            host.shut_down()
            host.boot()
            self.assertIn("Started ssh.service", host.journal("ssh"))

    def test_a_partition_cuts_one_host_off_without_a_word(self):
        with self.boot("a", 2) as hosts:
            cut, other = hosts
            cut.partition()
            self.assertIn("timed out", ssh(hosts, cut).stderr)
            self.assertEqual(ssh(hosts, other).returncode, 0)
            cut.partition(False)
            self.assertEqual(ssh(hosts, cut).returncode, 0)

    def test_two_fleets_at_once_do_not_meet_and_leave_nothing(self):
        with self.boot("a", 1) as one, self.boot("b", 1) as two:
            names = [hosts.network.bridge for hosts in (one, two)]
            self.assertNotEqual(one[0].address, two[0].address)
            self.assertTrue(all(remains(name) for name in names))
            reach = one[0].run("ip", "route", "get", two[0].address, check=False)
            self.assertIn("unreachable", reach.stderr)
        for name in names:  # the kernel takes a dead namespace's devices away when it has the time
            wait_for(f"nothing of {name} is left", lambda fleet=name: not remains(fleet))
        self.assertFalse((self.scratch / "a").exists())

    def test_hosts_go_when_the_one_who_booted_them_is_killed(self):
        directory = self.scratch / "a"
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            process = subprocess.Popen([sys.executable, PROGRAM, "up", "1", "--no-gateway", "--dir",
                                        str(directory)], stdout=subprocess.PIPE, text=True)
            self.assertIn("1 hosts up", process.stdout.readline())
            name = "kf" + json.loads((directory / "state.json").read_text())["identity"]
            self.assertTrue(remains(name))
            process.send_signal(number)
            process.communicate()
            wait_for("the hosts are gone", lambda: not directory.exists())
            self.assertEqual(remains(name), [])


class TemplateTest(unittest.TestCase):
    def test_a_damaged_template_is_noticed(self):
        with tempfile.TemporaryDirectory() as scratch:
            root, listing = pathlib.Path(scratch, "root"), pathlib.Path(scratch, "files")
            (root / "etc").mkdir(parents=True)
            file = root / "etc/hosts"
            for damage in (file.unlink, lambda: file.write_text("x"), lambda: file.chmod(0o600),
                           (root / "etc/more").touch, listing.unlink):
                file.write_text("localhost\n")
                file.chmod(0o644)
                listing.write_text(list_files(root))
                self.assertTrue(is_whole(root, listing))
                damage()
                self.assertFalse(is_whole(root, listing))


if __name__ == "__main__":
    unittest.main(verbosity=2)
