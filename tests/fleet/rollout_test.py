#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The whole way on three real hosts: plan, rollouts that succeed, are refused and are taken back, rollback, and what is left
when the controller, the agent or the host dies. One fleet serves all tests; each leaves it at rest on 1.0.0."""
import json
import os
import signal
import unittest
import unittest.mock

from fleet import BUILD, Fleet, FleetTest, wait_for
from strike import is_at_rest, is_in_trial


class RolloutTest(FleetTest):
    version = "2.8.5"

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(3, version=cls.version)
        cls.fleet.__enter__()
        cls.fleet.write_plugin("1.0.0")
        cls.fleet.kongfleet("rollout", "--yes", expect=0)

    def tearDown(self):
        self.fleet.let_go()
        self.fleet.write_fleet_file()
        self.fleet.write_plugin("1.0.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.all_serve("1.0.0")

    def all_serve(self, *versions):
        wanted = list(versions) * 3 if len(versions) == 1 else list(versions)
        self.assertEqual(self.fleet.headers(), wanted)

    def all_serve_but_the_last(self, version):
        self.assertEqual([self.fleet.header(host) for host in list(self.fleet)[:2]], [version] * 2)

    def status(self, index=0):
        return self.fleet.kongfleet("--output", "json", "status").json()["hosts"][index]

    def serving_workers(self, index=0):
        """Each with its start time; those of an earlier reload that still drain are not among them."""
        host = self.fleet[index]
        master = host.run("cat", "/usr/local/kong/pids/nginx.pid").stdout.strip()
        table = host.run("ps", "-ww", "-o", "pid=,lstart=,args=", "--ppid", master).stdout
        return {line for line in table.splitlines() if "worker process" in line and "shutting" not in line}

    def generation(self, index):
        root = "/var/lib/kongfleet/generations/"
        return root + self.conf(index).split(root)[1].split("/")[0]

    def conf(self, index=0):
        return self.fleet[index].read("/etc/kong/kong.conf")

    def test_a_release_reaches_every_host_and_is_proven(self):
        self.fleet.write_plugin("1.1.0")
        plan = self.fleet.kongfleet("plan", expect=2)
        self.assertIn("~ my-plugin 1.0.0 -> 1.1.0", plan.out)
        self.all_serve("1.0.0")
        result = self.fleet.kongfleet("--output", "json", "rollout", "--yes", expect=0)
        events = result.events()
        self.assertEqual(events[-1]["event"], "end")
        self.assertEqual({host["phase"] for host in events[-1]["hosts"]}, {"done"})
        canary_done = next(i for i, event in enumerate(events)
                           if event["event"] == "host" and event["phase"] == "done")
        others = [event for event in events[:canary_done]
                  if event["event"] == "step" and event["host"] != self.fleet[0].name]
        self.assertEqual(others, [], "no other host starts before the canary is confirmed")
        for host in events[-1]["hosts"]:
            self.assertGreaterEqual(sum(worker["fresh"] for worker in host["outcome"]["workers"]), 1)
        self.all_serve("1.1.0")
        self.fleet.kongfleet("status", expect=0)

    def test_a_converged_fleet_is_left_alone(self):
        before = [host.run("stat", "-c", "%i %y", "/etc/kong/kong.conf", "/var/lib/kongfleet/journal").stdout
                  for host in self.fleet]
        self.fleet.kongfleet("plan", expect=0)
        result = self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertIn("3 hosts unchanged", result.out)
        after = [host.run("stat", "-c", "%i %y", "/etc/kong/kong.conf", "/var/lib/kongfleet/journal").stdout
                 for host in self.fleet]
        self.assertEqual(before, after)

    def test_a_syntax_error_is_refused_before_the_node_is_touched(self):
        workers = self.serving_workers()
        conf = self.conf()
        self.fleet.write_plugin("1.2.0", access="if conf.greeting the return end")
        result = self.fleet.kongfleet("rollout", "--yes", expect=5)
        self.assertIn("handler.lua:4", result.out + result.err)
        self.assertEqual(self.serving_workers(), workers)
        self.assertEqual(self.conf(), conf)
        self.all_serve("1.0.0")

    def test_a_release_that_answers_500_is_taken_back_on_the_canary_alone(self):
        conf = [self.conf(index) for index in (1, 2)]
        self.fleet.write_plugin("1.3.0", access='error("a bug that only requests show")')
        result = self.fleet.kongfleet("rollout", "--yes", expect=3)
        self.assertIn("status 500", result.out)
        self.assertIn("kong/plugins/my-plugin/handler.lua:4: a bug that only requests show; probe",
                      result.out)
        self.assertIn("2 hosts never touched", result.out)
        self.all_serve("1.0.0")
        self.assertEqual([self.conf(index) for index in (1, 2)], conf)
        self.assertEqual(self.status()["state"], "ready")

    def test_a_second_wave_that_fails_takes_the_first_back_too(self):
        # Only on the second host the plugin fails: it looks at a file there.
        self.fleet[1].write("/etc/kongfleet-test-fails", "")
        self.addCleanup(self.fleet[1].run, "rm", "-f", "/etc/kongfleet-test-fails")
        self.fleet.write_plugin("1.4.0", access='local f = io.open("/etc/kongfleet-test-fails") if f then f:close() error("here") end')
        result = self.fleet.kongfleet("rollout", "--yes", expect=3)
        self.assertNotIn("confirmed: runs my-plugin@1.4.0\n" * 3, result.err)
        self.all_serve("1.0.0")

    def test_a_rollback_to_what_fails_its_probe_goes_through_and_says_so(self):
        """Going back is never held up by a probe, and never called well when one fails."""
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.fleet.probe = 'header = { X-MyPlugin = "1.1" }\n'
        self.fleet.write_fleet_file()
        self.addCleanup(setattr, self.fleet, "probe", "")
        result = self.fleet.kongfleet("rollback", "--yes", expect=4)
        self.assertIn("probe mock FAILS", result.out)
        self.all_serve("1.0.0")
        self.fleet.probe = ""

    def test_a_host_whose_agent_restarts_before_its_turn_is_asked_anew(self):
        self.fleet.write_fleet_file(bake='"3s"')
        self.fleet.write_plugin("1.1.0")
        controller = self.fleet.start_kongfleet("rollout", "--yes")
        wait_for("the canary is in trial", lambda: is_in_trial(self.fleet[0]))
        self.fleet[1].run("systemctl", "restart", "kongfleet-agent.service")
        out, err = controller.communicate(timeout=300)
        self.assertEqual(controller.returncode, 0, out + err)
        self.all_serve("1.1.0")

    def test_a_host_that_is_down_stops_the_rollout_before_anything_starts(self):
        self.fleet[2].partition()
        try:
            self.fleet.write_plugin("1.1.0")
            result = self.fleet.kongfleet("rollout", "--yes", expect=1)
            self.assertIn("nothing was touched", result.err)
            self.fleet.write_fleet_file(max_failures=1)
            self.fleet.kongfleet("rollout", "--yes", expect=1)
            self.all_serve_but_the_last("1.0.0")
            self.fleet.write_fleet_file(max_failures=1, max_unavailable=2)
            result = self.fleet.kongfleet("--output", "json", "rollout", "--yes", expect=0)
            self.assertIn((self.fleet[2].name, "unreachable"), [
                (event["host"], event["phase"]) for event in result.events() if event["event"] == "host"])
            self.all_serve_but_the_last("1.1.0")
        finally:
            self.fleet[2].partition(False)
        self.assertEqual(self.fleet.header(self.fleet[2]), "1.0.0")

    def test_nobody_is_asked_where_nobody_can_answer(self):
        self.fleet.write_plugin("1.1.0")
        result = self.fleet.kongfleet("rollout", expect=1)
        self.assertIn("--yes", result.err)
        self.all_serve("1.0.0")

    def test_rollback_goes_to_the_generation_before(self):
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.all_serve("1.1.0")
        said = self.fleet.kongfleet("rollback", "--yes", expect=0)
        self.assertIn("what the fleet file names still comes again", said.err)
        self.all_serve("1.0.0")

    def test_rollback_of_one_host_selects_it(self):
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.fleet.kongfleet("rollback", "--yes", self.fleet[2].name, expect=0)
        self.all_serve("1.1.0", "1.1.0", "1.0.0")

    def test_a_rollback_of_one_rollout_takes_back_that_one_only(self):
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        rollout = self.fleet.kongfleet("--output", "json", "show", "latest", expect=0).json()["rollout"]["id"]
        back = ["rollback", "--yes", "--rollout", rollout]
        self.fleet.write_plugin("1.5.0")
        self.fleet.kongfleet("rollout", "--yes", self.fleet[1].name, expect=0)
        self.fleet.kongfleet("rollback", "--yes", self.fleet[2].name, expect=0)
        # What drifted was mended: the same release in another generation.
        self.fleet[0].run("sh", "-c", f"echo >> {self.generation(0)}/kong/plugins/my-plugin/handler.lua")
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", self.fleet[0].name, expect=0)
        said = self.fleet.kongfleet(*back, expect=3)
        self.assertRegex(said.out, r"edge-2.*it runs generation \d+ by now, with something else than that rollout brought")
        self.all_serve("1.0.0", "1.5.0", "1.0.0")
        self.fleet.kongfleet(*back, self.fleet[0].name, self.fleet[2].name, expect=0)
        self.all_serve("1.0.0", "1.5.0", "1.0.0")

    def test_a_rollback_needs_no_more_connections_than_there_may_be(self):
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        path = self.fleet.write_fleet_file()
        path.write_text(path.read_text().replace("[ssh]\n", "[ssh]\nmax_connections = 2\n"))
        self.assertIn("max_connections", path.read_text())
        self.fleet.kongfleet("rollback", "--yes", expect=0)
        self.all_serve("1.0.0")

    def test_a_dead_controller_leaves_a_trial_that_undoes_itself(self):
        self.fleet.write_fleet_file(bake='"600s"', confirm_timeout='"4s"')
        self.fleet.write_plugin("1.1.0")
        controller = self.fleet.start_kongfleet("rollout", "--yes")
        try:
            wait_for("the canary is in trial", lambda: self.fleet.header(self.fleet[0]) == "1.1.0")
            controller.kill()
        finally:
            controller.communicate()
        wait_for("the trial is undone", lambda: self.fleet.header(self.fleet[0]) == "1.0.0")
        wait_for("the host is at rest", lambda: is_at_rest(self.fleet[0]))
        self.all_serve("1.0.0")

    def test_ctrl_c_takes_the_trial_back_and_says_so(self):
        self.fleet.write_fleet_file(bake='"600s"')
        self.fleet.write_plugin("1.1.0")
        controller = self.fleet.start_kongfleet("rollout", "--yes")
        wait_for("the canary is in trial", lambda: is_in_trial(self.fleet[0]))
        controller.send_signal(signal.SIGINT)
        out, err = controller.communicate(timeout=300)
        self.assertEqual(controller.returncode, 130, out + err)
        self.assertIn("interrupted", err)
        self.all_serve("1.0.0")

    def test_a_controller_whose_clock_is_set_to_and_fro_rolls_out_and_stops_as_ever(self):
        with unittest.mock.patch.dict(os.environ, LD_PRELOAD=str(BUILD / "tests/libjumping_clock.so")):
            self.fleet.write_plugin("1.91.0")
            self.fleet.kongfleet("rollout", "--yes", expect=0)
            self.all_serve("1.91.0")
            self.fleet.write_plugin("1.92.0", access='kong.response.exit(500, "broken")')
            self.fleet.kongfleet("rollout", "--yes", expect=3)
            self.all_serve("1.91.0")
            shown = self.fleet.kongfleet("--output", "json", "show", "latest", expect=0).json()
        self.assertEqual([release["version"] for release in shown["rollout"]["releases"]], ["1.92.0"])
        for host in shown["hosts"]:
            self.assertIn(host["ms"], [None, *range(120_000)], host)

    def test_a_second_controller_is_told_who_holds_the_host(self):
        path = self.fleet.write_fleet_file(bake='"600s"')
        other = path.read_text().replace('name = "edge"', 'name = "another"')
        path.with_name("another.toml").write_text(other)  # which knows nothing of the first's state
        self.fleet.write_plugin("1.1.0")
        first = self.fleet.start_kongfleet("rollout", "--yes")
        try:
            wait_for("the canary is in trial", lambda: is_in_trial(self.fleet[0]))
            self.fleet.write_plugin("1.1.1")
            second = self.fleet.kongfleet("rollout", "--yes", self.fleet[0].name, file="another.toml")
            self.assertEqual(second.code, 75, second.out + second.err)
            self.assertIn("holds this host", second.out + second.err)
        finally:
            first.send_signal(signal.SIGINT)
            first.communicate(timeout=300)

    def test_an_agent_killed_in_a_trial_comes_back_to_what_was_confirmed(self):
        self.fleet.write_fleet_file(bake='"600s"')
        self.fleet.write_plugin("1.1.0")
        controller = self.fleet.start_kongfleet("rollout", "--yes")
        try:
            wait_for("the canary is in trial", lambda: is_in_trial(self.fleet[0]))
            self.fleet[0].run("systemctl", "kill", "-s", "KILL", "kongfleet-agent.service")
            wait_for("the trial is undone", lambda: self.fleet.header(self.fleet[0]) == "1.0.0")
        finally:
            controller.send_signal(signal.SIGINT)
            controller.communicate(timeout=300)
        wait_for("the host is at rest", lambda: is_at_rest(self.fleet[0]))

    def test_power_lost_in_a_trial_boots_on_what_was_confirmed(self):
        self.fleet.write_fleet_file(bake='"600s"')
        self.fleet.write_plugin("1.1.0")
        controller = self.fleet.start_kongfleet("rollout", "--yes")
        try:
            wait_for("the canary is in trial", lambda: is_in_trial(self.fleet[0]))
        finally:
            controller.kill()
            controller.communicate()
        self.fleet[0].kill()
        self.fleet[0].boot()
        seen = set()

        def serves():
            try:
                seen.add(self.fleet.header(self.fleet[0]))
            except OSError:
                return False
            return True
        wait_for("the gateway is up again", serves)
        self.assertEqual(seen, {"1.0.0"}, "it never starts on what nobody confirmed")
        wait_for("the host is at rest", lambda: is_at_rest(self.fleet[0]))

    def test_a_recovery_that_fails_at_boot_is_made_good_by_the_agent(self):
        host = self.fleet[0]
        host.write("/etc/systemd/system/kongfleet-recover.service.d/fails.conf",
                   "[Service]\nExecStart=\nExecStart=/bin/false\n")
        self.addCleanup(host.run, "rm", "-r", "/etc/systemd/system/kongfleet-recover.service.d")
        self.fleet.write_fleet_file(bake='"600s"')
        self.fleet.write_plugin("1.1.0")
        controller = self.fleet.start_kongfleet("rollout", "--yes")
        try:
            wait_for("the canary is in trial", lambda: is_in_trial(host))
        finally:
            controller.kill()
            controller.communicate()
        host.kill()
        host.boot()
        wait_for("the host is at rest, and nobody asked it", lambda: is_at_rest(host))
        self.assertEqual(self.fleet.header(host), "1.0.0")

    def test_an_edit_of_kong_conf_stays(self):
        note = "# a person was here\n"
        host = self.fleet[0]
        host.write("/etc/kong/kong.conf", note + self.conf())
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertTrue(self.conf().startswith(note))

    def test_drift_is_seen_and_mended(self):
        host = self.fleet[0]
        host.write("/etc/kong/kong.conf", self.conf().replace(",my-plugin", ""))
        status = self.fleet.kongfleet("status", expect=2)
        self.assertIn("drift", status.out)
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.fleet.kongfleet("status", expect=0)

    def test_sync_mends_drift_of_every_kind_and_is_silent_where_there_is_none(self):
        files, configuration, workers = self.fleet
        files.write(self.generation(0) + "/kong/plugins/my-plugin/handler.lua", "tampered")
        configuration.write("/etc/kong/kong.conf", self.conf(1).replace(",my-plugin", ""))
        good = workers.read("/etc/kong/kong.conf")
        workers.run("cp", "-r", self.generation(2), "/opt/by-hand")
        workers.write("/etc/kong/kong.conf", good.replace(self.generation(2), "/opt/by-hand"))
        workers.run("systemctl", "reload", "kong.service")
        wait_for("another tree is served", lambda: "by-hand" in workers.run(
            "curl", "-s", "http://127.0.0.1:8001/").stdout)
        workers.write("/etc/kong/kong.conf", good)
        for index, kind in enumerate(("files", "configuration", "workers")):
            self.assertTrue(any(line.startswith(kind + ":") for line in self.status(index)["agent"]["drift"]), kind)
        summary = self.fleet.kongfleet("sync", expect=0).out.splitlines()[-1]
        self.assertRegex(summary, "^sync id=sync-[^ ]+ fleet=edge exit=0 hosts=3 changed=3 unchanged=0 poisoned=0 "
                                  "failed=0 other=0 seconds=[0-9.]+$")
        self.all_serve("1.0.0")
        self.fleet.kongfleet("status", expect=0)
        again = self.fleet.kongfleet("sync", expect=0)
        self.assertEqual(again.out + again.err, "")

    def test_sync_does_not_try_again_what_failed_here(self):
        self.fleet.write_plugin("1.3.0", access='error("a bug that only requests show")')
        self.fleet.kongfleet("rollout", "--yes", expect=3)
        workers = self.serving_workers()
        result = self.fleet.kongfleet("sync", self.fleet[0].name, expect=2)
        self.assertIn("not tried again, it failed here before", result.err)
        self.assertRegex(result.out, "^sync id=.* exit=2 hosts=1 changed=0 unchanged=0 poisoned=1 .*\n$")
        self.assertEqual(self.serving_workers(), workers)

    def test_a_host_that_is_down_takes_its_place_in_the_budgets_of_a_sync(self):
        down, drifted, _ = self.fleet
        drifted.write("/etc/kong/kong.conf", self.conf(1).replace(",my-plugin", ""))
        left = self.conf(1)
        down.run("systemctl", "stop", "ssh.service")
        try:
            for rules, why in (({"max_failures": 1}, "the budget of 1 unavailable hosts is used up"),
                               ({"max_unavailable": 2}, "1 failed, allowed are 0")):
                self.fleet.write_fleet_file(**rules)
                result = self.fleet.kongfleet("sync", expect=1)
                self.assertIn(f"nothing was touched: {why}\n", result.err)
                self.assertRegex(result.out, "^sync id=.* exit=1 hosts=3 changed=0 unchanged=1 poisoned=0 failed=1 other=1 ")
                self.assertEqual(self.conf(1), left)
            self.fleet.write_fleet_file(max_failures=1, max_unavailable=2)
            result = self.fleet.kongfleet("sync", expect=2)
            self.assertRegex(result.out.splitlines()[-1],
                             "^sync id=.* exit=2 hosts=3 changed=1 unchanged=1 poisoned=0 failed=1 other=0 ")
        finally:
            down.run("systemctl", "start", "ssh.service")
        self.assertIn(",my-plugin", self.conf(1))
        self.fleet.kongfleet("status", expect=0)

    def test_what_overrides_kong_conf_is_refused_by_name(self):
        host = self.fleet[0]
        drop_in = "/etc/systemd/system/kong.service.d/ours.conf"
        host.run("mkdir", "-p", os.path.dirname(drop_in))
        host.write(drop_in, "[Service]\nEnvironment=KONG_PLUGINS=bundled\n")
        host.run("systemctl", "daemon-reload")
        try:
            self.fleet.write_plugin("1.1.0")
            result = self.fleet.kongfleet("rollout", "--yes", expect=5)
            self.assertIn("KONG_PLUGINS", result.out + result.err)
            self.all_serve("1.0.0")
        finally:
            host.run("rm", drop_in)
            host.run("systemctl", "daemon-reload")

    def test_a_local_root_can_look_and_go_back(self):
        host = self.fleet[0]
        self.assertIn("release     my-plugin@1.0.0", host.run("kongfleet-agent", "status").stdout)
        host.run("kongfleet-agent", "verify")
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", host.name, expect=0)
        host.run("kongfleet-agent", "rollback")
        self.assertEqual(self.fleet.header(host), "1.0.0")
        last = host.run("kongfleet-agent", "history", "--limit", "1").stdout
        self.assertEqual(json.loads(last)["result"], "committed")

    def test_a_login_without_root_can_only_speak_to_the_agent(self):
        host = self.fleet[0]
        done = host.run("su", "-s", "/bin/sh", "nobody", "-c", "kongfleet-agent status", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Permission denied", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
