#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What decides Kong's configuration on real hosts. Two are managed in their unit's environment, one in a drop-in, one in an
environment file; the third is managed in kong.conf, and everything that would override it there is refused by file and line."""
import unittest
from contextlib import contextmanager

from fleet import KONG_YML_WITH_PLUGIN, Fleet, FleetTest, wait_for

DROP_INS = "/etc/systemd/system/kong.service.d"
DROP_IN = f"{DROP_INS}/kong.conf"
OVERRIDE = f"{DROP_INS}/x.conf"
VARIABLES = "/etc/default/kong"
PATH = "./?.lua;./?/init.lua;"
IN_DROP_IN = f"""\
# KONG_PLUGINS and the path are kongfleet's, the rest is ours.
[Service]
Environment="KONG_LUA_PACKAGE_PATH={PATH}" KONG_PLUGINS=bundled
Environment=KONG_LOG_LEVEL=notice
"""
IN_VARIABLES = f"KONG_LOG_LEVEL=notice\nKONG_PLUGINS='bundled'\nKONG_LUA_PACKAGE_PATH={PATH}\n"


class EnvironmentTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(3, uses_plugin=False, waves='["100%"]', max_unavailable=3)
        cls.fleet.__enter__()
        cls.units, cls.variables, cls.kong_conf = cls.fleet
        cls.manage(cls.units, {DROP_IN: IN_DROP_IN})
        cls.manage(cls.variables, {
            VARIABLES: IN_VARIABLES,
            DROP_IN: f"[Service]\nEnvironmentFile=-{VARIABLES}\n"})
        cls.before = {host: host.read("/etc/kong/kong.conf") for host in cls.fleet}
        cls.fleet.write_plugin("1.0.0")
        cls.fleet.kongfleet("rollout", "--yes", expect=0)
        for host in cls.fleet:
            host.write("/etc/kong/kong.yml", KONG_YML_WITH_PLUGIN)
            host.run("systemctl", "reload", "kong.service")
            wait_for("the plugin serves", lambda h=host: cls.fleet.header(h) == "1.0.0")

    @staticmethod
    def manage(host, files):
        for name, text in files.items():
            host.write(name, text)
        host.write("/etc/kongfleet/agent.toml", '[kong]\nconfigure = "environment"\n')
        # One drop-in for both units of the agent.
        host.write("/etc/systemd/system/kongfleet-.service.d/paths.conf",
                   f"[Service]\nReadWritePaths={DROP_INS} /etc/default\n")
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "restart", "kongfleet-agent.service")

    def tearDown(self):
        self.fleet.let_go()
        self.fleet.write_fleet_file()
        self.fleet.write_plugin("1.0.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["1.0.0"] * 3)

    def managed(self, host):
        return host.read(VARIABLES if host is self.variables else DROP_IN)

    def states(self):
        hosts = self.fleet.kongfleet("--output", "json", "status").json()["hosts"]
        return [host["state"] for host in hosts]

    def loaded(self):
        """The environment that systemd has for Kong on the host with the drop-in."""
        return self.units.run("systemctl", "show", "-p", "Environment", "kong.service").stdout

    def refused(self, *parts):
        """A rollout to the host that is managed in kong.conf."""
        self.fleet.write_plugin("1.1.0")
        result = self.fleet.kongfleet("rollout", "--yes", self.kong_conf.name, expect=5)
        said = result.out + result.err
        for part in parts:
            self.assertIn(part, said)
        self.assertEqual(self.fleet.header(self.kong_conf), "1.0.0")

    @contextmanager
    def override(self, **files):
        """Files of the host that is managed in kong.conf, until the test is over: a drop-in, variables."""
        host = self.kong_conf
        for name, text in files.items():
            host.write(VARIABLES if name == "variables" else OVERRIDE, text)
        host.run("systemctl", "daemon-reload")
        try:
            yield
        finally:
            host.run("rm", "-f", VARIABLES, OVERRIDE)
            host.run("systemctl", "daemon-reload")

    def test_only_our_part_of_the_managed_file_changes(self):
        root = "/var/lib/kongfleet/generations/000001-"
        for host in (self.units, self.variables):
            now = self.managed(host)
            path = root + now.split(root)[1].split("/?.lua;")[0]
            ours = f"{path}/?.lua;{path}/?/init.lua;"
            self.assertEqual(now.replace(ours, "").replace(",my-plugin", ""),
                             IN_VARIABLES if host is self.variables else IN_DROP_IN)
            self.assertEqual(host.read("/etc/kong/kong.conf"), self.before[host])
            self.assertIn("bundled,my-plugin", now)
        self.assertIn(root, self.loaded())
        self.fleet.kongfleet("status", expect=0)

    def test_a_plugin_that_can_not_be_loaded_is_refused(self):
        before = [self.managed(host) for host in (self.units, self.variables)]
        self.fleet.write_plugin("1.2.0", access="if conf.greeting the return end")
        result = self.fleet.kongfleet("rollout", "--yes", self.units.name, self.variables.name, expect=5)
        self.assertIn("handler.lua", result.out + result.err)
        self.assertEqual([self.managed(host) for host in (self.units, self.variables)], before)

    def test_a_plugin_that_fails_on_every_request_is_taken_back(self):
        before = [self.managed(host) for host in (self.units, self.variables)]
        self.fleet.write_plugin("1.3.0", access="local t = nil; return t.x")
        self.fleet.kongfleet("rollout", "--yes", self.units.name, self.variables.name, expect=3)
        self.assertEqual([self.managed(host) for host in (self.units, self.variables)], before)
        self.assertIn("/000001-", self.loaded() + before[0])

    def test_rollback_goes_to_the_generation_before(self):
        before = [self.managed(host) for host in (self.units, self.variables)]
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["1.1.0"] * 3)
        self.fleet.kongfleet("rollback", "--yes", expect=0)
        self.assertEqual([self.managed(host) for host in (self.units, self.variables)], before)
        self.assertEqual(self.fleet.headers(), ["1.0.0"] * 3)

    def test_power_lost_in_a_trial_boots_on_what_was_confirmed(self):
        before = [self.managed(host) for host in (self.units, self.variables)]
        self.fleet.write_fleet_file(bake='"600s"')
        self.fleet.write_plugin("1.1.0")
        controller = self.fleet.start_kongfleet("rollout", "--yes")
        try:
            wait_for("all are in trial", lambda: self.states() == ["trial"] * 3)
        finally:
            controller.kill()
            controller.communicate()
        self.assertNotIn(before[0].split("generations/")[1].split("/")[0], self.loaded())
        for host in (self.units, self.variables):
            host.kill()
        for host in (self.units, self.variables):
            host.start()
        for host in (self.units, self.variables):
            host.wait_until_up()
        seen = set()

        def all_serve():
            try:
                seen.update({self.fleet.header(host) for host in (self.units, self.variables)})
            except OSError:
                return False
            return True
        wait_for("the gateways are up again", all_serve, 60)
        self.assertEqual(seen, {"1.0.0"}, "they never start on what nobody confirmed")
        self.assertEqual([self.managed(host) for host in (self.units, self.variables)], before)
        self.kong_conf.run("systemctl", "restart", "kongfleet-agent.service")
        wait_for("all are at rest", lambda: self.states() == ["ready"] * 3, 60)

    def test_a_second_file_that_beats_the_managed_one_is_refused(self):
        host = self.units
        host.write(f"{DROP_INS}/later.conf", "[Service]\nEnvironment=KONG_PLUGINS=bundled,my-plugin\n")
        host.run("systemctl", "daemon-reload")
        try:
            self.fleet.write_plugin("1.1.0")
            result = self.fleet.kongfleet("rollout", "--yes", host.name, expect=5)
            self.assertIn(f"{DROP_INS}/later.conf:2", result.out + result.err)
            self.assertIn("below line 3, and take it out here", result.out + result.err)
        finally:
            host.run("rm", f"{DROP_INS}/later.conf")
            host.run("systemctl", "daemon-reload")

    def test_a_directory_that_the_agent_can_not_write_is_told(self):
        host = self.variables
        host.write("/etc/systemd/system/kongfleet-.service.d/paths.conf", "[Service]\n")
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "restart", "kongfleet-agent.service")
        try:
            self.fleet.write_plugin("1.1.0")
            result = self.fleet.kongfleet("rollout", "--yes", host.name, expect=5)
            self.assertIn("ReadWritePaths=/etc/default", result.out + result.err)
        finally:
            self.manage(host, {})

    def test_a_variable_in_a_drop_in_is_refused(self):
        with self.override(drop_in="[Service]\n# why\nEnvironment=KONG_PLUGINS=bundled\n"):
            self.refused(f"{OVERRIDE}:3", "KONG_PLUGINS=bundled")
            status = self.fleet.kongfleet("status", expect=2)
            self.assertIn(f"{OVERRIDE}:3", status.out)

    def test_a_variable_in_an_environment_file_is_refused(self):
        with self.override(variables="A=1\nKONG_LUA_PACKAGE_PATH=/opt/?.lua\n",
                           drop_in=f"[Service]\nEnvironmentFile={VARIABLES}\n"):
            self.refused(f"{VARIABLES}:2", "KONG_LUA_PACKAGE_PATH=/opt/?.lua")

    def test_a_variable_of_systemd_itself_is_refused(self):
        self.kong_conf.run("systemctl", "set-environment", "KONG_PLUGINS=a,b c")
        try:
            self.refused("KONG_PLUGINS=a,b c", "systemctl unset-environment KONG_PLUGINS")
        finally:
            self.kong_conf.run("systemctl", "unset-environment", "KONG_PLUGINS")

    def test_a_variable_that_is_still_loaded_is_refused(self):
        with self.override(drop_in="[Service]\nEnvironment=KONG_PLUGINS=gone\n"):
            self.kong_conf.run("rm", OVERRIDE)
            self.refused("KONG_PLUGINS=gone is still set", "systemctl daemon-reload")

    def test_a_unit_that_reloads_without_reading_kong_conf_is_refused(self):
        reload = "/usr/local/openresty/nginx/sbin/nginx -p /usr/local/kong -c nginx.conf -s reload"
        with self.override(drop_in=f"[Service]\nExecReload=\nExecReload={reload}\n"):
            self.refused(f"{OVERRIDE}:3", "ExecReload of kong.service does not have Kong read")

    def test_a_variable_of_whoever_started_kong_is_refused(self):
        host = self.kong_conf
        host.run("systemctl", "disable", "--now", "kong.service")
        try:
            host.run("systemd-run", "--quiet", "--scope", "--slice=user.slice", "env",
                     "KONG_PLUGINS=bundled,my-plugin,cors", "kong", "start", "-c", "/etc/kong/kong.conf")
            wait_for("the gateway answers", lambda: self.fleet.serves(host))
            self.refused("kong.conf says plugins = 'bundled,my-plugin'",
                         "but Kong has 'bundled,my-plugin,cors'", "KONG_PLUGINS was set when Kong")
        finally:
            host.run("kong", "quit", "-p", "/usr/local/kong")
            host.run("systemctl", "enable", "--now", "kong.service")
            wait_for("the gateway answers", lambda: self.fleet.serves(host))


if __name__ == "__main__":
    unittest.main(verbosity=2)
