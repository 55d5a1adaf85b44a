#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Gateways that no unit owns: started by hand with `kong start`, on hosts with systemd. The agent finds that out, and has
Kong's own command prepare their reload: outside its sandbox, and on a host whose systemd is too old for that, inside."""
import shutil
import unittest

from fleet import PROJECT, Fleet, FleetTest, wait_for

DROP_INS = "/etc/systemd/system/kongfleet-agent.service.d"
OLD_SYSTEMD_RUN = "#!/bin/sh\necho \"systemd-run: unrecognized option '--wait'\" >&2\nexit 1\n"


class ByHandTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(2, uses_plugin=False)
        cls.fleet.__enter__()
        cls.new, cls.old = cls.fleet
        for host in cls.fleet:
            host.run("systemctl", "disable", "--now", "kong.service")
        cls.start_kong(cls.new)
        # A Kong that is not root's: to run its command as its user takes capabilities besides.
        cls.old.run("chown", "-R", "kong:", "/usr/local/kong")
        cls.start_kong(cls.old, "--uid=kong", "--gid=kong")
        cls.old.write("/usr/local/sbin/systemd-run", OLD_SYSTEMD_RUN, mode=0o755)

    @classmethod
    def start_kong(cls, host, *options):
        host.run("/usr/bin/systemd-run", "--quiet", "--scope", "--slice=user.slice", *options,
                 "kong", "start", "-c", "/etc/kong/kong.conf")
        wait_for("the gateway answers", lambda: cls.fleet.serves(host))

    def deploy_and_return(self, host):
        fleet = self.fleet
        fleet.probe = ""
        fleet.write_plugin("1.0.0")
        fleet.kongfleet("rollout", "--yes", host.name, expect=0)
        self.assertNotIn("kong.service", host.run("kongfleet-agent", "status").stdout)
        kong_env = host.read("/usr/local/kong/.kong_env")
        self.assertRegex(kong_env, "generations/0+[12]-")  # a refused one has a number, too
        fleet.write_plugin("1.2.0", access="if conf.greeting the return end")
        fleet.kongfleet("rollout", "--yes", host.name, expect=5)
        fleet.kongfleet("rollback", "--yes", host.name, expect=0)
        self.assertNotIn("generations/", host.read("/usr/local/kong/.kong_env"))
        self.assertIn("plugins = bundled\n", host.read("/etc/kong/kong.conf"))

    def test_the_doctor_has_the_recovery_come_before_what_may_start_it_at_boot(self):
        def findings():
            said = self.fleet.kongfleet("--output", "json", "check", "--hosts", self.new.name, expect=0).json()
            checks = said["host_checks"][0]["checks"]
            return {check["name"]: check for check in checks if check["verdict"] == "warning"}

        self.fleet.write_plugin("1.0.0")
        self.new.run("kong", "stop")
        self.new.write("/etc/rc.local", "#!/bin/sh\n/usr/local/bin/kong start -c /etc/kong/kong.conf\n", mode=0o755)
        self.new.run("systemctl", "daemon-reload")
        self.new.run("systemctl", "start", "rc-local.service")
        wait_for("the gateway answers", lambda: self.fleet.serves(self.new))
        found = findings()["boot"]
        self.assertIn("is not ordered before rc-local.service:", found["text"])
        self.new.run("sh", "-c", found["remedy"])
        self.assertNotIn("boot", findings())
        self.new.run("kong", "stop")
        self.start_kong(self.new)
        found = findings()["boot"]
        self.assertIn("is not ordered before what starts Kong", found["text"])
        self.assertEqual(found["remedy_kind"], "host")
        self.new.run("sh", "-c", found["remedy"])
        self.assertNotIn("boot", findings())
        before = self.new.run("systemctl", "show", "-P", "Before", "kongfleet-recover.service").stdout.split()
        self.assertLess({"rc-local.service", "cron.service", "crond.service"}, set(before))

    def test_it_is_deployed_to_taken_back_and_rolled_back(self):
        self.deploy_and_return(self.new)

    def test_with_another_file_than_it_was_started_with_it_is_not_reloaded(self):
        host, fleet = self.new, self.fleet
        conf = host.read("/etc/kong/kong.conf")
        host.write("/etc/kong/edge.conf", conf)
        host.run("kong", "quit", "-p", "/usr/local/kong")
        host.write("/etc/kong/kong.conf", conf.replace("database = off", "database = postgres"))
        host.run("/usr/bin/systemd-run", "--quiet", "--scope", "--slice=user.slice",
                 "kong", "start", "-c", "/etc/kong/edge.conf")
        wait_for("the gateway answers", lambda: fleet.serves(host))
        fleet.write_plugin("1.3.0")
        kong_env = host.read("/usr/local/kong/.kong_env")
        refused = fleet.kongfleet("rollout", "--yes", host.name, expect=5)
        self.assertIn("Kong was started by hand with database = 'off', but kong.conf has 'postgres'", refused.out + refused.err)
        self.assertEqual(host.read("/usr/local/kong/.kong_env"), kong_env)
        toml = host.read("/etc/kongfleet/agent.toml")
        host.write("/etc/kongfleet/agent.toml", toml.replace("/etc/kong/kong.conf", "/etc/kong/edge.conf"))
        host.run("systemctl", "try-restart", "kongfleet-agent.service")
        fleet.kongfleet("rollout", "--yes", host.name, expect=0)
        kong_env = host.read("/usr/local/kong/.kong_env")
        self.assertRegex(kong_env, "generations/0+[0-9]+-")
        self.assertIn("database = off\n", kong_env)

    def test_where_kongs_command_runs_inside_the_sandbox_a_drop_in_opens_it_that_far(self):
        host = self.old
        self.fleet.write_plugin("1.0.0")
        self.fleet.kongfleet("rollout", "--yes", host.name, expect=5)
        host.path(DROP_INS).mkdir(exist_ok=True)
        shutil.copy(PROJECT / "systemd/examples/kongfleet-agent.service.d/kong-by-hand.conf",
                    host.path(DROP_INS))
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "restart", "kongfleet-agent.service")
        self.deploy_and_return(host)


if __name__ == "__main__":
    unittest.main(verbosity=2)
