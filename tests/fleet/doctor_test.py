#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""`check --hosts` on real hosts: each is broken in every way that it can be broken here, the finding and its remedy are seen, the
remedy is run (a command as it stands, an edit as it says), and then the finding is gone."""
import os
import re
import shlex
import shutil
import subprocess
import time
import unittest

from fleet import BUILD, PLUGIN, Fleet, FleetTest, wait_for

CONF = "/etc/kong/kong.conf"
AGENT_TOML = "/etc/kongfleet/agent.toml"
DROP_INS = "/etc/systemd/system/kong.service.d"
GENERATIONS = "/var/lib/kongfleet/generations"
LUA = f"/usr/local/share/lua/5.1/kong/plugins/{PLUGIN}"
SOCKET = "/run/kongfleet/agent.sock"
TIMEOUT = "nginx_main_worker_shutdown_timeout = 60s"


class UnadoptedTest(FleetTest):
    """A host on which Ansible put the plugin, as Kong's guide has it: what lies there is what serves."""

    def test_what_serves_is_no_copy_and_what_generation_0_needs_is_not_to_be_removed(self):
        with Fleet(1) as fleet:
            host, = fleet
            fleet.write_plugin("0.9.0")
            for file in (fleet.directory / f"plugins/{PLUGIN}/kong/plugins/{PLUGIN}").iterdir():
                host.write(f"{LUA}/{file.name}", file.read_text())
            host.write(CONF, host.read(CONF) + f"{TIMEOUT}\nplugins = bundled,{PLUGIN}\n")
            host.run("systemctl", "reload", "kong.service")
            wait_for("it serves", lambda: fleet.headers() == ["0.9.0"])
            said = fleet.kongfleet("check", "--hosts", expect=0).out
            self.assertIn(f"{host.name}  ok, 21 checks\n", said)
            fleet.write_plugin("1.0.0")
            fleet.kongfleet("rollout", "--yes", expect=0)
            said = fleet.kongfleet("--output", "json", "check", "--hosts", expect=0).json()
            found, = (check for check in said["host_checks"][0]["checks"] if check["verdict"] != "right")
            self.assertEqual((found["name"], found["verdict"], found["remedy_kind"]), ("copies", "warning", "edit"))
            self.assertIn(f"{LUA}: another copy of the plugin lies here", found["text"])
            self.assertIn("generation 0", found["remedy"])
            self.assertNotIn("rm -r", found["remedy"])
            fleet.kongfleet("rollback", "--yes", "--to", "0", expect=0)
            self.assertEqual(fleet.headers(), ["0.9.0"])
            self.assertIn(f"{host.name}  ok, 21 checks\n", fleet.kongfleet("check", "--hosts", expect=0).out)


class DoctorTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(2, waves='["100%"]', max_unavailable=2)
        cls.fleet.__enter__()
        cls.host, cls.other = cls.fleet
        cls.fleet.write_plugin("1.0.0")
        cls.before_any_rollout = cls.findings(cls.host, 0)
        cls.fleet.kongfleet("rollout", "--yes", expect=0)
        cls.found_unset = cls.findings(cls.host, 0)
        for host in cls.fleet:
            host.run("sh", "-c", cls.found_unset["shutdown-timeout"]["remedy"])
        for host in cls.fleet:
            wait_for("all is right", lambda h=host: not cls.findings(h))

    def tearDown(self):
        found = self.findings(self.host)
        deadline = time.monotonic() + 20
        while found and time.monotonic() < deadline:
            found = self.findings(self.host)
        self.assertEqual(found, {}, "all is right again")
        self.assertEqual(self.fleet.headers(), ["1.0.0"] * 2)

    @classmethod
    def findings(cls, host, expect=None):
        """What is not right on a host, by the check's name."""
        said = cls.fleet.kongfleet("--output", "json", "check", "--hosts", host.name, expect=expect).json()
        one, = said["host_checks"]
        return {check["name"]: check for check in one["checks"] if check["verdict"] != "right"}

    def only(self, name, verdict="wrong", host=None):
        """The only finding."""
        found = self.findings(host or self.host, 2 if verdict == "wrong" else 0)
        self.assertEqual({key: check["verdict"] for key, check in found.items()}, {name: verdict}, found)
        self.assertTrue(found[name]["why"])
        return found[name]

    def run_remedy(self, check, host=None):
        """As somebody does who copies it from the screen."""
        if check["remedy_kind"] == "host":
            (host or self.host).run("sh", "-c", check["remedy"])
        else:
            self.assertEqual(check["remedy_kind"], "controller")
            program, *arguments = shlex.split(check["remedy"])
            self.assertEqual(program, "kongfleet")
            self.fleet.kongfleet(*arguments, expect=0)

    def kong(self, *verb):
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", *verb, "kong.service")
        wait_for("the gateway answers", lambda: self.fleet.serves(self.host))

    def edit(self, before, after):
        text = self.host.read(CONF)
        self.assertIn(before, text)
        self.host.write(CONF, text.replace(before, after))

    def test_a_host_that_is_well_is_told_with_what_is_right_and_is_not_touched(self):
        places = ["/etc", "/var/lib/kongfleet", "/usr/local/kong", "/run/kongfleet"]
        # Kong's logs tell who asked it, that of the stand-in's Admin API too.
        look = ["find", *places, "-not", "-path", "*/logs/*", "-not", "-name", "nil", "-printf", "%p %s %m %u %T@ %C@\\n"]
        before = set(self.host.run(*look).stdout.splitlines())
        said = self.fleet.kongfleet("check", "--hosts", expect=0).out
        for host in self.fleet:
            self.assertRegex(said, f"(?m)^{host.name}  ok, 21 checks$")
            names = re.search(rf"(?m)^{host.name}  ok, 21 checks\n  right    ((?:.+,\n {{11}})*.+)\n", said)[1]
            self.assertEqual(len(re.split(r",\s+", names)), 21, names)
            self.assertRegex(names, r"^agent, clock, kong, running, .* transaction$".replace(".*", "(?s:.*)"))
        self.assertEqual(set(self.host.run(*look).stdout.splitlines()) ^ before, set())

    def test_what_is_not_set_is_a_warning_and_no_failure(self):
        self.assertEqual(set(self.before_any_rollout), {"shutdown-timeout"})
        self.assertEqual(set(self.found_unset), {"shutdown-timeout"})

    def test_the_text_has_the_finding_and_where_to_run_its_remedy(self):
        self.host.run("chmod", "0666", SOCKET)
        said = self.fleet.kongfleet("check", "--hosts", expect=2).out
        check = self.only("socket")
        self.assertIn(f"{self.host.name}  1 wrong, 21 checks\n"
                      f"  wrong    socket: {check['text']}; {check['why']}\n"
                      f"           on {self.host.name}: {check['remedy']}\n", said)
        self.assertRegex(said, f"(?m)^{self.other.name}  ok, 21 checks$")
        self.run_remedy(check)
        self.assertEqual(self.host.run("stat", "-c", "%a %G", SOCKET).stdout, "660 kongfleet\n")

    def test_a_unit_without_prepare_gets_it(self):
        self.host.write(f"{DROP_INS}/x.conf", "[Service]\nExecReload=\nExecReload=/bin/kill -HUP $MAINPID\n")
        self.host.run("systemctl", "daemon-reload")
        check = self.only("reload")
        self.assertIn(f"{DROP_INS}/x.conf:", check["text"])
        self.run_remedy(check)
        self.assertEqual(self.findings(self.host, 0), {})
        self.kong("reload")  # it works: the header still says so
        self.fleet.write_plugin("1.1.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.fleet.headers(), ["1.1.0"] * 2)
        self.fleet.kongfleet("rollback", "--yes", expect=0)
        self.host.run("rm", "-r", DROP_INS)
        self.host.run("systemctl", "daemon-reload")

    def test_variables_that_override_are_told_by_file_and_line(self):
        self.host.write(f"{DROP_INS}/x.conf", f"[Service]\nEnvironment=KONG_PLUGINS=bundled,{PLUGIN}\n")
        self.host.run("systemctl", "daemon-reload")
        check = self.only("configuration")
        self.assertIn(f"{DROP_INS}/x.conf:2: KONG_PLUGINS=bundled,{PLUGIN}", check["text"])
        self.assertIn(f"take the variable out of {DROP_INS}/x.conf", check["remedy"])
        self.host.run("rm", "-r", DROP_INS)
        self.host.run("systemctl", "daemon-reload")

    def test_a_variable_of_systemd_itself_is_taken_away_by_a_command(self):
        self.host.run("systemctl", "set-environment", "KONG_PLUGINS=bundled")
        check = self.only("configuration")
        self.assertEqual(check["remedy"], "systemctl unset-environment KONG_PLUGINS")
        self.run_remedy(check)

    def test_files_that_systemd_has_not_read_yet_are_read(self):
        self.host.write(f"{DROP_INS}/x.conf", f"[Service]\nEnvironment=KONG_PLUGINS=bundled,{PLUGIN}\n")
        self.host.run("systemctl", "daemon-reload")
        self.host.run("rm", "-r", DROP_INS)
        check = self.only("configuration")
        self.assertEqual(check["remedy"], "systemctl daemon-reload")
        self.run_remedy(check)

    def test_a_kong_conf_that_the_agents_sandbox_closes_is_opened(self):
        """As where kong.conf is not in /etc/kong."""
        for unit in ("agent", "recover"):
            self.host.write(f"/etc/systemd/system/kongfleet-{unit}.service.d/other.conf",
                            "[Service]\nReadWritePaths=\nReadWritePaths=-/usr/local/kong /var/lib/kongfleet\n")
        theirs = "/etc/systemd/system/kongfleet-.service.d"
        self.host.write(f"{theirs}/paths.conf", "[Service]\nReadWritePaths=/srv\n")
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "restart", "kongfleet-agent.service")
        found = self.findings(self.host, 2)
        self.assertEqual(set(found), {"conf", "boot"})
        self.assertIn("is read-only here", found["conf"]["text"])
        self.assertIn("kongfleet-recover.service can't write here", found["boot"]["text"])
        self.assertEqual(found["conf"]["remedy"], found["boot"]["remedy"])
        self.run_remedy(found["boot"])
        self.assertEqual(self.findings(self.host, 0), {})
        for unit in ("agent", "recover"):
            opened = self.host.run("systemctl", "show", "-P", "ReadWritePaths", f"kongfleet-{unit}.service").stdout
            self.assertLessEqual({"/srv", "/etc/kong"}, set(opened.split()))
        self.host.run("rm", "-r", theirs)
        for unit in ("agent", "recover"):
            self.host.run("rm", "-r", f"/etc/systemd/system/kongfleet-{unit}.service.d")
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "restart", "kongfleet-agent.service")

    def test_what_kongs_workers_cannot_read_is_opened_to_them(self):
        generation = re.search(f"{GENERATIONS}/[^/]+", self.host.read(CONF))[0]
        handler = self.host.path(f"{generation}/kong/plugins/{PLUGIN}/handler.lua")
        for place in (handler, handler.parents[3], handler.parents[4]):
            mode = place.stat().st_mode
            place.chmod(0o600 if place == handler else 0o700)
            check = self.only("readable")
            self.run_remedy(check)
            self.assertEqual(self.findings(self.host, 0), {})
            place.chmod(mode)

    def test_a_clock_that_differs_is_told(self):
        """Hosts here have this machine's clock, so it is the controller's that is another."""
        said = self.fleet.command("check", "--hosts", self.host.name)
        ahead = {"LD_PRELOAD": str(BUILD / "tests/libjumping_clock.so"), "CLOCK_AHEAD": "100"}
        out = subprocess.run(said, cwd=self.fleet.directory, env=os.environ | ahead, text=True, check=True,
                             capture_output=True, stdin=subprocess.DEVNULL).stdout
        self.assertRegex(out, r"(?m)^  warning  clock: its clock is (99|100)\.\d s behind this machine's .*\n"
                              rf"           on {self.host.name}: timedatectl set-ntp true$")

    def test_an_agent_of_another_version_is_told(self):
        ours = self.fleet.kongfleet("--version").out.split()[1].encode()
        agent = self.host.path("/usr/bin/kongfleet-agent")
        program = agent.read_bytes()
        agent.rename(f"{agent}.new")
        older = ours.translate(bytes.maketrans(b"123456789", b"0" * 9))
        agent.write_bytes(program.replace(ours + b"\0", older + b"\0"))
        agent.chmod(0o755)
        self.host.run("systemctl", "restart", "kongfleet-agent.service")
        check = self.only("agent", "warning")
        self.assertEqual(check["remedy"], f"kongfleet bootstrap --package FILE {self.host.name}")
        self.host.path("/usr/bin/kongfleet-agent.new").rename(agent)
        self.host.run("systemctl", "restart", "kongfleet-agent.service")

    @unittest.skipIf(os.environ.get("KONGFLEET_TEST_KONG"), "Kong 3.9 and later load no rock first")
    def test_a_rock_that_is_loaded_instead_of_the_plugin_is_removed(self):
        """luarocks itself is this machine's."""
        rock = f"kong-plugin-{PLUGIN}"
        shutil.copy("/usr/bin/luarocks", self.host.path("/usr/local/lib/luarocks.lua"))
        shutil.copytree("/usr/share/lua/5.1/luarocks", self.host.path("/usr/local/share/lua/5.1/luarocks"))
        self.host.write("/usr/local/bin/luarocks", '#!/bin/sh\nexec luajit /usr/local/lib/luarocks.lua "$@"\n',
                        mode=0o755)
        self.fleet.kongfleet("export", "rock", f"plugins/{PLUGIN}", "-o", "rock", expect=0)
        file, = (self.fleet.directory / "rock").glob("*.all.rock")
        subprocess.run(["luarocks", "--lua-version", "5.1", "--tree", self.host.path("/usr/local"), "--only-server",
                        "file:///nonexistent", "install", file], check=True, capture_output=True,
                       env=os.environ | {"HOME": str(self.fleet.directory)})
        check = self.only("copies")
        self.assertIn("LuaRocks has this plugin installed", check["text"])
        self.assertEqual(check["remedy"], f"luarocks remove --tree=/usr/local {rock}")
        self.run_remedy(check)
        self.assertFalse(self.host.path(LUA).exists())

    def test_private_tmp_is_told_where_something_lies_below_tmp(self):
        self.host.write(f"{DROP_INS}/x.conf", "[Service]\nPrivateTmp=no\n")
        path = re.search(r"(?m)^lua_package_path = .*;$", self.host.read(CONF))[0]
        self.edit(path, f"{path}/tmp/mine/?.lua;")
        self.kong("restart")
        self.assertEqual(self.findings(self.host, 0), {})
        self.host.write(f"{DROP_INS}/x.conf", "[Service]\nPrivateTmp=yes\n")
        self.kong("restart")
        check = self.only("private-tmp")
        self.assertIn("'/tmp/mine/?.lua' of lua_package_path", check["text"])
        self.edit("/tmp/mine/?.lua;", "/var/lib/mine/?.lua;")  # as it says
        self.kong("reload")
        wait_for("it is gone", lambda: not self.findings(self.host))  # a reload is over later
        self.edit("/var/lib/mine/?.lua;", "")
        self.host.run("rm", "-r", DROP_INS)
        self.kong("restart")

    def test_a_kong_without_a_status_api_gets_one(self):
        self.edit("status_listen = 127.0.0.1:8100", "status_listen = off")
        self.kong("restart")
        check = self.only("status-api", "warning")
        self.run_remedy(check)
        wait_for("it answers", lambda: not self.findings(self.host))
        self.assertIn("127.0.0.1:8007", self.host.run("ss", "-Hltn").stdout)
        self.edit("status_listen = off", "status_listen = 127.0.0.1:8100")
        self.edit("\nstatus_listen = 127.0.0.1:8007\n", "")
        self.kong("restart")

    def test_a_status_api_that_a_variable_turns_off_is_the_variables_to_turn_on(self):
        self.host.write(f"{DROP_INS}/x.conf", "[Service]\nEnvironment=KONG_STATUS_LISTEN=off\n")
        self.kong("restart")
        check = self.only("status-api", "warning")
        self.assertIn("have KONG_STATUS_LISTEN of kong.service say 127.0.0.1:8007", check["remedy"])
        self.host.run("rm", "-r", DROP_INS)
        self.kong("restart")

    def test_a_disk_without_the_room_that_is_reserved(self):
        before = self.host.read(AGENT_TOML)
        self.host.write(AGENT_TOML, before + '[agent]\nreserve = "9000GiB"\n')
        self.host.run("systemctl", "restart", "kongfleet-agent.service")
        check = self.only("space")
        self.assertIn("lower [agent] reserve in agent.toml", check["remedy"])
        self.host.write(AGENT_TOML, before)
        self.host.run("systemctl", "restart", "kongfleet-agent.service")

    def test_a_host_that_takes_nothing_back_at_boot(self):
        for verb, remedy in (("disable", "enable"), ("mask", "unmask")):
            self.host.run("systemctl", verb, "kongfleet-recover.service")
            check = self.only("boot")
            self.assertEqual(check["remedy"], f"systemctl {remedy} kongfleet-recover.service")
            self.run_remedy(check)
        self.host.run("systemctl", "enable", "kongfleet-recover.service")

    def test_a_host_that_takes_back_beside_the_start_of_kong_and_not_before(self):
        """As where Kong's unit has a name of its own."""
        unit = "kongfleet-recover.service"
        path = self.host.run("systemctl", "show", "-P", "FragmentPath", unit).stdout.strip()
        text = self.host.read(path)
        self.host.write(path, text.replace("Before=kong.service", "Before=another.service"))
        self.host.run("systemctl", "daemon-reload")
        check = self.only("boot")
        self.assertIn(f"{unit} is not ordered before kong.service", check["text"])
        self.run_remedy(check)
        self.assertIn("kong.service", self.host.run("systemctl", "show", "-P", "Before", unit).stdout.split())
        self.host.run("rm", "-r", f"/etc/systemd/system/{unit}.d")
        self.host.write(path, text)
        self.host.run("systemctl", "daemon-reload")

    def test_a_copy_that_came_later_is_removed(self):
        for name in ("handler.lua", "schema.lua"):
            self.host.write(f"{LUA}/{name}", "return {}\n")
        check = self.only("copies", "warning")
        self.assertEqual(check["remedy"], f"rm -r {LUA}")
        self.run_remedy(check)
        self.assertFalse(self.host.path(LUA).exists())

    def test_a_kong_conf_of_two_names_can_not_be_replaced(self):
        self.host.run("ln", CONF, "/etc/kong/twin.conf")
        check = self.only("conf")
        self.assertIn("has 2 hard links", check["text"])
        self.host.run("rm", "/etc/kong/twin.conf")

    def test_what_others_may_write_is_taken_from_them(self):
        self.host.run("chmod", "0777", GENERATIONS)
        self.run_remedy(self.only("state"))
        self.assertEqual(self.host.run("stat", "-c", "%a", GENERATIONS).stdout, "755\n")

    def test_who_may_sign_is_roots_to_say(self):
        key = (self.fleet.directory / "hosts/deploy_key.pub").read_text()
        self.host.write("/etc/kongfleet/allowed_signers", f"ops@example.net {key}", mode=0o664)
        self.run_remedy(self.only("signers"))
        self.assertEqual(self.findings(self.host, 0), {})
        self.host.run("rm", "/etc/kongfleet/allowed_signers")

    def test_drift_is_mended_from_here(self):
        handler, = self.host.path(GENERATIONS).glob(f"000001-*/kong/plugins/{PLUGIN}/handler.lua")
        handler.write_text(handler.read_text() + "-- by hand\n")
        check = self.only("drift")
        self.assertEqual(check["remedy"], f"kongfleet sync {self.host.name}")
        self.run_remedy(check)
        self.assertEqual(self.findings(self.host, 0), {})

    def test_a_kong_that_is_down_is_started(self):
        self.host.run("systemctl", "stop", "kong.service")
        check = self.only("running")
        self.assertEqual(check["remedy"], "systemctl start kong.service")
        self.run_remedy(check)
        wait_for("the gateway answers", lambda: self.fleet.serves(self.host))

    def test_an_agent_that_is_stopped_hides_no_other_host(self):
        self.host.run("systemctl", "stop", "kongfleet-agent.socket", "kongfleet-agent.service")
        said = self.fleet.kongfleet("check", "--hosts", expect=2).out
        self.assertRegex(said, f"(?m)^{self.other.name}  ok, 21 checks$")
        check = self.only("reach")
        self.assertIn(SOCKET, check["text"])
        self.assertEqual(check["remedy"], "systemctl start kongfleet-agent.socket")
        self.run_remedy(check)

    def test_a_host_without_agent_is_to_be_bootstrapped(self):
        self.host.run("mv", "/usr/bin/kongfleet-agent", "/usr/bin/kongfleet-agent.away")
        check = self.only("reach")
        self.assertEqual(check["remedy"], f"kongfleet bootstrap --package FILE {self.host.name}")
        self.host.run("mv", "/usr/bin/kongfleet-agent.away", "/usr/bin/kongfleet-agent")

    def test_a_host_that_is_away_hides_no_other_host(self):
        self.host.partition()
        try:
            began = time.monotonic()
            said = self.fleet.kongfleet("check", "--hosts", expect=2).out
            self.assertLess(time.monotonic() - began, 60)
            self.assertRegex(said, f"(?m)^{self.other.name}  ok, 21 checks$")
            way = self.only("reach")["remedy"]
        finally:
            self.host.partition(False)
        self.assertEqual(way, "ssh -v -F ssh_config -o UserKnownHostsFile=known_hosts -i deploy_key -l kongfleet "
                         + self.host.name)
        there = subprocess.run(way, shell=True, cwd=self.fleet.directory, stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, timeout=60, check=False)
        self.assertRegex(there.stderr, "Authenticated to .*publickey")

    def test_an_open_trial_is_a_warning(self):
        self.fleet.write_fleet_file(bake='"600s"')
        self.fleet.write_plugin("1.2.0")
        controller = self.fleet.start_kongfleet("rollout", "--yes", self.host.name)
        try:
            wait_for("it is in trial", lambda: "trial" in self.fleet.kongfleet("status", self.host.name).out)
            check = self.only("transaction", "warning")
            self.assertIn("is open, step trial", check["text"])
        finally:
            controller.terminate()
            controller.communicate(timeout=120)
            self.fleet.write_fleet_file()
            self.fleet.write_plugin("1.0.0")
            self.fleet.let_go()


if __name__ == "__main__":
    unittest.main(verbosity=2)
