#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The agent's package on a real host: installed, upgraded in a trial, downgraded, removed, purged. Kong serves all the while."""
import shutil
import unittest

from bare_hosts import BareHostsTest
from fleet import PROJECT, wait_for
from packages import make_packages, with_closed_directories

AGENT = "kongfleet-agent"
PURGED = ("/usr/bin/kongfleet-agent", "/var/lib/kongfleet", "/run/kongfleet", "/etc/ssh/sshd_config.d/kongfleet.conf")


class PackagesTest(BareHostsTest):
    @classmethod
    def setUpClass(cls):
        cls.begin_without_agent()
        cls.now, cls.newer = (cls.package(version) for version in ("", "9.9.9"))

    @classmethod
    def package(cls, version: str) -> str:
        """The agent's package, in the host; its path there."""
        directory = cls.fleet.directory / f"packages{version}"
        made = [path for path in make_packages("DEB", directory, version) if path.name.startswith(AGENT)]
        shutil.copy(made[0], cls.host.path("/root") / made[0].name)
        return f"/root/{made[0].name}"

    def dpkg(self, *arguments: str, expect: int = 0) -> str:
        done = self.host.run("dpkg", "--force-confold", *arguments, check=False)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def status(self) -> dict:
        return self.fleet.kongfleet("--output", "json", "status").json()["hosts"][0].get("agent") or {}

    def generation(self) -> int:
        return self.status()["generation"]

    def conf(self) -> str:
        return self.host.read("/etc/kong/kong.conf")

    def test_1_installed_it_is_ready_for_a_rollout(self):
        self.plain = self.conf()
        self.dpkg("-i", self.now)
        self.assertEqual(self.host.run("systemctl", "is-active", "kongfleet-agent.socket").stdout, "active\n")
        for unit in ("kongfleet-agent.socket", "kongfleet-recover.service"):
            self.assertEqual(self.host.run("systemctl", "is-enabled", unit).stdout, "enabled\n")
        self.fleet.write_plugin("1.0.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.generation(), 1)
        self.assertIn("generations/000001-", self.conf())

    def test_2_upgraded_in_a_trial_the_trial_is_taken_back_and_nothing_else(self):
        self.fleet.write_plugin("1.1.0")
        self.fleet.write_fleet_file(bake='"600s"', confirm_timeout='"900s"')
        rollout = self.fleet.start_kongfleet("rollout", "--yes")
        wait_for("the trial", lambda: self.status().get("state") == "trial")
        self.dpkg("-i", self.newer)
        out, err = rollout.communicate(timeout=120)
        self.assertEqual(rollout.returncode, 3, out + err)
        self.fleet.write_fleet_file()
        self.assertEqual(self.generation(), 1)
        self.assertTrue(self.fleet.serves(self.host))
        self.fleet.write_plugin("1.2.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)

    def test_3_downgraded_it_knows_what_the_newer_one_did(self):
        before = self.generation()
        self.dpkg("-i", self.now)
        self.assertEqual(self.generation(), before)
        self.fleet.kongfleet("rollback", "--yes", expect=0)
        self.assertEqual(self.generation(), 1)

    def test_4_removed_the_plugins_serve_on(self):
        before = self.conf()
        self.dpkg("--remove", AGENT)
        self.assertEqual(self.conf(), before)
        self.host.run("systemctl", "restart", "kong")
        wait_for("the gateway answers", lambda: self.fleet.serves(self.host))
        self.dpkg("-i", self.now)
        self.assertEqual(self.generation(), 1)
        self.assertEqual(self.status()["drift"], [])
        for unit in ("kongfleet-agent.socket", "kongfleet-recover.service"):
            self.assertEqual(self.host.run("systemctl", "is-enabled", unit).stdout, "enabled\n")

    def test_4b_removed_and_installed_again_what_a_person_disabled_stays_so(self):
        self.host.run("systemctl", "disable", "kongfleet-recover.service")
        self.dpkg("--remove", AGENT)
        self.dpkg("-i", self.now)
        for unit, state in (("kongfleet-agent.socket", "enabled"), ("kongfleet-recover.service", "disabled")):
            self.assertEqual(self.host.run("systemctl", "is-enabled", unit, check=False).stdout, state + "\n")
        self.host.run("systemctl", "enable", "kongfleet-recover.service")

    def test_4b2_upgraded_a_socket_that_a_person_disabled_stays_off(self):
        for turn, state in (("disable", "inactive"), ("enable", "active")):
            self.host.run("systemctl", turn, "--now", "kongfleet-agent.socket")
            if turn == "enable":
                self.host.run("systemctl", "stop", "kongfleet-agent.socket")
            self.host.write("/var/lib/kongfleet/bootstrapped", "the digest of another package\n")
            self.dpkg("-i", self.newer)
            active = self.host.run("systemctl", "is-active", "kongfleet-agent.socket", check=False).stdout
            self.assertEqual(active, state + "\n")
            self.assertFalse(self.host.path("/var/lib/kongfleet/bootstrapped").exists())
        self.dpkg("-i", self.now)

    def test_4c_a_purge_without_the_agent_that_could_go_back_deletes_nothing(self):
        self.dpkg("--remove", AGENT)
        self.host.run("rm", "/var/lib/kongfleet/agent-of-purge")
        said = self.dpkg("--purge", AGENT, expect=1)
        self.assertIn("install the package again", said)
        self.assertTrue(self.fleet.serves(self.host))
        self.dpkg("-i", self.now)
        self.assertEqual(self.status()["drift"], [])

    def test_4d_nor_where_kong_and_its_files_are_elsewhere(self):
        """The shell of postrm alone: which places it looks at."""
        script = (PROJECT / "packaging/deb/postrm").read_text()
        functions = script[script.index("named() {"):script.index("back_to_baseline() {")]
        self.host.run("mkdir", "-p", "/opt/gateway/prefix")
        self.host.write("/opt/gateway/kong.conf", "plugins = bundled\n")
        toml = "/etc/kongfleet/agent.toml"
        self.host.write(toml, '[kong]\nconf = "/opt/gateway/kong.conf"\n  prefix = "/opt/gateway/prefix"\n')
        ask = f"state=/var/lib/kongfleet-x; {functions} named"
        self.assertNotEqual(self.host.run("sh", "-c", ask, check=False).returncode, 0)
        for place in ("kong.conf", "prefix/.kong_env"):
            self.host.write(f"/opt/gateway/{place}", "lua_package_path = /var/lib/kongfleet-x/generations/1\n")
            self.assertEqual(self.host.run("sh", "-c", ask, check=False).returncode, 0, place)
            self.host.run("rm", f"/opt/gateway/{place}")
        self.host.run("rm", "-r", toml, "/opt/gateway")

    def test_5_a_purge_that_cannot_bring_kong_back_deletes_nothing(self):
        conf = "/etc/kong/kong.conf"
        self.host.run("mount", "--bind", conf, conf)  # it can't be replaced
        said = self.dpkg("--purge", AGENT, expect=1)
        self.assertIn("could not be brought back to what it ran before", said)
        self.assertTrue(self.host.path("/var/lib/kongfleet/generations").exists())
        self.host.run("umount", conf)
        self.assertTrue(self.fleet.serves(self.host))

    def test_6_purged_kong_runs_on_its_plain_configuration(self):
        self.dpkg("--purge", AGENT)
        conf = self.conf()
        self.assertNotIn("/var/lib/kongfleet", conf)
        self.assertIn("plugins = bundled", conf)
        for path in PURGED:
            self.assertFalse(self.host.path(path).exists(), path)
        self.assertTrue(self.fleet.serves(self.host))
        self.assertNotIn("/var/lib/kongfleet", self.host.read("/usr/local/kong/.kong_env"))
        self.host.run("systemctl", "restart", "kong")
        wait_for("the gateway answers", lambda: self.fleet.serves(self.host))

    def test_6b_purged_where_its_state_is_elsewhere_kong_runs_on_its_plain_configuration(self):
        state = "/srv/agent/state"
        self.host.run("mkdir", "-p", state)
        self.host.write(f"{state}/theirs", "of the host's people\n")
        self.host.write("/etc/kongfleet/agent.toml", f"[agent]\n  state = '{state}/'  # on the larger disk\n")
        self.host.write("/etc/systemd/system/kongfleet-.service.d/paths.conf", f"[Service]\nReadWritePaths={state}\n")
        self.dpkg("-i", self.now)
        self.host.write("/etc/kongfleet/authorized_keys", self.fleet.hosts.deploy_key.with_suffix(".pub").read_text())
        self.fleet.write_plugin("6.0.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertIn(f"{state}/generations/", self.conf())
        self.dpkg("--purge", AGENT)
        self.assertNotIn(state, self.conf())
        self.assertNotIn(state, self.host.read("/usr/local/kong/.kong_env"))
        self.assertTrue(self.fleet.serves(self.host))
        self.assertEqual(self.host.run("ls", "-A", state).stdout, "theirs\n")
        for path in PURGED:
            self.assertFalse(self.host.path(path).exists(), path)
        self.host.run("rm", "-r", "/etc/kongfleet/agent.toml", "/etc/systemd/system/kongfleet-.service.d", "/srv/agent")
        self.host.run("systemctl", "daemon-reload")

    def call_sshd_so(self) -> None:
        """As it is where there is neither dpkg nor RPM."""
        self.host.run("sh", "-ec", "systemctl disable --now ssh.service; cd /lib/systemd/system; "
                      "sed '/^Alias=/d' ssh.service >sshd.service; rm ssh.service /etc/init.d/ssh; systemctl daemon-reload; "
                      "systemctl enable --now sshd.service")

    def test_7_a_tarball_installs_as_the_readme_says(self):
        self.call_sshd_so()
        agent = with_closed_directories(make_packages("TGZ", self.fleet.directory / "tarballs")[0])
        shutil.copy(agent, self.host.path("/root") / agent.name)
        readme = (PROJECT / "README.md").read_text()
        lines = readme.split("or, from the tarball:\n\n")[1].split("\n\n")[0]
        key = self.fleet.hosts.deploy_key.with_suffix(".pub").read_text()
        self.host.run("userdel", "kongfleet")
        self.host.run("sh", "-ec", f"cd /root; KEY='{key.strip()}'; {lines}")
        for place in ("/usr/bin", "/usr/lib", "/usr/share"):
            self.assertEqual(self.host.run("stat", "-c", "%a", place).stdout, "755\n", place)
        self.fleet.write_plugin("7.0.0")
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        self.assertEqual(self.generation(), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
