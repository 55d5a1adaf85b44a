#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A gateway that no unit owns: started by hand with `kong start`, on a host with systemd. The agent finds that out, and has
Kong's own command prepare and reload it."""
import unittest

from fleet import Fleet, wait_for


class ByHandTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(1, uses_plugin=False)
        cls.fleet.__enter__()
        cls.host = cls.fleet[0]
        cls.host.run("systemctl", "disable", "--now", "kong.service")
        cls.host.run("systemd-run", "--quiet", "--scope", "--slice=user.slice",
                     "kong", "start", "-c", "/etc/kong/kong.conf")
        wait_for("the gateway answers", lambda: cls.fleet.serves(cls.host))

    @classmethod
    def tearDownClass(cls):
        cls.fleet.__exit__(None, None, None)

    def test_it_is_deployed_to_taken_back_and_rolled_back(self):
        fleet, host = self.fleet, self.host
        fleet.probe = ""
        fleet.write_plugin("1.0.0")
        fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertNotIn("kong.service", host.run("kongfleet-agent", "status").stdout)
        kong_env = host.read("/usr/local/kong/.kong_env")
        self.assertIn("generations/000001-", kong_env)
        fleet.write_plugin("1.2.0", access="if conf.greeting the return end")
        fleet.kongfleet("rollout", "--yes", expect=5)
        fleet.kongfleet("rollback", "--yes", expect=0)
        self.assertNotIn("generations/", host.read("/usr/local/kong/.kong_env"))
        self.assertIn("plugins = bundled\n", host.read("/etc/kong/kong.conf"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
