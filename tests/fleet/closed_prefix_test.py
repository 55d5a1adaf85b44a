#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A Kong whose prefix the agent's units may not write, as where it is not /usr/local/kong: the doctor tells of
each unit, and its command opens it to both."""
import unittest

from fleet import FleetTest

UNITS = "/etc/systemd/system"


class ClosedPrefixTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.begin_with_one_host()

    def wrong(self) -> dict:
        said = self.fleet.kongfleet("--output", "json", "check", "--hosts").json()
        one, = said["host_checks"]
        return {check["name"]: check for check in one["checks"] if check["verdict"] == "wrong"}

    def test_it_is_told_of_either_unit_and_opened_to_both(self):
        for unit in ("agent", "recover"):
            self.host.write(f"{UNITS}/kongfleet-{unit}.service.d/other.conf",
                            "[Service]\nReadWritePaths=\nReadWritePaths=-/etc/kong /var/lib/kongfleet\n")
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "restart", "kongfleet-agent.service")
        found = self.wrong()
        self.assertEqual(set(found), {"boot"})
        self.assertIn("/usr/local/kong: kongfleet-recover.service can't write here", found["boot"]["text"])
        self.host.run("rm", "-r", f"{UNITS}/kongfleet-recover.service.d")
        self.host.run("systemctl", "daemon-reload")
        found = self.wrong()
        self.assertEqual(set(found), {"boot"})
        self.assertIn("/usr/local/kong: kongfleet-agent.service can't write here", found["boot"]["text"])
        self.assertEqual(found["boot"]["remedy_kind"], "host")
        self.host.run("sh", "-c", found["boot"]["remedy"])
        self.assertEqual(self.wrong(), {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
