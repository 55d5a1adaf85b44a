#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Smoke tests on a real host whose gateway has a database: they pass, fail and are refused as they should, and whatever ends
them, the agent's death and the host's too, nothing of theirs stays in that database. Each test leaves the host on 1.0.0."""
import json
import os
import subprocess
import unittest

from fleet import Fleet, FleetTest, wait_for
import handbook
from strike import is_at_rest

DATABASE = "/var/lib/gateway-database"
MOCK = {"version": 1, "entities": {
    "services": [{"id": "s", "name": "mock", "protocol": "http", "host": "127.0.0.1", "port": 8080}],
    "routes": [{"id": "r", "name": "mock", "paths": ["/mock"], "strip_path": True, "service": {"id": "s"}}]}}
WITHOUT = "database = off\ndeclarative_config = /etc/kong/kong.yml\n"
WITH = f"database = postgres\npg_host = {DATABASE}\n"
GUIDE = """
[probes.guide]
type = "smoke"
interval = "100ms"
timeout = "10s"
"""


@unittest.skipIf(os.environ.get("KONGFLEET_TEST_KONG"), "a real Kong needs a PostgreSQL on the host")
class SmokeTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(1, uses_plugin=False)
        cls.fleet.__enter__()
        cls.host = cls.fleet[0]
        cls.host.path(DATABASE).mkdir()
        cls.host.path(DATABASE).chmod(0o777)
        cls.host.write(f"{DATABASE}/entities.json", json.dumps(MOCK), mode=0o666)
        cls.use_database(WITHOUT, WITH)
        cls.fleet.write_plugin("1.0.0")
        cls.fleet.kongfleet("rollout", "--yes", expect=0)

    @classmethod
    def use_database(cls, before, after):
        """As a person would: kong.conf, then a restart."""
        conf = cls.host.read("/etc/kong/kong.conf")
        if before not in conf:
            raise AssertionError(f"kong.conf of '{cls.host.name}' is not what it was: {conf}")
        cls.host.write("/etc/kong/kong.conf", conf.replace(before, after))
        cls.host.run("systemctl", "restart", "kong.service")
        wait_for("the gateway answers", lambda: cls.fleet.serves(cls.host))

    def tearDown(self):
        self.fleet.let_go()
        self.fleet.write_fleet_file()
        self.fleet.write_plugin("1.0.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.smoke(), [], "what a smoke test left")

    def entities(self):
        try:
            return json.loads(self.host.read(f"{DATABASE}/entities.json"))["entities"]
        except ValueError:  # it is being replaced
            return self.entities()

    def smoke(self):
        """What carries the tag of smoke tests."""
        return [entity for kind in self.entities().values() for entity in kind or []
                if "kongfleet-smoke" in (entity.get("tags") or [])]

    def guide(self, version, more):
        """A release and a smoke test of it; `more` lines for that."""
        self.fleet.write_plugin(version)
        path = self.fleet.write_fleet_file()
        text = path.read_text().replace('probes = ["mock"]', 'probes = ["mock", "guide"]')
        path.write_text(text + GUIDE + more)

    def runs(self, version):
        """Which version the host runs at rest; the mock route has no plugin, so it is asked from its agent."""
        said = self.host.run("kongfleet-agent", "status").stdout
        return is_at_rest(self.host) and f"my-plugin@{version}" in said

    def test_an_upgrade_is_tested_as_the_guide_does_and_nothing_stays(self):
        self.guide("1.1.0", 'config = { greeting = "yo" }\nheader = { X-MyPlugin = "^1\\\\.1\\\\.0$" }\n')
        result = self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertIn("probe guide ok", result.out + result.err)
        self.assertTrue(self.runs("1.1.0"))
        self.assertEqual(self.smoke(), [])

    def test_a_header_that_is_not_there_takes_the_release_back(self):
        self.guide("1.2.0", 'header = { X-Other = ".*" }\n')
        result = self.fleet.kongfleet("rollout", "--yes", expect=3)
        self.assertIn("probe 'guide': no header X-Other", result.out)
        self.assertTrue(self.runs("1.0.0"))
        self.assertEqual(self.smoke(), [])

    def test_a_configuration_that_the_schema_rejects_is_told_in_the_gateways_words(self):
        self.guide("1.3.0", "config = { greting = 1 }\n")
        result = self.fleet.kongfleet("rollout", "--yes", expect=3)
        self.assertIn("schema violation (config.greting: unknown field)", result.out)
        self.assertTrue(self.runs("1.0.0"))
        self.assertEqual(self.smoke(), [])

    def test_a_new_plugin_is_tested_only_where_one_says_so(self):
        self.fleet.kongfleet("rollback", "--to", "0", "--yes", expect=0)
        self.guide("1.4.0", 'header = { X-MyPlugin = ".*" }\n')
        result = self.fleet.kongfleet("rollout", "--yes", expect=5)
        self.assertIn("nothing uses 'my-plugin' yet", result.out)
        self.assertEqual(self.smoke(), [])
        self.guide("1.4.0", 'introduce = true\nheader = { X-MyPlugin = ".*" }\n')
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertTrue(self.runs("1.4.0"))

    def test_without_a_database_the_host_is_refused_and_told_why(self):
        self.use_database(WITH, WITHOUT)
        try:
            self.guide("1.5.0", "")
            result = self.fleet.kongfleet("rollout", "--yes", expect=5)
            self.assertIn("Kong runs without a database here", result.out)
            self.assertTrue(self.runs("1.0.0"))
        finally:
            self.use_database(WITHOUT, WITH)

    def begin_a_long_one(self, version):
        self.guide(version, 'successes = 200\nheader = { X-MyPlugin = ".*" }\n')
        controller = self.fleet.start_kongfleet("rollout", "--yes")
        wait_for("the smoke test's plugin is there", lambda: len(self.smoke()) == 3)
        return controller

    def test_an_agent_killed_in_a_smoke_test_leaves_nothing(self):
        controller = self.begin_a_long_one("1.6.0")
        self.host.run("systemctl", "kill", "-s", "KILL", "kongfleet-agent.service")
        controller.communicate(timeout=300)
        wait_for("the host is back", lambda: self.runs("1.0.0"))
        wait_for("nothing is left", lambda: not self.smoke())

    def test_power_lost_in_a_smoke_test_leaves_nothing_once_the_gateway_runs(self):
        controller = self.begin_a_long_one("1.7.0")
        self.host.kill()
        controller.kill()
        controller.communicate()
        self.assertEqual(len(self.smoke()), 3)
        self.host.boot()
        wait_for("the gateway answers", lambda: self.fleet.serves(self.host))
        wait_for("the host is back", lambda: self.runs("1.0.0"))
        wait_for("nothing is left", lambda: not self.smoke())

    def test_what_a_host_left_that_never_comes_back_is_removed_by_hand(self):
        """With the handbook's two lines, on another node of the database; here that is the host itself, without its agent."""
        controller = self.begin_a_long_one("1.8.0")
        units = ["kongfleet-agent.socket", "kongfleet-agent.service"]
        self.host.run("systemctl", "mask", "--runtime", *units)  # or systemd starts it again
        self.host.run("systemctl", "kill", "-s", "KILL", units[1])
        controller.kill()
        controller.communicate()
        (look,), (remove,) = handbook.typing("A SMOKE TEST")
        for kind in ("plugins", "routes", "services"):
            listed = json.loads(self.on_the_node(look.replace("/plugins", f"/{kind}")))["data"]
            self.assertEqual(len(listed), 1, listed)
            self.assertEqual(self.on_the_node(remove.replace("/plugins/ID", f"/{kind}/{listed[0]['id']}")), "")
        self.assertEqual(self.smoke(), [])
        self.host.run("systemctl", "unmask", "--runtime", *units)
        self.host.run("systemctl", "start", *units)
        wait_for("the host is back", lambda: self.runs("1.0.0"))

    def on_the_node(self, line):
        """This machine's curl, where the node listens."""
        command = ["nsenter", "-t", str(self.host.leader), "-n", "sh", "-c", line.removeprefix("# ")]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    unittest.main(verbosity=2)
