#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The controller's package on a real host, with all that it depends on: installed, it mends a host by its timer and by its
crontab, each started by nobody; upgraded, downgraded, removed, purged."""
import pathlib
import shutil
import stat
import unittest

from fleet import FleetTest, wait_for
import handbook
from packages import download_with_dependencies, make_packages

PLACE = "/etc/kongfleet/fleets/edge"
TIMER, SERVICE = "kongfleet-sync@edge.timer", "kongfleet-sync@edge.service"
# When it begins, and how long it waits then, is all that differs from what is shipped.
SOON = {"timer": "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/3\n",
        "service": "[Service]\nExecStart=\nExecStart=/usr/bin/kongfleet -f fleet.toml sync --splay 1s\n"}
METRICS = "/var/lib/prometheus/node-exporter/kongfleet.prom"  # as README and manual have it
EXAMPLE = "/usr/share/doc/kongfleet/examples/cron.d/kongfleet-sync"


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class ControllerPackageTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.begin_with_one_host()
        cls.package, cls.newer = (cls.controller_of(version) for version in ("", "9.9.9"))
        cls.debs = cls.host.path("/root/debs")
        download_with_dependencies(cls.host.root, [cls.package, "cron"], cls.debs)
        for package in (cls.package, cls.newer):
            shutil.copy(package, cls.debs)

    @classmethod
    def controller_of(cls, version: str) -> pathlib.Path:
        made = make_packages("DEB", cls.fleet.directory / f"packages{version}", version)
        return next(path for path in made if path.name.startswith("kongfleet_"))

    def dpkg(self, *arguments: str) -> None:
        done = self.host.run("dpkg", "--force-unsafe-io", *arguments, check=False, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def install(self, package: pathlib.Path) -> None:
        self.dpkg("-i", f"/root/debs/{package.name}")

    def says(self, *command: str) -> str:
        return self.host.run(*command, check=False).stdout.strip()

    def log(self) -> str:
        return self.says("journalctl", "--no-pager", "-o", "cat", "-u", SERVICE)

    def drift(self) -> None:
        conf = self.host.read("/etc/kong/kong.conf")
        self.assertIn(",my-plugin", conf)
        self.host.write("/etc/kong/kong.conf", conf.replace(",my-plugin", ""))

    def wait_until_mended(self) -> None:
        wait_for("the host is mended", lambda: ",my-plugin" in self.host.read("/etc/kong/kong.conf"))
        wait_for("the sync is over", lambda: self.says("pgrep", "-x", "kongfleet") == "")
        self.fleet.kongfleet("status", expect=0)

    def syncs(self) -> list[list[str]]:
        said = self.host.run("kongfleet", "-f", f"{PLACE}/fleet.toml", "history").stdout
        return [line.split() for line in said.splitlines() if " sync " in f" {line} "]

    def test_1_installed_with_its_dependencies_nothing_runs(self):
        names = [path.name for path in self.debs.glob("*.deb") if not path.name.startswith(("kongfleet", "cron_"))]
        self.dpkg("-i", *(f"/root/debs/{name}" for name in names), f"/root/debs/{self.package.name}")
        self.dpkg("-i", *(f"/root/debs/{path.name}" for path in self.debs.glob("cron_*.deb")))  # it pre-depends on one of them
        self.assertIn("kongfleet 0.", self.says("kongfleet", "--version"))
        self.assertEqual(self.says("systemctl", "list-units", "--all", "--no-legend", "kongfleet-sync@*"), "")
        self.assertFalse(self.host.path("/etc/cron.d/kongfleet-sync").exists())

    def test_2_its_timer_mends_a_host_and_others_can_read_how_it_went(self):
        place = self.host.path(PLACE)
        place.mkdir(parents=True)
        for name in ("deploy_key", "known_hosts", "ssh_config"):
            shutil.copy(self.fleet.directory / name, place)
        shutil.copytree(self.fleet.directory / "plugins", place / "plugins")
        file = (self.fleet.directory / "fleet.toml").read_text()
        metrics = self.host.path(METRICS)
        metrics.parent.mkdir(parents=True)
        (place / "fleet.toml").write_text(f'{file}\n[metrics]\ntextfile = "{METRICS}"\n')
        for kind, text in SOON.items():
            self.host.write(f"/etc/systemd/system/kongfleet-sync@.{kind}.d/soon.conf", text)
        self.host.run("systemctl", "daemon-reload")
        self.drift()
        _, (enable, look) = handbook.typing("CRON AND TIMER")
        self.host.run("sh", "-c", enable.removeprefix("# "))
        self.wait_until_mended()
        wait_for("its last line", lambda: "changed=1 " in self.log())
        self.assertIn("changed=1 ", self.says("sh", "-c", look.removeprefix("# ")))
        self.assertRegex(self.log(), "sync id=sync-[^ ]+ fleet=edge exit=0 hosts=1 changed=1 ")
        wait_for("a sync that finds nothing to do", lambda: "kongfleet_run_exit_code" in metrics.read_text())
        self.assertEqual(mode(metrics), 0o644)
        self.assertEqual(mode(place / "edge.db"), 0o600)

    def test_3_removed_nothing_begins_any_more_and_installed_again_it_goes_on(self):
        self.dpkg("--remove", "kongfleet")
        self.assertNotEqual(self.says("systemctl", "is-active", TIMER), "active")
        self.assertTrue(self.host.path(f"{PLACE}/edge.db").exists())
        self.install(self.package)
        self.assertEqual(self.says("systemctl", "is-active", TIMER), "active")
        self.drift()
        self.wait_until_mended()
        self.host.run("systemctl", "disable", "--now", TIMER)

    def test_4_a_crontab_does_the_same(self):
        before = self.syncs()
        line = self.host.read(EXAMPLE)
        self.assertIn("\n0 * * * * root ", line)
        soon = line.replace("\n0 * * * *", "\n* * * * *").replace("--splay 15m", "--splay 1s")
        self.drift()
        self.host.write("/etc/cron.d/kongfleet-sync", soon)
        self.wait_until_mended()
        self.host.run("rm", "/etc/cron.d/kongfleet-sync")
        after = self.syncs()
        self.assertEqual(len(after), len(before) + 1)
        by_cron, by_timer = after[0], before[0]  # the last comes first
        self.assertEqual(len(by_cron), len(by_timer))
        self.assertIn("done", by_cron)
        self.assertIn("done", by_timer)

    def test_5_upgraded_and_downgraded_it_knows_its_fleet(self):
        known = self.syncs()
        self.host.run("systemctl", "enable", "--now", TIMER)
        self.install(self.newer)
        self.assertEqual(self.says("systemctl", "is-active", TIMER), "active")
        self.assertEqual(self.says("dpkg-query", "-Wf", "${Version}", "kongfleet"), "9.9.9")
        self.assertEqual(self.syncs(), known)
        self.drift()
        self.wait_until_mended()
        self.install(self.package)
        self.assertEqual(len(self.syncs()), len(known) + 1)

    def test_6_purged_the_fleet_s_file_and_memory_stay(self):
        self.dpkg("--purge", "kongfleet")
        self.assertFalse(self.host.path("/usr/bin/kongfleet").exists())
        self.assertEqual(self.says("systemctl", "list-units", "--all", "--no-legend", "kongfleet-sync@*.timer"), "")
        self.assertFalse(self.host.path(f"/etc/systemd/system/timers.target.wants/{TIMER}").is_symlink())
        for name in ("fleet.toml", "edge.db", "deploy_key"):
            self.assertTrue(self.host.path(f"{PLACE}/{name}").exists(), name)
        self.assertEqual(self.fleet.kongfleet("--output", "json", "status", expect=0).json()["hosts"][0]["agent"]["drift"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
