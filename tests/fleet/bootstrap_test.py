#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Hosts that have only sshd, an administrator's login and a Kong, taken to a working agent: by a package and by a tarball, as root and
by sudo; again, upgraded, refused."""
import fcntl
import json
import signal
import unittest

from bare_hosts import BareHostsTest
from fleet import wait_for
from packages import with_closed_directories

TOML = "/etc/kongfleet/agent.toml"

# What `sudo -n` does, on hosts without it; whoever is not `admin` is asked for a password, and so refused.
SUDO = """#!/bin/sh
[ "$1" = -n ] && shift
exec /usr/bin/setpriv --reuid 0 --regid 0 --clear-groups "$@"
"""


class BootstrapTest(BareHostsTest):
    @classmethod
    def setUpClass(cls):
        cls.begin_with_bare_hosts(3)
        cls.deb, cls.newer, cls.last = (cls.agent_package("DEB", version) for version in ("", "9.9.9", "9.9.11"))
        cls.tarball = with_closed_directories(cls.agent_package("TGZ"))

    def test_1_a_dry_run_prints_every_command_and_touches_nothing(self):
        said = self.bootstrap(self.deb, "--dry-run", "edge-1", expect=0, output="text").out
        self.assertIn("edge-1: found 2.8.5, /etc/kong/kong.conf, prefix /usr/local/kong, kong.service, traditional; no agent", said)
        for command in ("dpkg --force-confold -i", "sha256sum", 'prefix = "/usr/local/kong"', "nginx: master process"):
            self.assertIn(command, said)
        self.assertFalse(self.fleet[0].path("/usr/bin/kongfleet-agent").exists())
        self.assertFalse(self.fleet[0].path("/etc/kongfleet").exists())
        document = self.bootstrap(self.deb, "--dry-run", expect=0).json()
        self.assertEqual([host["result"] for host in document["hosts"]], ["surveyed"] * 3)
        # Every command: what a text says is what the JSON has, and what would be sent.
        for script in [document["survey"], document["hosts"][0]["script"]]:
            self.assertIn(script, said)
        # And what comes after it: the new agent is greeted by the fleet's own login, wave by wave.
        self.assertEqual(document["hosts"][0]["greeting"], {"user": "kongfleet", "command": "kongfleet-agent connect"})
        self.assertIn("# Then edge-1's agent is asked how it is, as kongfleet: kongfleet-agent connect\n", said)
        self.assertEqual(document["waves"], [["edge-1"], ["edge-2", "edge-3"]])
        said = self.bootstrap(self.deb, "--dry-run", expect=0, output="text").out
        self.assertIn("\n# Wave 1: edge-1\n# Wave 2: edge-2 edge-3\n", said)

    def test_2_hosts_that_cannot_be_managed_are_left_alone_and_told_why(self):
        self.fleet[1].run("systemctl", "stop", "kong")
        hosts = self.bootstrap(self.deb, "--yes", "edge-1", "edge-2", expect=5).json()["hosts"]
        self.assertEqual([host["result"] for host in hosts], ["installed", "refused"])
        self.assertIn("no Kong runs there", hosts[1]["text"])
        self.assertFalse(self.fleet[1].path("/usr/bin/kongfleet-agent").exists())
        self.fleet[1].run("systemctl", "start", "kong")
        wait_for("the gateway answers", lambda: self.fleet.serves(self.fleet[1]))
        hosts = self.bootstrap(self.deb, "--yes", "--login", "nobody", "edge-2", expect=4).json()["hosts"]
        self.assertEqual(hosts[0]["result"], "unreachable")
        known = (self.fleet.directory / "known_hosts").read_text()
        (self.fleet.directory / "known_hosts").write_text("")
        hosts = self.bootstrap(self.deb, "--yes", "edge-2", expect=7).json()["hosts"]
        (self.fleet.directory / "known_hosts").write_text(known)
        self.assertEqual(hosts[0]["result"], "unreachable")

    def test_3_the_others_follow_and_again_there_is_nothing_to_do(self):
        self.assertEqual(self.results(self.deb, "--yes", "edge-1", "edge-2", expect=0), ["unchanged", "installed"])
        self.assertEqual(self.results(self.deb, "--yes", "edge-1", "edge-2", expect=0), ["unchanged", "unchanged"])
        toml = self.fleet[0].read("/etc/kongfleet/agent.toml")
        self.assertIn('unit = "kong.service"', toml)
        self.assertIn("# It ran Kong 2.8.5, role traditional.", toml)

    def test_4_by_sudo_and_from_a_tarball(self):
        host = self.fleet[2]
        host.write("/usr/bin/sudo", SUDO, mode=0o755)
        host.run("chmod", "u+s", "/usr/bin/setpriv")
        host.run("useradd", "-m", "-s", "/bin/sh", "-p", "*", "admin")
        # Its Kong is under a unit with a name of its own.
        host.run("sh", "-ec", "systemctl disable --now kong; cd /usr/lib/systemd/system; mv kong.service gateway.service; "
                 "systemctl daemon-reload; systemctl enable --now gateway")
        wait_for("the gateway answers", lambda: self.fleet.serves(host))
        host.run("sh", "-c", "mkdir -m 700 ~admin/.ssh && cp /root/.ssh/authorized_keys ~admin/.ssh && chown -R admin ~admin/.ssh")
        refused = self.bootstrap(self.tarball, "--yes", "--login", "admin", "edge-3", expect=5).json()["hosts"][0]
        self.assertIn("the login is not root there; use --sudo", refused["text"])
        self.assertEqual(self.results(self.tarball, "--yes", "--login", "admin", "--sudo", "edge-3", expect=0), ["installed"])
        self.assertIn('unit = "gateway.service"', host.read("/etc/kongfleet/agent.toml"))
        for place in ("/usr", "/usr/bin", "/usr/lib", "/usr/share"):  # whatever the tarball says
            self.assertEqual(host.run("stat", "-c", "%a", place).stdout, "755\n", place)
        before = host.run("systemctl", "show", "-P", "Before", "kongfleet-recover.service").stdout.split()
        self.assertIn("gateway.service", before)
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual([host["agent"]["generation"] for host in
                          self.fleet.kongfleet("--output", "json", "status", expect=0).json()["hosts"]], [1, 1, 1])

    def test_5_upgraded_the_host_keeps_what_it_runs_and_what_its_people_wrote(self):
        host = self.fleet[0]
        toml = host.read("/etc/kongfleet/agent.toml") + "[agent]\nkeep = 7\n"
        host.write("/etc/kongfleet/agent.toml", toml)
        self.assertEqual(self.results(self.newer, "--yes", "edge-1", expect=0), ["upgraded"])
        self.assertEqual(host.read("/etc/kongfleet/agent.toml"), toml)
        self.assertEqual(host.read("/etc/kongfleet/authorized_keys").count("ssh-ed25519"), 1)
        self.fleet.kongfleet("plan", expect=0)

    def test_5b_what_was_installed_by_hand_since_is_not_taken_for_what_a_bootstrap_installed(self):
        host = self.fleet[0]
        host.path("/root/older.deb").write_bytes(self.deb.read_bytes())
        host.run("dpkg", "--force-confold", "-i", "/root/older.deb")
        self.assertEqual(self.results(self.newer, "--yes", "edge-1", expect=0), ["upgraded"])
        self.assertEqual(self.results(self.newer, "--yes", "edge-1", expect=0), ["unchanged"])

    def test_5c_a_host_that_is_configured_is_upgraded_while_its_kong_is_down(self):
        host = self.fleet[0]
        host.run("systemctl", "stop", "kong")
        self.assertEqual(self.results(self.deb, "--yes", "edge-1", expect=0), ["upgraded"])
        host.run("systemctl", "start", "kong")
        wait_for("the gateway answers", lambda: self.fleet.serves(host))
        self.assertEqual(self.results(self.newer, "--yes", "edge-1", expect=0), ["upgraded"])

    def test_5d_a_key_gets_a_line_of_its_own_and_one_in_a_comment_is_none(self):
        host = self.fleet[0]
        keys = "/etc/kongfleet/authorized_keys"
        ours = host.read(keys)
        other = (self.keys / "admin_key.pub").read_text().strip()
        host.write(keys, f"# {ours}{other}")
        self.assertEqual(self.results(self.newer, "--yes", "edge-1", expect=0), ["upgraded"])
        self.assertEqual(host.read(keys), f"# {ours}{other}\n{ours}")
        self.fleet.kongfleet("plan", expect=0)
        host.write(keys, ours)

    def test_6_what_harms_the_first_host_does_not_reach_the_second(self):
        broken = self.fleet.directory / "kongfleet-agent-broken.deb"
        broken.write_bytes(self.newer.read_bytes()[:100_000])
        hosts = self.bootstrap(broken, "--yes", "edge-1", "edge-2", expect=4).json()["hosts"]
        self.assertEqual([host["result"] for host in hosts], ["failed", "spared"])
        self.assertIn("dpkg", hosts[0]["text"])
        self.fleet.kongfleet("plan", expect=0)

    def test_6b_it_goes_in_the_waves_of_a_rollout_and_ends_where_too_much_fails(self):
        newest = self.agent_package("DEB", "9.9.10")
        self.fleet.write_fleet_file(waves="[1, 2, 3]")
        lock = self.fleet[1].path("/var/lib/dpkg/lock").open("a")
        with lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            hosts = self.bootstrap(newest, "--yes", expect=4).json()["hosts"]
        self.assertEqual([host["result"] for host in hosts], ["upgraded", "failed", "spared"])
        self.assertIn("'edge-2' went before it and failed", hosts[2]["text"])
        self.assertEqual(self.results(newest, "--yes", expect=0), ["unchanged", "upgraded", "upgraded"])
        self.fleet.write_fleet_file()

    def test_6b2_an_upgraded_wave_bakes_and_its_agents_have_to_answer_still(self):
        self.fleet.write_fleet_file(waves="[1, 3]", bake='"5s"')
        process = self.fleet.start_kongfleet("--output", "json", "bootstrap", "--package", str(self.last), "--identity",
                                             "admin_key", "--key", "deploy_key.pub", "--yes")
        next(line for line in process.stderr if line.startswith("bakes for 5"))
        agent = ("kongfleet-agent.socket", "kongfleet-agent.service")
        self.fleet[0].run("systemctl", "mask", "--runtime", "--now", *agent)
        out, err = process.communicate(timeout=120)
        hosts = json.loads(out)["hosts"]
        self.assertEqual([host["result"] for host in hosts], ["failed", "spared", "spared"], err)
        self.assertIn("after its wave had baked: ", hosts[0]["text"])
        self.fleet[0].run("systemctl", "unmask", "--runtime", *agent)
        self.fleet[0].run("systemctl", "start", agent[0])
        self.fleet.write_fleet_file()

    def test_6b3_an_agent_that_never_answered_is_not_taken_for_one_that_works(self):
        shell = self.fleet[1].run("getent", "passwd", "kongfleet").stdout.strip().split(":")[-1]
        self.fleet[1].run("usermod", "-s", "/usr/sbin/nologin", "kongfleet")
        self.assertEqual(self.results(self.last, "--yes", "edge-2", expect=4), ["failed"])
        self.assertEqual(self.fleet[1].run("systemctl", "is-active", "kongfleet-agent.socket").stdout, "active\n")
        said = self.bootstrap(self.last, "--dry-run", expect=0, output="text").out
        self.assertRegex(said, "(?m)^  its agent does not answer: .*; it is installed again, before those that are new$")
        self.assertIn("\n# Wave 1: edge-2\n# Wave 2: edge-3\n", said)
        # Again and again it is the first of what is to do, and nothing new begins behind it.
        for _ in range(2):
            self.assertEqual(self.results(self.last, "--yes", expect=4), ["unchanged", "failed", "spared"])
        self.fleet[1].run("usermod", "-s", shell, "kongfleet")
        # What belongs to the package an installation mends.
        self.fleet[1].run("chmod", "700", "/usr/bin/kongfleet-agent")
        self.assertEqual(self.results(self.last, "--yes", "edge-1", "edge-2", expect=0), ["unchanged", "upgraded"])
        self.assertEqual(self.results(self.last, "--yes", "edge-1", "edge-2", expect=0), ["unchanged", "unchanged"])

    def test_6b4_an_agent_that_cannot_manage_its_host_has_failed_before_the_first_wave(self):
        toml = self.fleet[0].read(TOML)
        self.fleet[0].write(TOML, toml.replace('binary = "/usr/local/bin/kong"', 'binary = "/srv/no/kong"'))
        self.fleet[0].run("systemctl", "restart", "kongfleet-agent.service")
        installed = self.fleet[0].path("/var/lib/kongfleet/bootstrapped").stat().st_mtime_ns
        for dry_run in ("--dry-run", "--yes"):
            hosts = self.bootstrap(self.last, dry_run, expect=4).json()["hosts"]
            self.assertEqual([host["result"] for host in hosts], ["failed", "unchanged", "spared"])
            self.assertIn("the agent is installed, but can't manage this host: find Kong's command", hosts[0]["text"])
        self.assertEqual(self.fleet[0].path("/var/lib/kongfleet/bootstrapped").stat().st_mtime_ns, installed)
        self.fleet.write_fleet_file(max_failures=1)
        self.assertEqual(self.results(self.last, "--yes", expect=4), ["failed", "unchanged", "upgraded"])
        self.fleet.write_fleet_file()
        self.fleet[0].write(TOML, toml)
        self.fleet[0].run("systemctl", "restart", "kongfleet-agent.service")
        self.assertEqual(self.results(self.last, "--yes", expect=0), ["unchanged"] * 3)

    def test_6c_a_fleet_that_somebody_is_at_is_left_to_them(self):
        self.fleet.write_fleet_file(bake='"600s"')
        self.fleet.write_plugin("2.0.0")
        rollout = self.fleet.start_kongfleet("rollout", "--yes", "edge-1")
        status = ("systemctl", "show", "-P", "StatusText", "kongfleet-agent.service")
        wait_for("the trial", lambda: self.fleet[0].run(*status).stdout.startswith("In trial"))
        said = self.bootstrap(self.deb, "--yes", "edge-2", expect=75, output="text").err
        self.assertRegex(said, r"rollout-\S+")
        rollout.send_signal(signal.SIGINT)
        rollout.communicate(timeout=60)
        self.fleet.write_fleet_file()

    def test_7_mistakes_are_told_before_anything_is_touched(self):
        said = self.fleet.kongfleet("bootstrap", "--package", "none.deb", "--key", "deploy_key.pub", expect=1).err
        self.assertIn("package 'none.deb': there is no such file", said)
        said = self.fleet.kongfleet("bootstrap", "--package", str(self.deb), "--key", "fleet.toml", expect=1).err
        self.assertIn("'fleet.toml' is no public key", said)
        wrong = self.fleet.directory / "x.rpm"
        wrong.write_bytes(self.deb.read_bytes())
        said = self.fleet.kongfleet("bootstrap", "--package", "x.rpm", "--key", "deploy_key.pub", expect=1).err
        self.assertIn("its content is not that of a .rpm", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
