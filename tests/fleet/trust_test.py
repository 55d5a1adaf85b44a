#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Hosts that require signatures. Releases are signed in CI, with a key the controller never sees; whoever holds the
controller can bring nothing else, and can always go back to what a host confirmed."""
import pathlib
import shutil
import subprocess
import time
import unittest

from fleet import BUILD, PLUGIN, PROJECT, Fleet, FleetTest, wait_for

AGENT = """
[kong]
conf = "/etc/kong/kong.conf"
[trust]
signatures = "required"
fleet = "edge"
revoked_keys = "/etc/kongfleet/revoked_keys"
"""


class TrustTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(2)
        cls.fleet.__enter__()
        cls.ci = cls.fleet.directory / "ci"  # the machine that builds: its keys are not the controller's
        cls.ci.mkdir()
        for name in ("key", "old_key", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", cls.ci / name], check=True)
        signers = "".join(f"{name}@ci {(cls.ci / name).with_suffix('.pub').read_text()}" for name in ("key", "old_key"))
        for host in cls.fleet:
            host.write("/etc/kongfleet/agent.toml", AGENT)
            host.write("/etc/kongfleet/allowed_signers", signers)
            host.write("/etc/kongfleet/revoked_keys", (cls.ci / "stranger.pub").read_text())
            host.run("systemctl", "try-restart", "kongfleet-agent.service")
        fleet_file = cls.fleet.directory / "fleet.toml"
        cls.of_tree = fleet_file.read_text()
        fleet_file.write_text(cls.of_tree.replace(f'source = "plugins/{PLUGIN}"', 'source = "release.kfb"'))

    def pack_other(self, version: str, serial: int) -> pathlib.Path:
        """The bundle of another plugin."""
        other = self.fleet.directory / "plugins/other-plugin"
        home = other / "kong/plugins/other-plugin"
        home.mkdir(parents=True, exist_ok=True)
        (home / "handler.lua").write_text(f'return {{ PRIORITY = 5, VERSION = "{version}" }}\n')
        (home / "schema.lua").write_text('return { name = "other-plugin", fields = { { config = { type = "record", '
                                         'fields = {} } } } }\n')
        return self.sign(other, "other.kfb", "--serial", str(serial))

    def pack(self, version: str, *options: str, key: str = "key", fleet: str = "edge", serial: int) -> None:
        self.sign(self.fleet.write_plugin(version), "release.kfb", "--serial", str(serial), *options, key=key, fleet=fleet)

    def sign(self, tree: pathlib.Path, bundle: str, *options: str, key: str = "key", fleet: str = "edge") -> pathlib.Path:
        path = self.fleet.directory / bundle
        subprocess.run([BUILD / "kongfleet", "pack", tree, "-o", path, "--sign", self.ci / key, "--fleet", fleet, *options],
                       check=True, capture_output=True)
        return path

    def traces(self) -> list[str]:
        """All that a deploy would have changed on the hosts."""
        return [host.run("sh", "-c", "find /var/lib/kongfleet/generations /etc/kong -type f -exec sha256sum {} + | sort").stdout
                for host in self.fleet]

    def refused(self, why: str) -> None:
        """The rollout is refused for that, by the first host, before anything changed."""
        before = self.traces()
        result = self.fleet.kongfleet("rollout", "--yes", expect=5)
        self.assertIn(why, result.out + result.err)
        self.assertEqual(self.traces(), before)
        self.assertIn(why, self.fleet.kongfleet("plan").out)

    def test_1_what_ci_signed_is_rolled_out(self):
        self.pack("1.0.0", serial=10)
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["1.0.0", "1.0.0"])
        key = subprocess.run(["ssh-keygen", "-l", "-f", self.ci / "key.pub"], check=True, capture_output=True,
                             text=True).stdout.split()[1]
        for host in self.fleet:
            log = host.run("journalctl", "--no-pager", "-o", "json", "KONGFLEET_GENERATION=1").stdout
            self.assertIn(f"accepted {PLUGIN}@1.0.0, signed by key@ci with ssh-ed25519 {key}", log)

    def test_2_whoever_holds_the_controller_brings_nothing_of_his_own(self):
        release = self.fleet.directory / "release.kfb"
        self.fleet.write_plugin("2.0.0")
        subprocess.run([BUILD / "kongfleet", "pack", self.fleet.directory / "plugins" / PLUGIN, "-o", release], check=True,
                       capture_output=True)
        self.refused("is not signed")
        self.pack("2.0.1", serial=20, key="stranger")
        self.refused("revoked")
        self.pack("2.0.2", serial=20)
        release.write_bytes(release.read_bytes().replace(b"version 2.0.2", b"version 2.0.3"))
        self.refused("it was altered")
        self.pack("2.0.4", serial=20, fleet="core")
        self.refused("it was signed for fleet 'core', this host is of 'edge'")
        self.pack("2.0.5", "--expires", "1s", serial=20)
        ends = time.time() + 1
        wait_for("the release expires", lambda: time.time() > ends + 0.1)
        self.refused("it expired at ")
        self.pack("2.0.6", serial=9)
        self.refused("its serial 9 is older than 10, which this host has accepted")
        self.assertEqual(self.fleet.headers(), ["1.0.0", "1.0.0"])

    def test_3_a_release_signed_anew_is_the_same_release(self):
        self.pack("1.0.0", serial=11)
        self.fleet.kongfleet("plan", expect=0)
        self.assertEqual(self.fleet.kongfleet("sync", expect=0).out, "")

    def test_4_back_is_always_possible_and_back_is_not_forward(self):
        self.pack("3.0.0", serial=30)
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        newest, = {host["agent"]["generation"] for host in self.fleet.kongfleet("--output", "json", "status").json()["hosts"]}
        self.fleet.kongfleet("rollback", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["1.0.0", "1.0.0"])
        # A rollback that was a mistake is taken back, without a signature that is still good.
        self.fleet.kongfleet("rollback", "--yes", "--to", str(newest), expect=0)
        self.assertEqual(self.fleet.headers(), ["3.0.0", "3.0.0"])
        self.fleet.kongfleet("rollback", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["1.0.0", "1.0.0"])
        self.pack("2.9.0", serial=29)
        self.refused("older than 30")
        self.pack("3.0.0", serial=30)
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["3.0.0", "3.0.0"])

    def test_5_a_key_taken_away_signs_nothing_more_and_what_it_signed_serves_on(self):
        self.pack("4.0.0", serial=40, key="old_key")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        for host in self.fleet:
            host.write("/etc/kongfleet/revoked_keys", (self.ci / "old_key.pub").read_text())
        self.fleet.kongfleet("plan", expect=0)
        self.pack("4.0.1", serial=41, key="old_key")
        self.refused("revoked")
        for host in self.fleet:  # drift of what the host confirmed is mended, whoever signed it
            host.run("sed", "-i", "s/^plugins.*/plugins = bundled/", "/etc/kong/kong.conf")
        self.pack("4.0.0", serial=40, key="old_key")
        self.fleet.kongfleet("sync", expect=0)
        self.assertEqual(self.fleet.headers(), ["4.0.0", "4.0.0"])

    def test_6_without_the_file_of_signers_nothing_new_comes_in(self):
        self.pack("5.0.0", serial=50)
        first = self.fleet[0]
        signers = first.read("/etc/kongfleet/allowed_signers")
        first.run("rm", "/etc/kongfleet/allowed_signers")
        self.refused("/etc/kongfleet/allowed_signers")
        first.write("/etc/kongfleet/allowed_signers", "")
        self.refused("/etc/kongfleet/allowed_signers")
        first.write("/etc/kongfleet/allowed_signers", "* " + signers.split(" ", 1)[1])
        self.refused("/etc/kongfleet/allowed_signers:1:")
        first.write("/etc/kongfleet/allowed_signers", signers)
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["5.0.0", "5.0.0"])

    def test_7_who_is_neither_root_nor_of_the_group_says_nothing_to_the_agent(self):
        host = self.fleet[0]
        ask = ("/usr/bin/kongfleet-agent", "status")

        def said_as(*user):
            return host.run("setpriv", *user, "--clear-groups", *ask, check=False)

        self.assertEqual(host.run(*ask, check=False).returncode, 0)
        self.assertIn("Permission denied", said_as("--reuid", "nobody", "--regid", "nogroup").stderr)
        # The daemon looks at who speaks, too: a socket that lets everybody in changes nothing.
        host.run("chmod", "666", "/run/kongfleet/agent.sock")
        self.assertNotEqual(said_as("--reuid", "nobody", "--regid", "nogroup").returncode, 0)
        self.assertIn("turned away uid 65534: not in group kongfleet", host.journal("kongfleet-agent"))
        host.run("chmod", "660", "/run/kongfleet/agent.sock")
        self.assertEqual(said_as("--reuid", "kongfleet", "--regid", "kongfleet").returncode, 0)

    def test_9_a_certificate_of_an_hour_logs_in_where_no_key_does(self):
        """With the example for sshd: the authority's word for how long, and for whom."""
        authority, key = self.ci / "user_ca", self.fleet.directory / "deploy_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", authority], check=True)
        for host in self.fleet:
            host.write("/etc/kongfleet/user_ca.pub", authority.with_suffix(".pub").read_text())
            host.write("/etc/ssh/sshd_config.d/kongfleet-ca.conf",
                       (PROJECT / "systemd/examples/sshd_config.d/kongfleet-ca.conf").read_text())
            host.run("systemctl", "reload", "ssh")
        shutil.copy(self.fleet.hosts.deploy_key.with_suffix(".pub"), key.with_suffix(".pub"))

        def certify(validity: str, principal: str = "kongfleet") -> None:
            subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "ci job 1", "-n", principal, "-V", validity,
                            key.with_suffix(".pub")], check=True)

        def refused(why: str) -> None:
            result = self.fleet.kongfleet("plan", expect=1)
            self.assertIn(why, result.out + result.err)
        refused("deploy_key")  # the key alone, which every host takes otherwise
        certify("-1m:+1h")
        self.fleet.kongfleet("plan", expect=0)
        certify("-2h:-1h")
        refused("expired")
        certify("-1m:+1h", principal="root")
        refused("deploy_key")
        certify("-1m:+1h")
        # What is asked for besides the agent is text; a certificate changes nothing of that.
        ssh = ["ssh", "-F", "none", "-i", str(key), "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={self.fleet.directory}/known_hosts",
               f"kongfleet@{self.fleet[0].address}", "cat /etc/passwd"]
        self.assertNotIn("root:", subprocess.run(ssh, input="", capture_output=True, text=True, timeout=60, check=False).stdout)

    def test_8_what_was_signed_together_runs_together(self):
        other = self.pack_other("1.0.0", serial=1)
        self.pack("6.0.0", "--with", str(other), serial=60)
        self.refused("my-plugin@6.0.0 was signed to run with other-plugin@1.0.0")
        fleet_file = self.fleet.directory / "fleet.toml"
        fleet_file.write_text(fleet_file.read_text().replace(f'plugins = ["{PLUGIN}"]', f'plugins = ["{PLUGIN}", "other-plugin"]')
                              + '\n[plugins.other-plugin]\nsource = "other.kfb"\n')
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["6.0.0", "6.0.0"])
        # Both are signed well, and one of them runs already: nobody signed them together.
        self.pack_other("1.1.0", serial=2)
        self.refused("not with 1.1.0")
        self.pack("6.0.0", "--with", str(other), serial=61)  # anew: the same release, nothing to send
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["6.0.0", "6.0.0"])
        for host in self.fleet:
            self.assertIn("other-plugin", host.run("grep", "^plugins", "/etc/kong/kong.conf").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
