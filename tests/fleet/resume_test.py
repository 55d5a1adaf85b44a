#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What a controller remembers, on three real hosts: rollouts whose controller is killed at several points, or that paused, and
are gone on with or taken back by another one; who holds the fleet; what was released; history and show."""
import json
import os
import signal
import threading
import time
import unittest

from fleet import Fleet, FleetTest, checked, wait_for

BAD = 'error("a bug that only requests show")'


class Controller:
    """A rollout that a test watches, event by event, and kills."""

    def __init__(self, fleet, *arguments):
        self.process = fleet.start_kongfleet("--output", "json", *(arguments or ("rollout", "--yes")))
        self.events = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def has(self, **wanted):
        return any(all(event.get(key) == value for key, value in wanted.items())
                   for event in list(self.events))

    def wait(self, **wanted):
        wait_for(f"the controller tells {wanted}", lambda: self.has(**wanted))

    def kill(self):
        self.process.kill()
        self.end()

    def end(self):
        self.process.wait(timeout=90)
        self.reader.join()
        for event in self.events:
            checked(event)
        self.said = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode


class ResumeTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(3, bake='"300ms"')
        cls.fleet.__enter__()
        cls.names = [host.name for host in cls.fleet]
        cls.fleet.write_plugin("1.0.0")
        cls.fleet.kongfleet("rollout", "--yes", expect=0)
        cls.number = 0

    def setUp(self):
        ResumeTest.number += 1
        self.version = f"2.{self.number}.0"
        self.before, = set(self.fleet.headers())  # the test before left all hosts on one version
        self.fleet.write_plugin(self.version)

    def tearDown(self):
        self.fleet.let_go()
        self.fleet.write_fleet_file()

    def all_serve(self, version):
        self.assertEqual(self.fleet.headers(), [version] * 3)
        self.fleet.kongfleet("status", expect=0)

    def show(self, rollout="latest"):
        return self.fleet.kongfleet("--output", "json", "show", rollout, expect=0).json()

    def phases(self):
        return [host["phase"] for host in self.show()["hosts"]]

    # Each brings a rollout to a point, and kills its controller there.

    def die_before_the_first_apply(self):
        controller = Controller(self.fleet)
        controller.wait(event="wave", wave=1)
        controller.kill()

    def die_with_the_canary_in_trial(self):
        self.fleet.write_fleet_file(bake='"3s"')
        controller = Controller(self.fleet)
        controller.wait(event="baking", wave=1)
        # What is told is remembered within a second.
        wait_for("the trial is remembered", lambda: self.phases() == ["trial", "waiting", "waiting"])
        controller.kill()

    def die_in_confirm(self):
        # The agent is kept from answering until the controller is gone. Without a bake it is told to
        # keep it right after the hook, and not looked at before.
        agent = "kongfleet-agent.service"
        told, go = (self.fleet.directory / name for name in ("told", "go"))
        for file in (told, go):
            file.unlink(missing_ok=True)
        path = self.fleet.write_fleet_file(bake='"0s"')
        path.write_text(path.read_text() + '[hooks]\nafter_host = ["sh", "-c", "touch told; until [ -e go ]; do sleep 0.05; done"]\n')
        controller = Controller(self.fleet)
        try:
            wait_for("the canary's hook runs", told.exists)
            self.fleet[0].run("systemctl", "kill", "-s", "STOP", agent)
            go.touch()
            wait_for("the canary is told to keep it", lambda: self.phases()[0] == "confirming")
        finally:
            controller.kill()
            go.touch()
            self.fleet[0].run("systemctl", "kill", "-s", "CONT", agent)

    def die_in_the_second_wave(self):
        self.fleet.write_fleet_file(bake='"1500ms"')
        controller = Controller(self.fleet)
        controller.wait(event="host", host=self.names[1], phase="trial")
        controller.kill()
        self.assertEqual(self.phases()[0], "done")

    def points(self):
        yield self.die_before_the_first_apply
        yield self.die_with_the_canary_in_trial
        yield self.die_in_confirm
        yield self.die_in_the_second_wave

    def test_a_rollout_whose_controller_was_killed_is_gone_on_with(self):
        for die in self.points():
            with self.subTest(die.__name__):
                self.setUp()
                die()
                rollout = self.show()["rollout"]
                self.assertEqual(rollout["result"], "unfinished")
                # What the fleet file says by now is of no account: rules and releases are the rollout's.
                self.fleet.write_plugin("9.9.9")
                self.fleet.write_fleet_file(bake='"1h"')
                resumed = self.fleet.kongfleet("--output", "json", "resume", "--yes", rollout["id"], expect=0)
                waves = [event["wave"] for event in resumed.events() if event["event"] == "wave"]
                # In confirm, the canary may have heard it.
                possible = {self.die_in_the_second_wave: [[2]], self.die_in_confirm: [[1, 2], [2]]}
                self.assertIn(waves, possible.get(die, [[1, 2]]))
                self.all_serve(self.version)
                self.assertEqual(self.phases(), ["done"] * 3)
                self.assertEqual(self.show()["rollout"]["result"], "done")
                self.tearDown()

    def test_a_rollout_whose_controller_was_killed_is_taken_back(self):
        for die in self.points():
            with self.subTest(die.__name__):
                self.setUp()
                die()
                self.fleet.kongfleet("abort", "--yes", "latest", expect=0)
                self.all_serve(self.before)
                self.assertEqual(self.show()["rollout"]["state"], "aborted")
                self.fleet.kongfleet("resume", "--yes", "latest", expect=1)
                self.tearDown()

    def test_a_host_is_put_back_into_its_balancer_by_who_goes_on(self):
        told, go = (self.fleet.directory / name for name in ("told", "go"))
        out = "out-$KONGFLEET_HOST"
        for deed in ("resume", "abort"):
            with self.subTest(deed):
                self.setUp()
                for file in (told, go):
                    file.unlink(missing_ok=True)
                path = self.fleet.write_fleet_file(bake='"0s"')
                path.write_text(path.read_text() + f'[hooks]\nbefore_host = ["sh", "-c", "touch {out}"]\nafter_host = '
                                f'["sh", "-c", "[ -e go ] || {{ echo $$ >new; mv new told; sleep 600; }}; rm {out}"]\n')
                controller = Controller(self.fleet)
                try:
                    wait_for("the canary's hook runs", told.exists)
                finally:
                    controller.kill()
                os.killpg(int(told.read_text()), signal.SIGKILL)
                left = [file.name for file in self.fleet.directory.glob("out-*")]
                self.assertEqual(left, ["out-" + self.names[0]])
                go.touch()
                self.fleet.kongfleet(deed, "--yes", "latest", expect=0)
                self.assertEqual(list(self.fleet.directory.glob("out-*")), [])
                self.all_serve(self.version if deed == "resume" else self.before)
                self.tearDown()

    def test_a_trial_that_undid_itself_begins_again(self):
        self.fleet.write_fleet_file(bake='"2s"', confirm_timeout='"3s"')
        controller = Controller(self.fleet)
        controller.wait(event="baking", wave=1)
        controller.kill()
        wait_for("the trial is undone", lambda: self.fleet.header(self.fleet[0]) == self.before)
        resumed = self.fleet.kongfleet("--output", "json", "resume", "--yes", "latest", expect=0)
        first = resumed.events()[0]
        self.assertEqual((first["event"], first["host"], first["phase"]), ("host", self.names[0], "waiting"),
                         "what was remembered is not what is")
        self.all_serve(self.version)
        self.assertEqual([host["attempt"] for host in self.show()["hosts"]], [2, 1, 1])

    def test_the_second_controller_is_told_who_holds_the_fleet(self):
        self.fleet.write_fleet_file(bake='"600s"')
        first = Controller(self.fleet)
        first.wait(event="baking", wave=1)
        rollout = self.show()["rollout"]
        self.assertEqual(rollout["result"], "running")
        for command in (["rollout", "--yes"], ["sync"], ["resume", "--yes", "latest"], ["abort", "--yes", "latest"]):
            second = self.fleet.kongfleet(*command, expect=75)
            self.assertIn(f"{rollout['who']} holds this fleet since ", second.err)
            self.assertIn(rollout["id"], second.err)
        self.fleet.kongfleet("plan", expect=75)  # of the host in trial, which says so itself
        self.fleet.kongfleet("status", expect=2)
        first.kill()
        for command in (["rollout", "--yes"], ["sync"]):
            second = self.fleet.kongfleet(*command, expect=75)
            self.assertIn(f"kongfleet resume {rollout['id']}", second.err)
            self.assertIn(f"kongfleet abort {rollout['id']}", second.err)

    def test_a_rollback_breaks_the_glass(self):
        self.fleet.write_fleet_file(bake='"600s"')
        first = Controller(self.fleet)
        first.wait(event="baking", wave=1)
        rollout = self.show()["rollout"]["id"]
        rolled = self.fleet.kongfleet("--output", "json", "rollback", "--yes", self.names[0], expect=0)
        said = rolled.events()[0]
        self.assertEqual((said["event"], said["rollout"]), ("aborts", rollout))
        self.assertIn("2 of its 3 hosts are not selected and left alone: 2 untouched", said["text"])
        self.assertEqual(self.fleet.header(self.fleet[0]), self.before)
        self.assertNotEqual(first.end(), 0)
        self.assertEqual(self.show(rollout)["rollout"]["state"], "aborted")
        self.assertEqual(self.show()["rollout"]["kind"], "rollback")
        self.all_serve(self.before)

    def test_a_rollout_that_paused_is_gone_on_with(self):
        self.fleet.write_fleet_file(on_failure='"pause"')
        self.fleet[1].write("/etc/kongfleet-test-fails", "")
        self.fleet.write_plugin(self.version, access='local f = io.open("/etc/kongfleet-test-fails") '
                                                     'if f then f:close() error("here") end')
        try:
            result = self.fleet.kongfleet("rollout", "--yes", expect=6)
            self.assertIn("kongfleet resume", result.out)
            shown = self.fleet.kongfleet("show", "latest", expect=0).out
            self.assertLess(shown.index(f"\n{self.names[1]} "), shown.index(f"\n{self.names[0]} "), "failures first")
            self.assertIn("status 500", shown)
        finally:
            self.fleet[1].run("rm", "/etc/kongfleet-test-fails")
        self.fleet.kongfleet("rollout", "--yes", expect=75)
        self.fleet.kongfleet("resume", "--yes", "latest", expect=0)
        self.all_serve(self.version)

    def test_ctrl_c_once_decides_and_twice_leaves(self):
        self.fleet.write_fleet_file(bake='"600s"')
        controller = Controller(self.fleet)
        controller.wait(event="baking", wave=1)
        controller.process.send_signal(signal.SIGINT)
        self.assertEqual(controller.end(), 130)
        self.assertEqual({host["host"]: host["phase"] for host in controller.events[-1]["hosts"]},
                         dict(zip(self.names, ["back", "waiting", "waiting"])))
        self.assertEqual(self.show()["rollout"]["state"], "interrupted")
        self.assertEqual(self.phases(), ["back", "waiting", "waiting"])
        # Gone on with, and left while the host can't even be told to go back; for no hook either.
        with (self.fleet.directory / "fleet.toml").open("a") as file:
            file.write('[hooks]\nafter_rollout = "sleep 600"\ntimeout = "30s"\n')
        controller = Controller(self.fleet, "resume", "--yes", "latest")
        controller.wait(event="baking", wave=1)
        self.fleet[0].partition()
        try:
            controller.process.send_signal(signal.SIGINT)
            controller.wait(event="stopping")
            controller.process.send_signal(signal.SIGINT)
            left = time.monotonic()
            self.assertEqual(controller.end(), 130)
            self.assertLess(time.monotonic() - left, 15)
            self.assertIn("the hook after_rollout was not run", controller.said)
        finally:
            self.fleet[0].partition(False)
            self.fleet.write_fleet_file(bake='"600s"')
        self.assertEqual(controller.events[-1]["state"], "open")
        self.assertEqual(self.show()["rollout"]["result"], "unfinished")
        self.fleet.kongfleet("abort", "--yes", "latest", expect=0)
        self.all_serve(self.before)

    def test_a_released_version_can_not_come_back_with_other_content(self):
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        before = self.show()["rollout"]
        self.fleet.write_plugin(self.version, header='"changed"')
        for command in (["rollout", "--yes"], ["sync"]):
            result = self.fleet.kongfleet(*command, expect=5)
            self.assertIn(f"my-plugin@{self.version} was released on ", result.err)
            self.assertIn(before["releases"][0]["digest"], result.err)
        plan = self.fleet.kongfleet("plan", expect=5).out
        self.assertIn(f"X a rollout would be refused: my-plugin@{self.version} was released on ", plan)
        conflict, = self.fleet.kongfleet("--output", "json", "plan", expect=5).json()["conflicts"]
        self.assertEqual(conflict["released_digest"], before["releases"][0]["digest"])
        self.all_serve(self.version)
        self.assertEqual(self.show()["rollout"]["id"], before["id"])

    def test_history_and_show_tell_what_happened(self):
        self.fleet.write_plugin(self.version, access=BAD)
        self.fleet.kongfleet("rollout", "--yes", expect=3)
        newest, before = self.fleet.kongfleet("--output", "json", "history", "--limit", "2").json()["rollouts"]
        self.assertEqual(newest["result"], "failed, taken back")
        self.assertEqual(newest["hosts"], {"all": 3, "ok": 0, "failed": 1})
        self.assertEqual(newest["exit"], 3)
        self.assertLess(before["started"], newest["started"])
        table = self.fleet.kongfleet("history").out.splitlines()
        self.assertTrue(table[0].startswith("ID "))
        self.assertTrue(table[1].startswith(newest["id"]))
        self.assertIn(f"my-plugin@{self.version}", table[1])
        shown = self.show(newest["id"])
        canary = shown["hosts"][0]
        self.assertEqual((canary["phase"], canary["wave"]), ("back", 1))
        self.assertIn("500", canary["cause"])
        self.assertFalse(all(probe["ok"] for probe in canary["outcome"]["probes"]))
        self.assertGreater(canary["ms"], 0)
        self.assertIn("verify", {step["step"] for step in canary["outcome"]["steps"]})
        self.assertEqual([event["kind"] for event in shown["events"]][0], "begin")
        self.assertEqual([event["kind"] for event in shown["events"]][-1], "end")
        unknown = self.fleet.kongfleet("show", "rollout-of-nobody", expect=1)
        self.assertIn(newest["id"], unknown.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
