#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Kong's APIs at the host's own outer address, to which the agent's unit is closed: that is told by the doctor with the
command that opens it, and a rollout that could prove nothing is refused before it writes; one listener of the loopback
is enough."""
import unittest

from fleet import Fleet, FleetTest, wait_for

CONF = "/etc/kong/kong.conf"
DROP_INS = "/etc/systemd/system/kongfleet-agent.service.d"


class OuterApiTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(1, uses_plugin=False)  # what starts anew would not come up with it
        cls.fleet.__enter__()
        cls.host, = cls.fleet
        cls.conf = cls.host.read(CONF)

    def listen(self, admin: str, status: str):
        """From a kong.conf without anything of a rollout."""
        conf = self.conf.replace("127.0.0.1:8001", admin).replace("127.0.0.1:8100", status)
        self.host.write(CONF, conf)
        self.host.run("systemctl", "restart", "kong.service")
        wait_for("the gateway answers", lambda: self.fleet.serves(self.host))
        for port in (8001, 8100):
            wait_for("the API answers from outside", lambda p=port: self.answers(p))

    def answers(self, port: int) -> bool:
        try:
            return self.host.http_get("/status", port=port).status == 200
        except OSError:
            return False

    def findings(self) -> dict:
        said = self.fleet.kongfleet("--output", "json", "check", "--hosts").json()
        one, = said["host_checks"]
        return {check["name"]: check for check in one["checks"]
                if check["verdict"] != "right" and check["name"] != "shutdown-timeout"}

    def written(self) -> list[str]:
        """All that a rollout writes, with when that was."""
        look = ["find", "/etc/kong", "/var/lib/kongfleet", "/etc/systemd/system", "-printf", "%p %s %T@\\n"]
        return sorted(self.host.run(*look).stdout.splitlines())

    def test_it_is_told_and_refused_before_a_write_and_goes_once_it_is_opened_as_told(self):
        own = self.host.address
        self.listen(f"{own}:8001", f"{own}:8100")
        self.fleet.write_plugin("1.0.0")
        found = self.findings()
        self.assertEqual({name: check["verdict"] for name, check in found.items()},
                         {"admin-api": "wrong", "status-api": "warning"})
        self.assertIn(f"http://{own}:8001", found["admin-api"]["text"])
        self.assertEqual(found["admin-api"]["remedy"], found["status-api"]["remedy"])
        before = self.written()
        self.fleet.kongfleet("plan", expect=5)
        said = self.fleet.kongfleet("rollout", "--yes", expect=5)
        for words in (f"http://{own}:8001, does not answer", "nothing could be proven", f"IPAddressAllow={own}",
                      "kongfleet-agent.service", "a listener of the loopback"):
            self.assertIn(words, said.out + said.err)
        self.assertEqual(self.written(), before)
        self.assertEqual(found["admin-api"]["remedy_kind"], "host")
        self.host.run("sh", "-c", found["admin-api"]["remedy"])
        self.assertEqual(self.findings(), {})
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertIn("my-plugin@1.0.0", self.fleet.kongfleet("status", expect=0).out)
        self.fleet.kongfleet("rollback", "--yes", "--to", "0", expect=0)

    def test_one_listener_of_the_loopback_is_enough(self):
        self.host.run("sh", "-c", f"rm -rf {DROP_INS}; systemctl daemon-reload; systemctl restart kongfleet-agent")
        own = self.host.address
        self.listen(f"{own}:8001, 127.0.0.1:8001", f"{own}:8100, 127.0.0.1:8100")
        self.assertEqual(self.findings(), {})
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertIn("my-plugin@1.1.0", self.fleet.kongfleet("status", expect=0).out)
        self.fleet.kongfleet("rollback", "--yes", "--to", "0", expect=0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
