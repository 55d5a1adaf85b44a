#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The same source gives the same bytes, wherever it lies and whoever builds it.

A whole second build takes minutes. So this compiles some of our units at two places, links the agent of its finished parts
at two places, and makes packages of every kind twice; with --deep both programs are built twice from nothing, in two
directories, and are the same."""
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True
PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests"))
from packages import make_packages  # noqa: E402

BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()
UNITS = ("proto/manifest.cpp", "kongfleet.pb.cc")  # one of ours, and what protoc makes
# No cache: it would hand out for one place what it has from the other.
ENVIRONMENT = {**os.environ, "CCACHE_DISABLE": "1", "LC_ALL": "C"}
SOURCES = ("CMakeLists.txt", "agent", "controller", "packaging", "proto", "systemd", "tests")


def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(command: list[str], where: pathlib.Path) -> None:
    subprocess.run(command, cwd=where, env=ENVIRONMENT, check=True, capture_output=True, text=True)


class Place:
    """A copy of the source, its build directory in it under its own name."""

    def __init__(self, directory: pathlib.Path):
        self.source, self.build = directory, directory / "out"
        skip = shutil.ignore_patterns("__pycache__")
        for name in SOURCES:
            if (PROJECT / name).is_dir():
                shutil.copytree(PROJECT / name, directory / name, ignore=skip)
            else:
                directory.mkdir(parents=True, exist_ok=True)
                shutil.copy(PROJECT / name, directory / name)

    def moved(self, command: str) -> list[str]:
        """A command of the finished build, as it would be here."""
        command = command.replace(str(BUILD), str(self.build)).replace(str(PROJECT), str(self.source))
        return shlex.split(command)

    def compile(self, unit: str, spoil=None) -> str:
        entries = json.loads((BUILD / "compile_commands.json").read_text())
        entry, = (entry for entry in entries if entry["file"].endswith(f"/{unit}")
                  and re.search(r"-o CMakeFiles/kongfleet", entry["command"]))
        words = [word for word in self.moved(entry["command"]) if not word.endswith("ccache")]
        if spoil:
            words = [word for word in words if not word.startswith(spoil)]
        out = self.build / "unit.o"
        words[words.index("-o") + 1] = str(out)
        run(words, self.build)
        return digest(out)

    def link(self) -> str:
        ninja = ["ninja", "-C", str(BUILD), "-t", "commands", "kongfleet-agent"]
        last = subprocess.run(ninja, check=True, text=True, capture_output=True).stdout.splitlines()[-1]
        words = self.moved(last.replace("&& :", "").removeprefix(": &&"))
        for word in words:  # its own parts have been made already
            if (BUILD / word).is_file() and not os.path.isabs(word):
                (self.build / word).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(BUILD / word, self.build / word)
        (self.build / "kongfleet-agent").unlink(missing_ok=True)
        run(words, self.build)
        return digest(self.build / "kongfleet-agent")

    def build_all(self) -> dict[str, str]:
        run(["cmake", "-S", str(self.source), "-B", str(self.build), "-G", "Ninja",
             "-DKONGFLEET_BUNCHES=ON"], self.source)
        run(["nice", "ninja", "-C", str(self.build), "kongfleet", "kongfleet-agent"], self.source)
        return {name: digest(self.build / name) for name in ("kongfleet", "kongfleet-agent")}


class ReproducibleTest(unittest.TestCase):
    def setUp(self):
        scratch = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="kongfleet-twice-")))
        self.places = [Place(scratch / "a"), Place(scratch / "somewhere/quite/else/b")]

    def test_units_and_the_linked_agent_are_the_same_at_two_places(self):
        for place in self.places:
            shutil.copytree(BUILD / "generated", place.build / "generated")
        for unit in UNITS:
            one, other = (place.compile(unit) for place in self.places)
            self.assertEqual(one, other, unit)
        # It would be seen: without that flag the place is in there.
        one, other = (place.compile(UNITS[0], spoil="-ffile-prefix-map") for place in self.places)
        self.assertNotEqual(one, other)
        one, other = (place.link() for place in self.places)
        self.assertEqual(one, other)

    def test_packages_are_the_same_made_twice_at_one_epoch(self):
        page = BUILD / "packaging/man/kongfleet.1.gz"  # a part of them, which another build made at another time

        def made(kind: str, epoch: str, place: str) -> dict[str, str]:
            os.utime(page)
            scratch = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="kongfleet-twice-")))
            with unittest.mock.patch.dict(os.environ, SOURCE_DATE_EPOCH=epoch):
                return {path.name: digest(path) for path in make_packages(kind, scratch / place)}
        for kind in ("DEB", "RPM", "TGZ"):
            one, other = made(kind, "1795000000", "a"), made(kind, "1795000000", "somewhere/else")
            self.assertEqual(len(one), 2)
            self.assertEqual(one, other, kind)
        self.assertNotEqual(one, made(kind, "1795000001", "a"))  # it would be seen

    def test_no_place_or_time_is_in_what_is_shipped(self):
        for name in ("kongfleet", "kongfleet-agent"):
            content = (BUILD / name).read_bytes()
            for place in (PROJECT, BUILD):
                self.assertNotIn(f"{place}/".encode(), content, name)
        for file in (path for part in ("agent", "controller", "proto")
                     for path in (PROJECT / part).glob("*.[ch]pp")):
            self.assertNotRegex(file.read_text(), r"__(DATE|TIME|TIMESTAMP)__", file)

    @unittest.skipUnless(os.environ.get("KONGFLEET_DEEP"), "two whole builds: with --deep")
    def test_both_programs_are_the_same_built_twice_from_nothing(self):
        one, other = (place.build_all() for place in self.places)
        self.assertEqual(one, other)


if __name__ == "__main__":
    unittest.main(verbosity=2)
