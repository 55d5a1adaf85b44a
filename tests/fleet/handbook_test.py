#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The operator's handbook, typed: the blocks of kongfleet(7) are read from the page and run, in its order and with its
names, on three real hosts whose Kong is configured as a playbook would; after each the hosts are what the page says."""
import os
import pty
import shutil
import subprocess
import unittest

from fleet import BUILD, PLUGIN, Fleet, FleetTest, wait_for
import handbook
from provision import make_key
from resume_test import BAD, Controller
from strike import STATE, is_at_rest

HOSTS = ["edge-01", "edge-02", "edge-03"]  # as the page calls them
CONF = "/etc/kong/kong.conf"
KEYS = "/etc/kongfleet/authorized_keys"
BY_ANSIBLE = "/opt/kong-plugins"  # where its playbook put the plugin
HERE = "tests/fleet/handbook_test.py"
# What the page leaves to who adopts: how hosts are reached, a probe of the plugin, and no time to wait.
FLEET_FILE = """\
[fleet]
name = "edge"
[ssh]
user = "kongfleet"
known_hosts = "known_hosts"
identity = ["deploy_key"]
connect_timeout = "10s"
[rollout]
waves = [1, "100%"]
bake = "200ms"
max_unavailable = 2
confirm_timeout = "60s"
[probes.proxy]
type = "http"
url = "http://127.0.0.1:8000/mock/anything"
interval = "100ms"
successes = 3
"""


class HandbookTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(3, uses_plugin=True)
        cls.fleet.__enter__()
        cls.scratch = cls.fleet.directory
        cls.place = cls.scratch / "edge"
        cls.place.mkdir()
        cls.fleet.directory = cls.place  # where the operator works
        for name in ("deploy_key", "known_hosts"):
            shutil.copy(cls.scratch / name, cls.place)
        cls.by_name = dict(zip(HOSTS, cls.fleet))
        cls.typed = []
        cls.pieces = {heading: handbook.below(heading) for heading in handbook.TYPED_BY}
        cls.adopted = cls.pieces["FIRST ADOPTION OF A FLEET THAT WAS MANAGED BY ANSIBLE"][1]

    @classmethod
    def tearDownClass(cls):
        cls.fleet.directory = cls.scratch
        super().tearDownClass()

    def blocks(self, heading):
        """What is typed below a heading, block by block; a test takes all of them."""
        return [[(heading, line) for line in lines if handbook.test_of(heading, line) == HERE]
                for lines in handbook.typing(heading)]

    def type(self, block, host=None, codes=(0,), place=None) -> str:
        """Types a block where it belongs, a person at the keyboard who says yes; `codes`: what each line ends with, the
        last for those after it, too. What was printed."""
        said = ""
        for i, (heading, line) in enumerate(block):
            if line.startswith("# "):
                done = self.on_host(host, line[2:])
            else:
                done = self.at_controller(line[2:], place or self.place)
            code = codes[min(i, len(codes) - 1)]
            self.assertEqual(done.returncode, code, f"{heading}: {line}\n{done.stdout}{done.stderr}")
            self.typed.append((heading, line))
            said += done.stdout + done.stderr
        return said

    def on_host(self, host, command):
        return (host or self.fleet[0]).run("sh", "-c", command, check=False)

    def at_controller(self, command, place):
        world = {"PATH": f"{BUILD}:/usr/bin:/bin", "HOME": str(self.scratch), "LC_ALL": "C.UTF-8"}
        keyboard, terminal = pty.openpty()
        try:
            os.write(keyboard, b"y\n")
            return subprocess.run(["sh", "-c", command], cwd=place, env=os.environ | world, stdin=terminal,
                                  capture_output=True, text=True, timeout=120, check=False)
        finally:
            os.close(keyboard)
            os.close(terminal)

    def write_fleet(self, source="", more=""):
        """The page's piece of a fleet file, with what it leaves open."""
        (self.place / "inventory").mkdir(exist_ok=True)
        (self.place / "inventory/hosts.ini").write_text("[webservers]\n" + "".join(
            f"{name} ansible_host={host.address}\n" for name, host in self.by_name.items()))
        (self.place / "fleet.toml").write_text(FLEET_FILE + self.adopted + more
                                               + (source or f'[plugins.{PLUGIN}]\nsource = "plugins/{PLUGIN}"\n'))

    def confs(self):
        return [host.read(CONF) for host in self.fleet]

    def all_serve(self, version):
        self.assertEqual(self.fleet.headers(), [version] * 3)
        self.fleet.kongfleet("status", expect=0)

    def result(self):
        return self.fleet.kongfleet("--output", "json", "show", "latest", expect=0).json()["rollout"]["result"]

    def die_in_trial(self, version):
        """A rollout whose controller is killed with its canary in trial: there a hook holds it up."""
        told, go = (self.place / name for name in ("told", "go"))
        for file in (told, go):
            file.unlink(missing_ok=True)
        self.fleet.write_plugin(version)
        hook = "touch told; until [ -e go ]; do sleep 0.05; done"
        self.write_fleet(more=f'[hooks]\nafter_host = ["sh", "-c", "{hook}"]\n')
        controller = Controller(self.fleet)
        try:
            wait_for("the canary is in trial",
                     lambda: told.exists() and self.phases() == ["trial", "waiting", "waiting"])
        finally:
            controller.kill()
            go.touch()
        self.write_fleet()
        self.assertEqual(self.result(), "unfinished")

    def phases(self):
        return [host["phase"] for host in self.fleet.kongfleet("--output", "json", "show", "latest").json()["hosts"]]

    def test_1_first_adoption(self):
        heading = "FIRST ADOPTION OF A FLEET THAT WAS MANAGED BY ANSIBLE"
        init, look, canary, all_hosts, leave = self.blocks(heading)
        said = self.type(init)
        self.assertEqual(said, handbook.told(self.pieces[heading][0]))
        tree = self.fleet.write_plugin("1.0.0")
        for host in self.fleet:
            shutil.copytree(tree, host.path(BY_ANSIBLE))
            host.write(CONF, host.read(CONF) + f"lua_package_path = {BY_ANSIBLE}/?.lua;;\nplugins = bundled,{PLUGIN}\n")
            host.run("systemctl", "reload", "kong.service")
        wait_for("what Ansible did serves", lambda: self.fleet.headers() == ["1.0.0"] * 3)
        before = self.confs()
        self.write_fleet()
        # There is something to do; and nobody is told to remove what serves.
        said = self.type(look, codes=(0, 0, 2))
        self.assertNotIn("rm -r", said)
        self.assertEqual(self.confs(), before)
        self.type(canary)
        self.assertEqual(self.confs()[1:], before[1:])
        self.assertIn(f"{STATE}/generations/000001-", self.confs()[0])
        self.type(all_hosts)
        self.assertTrue(all(f"{STATE}/generations/000001-" in conf for conf in self.confs()))
        self.all_serve("1.0.0")
        self.type(leave)
        self.assertEqual(self.confs(), before)
        self.all_serve("1.0.0")
        for host in self.fleet:  # from where Ansible had put it
            self.assertNotIn(STATE, host.read("/usr/local/kong/.kong_env"))
        self.type(all_hosts)
        self.all_serve("1.0.0")

    def test_2_checking_hosts_and_sync(self):
        check, = self.blocks("CHECKING HOSTS")
        self.assertIn("edge-03", self.type(check))
        sync, on_its_machine = self.blocks("CRON AND TIMER")
        self.assertEqual((self.type(sync), on_its_machine), ("", []))
        host = self.fleet[1]
        host.write(CONF, host.read(CONF).replace(f",{PLUGIN}", ""))
        self.fleet.kongfleet("status", expect=2)
        self.assertIn("changed=1 ", self.type(sync))
        self.all_serve("1.0.0")

    def test_3_a_stranded_host(self):
        see, cause, back, elsewhere, verify = self.blocks("A STRANDED HOST")
        host = self.by_name["edge-03"]
        handler, good = self.strand(host, "1.1.0")
        self.assertIn("stranded", self.type(see, codes=(4, 0)))
        said = self.type(cause, host, codes=(4, 0))
        self.assertIn("state       stranded", said)
        handler.write_text(good)
        said = self.type(back, host, codes=(4, 0))
        self.assertIn("state       ready", said)
        self.type(verify, host)
        self.all_serve("1.0.0")
        # Once more, and what it went back to stays broken.
        handler, good = self.strand(host, "1.2.0")
        self.type(see, codes=(4, 0))
        self.type(elsewhere, host)
        self.type(verify, host)
        self.assertNotIn(STATE, host.read(CONF))
        self.assertTrue(is_at_rest(host))
        self.all_serve("1.0.0")
        handler.write_text(good)
        sync, _ = self.blocks("CRON AND TIMER")
        self.fleet.write_plugin("1.0.0")
        self.type(sync)
        self.assertIn(f"{STATE}/generations/", host.read(CONF))
        self.all_serve("1.0.0")

    def strand(self, host, version):
        """A release that fails on a host, whose way back is broken on its disk meanwhile."""
        kept = self.handler(host)
        good = kept.read_text()
        kept.write_text("this is no Lua")
        self.fleet.write_plugin(version, access=BAD)
        self.fleet.kongfleet("rollout", "--yes", "edge-03", expect=4)
        return kept, good

    def handler(self, host):
        """Of the generation that kong.conf names."""
        root = f"{STATE}/generations/"
        generation = host.read(CONF).split(root)[1].split("/")[0]
        found, = host.path(root + generation).glob("**/handler.lua")
        return found

    def test_4_a_lost_controller(self):
        history, resume, abort, anew = self.blocks("A LOST CONTROLLER")
        self.die_in_trial("2.0.0")
        self.assertIn("unfinished", self.type(history))
        self.fleet.kongfleet("sync", expect=75)
        self.type(resume)
        self.all_serve("2.0.0")
        self.die_in_trial("2.1.0")
        self.assertIn("unfinished", self.type(history))
        self.type(abort)
        self.all_serve("2.0.0")
        # Without the state: what is in trial goes back, and status and plan need none.
        self.type(anew, codes=(0, 2))

    def test_5_restoring_the_state_file(self):
        copy, restore, resume, abort = [block for block in self.blocks("RESTORING THE STATE FILE") if block]
        self.type(copy)
        known = self.fleet.kongfleet("history", expect=0).out
        for file in self.place.glob("edge.db*"):
            file.unlink()
        self.assertNotEqual(self.fleet.kongfleet("history").out, known)
        self.assertTrue(self.type(restore).endswith(known))
        # An older copy shows a rollout as unfinished that was good: resume keeps it, abort takes it back.
        self.die_in_trial("3.0.0")
        self.type(copy)
        self.fleet.kongfleet("resume", "--yes", "latest", expect=0)
        confs = self.confs()
        self.assertIn("unfinished", self.type(restore))
        self.fleet.kongfleet("sync", expect=75)
        self.type(resume)
        self.all_serve("3.0.0")
        self.assertEqual(self.confs(), confs)
        self.type(restore)
        self.type(abort, codes=(0, 0))
        # Its canary; the two that the copy has as waiting are left as they are.
        self.assertEqual(self.fleet.headers(), ["2.0.0", "3.0.0", "3.0.0"])
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.all_serve("3.0.0")

    def test_6_moving_to_a_new_controller(self):
        history, copy, look = self.blocks("MOVING TO A NEW CONTROLLER")
        known = self.type(history)
        self.assertNotRegex(known, "unfinished|paused|interrupted")
        self.type(copy)
        new = self.scratch / "new machine"
        new.mkdir()
        subprocess.run(["tar", "-xf", self.scratch / "edge.tar", "-C", new], check=True)
        for name in ("deploy_key", "deploy_key.pub"):
            (new / name).unlink(missing_ok=True)
        key = make_key(new / "deploy_key", "the new machine")
        self.type(look[:1], codes=(2,), place=new)  # its key is not there yet
        for host in self.fleet:
            host.write(KEYS, f'{host.read(KEYS)}restrict,command="/usr/bin/kongfleet-agent connect" {key}\n')
        self.type(look, place=new)
        self.assertEqual(self.type(history, place=new), known)
        for host in self.fleet:  # the old key out
            host.write(KEYS, host.read(KEYS).splitlines()[-1] + "\n")
        self.type(look, place=new)
        self.fleet.kongfleet("status", expect=2)
        HandbookTest.place = self.fleet.directory = new

    def test_7_signing_in_ci(self):
        make, pack, restart, revoke = self.blocks("SIGNING IN CI")
        bundle, trust, revoking = [block for block in self.pieces["SIGNING IN CI"] if block.startswith("[")]
        self.fleet.write_plugin("4.0.0")
        self.type(make)
        self.type(pack)
        signers = (self.place / "allowed_signers").read_text()
        for host in self.fleet:
            host.write("/etc/kongfleet/allowed_signers", signers)
        self.write_fleet(source=bundle)
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.require(trust, restart)
        self.all_serve("4.0.0")
        self.write_fleet()
        self.fleet.write_plugin("4.1.0")
        self.refused("the release is not signed")
        self.type(pack)
        self.write_fleet(source=bundle)
        self.fleet.kongfleet("plan", expect=2)
        self.type(revoke)
        for host in self.fleet:
            shutil.copy(self.place / "revoked_keys", host.path("/etc/kongfleet"))
        self.require(revoking, restart)
        self.refused("is revoked")
        self.all_serve("4.0.0")

    def refused(self, why):
        result = self.fleet.kongfleet("rollout", "--yes", expect=5)
        self.assertIn(why, result.out + result.err)

    def require(self, trust, restart):
        """What the page has in agent.toml, and the agent restarted."""
        for host in self.fleet:
            host.write("/etc/kongfleet/agent.toml", f'[kong]\nconf = "{CONF}"\n{trust}')
            self.type(restart, host)

    def test_8_upgrades(self):
        versions, restart, see = self.blocks("UPGRADES")
        said = self.type(versions)
        self.assertIn("kongfleet 0.", said)
        self.assertIn("kongfleet-agent 0.", said)
        for host in self.fleet:
            before = self.agent_of(host)
            shutil.copy(BUILD / "kongfleet-agent", host.path("/usr/bin/kongfleet-agent.new"))
            host.run("mv", "/usr/bin/kongfleet-agent.new", "/usr/bin/kongfleet-agent")
            self.type(restart, host)
            self.assertNotEqual(self.agent_of(host), before)
        self.assertEqual(self.type(see).count("ready"), 3)

    def agent_of(self, host):
        return host.run("systemctl", "show", "--property=MainPID", "--value", "kongfleet-agent.service").stdout.strip()

    def test_9_every_line_was_typed(self):
        ours = [entry for entry in handbook.all_lines() if handbook.test_of(*entry) == HERE]
        self.assertGreater(len(ours), 35)
        self.assertEqual([entry for entry in ours if entry not in self.typed], [], "never typed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
