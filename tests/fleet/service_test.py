#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The service that packaging installs for `sync`, under a real systemd with all that it shuts off: it
comes past its wait, remembers, mends a host over SSH, and leaves its metrics for others to read."""
import os
import pathlib
import shutil
import stat
import subprocess
import unittest

from fleet import BUILD, PROJECT, Fleet, FleetTest

SERVICE = "kongfleet-sync@.service"
PLACE = "/etc/kongfleet/fleets/edge"
LIBRARIES = "/usr/local/lib/kongfleet"
OF_THE_HOST = ("ld-linux", "libc.so", "libm.so", "libresolv.so", "libdl.so", "libpthread.so")
# The wait is all that differs from what is shipped, and where the test's libraries are.
DROP_IN = f"""\
[Service]
Environment=LD_LIBRARY_PATH={LIBRARIES}
ExecStart=
ExecStart=/usr/bin/kongfleet -f fleet.toml sync --splay 1s
"""


def install_controller(host) -> None:
    """kongfleet, what it is linked to, and its unit: as a package would."""
    shutil.copy(BUILD / "kongfleet", host.path("/usr/bin/kongfleet"))
    libraries = host.path(LIBRARIES)
    libraries.mkdir(parents=True)
    linked = subprocess.run(["ldd", BUILD / "kongfleet"], check=True, capture_output=True, text=True)
    for path in (word for word in linked.stdout.split() if word.startswith("/")):
        if not os.path.basename(path).startswith(OF_THE_HOST):
            shutil.copy(path, libraries)
    units = host.path("/etc/systemd/system")
    shutil.copy(PROJECT / "systemd/controller" / SERVICE, units)
    (units / f"{SERVICE}.d").mkdir()
    (units / f"{SERVICE}.d/test.conf").write_text(DROP_IN)
    host.run("systemctl", "daemon-reload")


class ServiceTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(1)
        cls.fleet.__enter__()
        cls.host = cls.fleet[0]
        cls.fleet.write_plugin("1.0.0")
        cls.fleet.kongfleet("rollout", "--yes", expect=0)
        install_controller(cls.host)
        place = cls.host.path(PLACE)
        place.mkdir(parents=True)
        for name in ("deploy_key", "known_hosts", "ssh_config"):
            shutil.copy(cls.fleet.directory / name, place)
        shutil.copytree(cls.fleet.directory / "plugins", place / "plugins")
        file = (cls.fleet.directory / "fleet.toml").read_text()
        (place / "fleet.toml").write_text(file + '\n[metrics]\ntextfile = "kongfleet.prom"\n')

    def log(self) -> str:
        return self.host.run("journalctl", "--no-pager", "-o", "cat", "-u",
                             "kongfleet-sync@edge.service").stdout

    def test_it_mends_a_host_and_others_can_read_how_it_went(self):
        conf = self.host.read("/etc/kong/kong.conf")
        self.host.write("/etc/kong/kong.conf", conf.replace(",my-plugin", ""))
        self.fleet.kongfleet("status", expect=2)
        done = self.host.run("systemctl", "start", "kongfleet-sync@edge.service", check=False)
        self.assertEqual(done.returncode, 0, done.stderr + self.log())
        self.assertRegex(self.log(), "sync id=sync-[^ ]+ fleet=edge exit=0 hosts=1 changed=1 ")
        self.fleet.kongfleet("status", expect=0)
        place = self.host.path(PLACE)
        self.assertTrue((place / "edge.db").is_file())
        self.assertEqual(mode(place / "kongfleet.prom"), 0o644)
        self.assertEqual(mode(place / "edge.db"), 0o600)


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


if __name__ == "__main__":
    unittest.main(verbosity=2)
