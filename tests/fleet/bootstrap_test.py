#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Hosts that have only sshd, an administrator's login and a Kong, taken to a working agent: by a package and by a tarball, as root and
by sudo; again, upgraded, refused."""
import fcntl
import signal
import subprocess
import unittest

from fleet import BUILD, Fleet, FleetTest, wait_for
from packages import make_packages
import sanitized

# What `sudo -n` does, on hosts without it; whoever is not `admin` is asked for a password, and so refused.
SUDO = """#!/bin/sh
[ "$1" = -n ] && shift
exec /usr/bin/setpriv --reuid 0 --regid 0 --clear-groups "$@"
"""


class BootstrapTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(3, uses_plugin=False, agent=False)
        cls.fleet.__enter__()
        cls.fleet.write_plugin("1.0.0")
        cls.keys = cls.fleet.directory
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cls.keys / "admin_key"], check=True)
        admin = (cls.keys / "admin_key.pub").read_text()
        deploy = (cls.fleet.hosts.deploy_key.with_suffix(".pub")).read_text()
        (cls.keys / "deploy_key.pub").write_text(deploy)
        for host in cls.fleet:
            host.run("sh", "-c", "userdel kongfleet; rm -r /etc/kongfleet /usr/lib/sysusers.d/kongfleet.conf "
                     "/usr/lib/tmpfiles.d/kongfleet.conf /etc/ssh/sshd_config.d/kongfleet.conf; mkdir -m 700 -p /root/.ssh; "
                     "sed -i 's/^PermitRootLogin no/PermitRootLogin prohibit-password/' /etc/ssh/sshd_config; systemctl reload ssh")
            host.write("/root/.ssh/authorized_keys", admin)
            sanitized.install(host, BUILD / "kongfleet-agent")
            host.run("systemctl", "daemon-reload")
        cls.deb, cls.newer = (cls.agent_of(make_packages("DEB", cls.fleet.directory / f"p{version}", version))
                              for version in ("", "9.9.9"))
        cls.tarball = cls.agent_of(make_packages("TGZ", cls.fleet.directory / "tarballs"))

    @staticmethod
    def agent_of(packages):
        return next(path for path in packages if "agent" in path.name)

    def bootstrap(self, package, *arguments, expect, output="json"):
        return self.fleet.kongfleet("--output", output, "bootstrap", "--package", str(package), "--identity", "admin_key", "--key",
                                    "deploy_key.pub", *arguments, expect=expect)

    def results(self, *arguments, **keywords) -> list[str]:
        return [host["result"] for host in self.bootstrap(*arguments, **keywords).json()["hosts"]]

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

    def test_6_what_harms_the_first_host_does_not_reach_the_second(self):
        broken = self.fleet.directory / "kongfleet-agent-broken.deb"
        broken.write_bytes(self.newer.read_bytes()[:100_000])
        hosts = self.bootstrap(broken, "--yes", "edge-1", "edge-2", expect=4).json()["hosts"]
        self.assertEqual([host["result"] for host in hosts], ["failed", "spared"])
        self.assertIn("dpkg", hosts[0]["text"])
        self.fleet.kongfleet("plan", expect=0)

    def test_6b_it_goes_in_the_waves_of_a_rollout_and_ends_where_too_much_fails(self):
        newest = self.agent_of(make_packages("DEB", self.fleet.directory / "newest", "9.9.10"))
        self.fleet.write_fleet_file(waves="[1, 2, 3]")
        lock = self.fleet[1].path("/var/lib/dpkg/lock").open("a")
        with lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            hosts = self.bootstrap(newest, "--yes", expect=4).json()["hosts"]
        self.assertEqual([host["result"] for host in hosts], ["upgraded", "failed", "spared"])
        self.assertIn("'edge-2' went before it and failed", hosts[2]["text"])
        self.assertEqual(self.results(newest, "--yes", expect=0), ["unchanged", "upgraded", "upgraded"])
        self.fleet.write_fleet_file()

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
