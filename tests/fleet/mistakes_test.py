#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What a first-time user does wrong: one helpful message each, exit 1 (7 where a host is not who it should be), and no
host touched."""
import os
import unittest

from fleet import Fleet, FleetTest


class MistakesTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(1, uses_plugin=False)
        cls.fleet.__enter__()

    def setUp(self):
        self.fleet.write_plugin("1.0.0")
        self.file = self.fleet.write_fleet_file()
        self.host = self.fleet[0]
        self.before = self.host.read("/etc/kong/kong.conf")

    def tearDown(self):
        self.assertEqual(self.host.read("/etc/kong/kong.conf"), self.before)
        listed = self.host.run("sh", "-c", "ls -A /var/lib/kongfleet/generations 2>/dev/null || true").stdout
        self.assertEqual(listed, "")

    def change(self, old, new):
        text = self.file.read_text()
        self.assertIn(old, text)
        self.file.write_text(text.replace(old, new))

    def refused(self, *parts, command="rollout", expect=1):
        arguments = [command, "--yes"] if command == "rollout" else [command]
        result = self.fleet.kongfleet(*arguments, expect=expect)
        said = result.out + result.err
        for part in parts:
            self.assertIn(part, said)
        self.assertLessEqual(len(said.splitlines()), 8, said)

    def test_no_fleet_file(self):
        self.file.unlink()
        self.refused("fleet.toml", "kongfleet init")

    def test_a_typo_in_a_key(self):
        self.change("max_failures", "max_failure")
        self.refused("fleet.toml:", "max_failure", "did you mean")

    def test_a_plugin_tree_without_handler(self):
        (self.fleet.directory / "plugins/my-plugin/kong/plugins/my-plugin/handler.lua").unlink()
        self.refused("handler.lua", "my-plugin")

    def test_a_key_that_can_not_be_read(self):
        self.change('identity = ["deploy_key"]', 'identity = ["no_such_key"]')
        self.refused("no_such_key")

    def test_a_key_that_is_no_key(self):
        (self.fleet.directory / "garbage").write_text("this is no key\n")
        os.chmod(self.fleet.directory / "garbage", 0o600)
        self.change('identity = ["deploy_key"]', 'identity = ["garbage"]')
        self.refused("garbage")

    def test_a_host_that_does_not_resolve(self):
        self.change(f'hosts = ["{self.host.name}"]', 'hosts = ["no-such-host.invalid"]')
        self.refused("no-such-host.invalid", "nothing was touched")

    def test_a_wrong_port(self):
        self.change(f'hosts = ["{self.host.name}"]', f'hosts = ["{self.host.name}:2"]')
        self.refused(self.host.name, "refused")

    def test_an_unknown_host_key(self):
        (self.fleet.directory / "known_hosts").write_text("")
        try:
            self.refused(self.host.name, "SHA256:", "known_hosts", expect=7)
            # Whatever is asked of it, nothing is sent to it, and a script can tell.
            for command in (["plan"], ["status"], ["check", "--hosts"], ["sync"], ["rollback", "--yes"]):
                with self.subTest(command):
                    result = self.fleet.kongfleet(*command, expect=7)
                    self.assertIn("SHA256:", result.out + result.err)
            self.assertIn("host key refused", self.fleet.kongfleet("history", expect=0).out)
        finally:
            (self.fleet.directory / "known_hosts").write_text(self.fleet.hosts.known_hosts.read_text())

    def test_a_changed_host_key(self):
        right = self.fleet.hosts.known_hosts.read_text()
        other = "AAAAC3NzaC1lZDI1NTE5AAAAIJ" + "a" * 42
        lines = [" ".join(line.split()[:2] + [other]) for line in right.splitlines() if "ed25519" in line]
        (self.fleet.directory / "known_hosts").write_text("\n".join(lines) + "\n")
        try:
            result = self.fleet.kongfleet("rollout", "--yes", expect=7)
            self.assertGreaterEqual((result.out + result.err).count("SHA256:"), 2)
            self.assertIn("known_hosts:1", result.out + result.err)
        finally:
            (self.fleet.directory / "known_hosts").write_text(right)

    def test_an_agent_that_is_not_installed(self):
        agent = self.host.path("/usr/bin/kongfleet-agent")
        agent.rename(agent.with_name("hidden"))
        try:
            self.refused("kongfleet-agent is not installed there")
        finally:
            agent.with_name("hidden").rename(agent)

    def test_an_agent_that_is_too_old(self):
        """A program in the agent's place that speaks protocol 0: a Welcome without a protocol number."""
        agent = self.host.path("/usr/bin/kongfleet-agent")
        agent.rename(agent.with_name("hidden"))
        # A frame of 9 bytes: ToController{welcome{agent_version: "0.0.1"}}
        self.host.write("/usr/bin/kongfleet-agent",
                        "#!/bin/sh\nprintf '\\000\\000\\000\\011\\012\\007\\032\\0050.0.1'\ncat >/dev/null\n", 0o755)
        try:
            self.refused("its agent is too old", "0.0.1")
        finally:
            agent.unlink()
            agent.with_name("hidden").rename(agent)

    def test_an_agent_that_does_not_run(self):
        self.host.run("systemctl", "stop", "kongfleet-agent.socket", "kongfleet-agent.service")
        try:
            self.refused("systemctl start kongfleet-agent.socket")
        finally:
            self.host.run("systemctl", "start", "kongfleet-agent.socket")

    def test_a_selector_for_nothing(self):
        result = self.fleet.kongfleet("rollout", "--yes", "egde-1", expect=1)
        self.assertIn("egde-1", result.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
