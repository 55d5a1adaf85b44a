#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A fleet whose hosts an Ansible inventory names, and all who watch its rollouts: hooks, a webhook,
metrics. One host under two names is noticed."""
import hashlib
import hmac
import http.server
import json
import threading
import unittest

from prometheus_client.parser import text_string_to_metric_families

from fleet import Fleet, FleetTest, checked, documents

SECRET = b"of the webhook"
# Says what it was told, and fails where the file `fail` says so.
HOOK = """#!/bin/sh
told="$KONGFLEET_HOOK${KONGFLEET_WAVE:+ $KONGFLEET_WAVE}${KONGFLEET_HOST:+ $KONGFLEET_HOST}"
echo "$told${KONGFLEET_RESULT:+ $KONGFLEET_RESULT}" >> told
cat >> told.json
[ "$told" != "$(cat fail)" ] || { echo "the balancer does not answer" >&2; exit 7; }
"""
SETTINGS = """
[inventory]
{inventory}

[hooks]
before_wave = "./hook"
before_host = ["./hook"]
after_host = "./hook"
after_rollout = "./hook"
timeout = "10s"

[webhook]
url = "http://127.0.0.1:{port}/events"
secret_file = "secret"

[metrics]
textfile = "kongfleet.prom"
"""


class Receiver:
    """Takes what is posted; says 503 to the first post, for it to come again."""

    def __init__(self):
        self.events, self.deliveries, self.forged, self.busy = [], [], 0, True
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                right = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
                receiver.deliveries.append(self.headers["X-Kongfleet-Delivery"])
                receiver.forged += self.headers["X-Kongfleet-Signature"] != f"sha256={right}"
                if not receiver.busy:
                    receiver.events.append(json.loads(body))
                self.send_response(503 if receiver.busy else 204)
                self.end_headers()
                receiver.busy = False

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class InventoryTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(2, bake='"200ms"')
        cls.fleet.__enter__()

    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.directory = self.fleet.directory
        for name, text in (("hook", HOOK), ("secret", SECRET.decode() + "\n"), ("told", ""),
                           ("fail", ""), ("told.json", "")):
            (self.directory / name).write_text(text)
        (self.directory / "hook").chmod(0o755)
        first, second = self.fleet
        (self.directory / "hosts.ini").write_text(
            f"[edge]\none ansible_host={first.address}\ntwo ansible_host={second.address}\n"
            "[edge:vars]\nansible_ssh_common_args='-C'\n")

    def configure(self, inventory='ansible = "hosts.ini"', hosts='"@edge"', **rollout):
        path = self.fleet.write_fleet_file(**rollout)
        lines = [f"hosts = [{hosts}]" if line.startswith("hosts = ") else line
                 for line in path.read_text().splitlines()]
        path.write_text("\n".join(lines) +
                        SETTINGS.format(inventory=inventory, port=self.receiver.port))

    def told(self) -> list[str]:
        return (self.directory / "told").read_text().splitlines()

    def metrics(self) -> dict:
        text = (self.directory / "kongfleet.prom").read_text()
        families = list(text_string_to_metric_families(text))
        self.assertEqual([family.type for family in families], ["gauge"] * 4)
        self.assertTrue(all(family.documentation for family in families))
        return {(sample.name, sample.labels.get("phase")): sample.value
                for family in families for sample in family.samples}

    def test_1_a_rollout_goes_to_the_hosts_of_the_inventory_and_tells_who_watches(self):
        self.configure()
        self.fleet.write_plugin("1.0.0")
        result = self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["1.0.0", "1.0.0"])
        self.assertIn("ansible_ssh_common_args of 'one' and 'two' is not followed", result.err)
        self.assertEqual(self.told(), [
            "before_wave 1", "before_host 1 one", "after_host 1 one trial",
            "before_wave 2", "before_host 2 two", "after_host 2 two trial", "after_rollout done"])
        facts = documents((self.directory / "told.json").read_text())
        self.assertEqual(facts[1]["address"], self.fleet[0].address)
        self.assertEqual(facts[-1]["hosts"], [{"host": "one", "phase": "done"},
                                              {"host": "two", "phase": "done"}])

        events = [checked(event) for event in self.receiver.events]
        self.assertEqual(self.receiver.forged, 0)
        self.assertEqual(self.receiver.deliveries[0], self.receiver.deliveries[1])
        self.assertEqual(len(set(self.receiver.deliveries)), len(events))
        self.assertEqual(events[0]["event"], "wave")
        self.assertEqual((events[-1]["event"], events[-1]["exit"]), ("end", 0))

        metrics = self.metrics()
        self.assertEqual(metrics["kongfleet_run_hosts", "done"], 2)
        self.assertEqual(metrics["kongfleet_run_exit_code", None], 0)
        self.assertGreater(metrics["kongfleet_run_duration_seconds", None], 0)

    def test_2_a_before_hook_that_fails_stops_it_and_what_was_done_goes_back(self):
        self.configure()
        self.fleet.write_plugin("2.0.0")
        (self.directory / "fail").write_text("before_host 2 two")
        result = self.fleet.kongfleet("rollout", "--yes", expect=3)
        self.assertIn("the balancer does not answer", result.err)
        self.assertEqual(self.fleet.headers(), ["1.0.0", "1.0.0"])
        self.assertEqual(self.told()[-3:], ["before_host 2 two", "after_host 1 one back",
                                            "after_rollout failed"])
        metrics = self.metrics()
        self.assertEqual(metrics["kongfleet_run_hosts", "back"], 1)
        self.assertEqual(metrics["kongfleet_run_hosts", "waiting"], 1)
        self.assertEqual(metrics["kongfleet_run_exit_code", None], 3)

    def test_3_a_before_hook_that_fails_at_once_leaves_every_host_untouched(self):
        self.configure()
        self.fleet.write_plugin("3.0.0")
        (self.directory / "fail").write_text("before_wave 1")
        self.fleet.kongfleet("rollout", "--yes", expect=5)
        self.assertEqual(self.fleet.headers(), ["1.0.0", "1.0.0"])
        self.assertEqual(self.told(), ["before_wave 1", "after_rollout failed"])

    def test_4_an_after_hook_that_fails_and_a_webhook_that_is_away_are_told_and_change_nothing(self):
        self.receiver.close()
        self.configure()
        self.fleet.write_plugin("4.0.0")
        (self.directory / "fail").write_text("after_host 1 one")
        result = self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["4.0.0", "4.0.0"])
        self.assertIn("warning: one: hook after_host", result.err)
        self.assertIn("the balancer does not answer", result.err)
        self.assertIn("warning: webhook: ", result.err)
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def test_5_one_host_under_two_names_is_refused_before_anything_is_touched(self):
        self.fleet.write_plugin("5.0.0")
        first = self.fleet[0]
        inventory = {"edge": ["one", "again"], "_meta": {"hostvars": {
            name: {"ansible_host": first.address} for name in ("one", "again")}}}
        (self.directory / "inventory.json").write_text(json.dumps(inventory))
        self.configure(inventory='command = "cat inventory.json"')
        result = self.fleet.kongfleet("rollout", "--yes", expect=1)
        said = result.out + result.err
        self.assertIn("are one and the same host", said)
        self.assertIn("'one'", said)
        self.assertIn("'again'", said)
        self.assertIn("nothing was touched", said)
        self.assertNotEqual(self.fleet.header(first), "5.0.0")
        self.assertEqual(self.told(), [])

    def test_6_a_rollout_that_is_taken_up_again_reaches_its_hosts_as_the_inventory_said(self):
        self.configure(on_failure='"pause"')
        self.fleet.write_plugin("6.0.0")
        (self.directory / "fail").write_text("before_host 2 two")
        self.fleet.kongfleet("rollout", "--yes", expect=6)
        (self.directory / "fail").write_text("")
        self.fleet.kongfleet("resume", "--yes", "latest", expect=0)
        self.assertEqual(self.fleet.headers(), ["6.0.0", "6.0.0"])

    def test_7_a_sync_runs_the_same_hooks_and_a_rollback_the_last_one_only(self):
        self.configure()
        self.fleet.write_plugin("7.0.0")
        self.fleet.kongfleet("sync", expect=0)
        self.assertEqual(self.fleet.headers(), ["7.0.0", "7.0.0"])
        self.assertEqual(self.told(), [
            "before_wave 1", "before_host 1 one", "after_host 1 one trial",
            "before_wave 2", "before_host 2 two", "after_host 2 two trial", "after_rollout done"])
        (self.directory / "told").write_text("")
        self.fleet.kongfleet("rollback", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["6.0.0", "6.0.0"])
        self.assertEqual(self.told(), ["after_rollout done"])

    def test_8_a_hook_that_takes_too_long_stops_a_sync_before_anything_is_touched(self):
        self.configure()
        self.fleet.write_plugin("8.0.0")
        path = self.fleet.directory / "fleet.toml"
        path.write_text(path.read_text().replace('timeout = "10s"', 'timeout = "1s"'))
        (self.directory / "hook").write_text("#!/bin/sh\nexec sleep 600\n")
        result = self.fleet.kongfleet("sync", expect=5)
        self.assertIn("takes too long", result.out + result.err)
        self.assertEqual(self.fleet.headers(), ["6.0.0", "6.0.0"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
