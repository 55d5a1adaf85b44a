#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Packages as such, without a host: what is in them, and what lintian and rpm say. How the agent's lives on a host:
fleet/packages_test.py."""
import io
import pathlib
import subprocess
import tarfile
import tempfile
import unittest

from packages import PROJECT, make_packages

CONTROLLER = {"/usr/bin/kongfleet", "/usr/lib/systemd/system/kongfleet-sync@.service",
              "/usr/lib/systemd/system/kongfleet-sync@.timer", "/usr/share/kongfleet/kongfleet-1.schema.json",
              "/usr/share/doc/kongfleet/examples/cron.d/kongfleet-sync",
              "/usr/share/doc/kongfleet/examples/sshd_config.d/kongfleet.conf",
              "/usr/share/doc/kongfleet/examples/kongfleet-agent.service.d/systemd-before-239.conf",
              "/usr/share/doc/kongfleet/kongfleet.spdx.json",
              "/usr/share/man/man1/kongfleet.1.gz", "/usr/share/man/man5/kongfleet.toml.5.gz",
              "/usr/share/man/man7/kongfleet.7.gz", "/usr/share/bash-completion/completions/kongfleet",
              "/usr/share/zsh/vendor-completions/_kongfleet",
              "/usr/share/fish/vendor_completions.d/kongfleet.fish"}
AGENT = {"/usr/bin/kongfleet-agent", "/usr/lib/systemd/system/kongfleet-agent.service",
         "/usr/lib/systemd/system/kongfleet-agent.socket", "/usr/lib/systemd/system/kongfleet-recover.service",
         "/usr/lib/sysusers.d/kongfleet.conf", "/usr/lib/tmpfiles.d/kongfleet.conf",
         "/usr/share/kongfleet-agent/sshd_config.d/kongfleet.conf",
         "/usr/share/doc/kongfleet-agent/examples/agent.toml",
         "/usr/share/doc/kongfleet-agent/examples/kongfleet-agent.service.d/kong-by-hand.conf",
         "/usr/share/doc/kongfleet-agent/examples/kongfleet-agent.service.d/systemd-before-239.conf",
         "/usr/share/doc/kongfleet-agent/examples/sshd_config.d/kongfleet-ca.conf",
         "/usr/share/doc/kongfleet-agent/kongfleet-agent.spdx.json",
         "/usr/share/man/man8/kongfleet-agent.8.gz", "/usr/share/man/man5/kongfleet-agent.toml.5.gz",
         "/usr/share/bash-completion/completions/kongfleet-agent",
         "/usr/share/zsh/vendor-completions/_kongfleet-agent",
         "/usr/share/fish/vendor_completions.d/kongfleet-agent.fish"}


def said(*command, expect: int = 0) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != expect:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class PackagesTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="kongfleet-packages-")
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)

    def test_debian_packages_are_as_debian_wants_them(self):
        agent, controller = make_packages("DEB", self.directory)
        for package, files in ((agent, AGENT), (controller, CONTROLLER)):
            listed = {line.split()[-1].lstrip(".") for line in said("dpkg-deb", "-c", package).splitlines()}
            self.assertLessEqual(files, listed)
            self.assertFalse([path for path in listed if not path.startswith("/usr/") and path != "/"])
        said("lintian", "--allow-root", "--fail-on", "error", agent, controller)
        self.assertNotIn("Depends", said("dpkg-deb", "-f", agent))
        needs = said("dpkg-deb", "-f", controller, "Depends")
        for library in ("openssh-client", "libssh-4", "libsoci-sqlite3", "libsoci-postgresql", "libc6"):
            self.assertIn(library, needs)

    def test_lintian_finds_what_is_wrong(self):
        (self.directory / "bad/DEBIAN").mkdir(parents=True)
        (self.directory / "bad/DEBIAN/control").write_text(
            "Package: bad\nVersion: 1\nArchitecture: amd64\nMaintainer: x <x@localhost>\nDescription: bad\n")
        said("dpkg-deb", "-b", self.directory / "bad", self.directory / "bad.deb")
        said("lintian", "--allow-root", "--fail-on", "error,warning", self.directory / "bad.deb", expect=2)

    def test_the_agents_rpm_needs_no_library_and_the_controllers_names_its_own(self):
        agent, controller = sorted(make_packages("RPM", self.directory), key=lambda path: "agent" not in path.name)
        for package, files in ((agent, AGENT), (controller, CONTROLLER)):
            self.assertLessEqual(files, set(said("rpm", "-qlp", package).splitlines()))
        needed = said("rpm", "-qp", "--requires", controller)
        for library in ("libssh.so.4", "libboost_json.so.1.81.0", "libsoci_core.so.4.0"):
            self.assertIn(library, needed)
        self.assertNotIn(".so", said("rpm", "-qp", "--requires", agent))
        root = self.directory / "root"
        said("rpm", "--root", root, "--initdb")
        said("rpm", "--root", root, "--nodeps", "--noscripts", "-i", agent)
        self.assertIn("kongfleet-agent", said(root / "usr/bin/kongfleet-agent", "--version"))
        said("rpm", "--root", root, "--noscripts", "-e", "kongfleet-agent")
        self.assertFalse((root / "usr/bin/kongfleet-agent").exists())

    def test_scripts_of_packages_are_read_by_sh(self):
        places = [PROJECT / "packaging" / kind for kind in ("deb", "rpm")]
        scripts = [path for place in places for path in place.rglob("p*") if path.is_file()]
        self.assertEqual(len(scripts), 12)
        for script in scripts:
            said("sh", "-n", script)

    def test_who_builds_under_another_umask_gets_the_same_modes(self):
        said_of = {"DEB": ("dpkg-deb", "--fsys-tarfile"), "RPM": ("rpm2archive", "-n", "-"), "TGZ": ("zcat",)}
        for kind, command in said_of.items():
            for package in make_packages(kind, self.directory / kind, umask=0o077):
                with self.subTest(package=package.name):
                    with package.open("rb") as file:
                        argument = [] if kind == "RPM" else [str(package)]
                        content = subprocess.run([*command, *argument], stdin=file, capture_output=True,
                                                 check=True).stdout
                    with tarfile.open(fileobj=io.BytesIO(content)) as members:
                        modes = {member.name: member.mode for member in members if member.isdir()}
                        files = {member.name: member.mode for member in members if member.isfile()}
                    if kind != "RPM":  # which has those only that are its own
                        self.assertGreater(len(modes), 10)
                    self.assertEqual({name: oct(mode) for name, mode in modes.items() if mode != 0o755}, {})
                    self.assertEqual({name: oct(mode) for name, mode in files.items() if mode & 0o444 != 0o444}, {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
