#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The .rpm packages on a real host with systemd: rpm itself runs their scripts. The agent's is installed, upgraded in a trial,
downgraded, removed; the controller's with a timer that is enabled. Kong serves all the while."""
import shutil
import unittest

from bare_hosts import BareHostsTest
from fleet import wait_for
from packages import download_with_dependencies, make_packages

AGENT = "kongfleet-agent"
UNITS = ("kongfleet-agent.socket", "kongfleet-recover.service")
DROP_IN = "/etc/systemd/system/kongfleet-recover.service.d"
TIMER = "kongfleet-sync@edge.timer"


class RpmTest(BareHostsTest):
    @classmethod
    def setUpClass(cls):
        cls.begin_without_agent()
        # Where RPM is at home, sshd's unit is called so.
        cls.host.run("sh", "-c", "ln -s /lib/systemd/system/ssh.service /etc/systemd/system/sshd.service; systemctl daemon-reload")
        debs = cls.host.path("/root/debs")
        download_with_dependencies(cls.host.root, ["rpm"], debs)
        cls.host.run("sh", "-c", "dpkg --force-unsafe-io -i /root/debs/*.deb && rpm --initdb", timeout=300)
        cls.now, cls.newer = (cls.packages(version) for version in ("", "9.9.9"))

    @classmethod
    def packages(cls, version: str) -> dict[str, str]:
        """Where they lie in the host: the agent's and the controller's."""
        made = make_packages("RPM", cls.fleet.directory / f"packages{version}", version)
        for path in made:
            shutil.copy(path, cls.host.path("/root"))
        agent, = (path.name for path in made if path.name.startswith(AGENT))
        controller, = (path.name for path in made if not path.name.startswith(AGENT))
        return {"agent": f"/root/{agent}", "controller": f"/root/{controller}"}

    def rpm(self, *arguments: str) -> None:
        """What the packages need is not RPM's on this host. Of a script's commands that fail it only tells."""
        done = self.host.run("rpm", "--force-debian", "--nodeps", *arguments, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotRegex(done.stdout + done.stderr, "(?i)fail|error|warning|not found|no such|unknown")

    def status(self) -> dict:
        return self.fleet.kongfleet("--output", "json", "status").json()["hosts"][0].get("agent") or {}

    def enabled(self, *units: str) -> list[str]:
        return [self.host.run("systemctl", "is-enabled", unit, check=False).stdout.strip() for unit in units]

    def test_1_installed_it_is_ready_for_a_rollout(self):
        self.rpm("-i", self.now["agent"])
        self.assertEqual(self.host.run("systemctl", "is-active", UNITS[0]).stdout, "active\n")
        self.assertEqual(self.enabled(*UNITS), ["enabled", "enabled"])
        self.fleet.write_plugin("1.0.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.status()["generation"], 1)

    def test_2_upgraded_in_a_trial_the_trial_is_taken_back_and_nothing_else(self):
        self.host.run("systemctl", "disable", UNITS[1])
        self.fleet.write_plugin("1.1.0")
        self.fleet.write_fleet_file(bake='"600s"', confirm_timeout='"900s"')
        rollout = self.fleet.start_kongfleet("rollout", "--yes")
        wait_for("the trial", lambda: self.status().get("state") == "trial")
        self.rpm("-U", self.newer["agent"])
        out, err = rollout.communicate(timeout=120)
        self.assertEqual(rollout.returncode, 3, out + err)
        self.fleet.write_fleet_file()
        self.assertEqual(self.status()["generation"], 1)
        self.assertEqual(self.enabled(*UNITS), ["enabled", "disabled"], "what a person disabled stays so")
        self.host.run("systemctl", "enable", UNITS[1])
        self.assertTrue(self.fleet.serves(self.host))
        self.fleet.write_plugin("1.2.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)

    def test_3_downgraded_it_knows_what_the_newer_one_did(self):
        before = self.status()["generation"]
        self.host.run("systemctl", "disable", "--now", UNITS[0])
        self.host.write("/var/lib/kongfleet/bootstrapped", "the digest of another package\n")
        self.rpm("-U", "--oldpackage", self.now["agent"])
        self.assertFalse(self.host.path("/var/lib/kongfleet/bootstrapped").exists())
        state = self.host.run("systemctl", "is-active", UNITS[0], check=False).stdout
        self.assertEqual((self.enabled(UNITS[0]), state), (["disabled"], "inactive\n"))
        self.host.run("systemctl", "enable", "--now", UNITS[0])
        self.assertEqual(self.status()["generation"], before)
        self.fleet.kongfleet("rollback", "--yes", expect=0)
        self.assertEqual(self.status()["generation"], 1)

    def test_4_removed_the_plugins_serve_on(self):
        before = self.host.read("/etc/kong/kong.conf")
        self.host.write(f"{DROP_IN}/bootstrap-order.conf",
                        "# Written by 'kongfleet bootstrap'.\n[Unit]\nBefore=gateway.service\n")
        self.host.write(f"{DROP_IN}/zz-kongfleet-order.conf", "[Unit]\nBefore=rc-local.service\n")
        self.host.write(f"{DROP_IN}/limits.conf", "[Service]\nMemoryMax=2G\n")
        self.rpm("-e", AGENT)
        self.assertEqual(self.host.read("/etc/kong/kong.conf"), before)
        self.assertEqual(len(list(self.host.path(DROP_IN).iterdir())), 3)  # it may come back, and needs them then
        self.assertNotIn("enabled", self.enabled(*UNITS))
        self.host.run("systemctl", "restart", "kong")
        wait_for("the gateway answers", lambda: self.fleet.serves(self.host))
        self.rpm("-i", self.now["agent"])
        self.assertEqual(self.status()["generation"], 1)
        self.assertEqual(self.status()["drift"], [])
        self.assertEqual(self.enabled(*UNITS), ["enabled", "enabled"])

    def test_4b_removed_and_installed_again_what_a_person_disabled_stays_so(self):
        self.host.run("systemctl", "disable", "--now", UNITS[0])
        self.rpm("-e", AGENT)
        self.rpm("-i", self.now["agent"])
        self.assertEqual(self.enabled(*UNITS), ["disabled", "enabled"])
        self.assertNotEqual(self.host.run("systemctl", "is-active", UNITS[0], check=False).stdout, "active\n")
        self.host.run("systemctl", "enable", "--now", UNITS[0])
        self.assertEqual(self.status()["generation"], 1)

    def test_5_removed_and_brought_back_before_that_kong_is_as_it_was(self):
        self.host.run("kongfleet-agent", "rollback", "--to", "0")
        self.rpm("-e", AGENT)
        self.assertNotIn("/var/lib/kongfleet", self.host.read("/etc/kong/kong.conf"))
        self.assertEqual([file.name for file in self.host.path(DROP_IN).iterdir()], ["limits.conf"])
        self.assertTrue(self.fleet.serves(self.host))

    def test_6_the_controllers_timer_is_stopped_only_when_it_is_removed(self):
        self.rpm("-i", self.now["controller"])
        self.assertEqual(self.enabled(TIMER), ["disabled"])
        self.host.run("systemctl", "enable", "--now", TIMER)
        self.rpm("-U", self.newer["controller"])
        self.assertEqual(self.enabled(TIMER), ["enabled"])
        self.assertEqual(self.host.run("systemctl", "is-active", TIMER).stdout, "active\n")
        self.rpm("-e", "kongfleet")
        self.assertNotEqual(self.host.run("systemctl", "is-active", TIMER, check=False).stdout, "active\n")
        self.assertNotIn("kongfleet", self.host.run("ls", "/etc/systemd/system/timers.target.wants").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
