#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Nothing is killed here: agent, Kong and host are stopped and started by who administers the host,
in the midst of a trial. The host comes back to what was confirmed, and takes the next rollout."""
import socket
import unittest

from fleet import wait_for
from station import Rollout, Station
from strike import CONF, STATE, is_at_rest, is_in_trial, journal

# The first of an answer at once, its end when it was asked for.
LASTS = """if ngx.var.arg_lasts then
  ngx.print("a"); ngx.flush(true); ngx.sleep(tonumber(ngx.var.arg_lasts)); ngx.exit(200)
end"""


class OrderlyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.station = Station()
        cls.host = cls.station.host

    @classmethod
    def tearDownClass(cls):
        cls.station.close()

    def in_trial(self, rollout: Rollout) -> None:
        wait_for("the host is in trial", lambda: rollout.is_over() or is_in_trial(self.host))
        self.assertFalse(rollout.is_over())
        self.assertEqual(self.station.header(), rollout.version)

    def test_an_agent_that_is_stopped_in_a_trial_takes_it_back_first(self):
        with self.station.rollout(bake='"5s"') as rollout:
            self.in_trial(rollout)
            self.host.run("systemctl", "stop", "kongfleet-agent.socket", "kongfleet-agent.service")
            self.assertNotIn("open", journal(self.host))
            self.assertEqual(self.station.header(), self.station.version)
            self.host.run("systemctl", "start", "kongfleet-agent.socket")
            self.station.settle(rollout.end(), rollout.version)
        self.station.roll_out()

    def test_a_kong_that_is_restarted_in_a_trial(self):
        with self.station.rollout(bake='"5s"') as rollout:
            self.in_trial(rollout)
            self.host.run("systemctl", "restart", "kong.service")
            self.station.settle(rollout.end(), rollout.version)
        self.station.roll_out()

    def test_a_kong_that_is_stopped_in_a_trial_starts_on_what_was_confirmed(self):
        with self.station.rollout(bake='"5s"') as rollout:
            self.in_trial(rollout)
            self.host.run("systemctl", "stop", "kong.service")
            self.assertIn(rollout.end(), ("back", "lost"))
        wait_for("nothing is open", lambda: is_at_rest(self.host), 60)
        self.starts_on_what_was_confirmed()

    def test_a_kong_that_is_not_started_at_boot_starts_on_what_was_confirmed(self):
        self.host.run("systemctl", "--quiet", "disable", "kong.service")
        with self.station.rollout(bake='"5s"') as rollout:
            self.in_trial(rollout)
            rollout.kill()
        self.host.kill()
        self.host.boot()
        self.assertNotIn("open", journal(self.host))
        self.host.run("systemctl", "--quiet", "enable", "kong.service")
        self.starts_on_what_was_confirmed()

    def test_a_host_that_is_shut_down_in_a_trial_boots_on_what_was_confirmed(self):
        before = self.station.version
        with self.station.rollout(bake='"5s"') as rollout:
            self.in_trial(rollout)
            self.host.shut_down()
            self.host.boot()
            self.station.settle(rollout.end(), rollout.version)
        self.assertEqual(self.station.version, before)
        self.station.roll_out()

    def test_a_host_is_shut_down_in_a_trial_while_its_kong_drains(self):
        before = self.station.version
        with self.station.rollout(access=LASTS, bake='"20s"') as rollout:
            self.in_trial(rollout)
            with socket.create_connection((self.host.address, 8000)) as request:
                request.sendall(b"GET /mock/anything?lasts=5 HTTP/1.0\r\n\r\n")
                self.assertTrue(request.recv(1))
                self.host.shut_down()
            self.host.boot()
            told = self.host.run("journalctl", "-u", "kongfleet-agent", "-b", "-1").stdout
            self.station.settle(rollout.end(), rollout.version)
        self.assertEqual(self.station.version, before)
        self.assertIn("the agent was told to stop", told)
        self.assertNotIn("the way back:", told)  # nothing of it went wrong
        self.station.roll_out()

    def starts_on_what_was_confirmed(self) -> None:
        committed = journal(self.host)["committed"]
        self.assertIn(f"{STATE}/generations/{committed:06d}-", self.host.read(CONF))
        active = self.host.run("systemctl", "is-active", "kong", check=False).stdout
        self.assertEqual(active.strip(), "inactive")
        self.host.run("systemctl", "start", "kong.service")
        seen = set()

        def serves() -> bool:
            try:
                seen.add(self.station.header())
            except OSError:
                return False
            return True
        wait_for("the gateway is up", serves)
        self.assertEqual(seen, {self.station.version})
        self.station.settle("back", "")
        self.station.roll_out()


if __name__ == "__main__":
    unittest.main(verbosity=2)
